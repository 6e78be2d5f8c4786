"""Numbers of `hierarchy`, changed one at a time: nothing is compiled, and each does what theory says.

The network is small, 80 E and 20 I neurons in each of two layers, but it is the shipped file: all that differs are
numbers. Every step is recorded, so that what a number does can be seen in the step in which it does it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from pipeline import Run
from tests.conftest import SimulateOnce
from tests.pipeline.recount import Floats, count_arrivals, spike_steps

pytestmark = pytest.mark.compiled

SMALL: dict[str, object] = {
    "layers.count": 2,
    "layers.population.E.size": 80,
    "layers.population.I.size": 20,
    "record.currents.interval": "0.1 ms",
}
DT_S, TAU_M_S, TAU_S = 1e-4, 0.02, 0.01
FLOAT32 = 2.0**-23
"""Relative distance of neighbouring float32 numbers, the precision of recordings."""
SIGMAS = 5
"""How far a sampled mean may be from its expectation: one of 2 million is farther."""


def excitatory(run: Run) -> np.ndarray:
    """Return the (n_recorded,) global indices of the neurons whose currents are recorded."""
    populations = run.network.select_populations(["E"])
    return np.concatenate([np.arange(population.start, population.stop) for population in populations])


def read(run: Run, column: str) -> Floats:
    """Return (n_bins, n_recorded) of a column."""
    values: Floats = run.currents()[column].to_numpy(np.float64).reshape(-1, excitatory(run).size)
    return values


def layer(run: Run, number: int) -> np.ndarray:
    """Return which of the recorded neurons are in a layer."""
    place = run.network.population[f"L{number}E"]
    neurons = excitatory(run)
    return (neurons >= place.start) & (neurons < place.stop)


def entered(run: Run, channel: str, tau_s: float = TAU_S) -> Floats:
    """Return (n_bins - 1, n_recorded) what entered an exponential current in each step but the first, volts."""
    state = read(run, channel) / (tau_s / DT_S * -np.expm1(-DT_S / tau_s))
    jumps: Floats = state[1:] - state[:-1] * np.exp(-DT_S / tau_s)
    return jumps


def weight_per_event(run: Run, pathway: str, arrived: Floats) -> float:
    """Return Σw over the number of events, of spikes that were delivered to recorded neurons; volts."""
    edges = run.connectivity(pathway)
    edges = edges[np.isin(edges["target"], excitatory(run))]
    fan_out = np.bincount(edges["source"], minlength=run.network.n_neurons)
    step, neuron = spike_steps(run)
    delay = round(edges["delay"].iloc[0] / DT_S)
    n_events = int(fan_out[neuron[(step + delay >= 1) & (step + delay < run.manifest["n_steps"])]].sum())
    assert n_events > 100
    return float(arrived.sum()) / n_events


def impulses(run: Run, channel: str, tau_m_s: float = TAU_M_S) -> Floats:
    """Return (n_bins, n_recorded) the jumps of v that a delta channel made, magnitudes in volts."""
    return np.abs(read(run, channel)) * DT_S / tau_m_s


def first_v(run: Run, tau_m_s: float = TAU_M_S) -> Floats:
    """Return v at the end of the first step, without what arrived in it."""
    alone: Floats = read(run, "v")[0] - impulses(run, "background", tau_m_s)[0]
    return alone


def quiet(*runs: Run) -> np.ndarray:
    """Return which of the recorded neurons fired in no first step."""
    busy = np.concatenate([neuron[step == 0] for step, neuron in map(spike_steps, runs)])
    return ~np.isin(excitatory(runs[0]), busy)


def intervals(run: Run) -> np.ndarray:
    """Return the steps between successive spikes of each neuron."""
    step, neuron = spike_steps(run)
    order = np.lexsort((step, neuron))
    step, neuron = step[order], neuron[order]
    steps: np.ndarray = np.diff(step)[neuron[1:] == neuron[:-1]]
    return steps


def held_v(run: Run) -> Floats:
    """Return v of every recorded neuron in the steps of its spikes."""
    step, neuron = spike_steps(run)
    column = np.searchsorted(excitatory(run), neuron)
    recorded = np.isin(neuron, excitatory(run))
    values: Floats = read(run, "v")[step[recorded], column[recorded]]
    return values


def latency(run: Run) -> int:
    """Return the steps from the first spike that reaches a neuron by `inhibition` to its arrival, one for all."""
    edges, (step, neuron) = run.connectivity("inhibition"), spike_steps(run)
    first = np.full(run.network.n_neurons, 10**9)
    np.minimum.at(first, neuron, step)
    arrival = np.full(run.network.n_neurons, 10**9)
    np.minimum.at(arrival, edges["target"], first[edges["source"]])
    seen = impulses(run, "inhibition") > 0
    reached = seen.any(axis=0)
    assert reached.sum() > 50
    (steps,) = set(seen.argmax(axis=0)[reached] - arrival[excitatory(run)][reached])
    return int(steps)


def check_edges(run: Run, probability: float) -> None:
    """Check the number of inhibitory edges: binomial."""
    populations = {population.name: population.size for population in run.network.populations}
    n_pairs = sum(populations[f"L{i}I"] * (populations[f"L{i}E"] + populations[f"L{i}I"]) for i in (1, 2))
    expected, deviation = n_pairs * probability, np.sqrt(n_pairs * probability * (1 - probability))
    assert abs(run.manifest["edges"]["inhibition"] - expected) < SIGMAS * deviation


def check_events(run: Run, inside: np.ndarray, per_second: float, weight: float = 0.2e-3) -> None:
    """Check the number of events of the drive at some neurons: Poisson."""
    n_events = impulses(run, "background")[:, inside].sum() / weight
    expected = per_second * inside.sum() * run.manifest["duration_s"]
    assert abs(n_events - expected) < SIGMAS * np.sqrt(expected)


def same_edges(base: Run, run: Run, pathway: str = "lateral") -> bool:
    """Return whether two runs have the same edges."""
    before, after = base.connectivity(pathway), run.connectivity(pathway)
    return bool(before[["source", "target"]].equals(after[["source", "target"]]))


type Check = Callable[[Run, Run], None]


def excitatory_weight(base: Run, run: Run) -> None:
    """Check that every spike adds twice as much to the slow current."""
    for item, weight in ((base, 0.2e-3), (run, 0.4e-3)):
        assert weight_per_event(item, "lateral", entered(item, "lateral")) == pytest.approx(weight, rel=1e-4)


def inhibitory_weight(base: Run, run: Run) -> None:
    """Check that every spike lowers v by twice as much."""
    for item, weight in ((base, 1e-3), (run, 2e-3)):
        assert weight_per_event(item, "inhibition", impulses(item, "inhibition")[1:]) == pytest.approx(weight, rel=1e-6)


def drive_weight(base: Run, run: Run) -> None:
    """Check that the events are the same, each twice as large."""
    np.testing.assert_allclose(read(run, "background"), 2 * read(base, "background"), rtol=2 * FLOAT32)


def rate(base: Run, run: Run) -> None:
    """Check for twice as many events in layer 2; the exception of layer 1 stays as it is."""
    check_events(base, layer(base, 2), 500 * 10)
    check_events(run, layer(run, 2), 500 * 20)
    np.testing.assert_array_equal(read(run, "background")[:, layer(run, 1)], read(base, "background")[:, layer(run, 1)])


def rate_of_layer_1(base: Run, run: Run) -> None:
    """Check for twice as many events in layer 1 only."""
    check_events(base, layer(base, 1), 500 * 11)
    check_events(run, layer(run, 1), 500 * 22)
    np.testing.assert_array_equal(read(run, "background")[:, layer(run, 2)], read(base, "background")[:, layer(run, 2)])


def sources(base: Run, run: Run) -> None:
    """Check that half as many sources are half as many events, in both layers."""
    check_events(run, layer(run, 1), 250 * 11)
    check_events(run, layer(run, 2), 250 * 10)


def tau(base: Run, run: Run) -> None:
    """Check that the slow current decays by exp(-dt/tau) in a step in which nothing arrives."""
    for item, tau_s in ((base, 0.01), (run, 0.02)):
        current = read(item, "lateral")
        alone = (count_arrivals(item, "lateral")[1:, excitatory(item)] == 0) & (current[:-1] > 1e-5)
        assert alone.sum() > 10_000
        ratio = current[1:][alone] / current[:-1][alone]
        np.testing.assert_allclose(ratio, np.exp(-DT_S / tau_s), rtol=4 * FLOAT32)


def delay(base: Run, run: Run) -> None:
    """Check that the first spike arrives exactly 13 steps later."""
    assert (latency(base), latency(run)) == (15, 28)


def delays(base: Run, run: Run) -> None:
    """Check that delays are uniform, in whole steps, and that what arrives is as late as its own edge says."""
    steps = np.rint(run.connectivity("inhibition")["delay"] / DT_S)
    assert set(steps) == set(range(10, 31))
    assert abs(steps.mean() - 20) < SIGMAS * 20 / np.sqrt(12 * len(steps))
    expected = count_arrivals(run, "inhibition")[:, excitatory(run)]
    np.testing.assert_allclose(impulses(run, "inhibition"), expected, rtol=2 * FLOAT32)


def threshold(base: Run, run: Run) -> None:
    """Check that who does not fire is below, before arrivals; a lower threshold is crossed more often."""
    for item, value in ((base, 0.020), (run, 0.018)):
        arrived = impulses(item, "background") + impulses(item, "feedforward") - impulses(item, "inhibition")
        largest = (read(item, "v") - arrived).max()
        assert value - 0.1e-3 < largest <= value * (1 + 4 * FLOAT32)
    assert len(run.spikes()) > 1.2 * len(base.spikes())


def reset(base: Run, run: Run) -> None:
    """Check that a neuron that fires is at its reset at the end of that step."""
    for item, value in ((base, 0.010), (run, 0.005)):
        assert held_v(item).size > 50
        assert set(held_v(item)) == {float(np.float32(value))}


def refractory(base: Run, run: Run) -> None:
    """Check that v is held for 20 ms instead of 2 ms, so that no interval is shorter."""
    assert 20 < intervals(base).min() < 200 < intervals(run).min()
    step, neuron = spike_steps(run)
    column = np.searchsorted(excitatory(run), neuron)
    v = read(run, "v")
    early = np.isin(neuron, excitatory(run)) & (step + 200 < len(v))
    assert early.sum() > 50
    pairs = list(zip(step[early], column[early], strict=True))
    assert all((v[s : s + 200, i] == np.float32(0.01)).all() and v[s + 200, i] != np.float32(0.01) for s, i in pairs)


def initial_values(base: Run, run: Run) -> None:
    """Check that uniform to half as much is half of each neuron's own value."""
    inside = quiet(base, run)
    np.testing.assert_allclose(first_v(run)[inside], first_v(base)[inside] / 2, atol=0.02 * 2 * FLOAT32)
    assert np.ptp(first_v(run)) > 8e-3


def rest(base: Run, run: Run) -> None:
    """Check that v gains (1 - exp(-dt/tau_m)) of the new rest in the first step."""
    inside = quiet(base, run)
    gained = first_v(run)[inside] - first_v(base)[inside]
    np.testing.assert_allclose(gained, 3e-3 * -np.expm1(-DT_S / TAU_M_S), atol=0.02 * 2 * FLOAT32)


def membrane_time_constant(base: Run, run: Run) -> None:
    """Check that v decays as fast as it says, and that a jump of v is the charge w·tau_m."""
    inside = quiet(base, run)
    start = first_v(base) * np.exp(DT_S / TAU_M_S)
    expected = start * np.exp(-DT_S / 0.01)
    np.testing.assert_allclose(first_v(run, 0.01)[inside], expected[inside], atol=0.02 * 4 * FLOAT32)
    np.testing.assert_allclose(read(run, "background"), read(base, "background") / 2, rtol=2 * FLOAT32)


def probability(base: Run, run: Run) -> None:
    """Check for three times as many edges, within the error of a binomial."""
    check_edges(base, 0.1)
    check_edges(run, 0.3)


def in_degree(base: Run, run: Run) -> None:
    """Check that each neuron has exactly seven inhibitory sources."""
    count = np.bincount(run.connectivity("inhibition")["target"], minlength=run.network.n_neurons)
    assert set(count) == {7}


def size(base: Run, run: Run) -> None:
    """Check for more neurons, everywhere."""
    assert run.network.n_neurons == base.network.n_neurons + 2 * 30
    assert [p.size for p in run.network.populations] == [110, 20, 110, 20]
    assert excitatory(run).size == 220
    assert (impulses(run, "background").sum(axis=0) > 0).all()


def layers(base: Run, run: Run) -> None:
    """Check that a third layer follows the second, and leaves the edges of the others as they were."""
    assert [p.name for p in run.network.populations] == ["L1E", "L1I", "L2E", "L2I", "L3E", "L3I"]
    assert impulses(run, "feedforward")[:, layer(run, 3)].sum() > 0
    edges = run.connectivity("lateral")
    before = base.connectivity("lateral")
    inside = edges["source"] < base.network.n_neurons
    np.testing.assert_array_equal(edges.loc[inside, ["source", "target"]], before[["source", "target"]])


def network_seed(base: Run, run: Run) -> None:
    """Check for other edges and the same drive."""
    assert not same_edges(base, run)
    np.testing.assert_array_equal(read(run, "background"), read(base, "background"))


def run_seed(base: Run, run: Run) -> None:
    """Check for another drive and the same edges."""
    assert same_edges(base, run)
    assert (read(run, "background") != read(base, "background")).mean() > 0.2


def duration(base: Run, run: Run) -> None:
    """Check that half as long is the same, up to there."""
    np.testing.assert_array_equal(read(run, "v"), read(base, "v")[:1500])
    spikes = base.spikes(stop="150 ms")
    np.testing.assert_array_equal(run.spikes()["time"], spikes["time"])


def interval(base: Run, run: Run) -> None:
    """Check that a coarser bin is the mean of the finer ones, with the v of its last step."""
    for channel in ("lateral", "inhibition", "feedforward", "background"):
        fine = read(base, channel).reshape(-1, 20, excitatory(base).size).mean(axis=1)
        np.testing.assert_allclose(read(run, channel), fine, rtol=4 * FLOAT32, atol=1e-12)
    np.testing.assert_array_equal(read(run, "v"), read(base, "v")[19::20])


def step(base: Run, run: Run) -> None:
    """Check for twice as many steps, as many events in the same time, and delays of the same time."""
    assert run.manifest["n_steps"] == 2 * base.manifest["n_steps"]
    n_events = read(run, "background")[:, layer(run, 2)].sum() * 0.5e-4 / TAU_M_S / 0.2e-3
    expected = 500 * 10 * 80 * run.manifest["duration_s"]
    assert abs(n_events - expected) < SIGMAS * np.sqrt(expected)
    assert set(run.connectivity("inhibition")["delay"]) == {0.0015}
    assert same_edges(base, run)


def weights(base: Run, run: Run) -> None:
    """Check that weights are normal with mean 0.3 mV and SD 0.05 mV, on the same edges."""
    assert same_edges(base, run)
    sampled = run.connectivity("lateral")["weight"].to_numpy(np.float64)
    assert sampled.size > 1000
    assert abs(sampled.mean() - 0.3e-3) < SIGMAS * 0.05e-3 / np.sqrt(sampled.size)
    assert abs(sampled.std() - 0.05e-3) < SIGMAS * 0.05e-3 / np.sqrt(2 * sampled.size)
    arrived = count_arrivals(run, "lateral")[1:, excitatory(run)]
    np.testing.assert_allclose(entered(run, "lateral"), arrived, atol=2e-9)
    assert arrived.max() > 0.2e-3


def precision(base: Run, run: Run) -> None:
    """Check for the same numbers with more digits."""
    for column in ("v", "lateral", "inhibition"):
        exact = run.currents()[column].to_numpy()
        assert exact.dtype == np.float64
        assert (exact.astype(np.float32) != exact)[exact != 0].mean() > 0.5
        np.testing.assert_array_equal(exact.astype(np.float32), base.currents()[column].to_numpy(np.float32))


@dataclass(frozen=True)
class Number:
    """A number that is changed."""

    settings: dict[str, object]
    check: Check
    arguments: dict[str, Any]


def setting(check: Check, /, **settings: object) -> Number:
    """Return a number of the model."""
    return Number({path.replace("__", "."): value for path, value in settings.items()}, check, {})


NUMBERS = [
    setting(excitatory_weight, pathway__lateral__weight="0.4 mV"),
    setting(inhibitory_weight, pathway__inhibition__weight="2 mV"),
    setting(drive_weight, drive__background__weight="0.4 mV"),
    setting(rate, drive__background__rate="20 Hz"),
    setting(rate_of_layer_1, drive__background__layer__1__rate="22 Hz"),
    setting(sources, drive__background__sources=250),
    setting(tau, pathway__lateral__tau="20 ms"),
    setting(delay, pathway__inhibition__delay="2.8 ms"),
    setting(delays, pathway__inhibition__delay={"uniform": ["1 ms", "3 ms"]}),
    setting(threshold, neuron__lif__v_threshold="18 mV"),
    setting(reset, neuron__lif__v_reset="5 mV"),
    setting(refractory, neuron__lif__refractory="20 ms"),
    setting(initial_values, neuron__lif__v_initial={"uniform": ["0 mV", "10 mV"]}),
    setting(rest, neuron__lif__v_rest="3 mV"),
    setting(membrane_time_constant, neuron__lif__tau_m="10 ms"),
    setting(probability, pathway__inhibition__connect__probability=0.3),
    setting(in_degree, pathway__inhibition__connect={"in_degree": 7}),
    setting(size, layers__population__E__size=110),
    setting(layers, layers__count=3),
    setting(network_seed, network__seed=5),
    Number({}, run_seed, {"seed": 2}),
    Number({}, duration, {"duration": "150 ms"}),
    setting(interval, record__currents__interval="2 ms"),
    setting(step, network__dt="0.05 ms", record__currents__interval="0.05 ms"),
    setting(weights, pathway__lateral__weight={"normal": ["0.3 mV", "0.05 mV"]}),
    setting(precision, record__currents__dtype="float64"),
]


@pytest.fixture(scope="module")
def base(simulate_once: SimulateOnce) -> Run:
    """Return the run that the others are compared with."""
    run = simulate_once("hierarchy", settings=SMALL, duration="300 ms", seed=1)
    assert len(run.spikes()) > 200
    return run


@pytest.mark.parametrize("number", NUMBERS, ids=[number.check.__name__ for number in NUMBERS])
def test_a_number_does_what_theory_says_and_compiles_nothing(
    base: Run, simulate_once: SimulateOnce, number: Number
) -> None:
    """The same build, found; another run; and the effect of this number alone."""
    run = simulate_once(
        "hierarchy", **{"duration": "300 ms", "seed": 1, "settings": SMALL | number.settings} | number.arguments
    )
    assert run.manifest["build"]["compiled"] is False
    assert run.manifest["build"]["fingerprint"] == base.manifest["build"]["fingerprint"]
    assert run.manifest["fingerprint"] != base.manifest["fingerprint"]
    number.check(base, run)
