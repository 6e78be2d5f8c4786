"""The errors of the pipeline: leaves of `CurrentsError` that are also the builtin which a caller would catch."""

from dataclasses import replace

from models.errors import CurrentsError, Problem


class RunFolderError(CurrentsError, OSError):
    """A folder is not a run that this version can load."""

    exit_code = 2


class UnfinishedRunError(RunFolderError):
    """A run has not finished, and a part of it was not asked for.

    Attributes
    ----------
    has_part : bool
        Whether there is a part that can be asked for.
    """

    def __init__(self, problem: Problem, *, has_part: bool, is_running: bool) -> None:
        self.has_part, self.is_running = has_part, is_running
        super().__init__(problem)

    def advise(self, remedy: str) -> "UnfinishedRunError":
        """Return the same error with what can be done about it, other than to wait for a run that is under way."""
        next_ = f"wait until it has finished, or, if its process has died, {remedy}" if self.is_running else remedy
        problem = replace(self.problems[0], next=next_)
        return UnfinishedRunError(problem, has_part=self.has_part, is_running=self.is_running)


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
