"""The run stage: execute a binary, follow its progress, stop it when asked; never take a broken run for a whole one."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from models.errors import Problem
from pipeline.errors import ProgramError, RunInterrupted
from pipeline.signals import delay_signals
from pipeline.storage import refuse_full_disk

type Progress = Callable[[float], None]
"""Called with the completed fraction, 0 to 1, about twice a second."""

_TAIL_LINES = 8
_INFO_WORDS = 2
"""In `last_run_info.txt`: seconds, and the completed fraction."""
_PATIENCE_S = 10.0
"""How long a program that was asked to stop may take before it is killed."""


@dataclass(frozen=True)
class Finished:
    """How a program ended that did all it should."""

    wall_s: float
    """Wall time of the whole program."""
    simulation_s: float
    """Wall time of its time steps."""


def run_binary(binary: Path, work: Path, log: Path, progress: Progress | None = None) -> Finished:
    """Run a program of the reference device to its end.

    Parameters
    ----------
    binary : Path
    work : Path
        Its working directory, with `static_arrays/`; it writes `results/` there.
    log : Path
        Receives everything that the program prints.
    progress : callable, optional

    Raises
    ------
    ProgramError
        If it fails, is killed, or ends before its last step; with the end of its log.
    RunInterrupted
        If this process is interrupted by a signal; the program is stopped first.
    """
    results = work / "results"
    results.mkdir()
    started = time.monotonic()
    process: subprocess.Popen[str] | None = None
    completed = 0.0
    with log.open("w", encoding="utf-8") as output:
        try:
            with delay_signals():
                process = _start(binary, work, output)
            for fraction in _follow(process, output, progress):
                completed = fraction
                _refuse_complaints(log)
            code = process.wait()
        except KeyboardInterrupt:
            what = f"was interrupted after {completed:.0%} of its steps"
            raise RunInterrupted(Problem(str(log.parent), what)) from None
        finally:
            if process is not None:
                stop_program(process)
    wall_s = time.monotonic() - started
    return Finished(wall_s, _check_end(results, log, code))


def _start(binary: Path, work: Path, output: TextIO) -> "subprocess.Popen[str]":
    # A session of its own: a Ctrl-C at the terminal reaches the program through us, once, and not directly. Should we
    # be killed, the program's next report meets a closed pipe, and SIGPIPE ends it.
    return subprocess.Popen(
        [str(binary), "--results_dir", f"{work / 'results'}/"],
        cwd=work,
        stdout=output,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )


def _follow(process: "subprocess.Popen[str]", output: TextIO, progress: Progress | None) -> Iterator[float]:
    """Yield completed fractions from the program's stderr; other lines go to the log."""
    assert process.stderr is not None
    with process.stderr as lines:
        for line in lines:
            try:
                completed = float(json.loads(line)["completed"])
            except (ValueError, TypeError, KeyError):
                print(line, end="", file=output, flush=True)
                continue
            if progress is not None:
                progress(completed)
            yield completed


def stop_program(process: "subprocess.Popen[str]") -> None:
    """Ask a program to stop, if it runs; kill it when it does not, or when we are asked again."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_PATIENCE_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()


def _check_end(results: Path, log: Path, code: int) -> float:
    """Return the seconds of simulation, or raise what went wrong; exit code 0 proves nothing."""
    if code != 0:
        raise _program_error(log, f"ended with {describe_code(code)}")
    refuse_full_disk(results)
    _refuse_complaints(log)
    info = results / "last_run_info.txt"
    words = info.read_text().split() if info.is_file() else []
    simulation_s, completed = map(float, words) if len(words) == _INFO_WORDS else (0.0, 0.0)
    if completed < 1:
        raise _program_error(log, f"stopped at {completed:.0%} of its steps")
    return simulation_s


def _refuse_complaints(log: Path) -> None:
    """Raise when the program has printed an error; a stock one goes on, with arrays that it could not read, say."""
    if log.stat().st_size and "rror" in log.read_text(encoding="utf-8", errors="replace"):
        raise _program_error(log, "went on after an error")


def describe_code(code: int) -> str:
    """Return the words for how a process ended."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _program_error(log: Path, what: str) -> ProgramError:
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:])
    return ProgramError(
        Problem(
            "the simulation program",
            what,
            evidence=f"{log}" + (f"\n{tail}" if tail else " (empty)"),
            likely_cause=_likely_cause(what),
        )
    )


def _likely_cause(what: str) -> str | None:
    if "SIGKILL" in what or "bad_alloc" in what:
        return "memory ran out: the reference device holds every recording in memory until it ends"
    return None
