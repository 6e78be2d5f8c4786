"""Files that are there whole or not at all, and work that one process at a time does."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

from pipeline.signals import delay_signals


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name in the same folder, sync it, and rename it into place."""
    # Hosts and containers that share a file system may have processes of one number.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_together(contents: Mapping[Path, Callable[[IO[bytes]], None]]) -> None:
    """Write files of one folder that take their places together, when all are whole and on disk.

    The first one takes its place last, and what it replaces goes first: where this process is killed meanwhile, there
    is none. After any other failure all files that were there are there again, unless the disk refuses that, too. Their
    temporary names are used again by a later attempt: what a killed one has left is replaced, or removed.

    Parameters
    ----------
    contents : mapping of Path to callable
        What writes each file.
    """
    temporaries = {path: path.with_name(f".{path.name}.partial") for path in contents}
    try:
        for path, write in contents.items():
            with temporaries[path].open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
        with delay_signals():
            _place(temporaries)
    except BaseException:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)
        raise


def _place(temporaries: Mapping[Path, Path]) -> None:
    """Rename files into their places, all or none, the first one last."""
    old = {path: path.with_name(f".{path.name}.replaced") for path in temporaries}
    with ExitStack() as undo:
        for path in filter(os.path.lexists, temporaries):
            path.rename(old[path])
            undo.callback(_try, partial(old[path].rename, path))
        for path in reversed(list(temporaries)):
            temporaries[path].rename(path)
            undo.callback(_try, path.unlink)
        for folder in {path.parent for path in temporaries}:
            _sync_folder(folder)
        undo.pop_all()
    for path in old.values():
        _try(path.unlink)


def _try(act: Callable[[], object]) -> None:
    with suppress(OSError):
        act()


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def lock_file(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Let one process at a time do what follows; the lock ends with the process, however that ends.

    Any number of processes can have it `shared`, while nobody has it alone. On a file system without locks nothing is
    locked.
    """
    file = _open_locked(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    with file:
        yield


def try_lock(path: Path) -> IO[str] | None:
    """Return an open file that is locked until it is closed; None when another process has the lock."""
    try:
        return _open_locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


def lock_now(file: IO[str]) -> bool:
    """Lock an open file for as long as it is open, unless somebody has it; False where the file system cannot tell."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_locked(path: Path) -> bool:
    """Return whether somebody has the lock of a file, if there is one; True where the file system cannot tell."""
    try:
        with path.open("r+") as file:
            return not lock_now(file)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def make_locked(path: Path, content: str = "") -> IO[str]:
    """Make a file that says that its process lives: open, and locked until it is closed or the process ends."""
    hidden = path.with_name(f"{path.name}.tmp")
    file = hidden.open("w", encoding="utf-8")
    try:
        lock_now(file)
        file.write(content)
        file.flush()
        hidden.replace(path)  # nobody sees it unlocked, or without its content
    except BaseException:
        file.close()
        hidden.unlink(missing_ok=True)
        raise
    return file


def _open_locked(path: Path, operation: int) -> IO[str]:
    """Open and lock a file that whoever has it alone may remove: then it is made again, and locked anew."""
    while True:
        file = path.open("a")
        try:
            fcntl.flock(file, operation)
        except BlockingIOError:
            file.close()
            raise
        except OSError:
            return file
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()
