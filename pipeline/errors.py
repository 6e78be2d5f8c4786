"""The errors of the pipeline: leaves of `CurrentsError` that are also the builtin which a caller would catch."""

from models.errors import CurrentsError


class RunFolderError(CurrentsError, OSError):
    """A folder is not a run that this version can load."""

    exit_code = 2


class UnfinishedRunError(RunFolderError):
    """A run has not finished, and a part of it was not asked for."""


class RecordingError(CurrentsError, ValueError):
    """The files of a recording are missing, damaged, or of another version."""


class TooLargeError(CurrentsError, MemoryError):
    """A table does not fit into the memory that is free; it can be had in parts."""


class ExistingFileError(CurrentsError, FileExistsError):
    """Files would be overwritten without having been asked for."""

    exit_code = 2


class OutputError(CurrentsError, OSError):
    """A folder cannot be written to."""

    exit_code = 2


class StorageError(OutputError):
    """A disk was full, or failed, while a run was under way."""

    exit_code = 1


class MachineError(CurrentsError, OSError):
    """The machine refuses a file, a process or the like, where nothing else says more of it."""


class CompileError(CurrentsError, RuntimeError):
    """The generated C++ does not compile."""


class ProgramError(CurrentsError, RuntimeError):
    """The simulation program failed, was killed, or ended before its last step."""


class RunInterrupted(CurrentsError, RuntimeError):
    """The run was interrupted from outside."""

    exit_code = 130
