"""What to say of a file that cannot be written: which folder that concerns, why, and what to do about it."""

import errno
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from models.errors import CurrentsError, Problem
from pipeline.build_root import is_full
from pipeline.errors import StorageError

_REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)
TOO_LARGE = "a file would be larger than the limit of this process"
RAISE_LIMIT = "raise the limit with: ulimit -f unlimited"


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


def _describe(error: OSError, folders: Mapping[Path, str]) -> Problem:
    # Of two names it is the second that is written.
    name = next((name for name in (error.filename2, error.filename) if isinstance(name, str)), None)
    folder = _find_folder(name, folders)
    elsewhere = f"choose another folder with {folders[folder]}"
    if error.errno == errno.ENOSPC or _has_no_space(folder):
        what, remedy = "cannot be written: the disk is full", f"free some space, or {elsewhere}"
    elif error.errno == errno.EDQUOT:
        what, remedy = "cannot be written: the quota of its disk is used up", f"free some space, or {elsewhere}"
    elif error.errno == errno.EFBIG or (error.errno is None and _is_limited()):
        what, remedy = f"cannot be written: {TOO_LARGE}", RAISE_LIMIT
    elif error.errno in _REFUSED:
        what, remedy = "cannot be written to", elsewhere
    else:
        return Problem(name or str(folder), "cannot be read or written", evidence=str(error))
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
