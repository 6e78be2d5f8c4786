"""What arrived at every neuron, counted in plain NumPy from the spikes, edges and drive counts of a run."""

import numpy as np
from numpy.typing import NDArray

from models.counter_rng import bits32, derive_key
from models.poisson import poisson_counts, poisson_thresholds
from models.quantities import Quantity
from pipeline import Run

type Floats = NDArray[np.float64]

FLOAT32 = 2.0**-23
"""Relative distance of neighbouring float32 numbers, the precision of recordings."""


def spike_steps(run: Run) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return step and global index of every spike."""
    spikes = run.spikes()
    return np.rint(spikes["time"] / run.manifest["dt_s"]).to_numpy(np.int64), spikes["neuron"].to_numpy(np.int64)


def count_arrivals(run: Run, name: str) -> Floats:
    """Return (n_steps, n_neurons) Σw, in volts, that a pathway or drive delivered."""
    if name in run.spec.pathway:
        step, source = spike_steps(run)
    elif any(item.drive == name for item in run.network.poisson_inputs):
        return _count_poisson(run, name)
    else:
        inputs = run.inputs([name])
        step = np.rint(inputs["time"] / run.manifest["dt_s"]).to_numpy(np.int64)
        source = inputs["source"].to_numpy(np.int64)
    return deliver(run, name, step, source)


def deliver(run: Run, name: str, step: NDArray[np.int64], source: NDArray[np.int64]) -> Floats:
    """Return (n_steps, n_neurons) Σw that spikes of given sources deliver, each as late as its edges say."""
    edges = run.connectivity(name)
    arrived = np.zeros((run.manifest["n_steps"], run.network.n_neurons))
    delay = np.rint(edges["delay"] / run.manifest["dt_s"]).to_numpy(np.int64)
    for i_spike, i_source in zip(step, source, strict=True):
        chosen = (edges["source"] == i_source).to_numpy()
        when = i_spike + delay[chosen]
        inside = when < len(arrived)
        where = edges["target"].to_numpy(np.int64)[chosen][inside]
        np.add.at(arrived, (when[inside], where), edges["weight"].to_numpy(np.float64)[chosen][inside])
    return arrived


def _count_poisson(run: Run, drive: str) -> Floats:
    arrived = np.zeros((run.manifest["n_steps"], run.network.n_neurons))
    for item in run.network.poisson_inputs:
        if item.drive == drive:
            assert isinstance(item.weight, Quantity)
            population = item.target
            arrived[:, population.start : population.stop] = np.float64(np.float32(item.weight.value)) * poisson_events(
                run, drive, population.name
            )
    return arrived


def poisson_events(run: Run, drive: str, population: str) -> NDArray[np.int32]:
    """Return (n_steps, n_neurons) events of a drive, straight from the definition of the random numbers."""
    item = next(i for i in run.network.poisson_inputs if (i.drive, i.target.name) == (drive, population))
    assert isinstance(item.rate, Quantity)
    key = derive_key(run.manifest["seed"], "poisson", drive, population)
    thresholds = poisson_thresholds(item.sources * item.rate.value * run.manifest["dt_s"])
    steps, neurons = np.arange(run.manifest["n_steps"]), np.arange(item.target.size)
    return np.array([poisson_counts(thresholds, bits32(key, neurons, int(step))) for step in steps])


def recorded(run: Run, column: str, recorder: str) -> Floats:
    """Return (n_bins, n_neurons) of a column, over the neurons that the recorder holds."""
    table = run.currents(recorder=recorder)
    values: Floats = table[column].to_numpy(np.float64).reshape(-1, table["neuron"].nunique())
    return values


def count_ramp(run: Run) -> Floats:
    """Return the arrivals of a rate that changes every 20 ms, from the definition of the random numbers."""
    arrived = np.zeros((1000, 24))
    for name in ("L1E", "L2E"):
        place = run.network.population[name]
        key = derive_key(3, "poisson", "ramp", name)
        for i_step in range(1000):
            mean = 100 * (0.0, 20.0, 60.0, 200.0, 0.0)[i_step // 200] * 1e-4
            counts = poisson_counts(poisson_thresholds(mean), bits32(key, np.arange(5), i_step))
            arrived[i_step, place.start : place.stop] = np.float32(1e-3) * counts.astype(np.float64)
    return arrived
