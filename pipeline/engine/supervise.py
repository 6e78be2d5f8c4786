"""The run stage of the engine: start its program, follow it, stop it when asked, and say how it ended."""

import errno
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from models.errors import CurrentsError, InternalError, Problem
from models.steps import format_time, step_time
from pipeline.errors import ProgramError, RunFolderError, RunInterrupted, StorageError
from pipeline.exit_codes import ExitCode
from pipeline.program import Progress, describe_code, stop_program
from pipeline.program_report import read_report
from pipeline.run_folder import RunFolder
from pipeline.signals import delay_signals
from pipeline.storage import RAISE_LIMIT, free_space

_ENVIRONMENT = ("LD_LIBRARY_PATH", "GLIBC_TUNABLES")
"""What the program gets of ours: what an operator may have set so that programs run at all."""


@dataclass(frozen=True)
class Finished:
    """How a program ended that did all it should."""

    wall_s: float
    """Wall time of the whole program."""
    simulation_s: float
    """Wall time of its time steps."""
    start_s: float
    """Wall time from its start to its first step."""
    peak_memory_bytes: int


def run_program(binary: Path, folder: RunFolder, progress: Progress | None = None, n_threads: int = 1) -> Finished:
    """Run the engine's program to its end.

    Parameters
    ----------
    binary : Path
    folder : RunFolder
        The run's, with its inputs, edges and `recording.json`.
    progress : callable, optional
    n_threads : int

    Raises
    ------
    StorageError
        If a recording cannot be written. What was finished is kept.
    ProgramError
        If the program fails in another way, or is killed.
    RunInterrupted
        If this process is interrupted by a signal; the program is stopped first, and keeps what it has recorded.
    """
    started = time.monotonic()
    process: subprocess.Popen[str] | None = None
    last: dict[str, Any] = {}
    end: dict[str, Any] = {}
    with folder.log.open("w", encoding="utf-8") as log:
        try:
            with delay_signals():
                process = _start(binary, folder, n_threads, log)
            for report in _follow(process, log):
                if "completed" in report:
                    last = report
                    if progress is not None:
                        progress(float(report["completed"]))
                end = report if "end" in report else end
            code = process.wait()
        except KeyboardInterrupt:
            if process is not None:
                stop_program(process)  # so that it says how far it was
            raise _interrupted(folder, _tell_reached(folder, last)) from None
        finally:
            if process is not None:
                stop_program(process)
    if code != ExitCode.FINISHED:
        raise _explain_end(folder, code, end, _tell_reached(folder, last))
    wall_s = time.monotonic() - started
    return Finished(wall_s, float(end["simulation_s"]), float(end["start_s"]), int(end["peak_memory_bytes"]))


def _start(binary: Path, folder: RunFolder, n_threads: int, log: TextIO) -> "subprocess.Popen[str]":
    # A session of its own: a Ctrl-C at the terminal reaches the program through us, once, and not directly.
    return subprocess.Popen(
        [str(binary), "--run-dir", str(folder.path), "--threads", str(n_threads)],
        stdout=log,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env={"LC_ALL": "C"} | {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )


def _follow(process: "subprocess.Popen[str]", log: TextIO) -> Iterator[dict[str, Any]]:
    """Yield the program's reports; what is not progress goes to the log as well."""
    assert process.stderr is not None
    with process.stderr as lines:
        for line in lines:
            try:
                report = json.loads(line)
            except ValueError:
                report = None
            if not isinstance(report, dict) or "completed" not in report:
                print(line, end="", file=log, flush=True)
            if isinstance(report, dict):
                yield report


def _tell_reached(folder: RunFolder, last: dict[str, Any]) -> str:
    """Return how far a program got: as it said in the end, or else the last time that it said so."""
    try:
        report = read_report(folder)
    except RunFolderError:
        report = None
    if report is None:
        return f"{float(last.get('completed', 0.0)):.0%} of its steps"
    step = int(last.get("step", 0)) if report.step is None else report.step
    reached, whole = (format_time(step_time(n, report.dt_s)) for n in (step, report.n_steps))
    return f"{reached} of {whole}"


def _interrupted(folder: RunFolder, reached: str) -> RunInterrupted:
    return RunInterrupted(Problem(str(folder.path), f"was interrupted after {reached}", next=_advise_partial(folder)))


def _advise_partial(folder: RunFolder) -> str:
    return f'load what was recorded with: load_run("{folder.path}", partial=True)'


def _explain_end(folder: RunFolder, code: int, end: dict[str, Any], reached: str) -> CurrentsError:
    """Return the error of a program that ended with another code than 0."""
    place, what = str(end.get("where", "the simulation program")), str(end.get("what", ""))
    kept = f"after {reached}; what was recorded until then is kept"
    match code:
        case ExitCode.STOPPED:
            return _interrupted(folder, reached)
        case ExitCode.STORAGE:
            problem = Problem(
                place, f"the recording could not be written, after {reached}; what did fit is kept", evidence=what
            )
            limited = end.get("errno") == errno.EFBIG
            remedy = RAISE_LIMIT if limited else free_space("--out")
            return StorageError(_advise(problem, remedy, folder))
        case ExitCode.NUMERIC:
            neuron = _find_neuron(folder, place, int(end["neuron"]))
            evidence = f"neuron {neuron} in step {end['step']}"
            problem = Problem("the simulation", "v became NaN or infinite", evidence=evidence)
            return ProgramError(_advise(problem, "look at its weights and time constants", folder))
        case ExitCode.INPUT:
            expected, got = str(end.get("expected") or "") or None, str(end.get("got") or "") or None
            return ProgramError(Problem(place, what, expected, got))
        case ExitCode.MEMORY:
            return ProgramError(Problem("the simulation program", "ran out of memory", evidence=str(folder.log)))
        case ExitCode.USAGE | ExitCode.INTERNAL:
            mistake = f"made a mistake: {what}" if what else "made a mistake"
            return InternalError(Problem("the simulation program", mistake, evidence=str(folder.log)))
        case _:
            problem = Problem("the simulation program", f"ended with {describe_code(code)} {kept}")
            return ProgramError(_advise(problem, None, folder))


def _find_neuron(folder: RunFolder, group: str, local: int) -> int:
    """Return the global index of a neuron, which the program knows by its place in its group."""
    return int(np.load(folder.inputs / f"{group}.neurons.npy")[local])


def _advise(problem: Problem, remedy: str | None, folder: RunFolder) -> Problem:
    return replace(problem, next="; ".join(part for part in (remedy, _advise_partial(folder)) if part))
