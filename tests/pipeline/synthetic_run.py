"""A run folder made by hand: known arrays in the layout of the format, without any simulation."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.expand import Expanded, expand_network
from models.files import load_network, to_tables, to_toml
from pipeline.recording_index import NumbersType
from pipeline.run_folder import RunFolder

MODEL = """
[network]
name = "synthetic"
dt = "0.1 ms"
duration = "20 ms"

[neuron.lif]
model = "lif"
tau_m = "10 ms"
v_threshold = "20 mV"
v_reset = "0 mV"

[layers]
count = 2
[layers.population.E]
size = 3
neuron = "lif"
[layers.population.I]
size = 2
neuron = "lif"

[pathway.lateral]
source = "E"
target = "E"
between = "within"
polarity = "excitatory"
kinetics = "exponential"
tau = "5 ms"
weight = "1 mV"
connect = "all_to_all"
delay = "0.3 ms"

[pathway.inhibition]
source = "I"
target = ["E", "I"]
between = "within"
polarity = "inhibitory"
kinetics = "delta"
weight = "1 mV"
connect = "all_to_all"

[pathway.feedforward]
source = "E"
target = ["E", "I"]
between = "next"
polarity = "excitatory"
kinetics = "delta"
weight = "1 mV"
connect = "all_to_all"

[drive.noise]
kind = "shared_poisson"
target = "E"
sources = 4
rate = "100 Hz"
polarity = "excitatory"
kinetics = "delta"
weight = "1 mV"
channel = "input"

[drive.cue]
kind = "shared_poisson"
target = "L1E"
sources = 2
rate = "100 Hz"
polarity = "excitatory"
kinetics = "delta"
weight = "1 mV"
channel = "input"

[record.currents]
kind = "currents"
interval = "1 ms"

[record.spikes]
kind = "spikes"

[record.rates]
kind = "rates"
interval = "2 ms"

[record.states]
kind = "states"
variables = ["v", "I_lateral"]
interval = "2 ms"
"""
"""Neurons 0-2 are L1E, 3-4 L1I, 5-7 L2E, 8-9 L2I; 200 steps."""

N_STEPS = 200
CHANNELS = {
    "lateral": [0, 1, 2, 5, 6, 7],
    "inhibition": list(range(10)),
    "feedforward": [5, 6, 7, 8, 9],
    "input": [0, 1, 2, 5, 6, 7],
}
"""Neurons that each channel reaches, in the order of the spec."""

NUMBERS: dict[str, NumbersType] = {"inhibition": "uint16", "feedforward": "uint8"}
"""Channels whose values are made of numbers of events, which is what is recorded of them in chunks."""


@dataclass(eq=False)
class SyntheticRun:
    """A run folder and what was put into it."""

    folder: RunFolder
    network: Expanded
    dtype: str = "float32"
    steps_per_bin: int = 10
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    """(n_bins, n_neurons) of `v` and of each channel, the neurons of `CHANNELS`."""
    numbers: dict[str, NDArray[Any]] = field(default_factory=dict)
    """Of the channels in `NUMBERS`: (n_bins, n_neurons) numbers of events."""
    factors: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    """(2, n_neurons): what makes values of them."""
    states: dict[str, NDArray[Any]] = field(default_factory=dict)
    step: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    neuron: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.folder.path

    def index(self) -> dict[str, Any]:
        """Return `recording.json`."""
        index: dict[str, Any] = json.loads(self.folder.recording_index.read_text())
        return index

    def change_index(self, **entries: Any) -> None:
        """Replace entries of `recording.json`."""
        self.folder.recording_index.write_text(json.dumps(self.index() | entries))

    def change_manifest(self, **entries: Any) -> None:
        """Replace entries of `manifest.json`."""
        manifest = json.loads(self.folder.manifest.read_text())
        self.folder.manifest.write_text(json.dumps(manifest | entries))


def make_run(path: Path, *, dtype: str = "float32", status: str = "finished", seed: int = 1) -> SyntheticRun:
    """Write a finished run of 20 ms with random currents, spikes, states, inputs and edges."""
    spec = load_network(_write_model(path))
    run = SyntheticRun(RunFolder(path), expand_network(spec), dtype)
    rng = np.random.default_rng(seed)
    manifest = {
        "format": 1,
        "status": status,
        "network": "synthetic",
        "spec": to_tables(spec),
        "seed": seed,
        "duration_s": 0.02,
        "n_steps": N_STEPS,
        "dt_s": 1e-4,
    }
    run.folder.manifest.write_text(json.dumps(manifest))
    run.folder.model.write_text(to_toml(spec))
    recorders = {
        "currents": _write_currents(run, rng),
        "spikes": _write_spikes(run, rng),
        "rates": _write_rates(run),
        "states": _write_states(run, rng),
    }
    inputs = {drive: _write_input(run, drive, n, rng) for drive, n in (("noise", 4), ("cue", 2))}
    index = {"version": 1, "dt_s": 1e-4, "n_steps": N_STEPS, "recorders": recorders, "inputs": inputs}
    run.folder.recording_index.write_text(json.dumps(index))
    _write_edges(run, rng)
    return run


def _write_model(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    model = path / "source.toml"
    model.write_text(MODEL)
    return model


def _save(path: Path, values: NDArray[Any]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)
    return f"{path.parent.name}/{path.name}"


def _write_array(
    run: SyntheticRun, recorder: str, name: str, neurons: list[int], values: NDArray[Any]
) -> dict[str, Any]:
    """Write an array behind a first row of NaN, which the offset must skip."""
    _save(run.folder.neurons(recorder, name), np.array(neurons, np.int32))
    row = np.full((1, len(neurons)), np.nan, values.dtype)
    run.folder.array(recorder, name).write_bytes(row.tobytes() + values.tobytes())
    return {
        "layout": "raw",
        "file": f"{recorder}/{name}.bin",
        "offset_bytes": row.nbytes,
        "neurons": f"{recorder}/{name}.neurons.npy",
    }


def _write_currents(run: SyntheticRun, rng: np.random.Generator) -> dict[str, Any]:
    n_bins = N_STEPS // run.steps_per_bin
    sizes = {"v": list(range(10))} | CHANNELS
    for name, neurons in sizes.items():
        sign = -1 if name == "inhibition" else 1
        run.arrays[name] = (sign * rng.uniform(0.001, 0.1, (n_bins, len(neurons)))).astype(run.dtype)
    for name, kind in NUMBERS.items():
        _make_numbers(run, name, np.dtype(kind), rng)
    return {
        "kind": "currents",
        "steps_per_bin": run.steps_per_bin,
        "n_bins": n_bins,
        "dtype": run.dtype,
        "arrays": {name: _write_array(run, "currents", name, sizes[name], run.arrays[name]) for name in sizes},
    }


def _make_numbers(run: SyntheticRun, channel: str, dtype: np.dtype[Any], rng: np.random.Generator) -> None:
    """Replace a channel's currents by those of random numbers of events, among them the most that its type holds."""
    n_bins, n_columns = run.arrays[channel].shape
    numbers = rng.integers(1, np.iinfo(dtype).max, (n_bins, n_columns), endpoint=True).astype(dtype)
    numbers[1, 0] = np.iinfo(dtype).max
    weight = np.asarray(np.asarray(rng.uniform(1e-7, 1e-6, n_columns), np.float32), np.float64)
    scale = rng.uniform(1, 2, n_columns) * (-1 if channel == "inhibition" else 1)
    run.numbers[channel], run.factors[channel] = numbers, np.stack([weight, scale])
    run.arrays[channel] = np.asarray(numbers * weight * scale, run.dtype)


def _write_states(run: SyntheticRun, rng: np.random.Generator) -> dict[str, Any]:
    """Write `v` of all neurons and `I_lateral` of L1E alone, every 2 ms."""
    sizes = {"v": list(range(10)), "I_lateral": [0, 1, 2]}
    run.states = {name: rng.normal(size=(10, len(neurons))).astype(run.dtype) for name, neurons in sizes.items()}
    arrays = {name: _write_array(run, "states", name, sizes[name], run.states[name]) for name in sizes}
    return {"kind": "states", "steps_per_bin": 20, "n_bins": 10, "dtype": run.dtype, "arrays": arrays}


def _write_spikes(run: SyntheticRun, rng: np.random.Generator) -> dict[str, str]:
    """Write random spikes of all neurons but 9, which is silent; one in the first and one in the last step."""
    cells = np.unique(np.concatenate([[0], rng.integers(0, N_STEPS * 9, 120), [N_STEPS * 9 - 1]]))
    run.step, run.neuron = (cells // 9).astype(np.int64), (cells % 9).astype(np.int32)
    return {
        "kind": "spikes",
        "step": _save(run.folder.spike_steps("spikes"), run.step),
        "neuron": _save(run.folder.spike_neurons("spikes"), run.neuron),
    }


def _write_rates(run: SyntheticRun) -> dict[str, Any]:
    counts = np.zeros((10, 4), np.int64)
    starts = [population.start for population in run.network.populations]
    for step, neuron in zip(run.step, run.neuron, strict=True):
        counts[step // 20, np.searchsorted(starts, neuron, "right") - 1] += 1
    names = [population.name for population in run.network.populations]
    file = _save(run.folder.counts("rates"), counts)
    return {"kind": "rates", "steps_per_bin": 20, "n_bins": 10, "populations": names, "counts": file}


def _write_input(run: SyntheticRun, drive: str, n_sources: int, rng: np.random.Generator) -> dict[str, str]:
    cells = np.unique(rng.integers(0, N_STEPS * n_sources, 30))
    step, source = _save(run.folder.input_steps(drive), cells // n_sources), run.folder.input_sources(drive)
    return {
        "step": f"inputs/{step}",
        "source": f"inputs/{_save(source, (cells % n_sources).astype(np.int32))}",
    }


def _write_edges(run: SyntheticRun, rng: np.random.Generator) -> None:
    """Write `lateral` with a constant weight and delay, and `noise` with one of each per edge."""
    lateral, noise = run.folder.edge_files("lateral"), run.folder.edge_files("noise")
    _save(lateral.row, np.array([0, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4]))
    _save(lateral.target, np.array([0, 2, 1, 6], np.int32))
    _save(lateral.weight, np.array([0.001], np.float32))
    _save(lateral.delay, np.array([3], np.int32))
    _save(noise.row, np.array([0, 1, 1, 3, 3]))
    _save(noise.target, np.array([5, 0, 2], np.int32))
    _save(noise.weight, rng.uniform(0, 0.001, 3).astype(np.float32))
    _save(noise.delay, np.array([0, 1, 7], np.int32))
