"""What is measured of the engine alone: what recording costs, memory, reading, building."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pipeline.bench.contenders import VALUE_BYTES, count_recorded, hierarchy_spec
from pipeline.bench.measure import Measured
from pipeline.bench.place import Place
from pipeline.bench.sizes import Sizes
from pipeline.job import Notify
from pipeline.planning.stages import StageClock
from pipeline.run import Run
from pipeline.simulation import simulate

_N_READINGS = 5
_MILLISECONDS = 1e3
CHANGED: dict[str, object] = {
    "pathway.lateral.weight": "0.21 mV",
    "drive.background.rate": "10.5 Hz",
    "neuron.lif.tau_m": "21 ms",
    "network.seed": 2,
}
"""Numbers that a program reads when it starts: no other one may have to be built for them."""


@dataclass(frozen=True)
class Fact:
    """One measured number."""

    what: str
    value: float
    unit: str


@dataclass(frozen=True)
class Probe:
    """Something to be measured that is no comparison."""

    name: str
    measure: Callable[[Place], Iterator[Fact]]
    n_bytes: float = 0
    """Memory and room for outputs that it needs, beyond what is not worth mentioning."""


def list_probes(sizes: Sizes) -> list[Probe]:
    """Return all probes of a size."""
    probes = [Probe("memory", lambda place: probe_memory(sizes, place), _memory_bytes(sizes))] if sizes.memory_s else []
    if sizes.reading_bytes:
        probes.append(Probe("reading", lambda place: probe_reading(sizes, place), 2 * sizes.reading_bytes))
    return [*probes, Probe("building", lambda place: probe_building(sizes, place))]


def recording_cost(measured: Measured, model_s: float) -> Fact:
    """Return what recording currents adds to the steps, from runs without and with them that stood side by side."""
    without, recorded = measured.timings.values()
    added = median(b.simulation_s - a.simulation_s for a, b in zip(without, recorded, strict=True))
    what = "recording v and currents of the excitatory neurons every 1 ms adds, per second of model time"
    return Fact(what, added / model_s, "s")


def _memory_bytes(sizes: Sizes) -> float:
    """Return the size of the longest recording: one value in ten of those at 1 ms."""
    values_per_s = count_recorded(sizes, "currents") / sizes.hierarchy_s
    return VALUE_BYTES * values_per_s / 10 * max(sizes.memory_s)


def probe_memory(sizes: Sizes, place: Place) -> Iterator[Fact]:
    """Yield the engine's peak memory for recordings at 10 ms of several lengths, the shortest first."""
    for model_s in sizes.memory_s:
        settings: dict[str, object] = {"network.duration": f"{model_s} s", "record.currents.interval": "10 ms"}
        run = simulate(hierarchy_spec(sizes, "currents", settings), out=place.folder / "run", build_root=place.root)
        what = f"{model_s:g} s of model time, recorded every 10 ms"
        yield Fact(f"peak memory, {what}", run.manifest["peak_memory_bytes"], "bytes")
        yield Fact(f"recording, {what}", measure_folder(run.folder.recording), "bytes")
        shutil.rmtree(run.path)


def measure_folder(folder: Path) -> int:
    """Return the size of all files in a folder, bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def probe_reading(sizes: Sizes, place: Place) -> Iterator[Fact]:
    """Yield how long it takes to read from a recording of `sizes.reading_bytes`, which is in memory."""
    bytes_per_s = VALUE_BYTES * count_recorded(sizes, "currents") / sizes.hierarchy_s
    n_ms = round(sizes.reading_bytes / bytes_per_s * _MILLISECONDS)
    spec = hierarchy_spec(sizes, "currents", {"network.duration": f"{n_ms} ms"})
    run = simulate(spec, out=place.folder / "run", build_root=place.root)
    yield Fact("recording", measure_folder(run.folder.recording), "bytes")
    # All channels reach the last layer.
    neuron, half = run.network.populations[-2].start, n_ms // 2 / _MILLISECONDS
    yield Fact("one neuron, all of the time", time_reading(run, neurons=[neuron]), "s")
    yield Fact("all neurons, 100 ms", time_reading(run, start=half, stop=half + 0.1), "s")
    shutil.rmtree(run.path)


def time_reading(run: Run, **selected: object) -> float:
    """Return the median time of a table of currents, seconds, after a reading that is not counted."""
    seconds = []
    for _ in range(_N_READINGS + 1):
        started = time.monotonic()
        run.currents(**selected)  # type: ignore[arg-type]  # any of its arguments
        seconds.append(time.monotonic() - started)
    return median(seconds[1:])


def probe_building(sizes: Sizes, place: Place) -> Iterator[Fact]:
    """Yield how long the engine's program takes to build where nothing is built, and whether numbers change it."""
    for n_layers in sizes.build_layers:
        root = place.folder / f"layers{n_layers}"
        stages = StageClock()
        _simulate_bin(sizes, n_layers, {}, root, stages)
        yield Fact(f"{n_layers} layers: compiling", stages.seconds("compile"), "s")
        yield Fact(f"{n_layers} layers: all before the run", stages.seconds("assemble", "emit", "compile"), "s")
        changed = _simulate_bin(sizes, n_layers, CHANGED, root)
        times = "times compiled again for other numbers"
        yield Fact(f"{n_layers} layers: {times}", int(changed.manifest["build"]["compiled"]), "")
        shutil.rmtree(root)


def _simulate_bin(
    sizes: Sizes, n_layers: int, settings: dict[str, object], root: Path, notify: Notify | None = None
) -> Run:
    """Run one bin: what takes time is all that comes before."""
    spec = hierarchy_spec(sizes, "currents", {"network.duration": "1 ms", **settings}, layers=n_layers)
    return simulate(spec, build_root=root, notify=notify)
