"""The run stage of the engine: start its program, follow it, stop it when asked, and say how it ended."""

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
from pipeline.errors import ProgramError, RunInterrupted, StorageError
from pipeline.exit_codes import ExitCode
from pipeline.program import Progress, describe_code, stop_program
from pipeline.run_folder import RunFolder
from pipeline.signals import delay_signals

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
    completed = 0.0
    end: dict[str, Any] = {}
    with folder.log.open("w", encoding="utf-8") as log:
        try:
            with delay_signals():
                process = _start(binary, folder, n_threads, log)
            for report in _follow(process, log):
                completed = float(report.get("completed", completed))
                end = report if "end" in report else end
                if progress is not None and "completed" in report:
                    progress(completed)
            code = process.wait()
        except KeyboardInterrupt:
            raise _interrupted(folder, completed) from None
        finally:
            if process is not None:
                stop_program(process)
    if code != ExitCode.FINISHED:
        raise _explain_end(folder, code, end, completed)
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


def _interrupted(folder: RunFolder, completed: float) -> RunInterrupted:
    what = f"was interrupted after {completed:.0%} of its steps"
    return RunInterrupted(Problem(str(folder.path), what, next=_advise_partial(folder)))


def _advise_partial(folder: RunFolder) -> str:
    return f'load what was recorded with: load_run("{folder.path}", partial=True)'


def _explain_end(folder: RunFolder, code: int, end: dict[str, Any], completed: float) -> CurrentsError:
    """Return the error of a program that ended with another code than 0."""
    place, what = str(end.get("where", "the simulation program")), str(end.get("what", ""))
    kept = f"after {completed:.0%} of its steps; what was recorded until then is kept"
    match code:
        case ExitCode.STOPPED:
            return _interrupted(folder, completed)
        case ExitCode.STORAGE:
            problem = Problem(place, f"the recording could not be written, {kept}", evidence=what)
            return StorageError(_advise(problem, "free some space, or choose another folder with --out", folder))
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
