"""Files that are there whole or not at all, and work that one process at a time does."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


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
