"""What to say of a machine that refuses something, wherever that happens: neither we nor the model made a mistake."""

import errno
from pathlib import Path

from models.errors import CurrentsError, Problem
from pipeline.errors import MachineError, TooLargeError
from pipeline.storage import describe_refusal

_NO_MEMORY = ("failed to map segment", "Cannot allocate memory", "failed to allocate")
"""What is said by libraries that could not be loaded because of it."""
_REFUSALS = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ESTALE)
    + (errno.EROFS, errno.EACCES, errno.EPERM)
    # A folder that a user has named, and that is none.
    + (errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP)
)
"""What a machine answers for. Any other error, such as a file that is not there, is a mistake of ours."""


def explain_surroundings(error: Exception) -> CurrentsError | None:
    """Return the error of a machine that lacks memory, files or the like; None for any other."""
    text = str(error)
    no_memory = isinstance(error, OSError) and error.errno == errno.ENOMEM
    unloaded = isinstance(error, ImportError) and any(said in text for said in _NO_MEMORY)
    if isinstance(error, MemoryError) or no_memory or unloaded:
        remedy = "ask for less at a time, or see what a run takes with: currents plan MODEL"
        return TooLargeError(Problem("currents", "ran out of memory", evidence=text or None, next=remedy))
    if isinstance(error, OSError) and (error.errno in _REFUSALS or _is_homeless(error)):
        return MachineError(_describe(error))
    return None


def _is_homeless(error: OSError) -> bool:
    """Return whether something is missing because the working directory is gone."""
    if error.errno != errno.ENOENT or error.filename is not None:
        return False
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _describe(error: OSError) -> Problem:
    if error.errno == errno.ENOENT:
        remedy = "change to a folder that is there"
        return Problem("the working directory", "does not exist any more", evidence=str(error), next=remedy)
    return describe_refusal(error)
