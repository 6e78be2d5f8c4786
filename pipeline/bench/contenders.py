"""Who is measured: the same network, run by different programs."""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from models.errors import Problem
from models.files import load_network
from models.groups import Device
from models.spec import NetworkSpec
from pipeline.bench.place import Place
from pipeline.bench.programs import prepare, run_child
from pipeline.bench.sizes import Sizes
from pipeline.errors import ProgramError
from pipeline.run import Run
from pipeline.simulation import simulate

type Recorded = Literal["spikes", "currents", "everything"]
"""What is recorded of `hierarchy`: spikes alone; also v and all currents of the excitatory neurons every 1 ms; or of
all neurons at every step."""

VALUE_BYTES = 4
"""Of a recorded value, float32."""
PLAIN_SCRIPT = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "plain_hierarchy.py"
N_THREADS = (1, 2)
"""What is compared; a machine may have more processors."""


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
    """Digest of all spikes, or of all that was recorded; None where the contender draws its own random numbers."""
    start_s: float | None = None
    """Wall time from the program's start to its first step, where it tells."""
    peak_memory_bytes: int | None = None
    """Of the program, where it tells."""


@dataclass(frozen=True)
class Contender:
    """A program that can be run again and again."""

    name: str
    run: Callable[[Place], Timing]
    """Run once; the first run builds the program, unless it is kept from an earlier bench."""


def plain_hierarchy(sizes: Sizes, recorded: Recorded) -> Contender:
    """Return the hand-written script on stock Brian2."""
    options = {
        "recording": recorded,
        "duration-s": model_seconds(sizes, recorded),
        "layers": sizes.layers,
        "n-excitatory": sizes.n_excitatory,
        "n-inhibitory": sizes.n_inhibitory,
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    return Contender("plain", lambda place: _run_script(words, place))


def reference_hierarchy(sizes: Sizes, recorded: Recorded) -> Contender:
    """Return our assembly of the shipped network on Brian2's stock device."""
    return simulated("reference", hierarchy_spec(sizes, recorded), "reference")


def engine_hierarchy(sizes: Sizes, recorded: Recorded) -> Contender:
    """Return the shipped network on our own device."""
    return simulated("engine", hierarchy_spec(sizes, recorded), "engine")


HIERARCHY_CONTENDERS: dict[str, Callable[[Sizes, Recorded], Contender]] = {
    "plain": plain_hierarchy,
    "reference": reference_hierarchy,
    "engine": engine_hierarchy,
}
"""Contenders on `hierarchy`, the yardstick first."""


def recording_contenders(sizes: Sizes) -> list[Contender]:
    """Return `hierarchy` on the engine, without and with currents."""
    kinds: dict[str, Recorded] = {"spikes only": "spikes", "currents too": "currents"}
    return [simulated(name, hierarchy_spec(sizes, recorded), "engine") for name, recorded in kinds.items()]


def traced_contenders(sizes: Sizes) -> list[Contender]:
    """Return `traced_synapses` with a trace per synapse, and lowered to a variable per neuron."""
    forms = {"per synapse": False, "lowered": True}
    return [simulated(name, traced_spec(sizes, lower=lower), "reference") for name, lower in forms.items()]


def threaded_contenders(sizes: Sizes, recorded: Recorded) -> list[Contender]:
    """Return `hierarchy` on the engine by numbers of threads; what they record must be the same to the byte."""
    spec, model_s = hierarchy_spec(sizes, recorded), model_seconds(sizes, recorded)
    return [
        Contender(f"{n} thread{'s' * (n > 1)}", partial(_run_threads, spec, model_s, n_threads=n)) for n in N_THREADS
    ]


def model_seconds(sizes: Sizes, recorded: Recorded) -> float:
    """Return how long `hierarchy` is simulated."""
    return sizes.everything_s if recorded == "everything" else sizes.hierarchy_s


def hierarchy_spec(
    sizes: Sizes, recorded: Recorded, settings: dict[str, object] | None = None, *, layers: int | None = None
) -> NetworkSpec:
    """Return the shipped `hierarchy` at a size."""
    everything = {"record.currents.population": ["E", "I"], "record.currents.interval": "0.1 ms"}
    spec = load_network(
        "hierarchy",
        {
            "network.duration": f"{model_seconds(sizes, recorded)} s",
            "layers.count": layers or sizes.layers,
            "layers.population.E.size": sizes.n_excitatory,
            "layers.population.I.size": sizes.n_inhibitory,
            **(everything if recorded == "everything" else {}),
            **(settings or {}),
        },
    )
    return record_only_spikes(spec) if recorded == "spikes" else spec


def count_recorded(sizes: Sizes, recorded: Recorded) -> int:
    """Return how many values of currents and v a program records of `hierarchy`; feedforward reaches no first layer."""
    per_layer = {"spikes": 0, "currents": sizes.n_excitatory, "everything": sizes.n_excitatory + sizes.n_inhibitory}
    n_values = per_layer[recorded] * (4 * sizes.layers + sizes.layers - 1)
    return round(n_values * model_seconds(sizes, recorded) / (1e-4 if recorded == "everything" else 1e-3))


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
    return record_only_spikes(spec).model_copy(update={"event": []})


def record_only_spikes(spec: NetworkSpec) -> NetworkSpec:
    """Return a spec whose spikes are recorded, and nothing else."""
    return spec.model_copy(update={"record": {"spikes": spec.record["spikes"]}})


def simulated(name: str, spec: NetworkSpec, device: Device) -> Contender:
    """Return a model on one of our devices."""
    return Contender(name, lambda place: _run_simulation(spec, device, place))


def _run_simulation(spec: NetworkSpec, device: Device, place: Place) -> Timing:
    out = place.folder / "run"
    run = simulate(spec, device=device, out=out, build_root=place.root)
    timing = read_timing(run)
    shutil.rmtree(out)
    return timing


def _run_threads(spec: NetworkSpec, model_s: float, place: Place, *, n_threads: int) -> Timing:
    run = prepare(spec, place).start(model_s, n_threads=n_threads, is_digested=True)
    return Timing(run.simulation_s, run.wall_s, run.rate_hz, run.digest, run.start_s, run.peak_memory_bytes)


def read_timing(run: Run) -> Timing:
    """Return what the manifest and the spikes of a run say."""
    spikes, manifest = run.spikes(), run.manifest
    digest = hashlib.sha256()
    for column in ("time", "neuron"):
        digest.update(spikes[column].to_numpy().tobytes())
    n_neurons = sum(population.size for population in run.network.populations)
    return Timing(
        simulation_s=manifest["simulation_s"],
        wall_s=manifest["wall_s"],
        rate_hz=len(spikes) / n_neurons / manifest["duration_s"],
        spikes=digest.hexdigest(),
        start_s=manifest.get("start_s"),
        peak_memory_bytes=manifest.get("peak_memory_bytes"),
    )


def _run_script(words: list[str], place: Place) -> Timing:
    """Run the plain script."""
    if not PLAIN_SCRIPT.is_file():
        what = "is not there: the bench needs a checkout of the project"
        raise ProgramError(Problem(str(PLAIN_SCRIPT), what, next="run it in one: make bench"))
    digest = hashlib.sha256(" ".join(words).encode()).hexdigest()[:8]
    folders = [f"--build={place.programs / 'bench' / f'plain-{digest}'}", f"--results={place.folder / 'results'}"]
    output = run_child([sys.executable, str(PLAIN_SCRIPT), *words, *folders], PLAIN_SCRIPT.name).stdout
    return Timing(**json.loads(output.splitlines()[-1]))
