"""Standard output that may be full, or closed by its reader: told apart from all other files, and never a traceback."""

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from rich.console import Console

from models.errors import Problem


class OutputLostError(Exception):
    """Standard output cannot be written to."""

    def __init__(self, problem: Problem | None) -> None:
        self.problem = problem
        """None when its reader has left (`| head`): nobody is to be told."""
        super().__init__(problem)


class Notices(Console):
    """Standard error, for what is lost without consequence when nobody reads it."""

    def on_broken_pipe(self) -> None:
        """Go on in silence, where `Console` would end the process."""
        self.quiet = True


class _NamedOutput:
    """A stream whose errors say that it is standard output that cannot be written to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with _name_errors():
            return self._stream.write(text)

    def flush(self) -> None:
        with _name_errors():
            self._stream.flush()


@contextmanager
def guard_output() -> Iterator[None]:
    """Write out all that is printed before this ends, where it can be told that it cannot be written.

    What standard error does not take is lost without consequence.

    Raises
    ------
    OutputLostError
        If it cannot.
    """
    with _guard_errors():
        if sys.stdout is None:  # closed by who started us, who does not want to know
            yield
        else:
            yield from _guard(sys.stdout)


def _guard(stream: TextIO) -> Iterator[None]:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a sign is no reason to fail
    sys.stdout = cast("TextIO", _NamedOutput(stream))
    try:
        yield
        sys.stdout.flush()
    except OutputLostError:
        _silence(stream)
        raise
    finally:
        sys.stdout = stream


def tell(text: str) -> None:
    """Print a text on standard error, if anybody listens."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


@contextmanager
def tell_damage() -> Iterator[None]:
    """Say in a line each what of a recording is missing or damaged, where what remains was asked for."""
    from pipeline.chunks import PartialRecordingWarning

    show_other = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if issubclass(category, PartialRecordingWarning):
            tell(f"damaged: {message}")
        else:
            show_other(message, category, *place, **more)

    with warnings.catch_warnings():
        warnings.simplefilter("always", PartialRecordingWarning)
        warnings.showwarning = show
        yield


@contextmanager
def _guard_errors() -> Iterator[None]:
    try:
        yield
    finally:
        try:
            if sys.stderr is not None:
                sys.stderr.flush()
        except OSError:
            _silence(sys.stderr)


@contextmanager
def _name_errors() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise OutputLostError(None) from None
    except OSError as error:
        raise OutputLostError(Problem("standard output", "cannot be written to", evidence=str(error))) from None


def _silence(stream: TextIO) -> None:
    """Let what is left of a stream go nowhere: Python would try to write it once more in the end, and complain."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
