"""The simplest possible simulation of a spec, a loop over steps in plain NumPy, and the run folder that it leaves.

With the package it shares the spec, the sampled edges and the random words, but no equation and no coefficient: linear
systems are advanced by SciPy's matrix exponential, one per channel, and everything else is written out step by step.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from models.counter_rng import bernoulli, bernoulli_threshold, bits32, derive_key
from models.expand import Channel, expand_network
from models.files import to_tables
from models.poisson import poisson_counts, poisson_thresholds
from models.sample import sample_edges, sample_parameter
from models.selection import select_neurons
from models.spec import CurrentsRecord, NetworkSpec, SpikesRecord, StatesRecord
from models.steps import count_steps

type Floats = NDArray[np.float64]


def linear_system(channel: Channel) -> tuple[Floats, Floats]:
    """Return A and b of ds/dt = A s, s += b·Σw, with the current s[0], as written in the kinetics' definitions."""
    tau = channel.constants["tau"]
    if channel.kinetics == "alpha":
        return np.array([[-1, 1], [0, -1]]) / tau, np.array([0, np.e])
    if channel.kinetics == "biexponential":
        rise = channel.constants["tau_rise"]
        t_peak = np.log(tau / rise) * tau * rise / (tau - rise)
        peak = (np.exp(-t_peak / tau) - np.exp(-t_peak / rise)) * rise / (tau - rise)
        return np.array([[-1 / tau, 1 / tau], [0, -1 / rise]]), np.array([0, 1 / peak])
    return np.array([[-1 / tau]]), np.ones(1)


class PlainChannel:
    """The state of one channel at all neurons, and what is on its way to them."""

    def __init__(self, channel: Channel, n_neurons: int, dt_s: float, tau_m: float, longest: int) -> None:
        self.channel, self.pulse = channel, np.zeros(n_neurons)
        self.pending = np.zeros((longest + 1, n_neurons))
        self.filtered = channel.kinetics not in ("delta", "current")
        if self.filtered:
            system, self.entry = linear_system(channel)
            n_states = len(system)
            # v, the integral of the current, the states
            matrix = np.zeros((n_states + 2, n_states + 2))
            matrix[0, 0], matrix[0, 2], matrix[1, 2], matrix[2:, 2:] = -1 / tau_m, 1 / tau_m, 1, system
            step = expm(matrix * dt_s)
            self.into_v, self.integral, self.decay = step[0, 2:], step[1, 2:] / dt_s, step[2:, 2:]
            self.states = np.zeros((n_states, n_neurons))


@dataclass
class PlainRun:
    """Everything that happened, step by step."""

    spec: NetworkSpec
    seed: int
    n_steps: int
    currents: dict[str, Floats]
    """(n_steps, n_neurons) mean current of each step, by channel, signed."""
    states: dict[str, Floats]
    """(n_steps, n_neurons) at the end of each step: v and v_ap."""
    spikes: list[tuple[int, int]]
    inputs: dict[str, list[tuple[int, int]]]


class PlainNetwork:
    """A network whose neurons all have the same model and the same tau_m, in the making."""

    def __init__(self, spec: NetworkSpec, seed: int) -> None:
        self.spec, self.seed, self.network = spec, seed, expand_network(spec)
        self.dt_s, self.n = spec.network.dt.value, self.network.n_neurons
        self.edges = sample_edges(self.network)
        self.counts: dict[tuple[str, str], NDArray[np.int32]] = {}
        self.fires: dict[str, NDArray[np.bool_]] = {}
        self.known: dict[str, Floats] = {}
        self.tables = {p.neuron: spec.neuron[p.neuron] for p in self.network.populations}
        self.tau_m = float(self.values("tau_m")[0])
        longest = max((int(table.delay.max()) for table in self.edges.values()), default=0)
        self.channels = {c.name: PlainChannel(c, self.n, self.dt_s, self.tau_m, longest) for c in self.network.channels}
        self.v, self.v_ap = self.values("v_initial", seed, "initial").copy(), np.zeros(self.n)
        self.last_spike = np.full(self.n, -(10**9))
        self.traces = {name: np.zeros(self.n) for name in spec.pathway}
        self.is_lif = all(table.model == "lif" for table in self.tables.values())  # type: ignore[union-attr]
        for name, pathway in spec.pathway.items():
            if pathway.trace_initial:
                self.channel_of(name).states[0] += pathway.trace_initial * self.weight_matrix(name).sum(axis=0)

    def values(self, key: str, seed: int | None = None, purpose: str = "parameter") -> Floats:
        """Return a parameter of all neurons."""
        seed = self.spec.network.seed if seed is None else seed
        of_table = {name: getattr(table, key) for name, table in self.tables.items()}
        if key not in self.known:
            populations = self.network.populations
            self.known[key] = sample_parameter(key, of_table, populations, seed, purpose, self.spec.folder)
        return self.known[key]

    def channel_of(self, member: str) -> PlainChannel:
        """Return the channel of a pathway or drive."""
        return next(c for c in self.channels.values() if member in c.channel.members)

    def weight_matrix(self, name: str) -> Floats:
        """Return (n_sources, n_neurons) weights."""
        table, matrix = self.edges[name], np.zeros((self.edges[name].n_sources, self.n))
        np.add.at(matrix, (table.source, table.target), np.broadcast_to(table.weight, table.n_edges).astype(float))
        return matrix

    def emit(self, name: str, source: int, step: int) -> None:
        """Send a spike along all edges of its source."""
        table, channel = self.edges[name], self.channel_of(name)
        own = slice(*np.searchsorted(table.source, [source, source + 1]))
        delay, weight = (np.broadcast_to(values, table.n_edges)[own] for values in (table.delay, table.weight))
        trace = self.traces[name][source] if channel.channel.kinetics == "two_stage" else 1.0
        place = ((step + delay) % len(channel.pending)).astype(np.intp), table.target[own].astype(np.intp)
        np.add.at(channel.pending, place, weight.astype(float) * trace)

    def drive(self, step: int) -> list[tuple[str, int]]:
        """Let the drives act in a step; return the sources that fired."""
        for item in self.network.poisson_inputs:
            weight = np.float32(item.weight.value)  # type: ignore[union-attr]
            arrived = weight * self.counts[item.drive, item.target.name][step].astype(float)
            channel = self.channel_of(item.drive)
            channel.pending[step % len(channel.pending), item.target.start : item.target.stop] += arrived
        return [(drive, int(i)) for drive, fires in self.fires.items() for i in np.flatnonzero(fires[step])]

    def draw(self, n_steps: int) -> None:
        """Draw the drives of all steps: (n_steps, n_neurons) counts, (n_steps, n_sources) whether each fires."""
        steps = np.arange(n_steps)[:, np.newaxis]
        for item in self.network.poisson_inputs:
            mean = item.rate.value * (item.sources * self.dt_s)  # type: ignore[union-attr]
            key = derive_key(self.seed, "poisson", item.drive, item.target.name)
            bits = bits32(key, np.arange(item.target.size), steps)
            self.counts[item.drive, item.target.name] = poisson_counts(poisson_thresholds(mean), bits)
        for group in self.network.source_groups:
            threshold = bernoulli_threshold(group.rate.value * self.dt_s)  # type: ignore[union-attr]
            bits = bits32(derive_key(self.seed, "shared_poisson", group.drive), np.arange(group.size), steps)
            self.fires[group.drive] = bernoulli(threshold, bits)

    def injected(self) -> Floats:
        """Set the injected currents; return their signed sum."""
        total = np.zeros(self.n)
        for item in self.network.injected_currents:
            channel = self.channel_of(item.drive)
            own = slice(item.target.start, item.target.stop)
            channel.pulse[own] = item.value.value  # type: ignore[union-attr]
            total[own] += channel.channel.sign * item.value.value  # type: ignore[union-attr]
        return total

    def update(self, step: int) -> NDArray[np.bool_]:
        """Apply events and the state update; return which neurons are not refractory."""
        for event in self.spec.event:
            if count_steps(event.time.value, self.dt_s) == step:
                self.v[self.network.population[event.population].start + event.index] = event.value.value  # type: ignore[union-attr]
        active = step - self.last_spike >= np.rint(self.values("refractory") / self.dt_s)
        rest = self.values("v_rest") + self.injected()
        moved = rest + (self.v - rest) * np.exp(-self.dt_s / self.tau_m)
        for channel in self.channels.values():
            if channel.filtered:
                moved += channel.channel.sign * (channel.into_v @ channel.states)
                channel.states = channel.decay @ channel.states
        self.v = np.where(active, moved, self.v)
        if not self.is_lif:
            self.v_ap = self.v_ap * np.exp(-self.dt_s / self.values("tau_ap"))
        return active

    def deliver(self, step: int, active: NDArray[np.bool_]) -> dict[str, Floats]:
        """Let what is due arrive; return the mean current of the step by channel."""
        currents = {}
        for name, channel in self.channels.items():
            sign = channel.channel.sign
            due = channel.pending[step % len(channel.pending)].copy()
            channel.pending[step % len(channel.pending)] = 0
            if channel.filtered:
                channel.states += channel.entry[:, np.newaxis] * due
                currents[name] = sign * (channel.integral @ channel.states)
            elif channel.channel.kinetics == "delta":
                self.v = np.where(active, self.v + sign * due, self.v)
                currents[name] = sign * due * self.tau_m / self.dt_s
            else:
                currents[name] = sign * channel.pulse
        return currents

    def fire(self, step: int, active: NDArray[np.bool_], sources: list[tuple[str, int]]) -> NDArray[np.intp]:
        """Find who crosses threshold, and send off all spikes."""
        fired = np.flatnonzero((self.v + self.v_ap > self.values("v_threshold")) & active)
        for name in self.spec.pathway:
            for neuron in fired:
                self.emit(name, int(neuron), step)
            tau_trace = self.channel_of(name).channel.constants.get("tau_trace")
            if tau_trace is not None:
                self.traces[name][fired] += 1
                self.traces[name] *= np.exp(-self.dt_s / tau_trace)
        for group, source in sources:
            for projection in {p.pathway for p in self.network.projections if p.source.name == group}:
                self.emit(projection, source, step)
        self.last_spike[fired] = step
        return fired

    def reset(self, fired: NDArray[np.intp]) -> None:
        """Do what the spikes do to their own neurons."""
        if self.is_lif:
            self.v[fired] = self.values("v_reset")[fired]
        else:
            up = all(getattr(table, "direction", "") == "depolarizing" for table in self.tables.values())
            self.v_ap[fired] += (1 if up else -1) * self.values("w_ap")[fired]

    def run(self, n_steps: int) -> PlainRun:
        """Go through the steps: state update, threshold, delivery, reset."""
        run = PlainRun(self.spec, self.seed, n_steps, {}, {}, [], {g.drive: [] for g in self.network.source_groups})
        run.currents = {name: np.zeros((n_steps, self.n)) for name in self.channels}
        run.states = {name: np.zeros((n_steps, self.n)) for name in ("v", "v_ap")}
        self.draw(n_steps)
        guarded = bool(self.values("refractory").any())
        for step in range(n_steps):
            active = self.update(step)
            sources = self.drive(step)
            fired = self.fire(step, active, sources)
            if guarded:
                active[fired] = False
            for name, values in self.deliver(step, active).items():
                run.currents[name][step] = values
            self.reset(fired)
            run.states["v"][step], run.states["v_ap"][step] = self.v, self.v_ap
            run.spikes += [(step, int(neuron)) for neuron in fired]
            for drive, source in sources:
                run.inputs[drive].append((step, source))
        return run


def simulate_plainly(spec: NetworkSpec, folder: Path, *, seed: int = 1) -> PlainRun:
    """Simulate a spec for its duration and write the run folder."""
    network = PlainNetwork(spec, seed)
    run = network.run(count_steps(spec.network.duration.value, network.dt_s))
    write_run(run, network, folder)
    return run


def write_run(run: PlainRun, network: PlainNetwork, folder: Path) -> None:
    """Write a run folder of format version 1."""
    for name, table in network.edges.items():
        place = folder / "edges" / name
        place.mkdir(parents=True)
        for key in ("row", "target", "weight", "delay"):
            np.save(place / f"{key}.npy", getattr(table, key))
    recording = folder / "recording"
    recording.mkdir()
    recorders = {name: _write_recorder(run, network, name, recording) for name in run.spec.record}
    inputs = {drive: _write_pairs(recording, f"inputs/{drive}", "source", pairs) for drive, pairs in run.inputs.items()}
    clock = {"dt_s": network.dt_s, "n_steps": run.n_steps}
    index = {"version": 1, **clock, "recorders": recorders, "inputs": inputs}
    (recording / "recording.json").write_text(json.dumps(index))
    manifest = {"format": 1, "status": "finished", "network": run.spec.network.name, "spec": to_tables(run.spec)}
    manifest |= {"seed": run.seed, "duration_s": run.n_steps * network.dt_s, **clock}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _write_pairs(recording: Path, folder: str, second: str, pairs: list[tuple[int, int]]) -> dict[str, str]:
    (recording / folder).mkdir(parents=True)
    steps, numbers = np.array(pairs, np.int64).reshape(-1, 2).T
    np.save(recording / folder / "step.npy", steps)
    np.save(recording / folder / f"{second}.npy", numbers.astype(np.int32))
    return {"step": f"{folder}/step.npy", second: f"{folder}/{second}.npy"}


def _write_recorder(run: PlainRun, network: PlainNetwork, name: str, recording: Path) -> dict[str, Any]:
    record = run.spec.record[name]
    if isinstance(record, SpikesRecord):
        chosen = {i for p in network.network.select_populations(record.population) for i in range(p.start, p.stop)}
        pairs = [pair for pair in run.spikes if pair[1] in chosen]
        return {"kind": "spikes", **_write_pairs(recording, name, "neuron", pairs)}
    assert isinstance(record, CurrentsRecord | StatesRecord)
    m = count_steps(record.interval.value, network.dt_s)
    chosen_neurons = select_neurons(network.network, record, name)
    (recording / name).mkdir()
    arrays = {}
    for variable, values in _variables(run, record).items():
        neurons = _reached(network, variable, chosen_neurons)
        if not neurons.size:
            continue
        bins = values[: run.n_steps // m * m, neurons].reshape(-1, m, neurons.size)
        sampled = variable in run.states and getattr(record, "v", "sample") == "sample"
        rows = (bins[:, -1] if sampled else bins.mean(axis=1)).astype(record.dtype)
        (recording / name / f"{variable}.bin").write_bytes(b"\0" * 16 + rows.tobytes())
        np.save(recording / name / f"{variable}.neurons.npy", neurons.astype(np.int32))
        files = {"file": f"{name}/{variable}.bin", "neurons": f"{name}/{variable}.neurons.npy"}
        arrays[variable] = {"layout": "raw", "offset_bytes": 16, **files}
    shape = {"steps_per_bin": m, "n_bins": run.n_steps // m, "dtype": record.dtype}
    return {"kind": record.kind, **shape, "arrays": arrays}


def _variables(run: PlainRun, record: CurrentsRecord | StatesRecord) -> dict[str, Floats]:
    if isinstance(record, StatesRecord):
        return {name: run.states[name] for name in record.variables}
    names = [n for n in run.currents if record.channels == "all" or n in record.channels]
    return {"v": run.states["v"], **{name: run.currents[name] for name in names}}


def _reached(network: PlainNetwork, variable: str, neurons: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return those of the neurons that a channel can reach; all, for another variable."""
    if variable not in network.channels:
        return neurons
    reach = [network.network.population[name] for name in network.channels[variable].channel.reach]
    return neurons[[any(p.start <= n < p.stop for p in reach) for n in neurons]]
