"""Who is measured: the same network, run by different programs."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.errors import Problem
from models.files import load_network
from models.groups import Device
from models.spec import NetworkSpec
from pipeline.bench.sizes import Sizes
from pipeline.errors import ProgramError
from pipeline.run import Run
from pipeline.simulation import simulate

type Recorded = Literal["spikes", "currents"]
"""What is recorded of `hierarchy`: spikes alone, or spikes and all currents of the excitatory neurons every 1 ms."""

PLAIN_SCRIPT = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "plain_hierarchy.py"
_TAIL_LINES = 8


@dataclass(frozen=True)
class Timing:
    """One run of a program."""

    simulation_s: float
    """Wall time of its time steps."""
    wall_s: float
    """Wall time of the whole program, from its start to its end: its own setting up and writing too."""
    rate_hz: float
    """Mean rate over all neurons: whether contenders had the same work to do."""
    spikes: str | None = None
    """Digest of all spikes; None where the contender draws its own random numbers."""


@dataclass(frozen=True)
class Contender:
    """A program that can be run again and again."""

    name: str
    run: Callable[[Path], Timing]
    """Run once, within a folder that is kept between runs; the first run builds the program."""


def plain_hierarchy(sizes: Sizes, recorded: Recorded) -> Contender:
    """Return the hand-written script on stock Brian2."""
    options = {
        "recording": recorded,
        "duration-s": sizes.hierarchy_s,
        "layers": sizes.layers,
        "n-excitatory": sizes.n_excitatory,
        "n-inhibitory": sizes.n_inhibitory,
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    return Contender("plain", lambda folder: _run_script([*words, f"--build={folder / 'build'}"]))


def reference_hierarchy(sizes: Sizes, recorded: Recorded) -> Contender:
    """Return our assembly of the shipped network on Brian2's stock device."""
    return _simulated("reference", hierarchy_spec(sizes, recorded), "reference")


HIERARCHY_CONTENDERS: dict[str, Callable[[Sizes, Recorded], Contender]] = {
    "plain": plain_hierarchy,
    "reference": reference_hierarchy,
}
"""Contenders on `hierarchy`, the yardstick first."""


def traced_contenders(sizes: Sizes) -> list[Contender]:
    """Return `traced_synapses` with a trace per synapse, and lowered to a variable per neuron."""
    forms = {"per synapse": False, "lowered": True}
    return [_simulated(name, traced_spec(sizes, lower=lower), "reference") for name, lower in forms.items()]


def hierarchy_spec(sizes: Sizes, recorded: Recorded) -> NetworkSpec:
    """Return the shipped `hierarchy` at a size."""
    spec = load_network(
        "hierarchy",
        {
            "network.duration": f"{sizes.hierarchy_s} s",
            "layers.count": sizes.layers,
            "layers.population.E.size": sizes.n_excitatory,
            "layers.population.I.size": sizes.n_inhibitory,
        },
    )
    return spec if recorded == "currents" else _record_only_spikes(spec)


def traced_spec(sizes: Sizes, *, lower: bool) -> NetworkSpec:
    """Return the shipped `traced_synapses` with many neurons, which fire of themselves at some 50 Hz."""
    spec = load_network(
        "traced_synapses",
        {
            "network.duration": f"{sizes.traced_s} s",
            "layers.population.E.size": sizes.n_traced,
            "neuron.lif.v_rest": "0.55 V",
            "neuron.lif.v_initial": {"uniform": ["0 V", "0.5 V"]},
            "pathway.slow.weight": "0.1 mV",
            "pathway.slow.lower": lower,
        },
    )
    return _record_only_spikes(spec).model_copy(update={"event": []})


def _record_only_spikes(spec: NetworkSpec) -> NetworkSpec:
    return spec.model_copy(update={"record": {"spikes": spec.record["spikes"]}})


def _simulated(name: str, spec: NetworkSpec, device: Device) -> Contender:
    return Contender(name, lambda folder: _run_simulation(spec, device, folder))


def _run_simulation(spec: NetworkSpec, device: Device, folder: Path) -> Timing:
    out = folder / "run"
    run = simulate(spec, device=device, out=out, build_root=folder / "build")
    timing = _read_timing(run)
    shutil.rmtree(out)
    return timing


def _read_timing(run: Run) -> Timing:
    spikes, manifest = run.spikes(), run.manifest
    digest = hashlib.sha256()
    for column in ("time", "neuron"):
        digest.update(spikes[column].to_numpy().tobytes())
    n_neurons = sum(population.size for population in run.network.populations)
    rate_hz = len(spikes) / n_neurons / manifest["duration_s"]
    return Timing(manifest["simulation_s"], manifest["wall_s"], rate_hz, digest.hexdigest())


def _run_script(words: list[str]) -> Timing:
    """Run the plain script in a session of its own, so that it can be stopped together with what it started."""
    if not PLAIN_SCRIPT.is_file():
        what = "is not there: the bench needs a checkout of the project"
        raise ProgramError(Problem(str(PLAIN_SCRIPT), what, next="run it in one: make bench"))
    process = subprocess.Popen(
        [sys.executable, str(PLAIN_SCRIPT), *words],
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
        raise ProgramError(Problem(PLAIN_SCRIPT.name, f"ended with exit code {process.returncode}", evidence=tail))
    return Timing(**json.loads(output.splitlines()[-1]))
