"""A program of the engine on inputs that were made once, to be run again and again."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import Problem
from models.spec import NetworkSpec
from pipeline.bench.place import Place
from pipeline.errors import ProgramError
from pipeline.planning.stages import StageClock
from pipeline.run import Run
from pipeline.simulation import simulate

_TAIL_LINES = 8
WAITING = "waiting"
"""For the thread that writes, or for a processor: the part of the steps in which no program could be sampled."""
_SHORTEST = "1 ms"
"""Model time of the run that makes the inputs; a program may be told another."""


@dataclass(frozen=True)
class ProgramRun:
    """What one run of a program says and leaves."""

    model_s: float
    start_s: float
    """Wall time from its start to the first step."""
    simulation_s: float
    """Of its steps."""
    processor_s: float
    """Processor time of the thread that simulates, in its steps; their wall time where the program does not tell."""
    end_s: float
    """From the last step to the end of all recordings."""
    wall_s: float
    """Of all, by our clock."""
    rate_hz: float
    """Mean of all neurons."""
    n_events: int
    """Arrivals of spikes at synapses."""
    peak_memory_bytes: int
    recording_bytes: int
    shares: dict[str, float]
    """Of that processor time, by what the program did; empty where that was not asked for."""
    digest: str | None
    """Of all that it has recorded; None where that was not asked for."""


@dataclass(frozen=True)
class Prepared:
    """A program and its inputs."""

    run: Run
    sampling_s: float
    """Wall time of Python if there was a program: most of it is the sampling of edges."""

    @property
    def n_neurons(self) -> int:
        """Of all populations."""
        return sum(population.size for population in self.run.network.populations)

    @property
    def n_synapses(self) -> int:
        """Of all pathways."""
        return sum(self.run.manifest["edges"].values())

    def start(
        self, model_s: float, *, n_threads: int = 1, is_sampled: bool = False, is_digested: bool = False
    ) -> ProgramRun:
        """Run the program; what it records is removed.

        Parameters
        ----------
        model_s : float
            Model time.
        n_threads : int
        is_sampled : bool
            Whether the program shall sample what it does.
        is_digested : bool
            Whether all that it records shall be read.
        """
        out = self.run.path.with_name(f"{self.run.path.name}-out")
        words = [self.run.folder.program, "--run-dir", out, "--inputs", self.run.folder.inputs]
        options = ["--duration", f"{model_s:.9g} s", "--threads", n_threads, *(["--profile"] if is_sampled else [])]
        started = time.monotonic()
        try:
            reports = run_child([str(word) for word in (*words, *options)], "the simulation program").stderr
            wall_s = time.monotonic() - started
            files = sorted((out / "recording").rglob("chunk-*"))
            n_bytes = sum(path.stat().st_size for path in files)
            digest = _digest_files(files) if is_digested else None
        finally:
            shutil.rmtree(out, ignore_errors=True)
        return _read_end(json.loads(reports.splitlines()[-1]), model_s, wall_s, n_bytes, digest)


def prepare(spec: NetworkSpec, place: Place) -> Prepared:
    """Make a program and its inputs in a place, or find those that were made there."""
    stages = StageClock()
    out = place.folder / "prepared"
    run = simulate(spec, duration=_SHORTEST, out=out, build_root=place.root, notify=stages)
    return Prepared(run, stages.seconds("assemble"))


def sample_program(prepared: Prepared, model_s: float, sampled_s: float) -> list[ProgramRun]:
    """Run a program for `model_s` again and again, sampling what it does, until its steps have taken `sampled_s`."""
    runs: list[ProgramRun] = []
    while sum(run.simulation_s for run in runs) < sampled_s:
        runs.append(prepared.start(model_s, is_sampled=True))
    return runs


def add_up_parts(runs: Sequence[ProgramRun]) -> dict[str, float]:
    """Return how long sampled runs did what, or waited, seconds; together as long as their steps took."""
    seconds = {name: sum(run.shares[name] * run.processor_s for run in runs) for name in runs[0].shares}
    processor_s = sum(run.processor_s for run in runs)
    # A run of milliseconds may end before its first sample.
    scale = processor_s / sum(seconds.values())
    waiting_s = max(0.0, sum(run.simulation_s for run in runs) - processor_s)
    return {name: scale * part_s for name, part_s in seconds.items()} | {WAITING: waiting_s}


def run_child(words: Sequence[str], name: str) -> "subprocess.CompletedProcess[str]":
    """Run a program in a session of its own, so that it can be stopped together with what it started.

    Raises
    ------
    ProgramError
        If it fails; with the end of what it printed on stderr.
    """
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        output, complaints = process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode != 0:
        tail = "\n".join(complaints.splitlines()[-_TAIL_LINES:])
        raise ProgramError(Problem(name, f"ended with exit code {process.returncode}", evidence=tail))
    return subprocess.CompletedProcess(words, 0, output, complaints)


def _digest_files(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(f"{path.parent.name}/{path.name}".encode())
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _read_end(end: dict[str, Any], model_s: float, wall_s: float, n_bytes: int, digest: str | None) -> ProgramRun:
    return ProgramRun(
        model_s=model_s,
        start_s=end["start_s"],
        simulation_s=end["simulation_s"],
        processor_s=end.get("processor_s", end["simulation_s"]),
        end_s=end["end_s"],
        wall_s=wall_s,
        rate_hz=end["rate_hz"],
        n_events=end["events"],
        peak_memory_bytes=end["peak_memory_bytes"],
        recording_bytes=n_bytes,
        shares=end.get("profile", {}),
        digest=digest,
    )
