"""What to say of a file that cannot be written: which folder that concerns, why, and what to do about it."""

import errno
import resource
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from models.errors import CurrentsError, Problem
from pipeline.build_root import BuildRoot
from pipeline.errors import StorageError
from pipeline.places import choose_another

_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_REMEDIES = {
    errno.EMFILE: "raise the limit with: ulimit -n 1024",
    errno.EAGAIN: "end what else runs, or raise the limit with: ulimit -u unlimited",
}
TOO_LARGE = "a file would be larger than the limit of this process"
RAISE_LIMIT = "raise the limit with: ulimit -f unlimited"
DISK_FULL = "the disk is full"
_FULL_BYTES = 1 << 20
"""What a disk that counts as full has left: a failed write may leave a little."""


def free_space(option: str) -> str:
    """Return what to do about a disk that is full."""
    return f"free some space, or {choose_another(option)}"


def is_full(path: Path) -> bool:
    """Return whether the disk that holds a folder is full."""
    return shutil.disk_usage(path).free < _FULL_BYTES


def refuse_full_disk(folder: Path) -> None:
    """Raise `StorageError` when the disk that a program has written to is full: the program does not notice."""
    if is_full(folder):
        what = f"could not write all of its results: {DISK_FULL}"
        remedy = free_space("--build-root")
        raise StorageError(Problem("the simulation program", what, evidence=str(folder), next=remedy))


def refuse_read_only(root: BuildRoot) -> None:
    """Raise `StorageError` when a program would have to be built in a root that cannot be written to."""
    try:
        root.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root.scratch):
            return
    except OSError as error:
        if error.errno not in _REFUSED:
            return  # what is wrong is told where it is met
        what = "cannot be written to, and has no program yet for a network of this structure"
        remedy = choose_another("--build-root")
        raise StorageError(Problem(str(root.path), what, evidence=str(error), next=remedy)) from None


@contextmanager
def explain_failed_writes(folders: Mapping[Path, str]) -> Iterator[None]:
    """Raise `StorageError` for a file that cannot be written.

    Parameters
    ----------
    folders : mapping of Path to str
        Where something is written, and the option that chooses another folder instead.
    """
    try:
        yield
    except CurrentsError:
        raise
    except OSError as error:
        raise StorageError(_describe(error, folders)) from error


def describe_refusal(error: OSError, folders: Iterable[Path] = ()) -> Problem:
    """Return what a machine has said, and what to do about it, where that is known.

    Parameters
    ----------
    error : OSError
        What was raised.
    folders : iterable of Path
        Where the file may be, in case that the error names none.
    """
    remedy = _REMEDIES.get(error.errno or 0)
    # What lacks a process or a descriptor, and not a disk, is about no folder.
    named = [error.filename2, error.filename, None if remedy else " or ".join(map(str, folders))]
    where = next((str(name) for name in named if name), None)
    what = "cannot go on" if where is None else "cannot be read or written"
    said = f": {error.strerror}" if error.strerror else ""
    return Problem(where or "currents", what + said, evidence=str(error) or type(error).__name__, next=remedy)


def _describe(error: OSError, folders: Mapping[Path, str]) -> Problem:
    # Of two names it is the second that is written.
    name = next((name for name in (error.filename2, error.filename) if isinstance(name, str)), None)
    folder = _find_folder(name, folders)
    option = folders[folder]
    if error.errno == errno.ENOSPC or _has_no_space(folder):
        what, remedy = f"cannot be written: {DISK_FULL}", free_space(option)
    elif error.errno == errno.EDQUOT:
        what, remedy = "cannot be written: the quota of its disk is used up", free_space(option)
    elif error.errno == errno.EFBIG or (error.errno is None and _is_limited()):
        what, remedy = f"cannot be written: {TOO_LARGE}", RAISE_LIMIT
    elif error.errno in _REFUSED:
        what, remedy = "cannot be written to", choose_another(option)
    else:
        return describe_refusal(error, folders)
    return Problem(name or str(folder), what, evidence=str(error), next=remedy)


def _find_folder(name: str | None, folders: Mapping[Path, str]) -> Path:
    """Return the folder that holds a file, or whose disk is full, or the first."""
    if name is not None:
        path = Path(name).absolute()
        for folder in folders:
            if path.is_relative_to(folder.absolute()):
                return folder
    return next(filter(_has_no_space, folders), next(iter(folders)))


def _has_no_space(folder: Path) -> bool:
    with suppress(OSError):
        return is_full(folder)
    return False


def _is_limited() -> bool:
    """Return whether files may have a certain size only; NumPy's own error for a short write does not say why."""
    return resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
