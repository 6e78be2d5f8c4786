"""The exact check of every shipped network, on the compiled program."""

import itertools

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from pipeline import Run
from tests.conftest import SimulateOnce

pytestmark = pytest.mark.compiled

DT_S = 1e-4
FLOAT32 = 1e-6
"""Relative tolerance of values that were rounded to float32."""
FLOAT64 = 1e-9

type Floats = NDArray[np.float64]


def _matrix(frame: pd.DataFrame, column: str) -> Floats:
    """Return a column as (n_bins, n_neurons)."""
    n_neurons = frame["neuron"].nunique()
    matrix: Floats = frame[column].to_numpy(np.float64).reshape(-1, n_neurons)
    return matrix


def _spike_steps(run: Run, neuron: int) -> NDArray[np.int64]:
    spikes = run.spikes()
    times = spikes.loc[spikes["neuron"] == neuron, "time"].to_numpy()
    steps: NDArray[np.int64] = np.rint(times / DT_S).astype(np.int64)
    return steps


def _impulses(steps: NDArray[np.int64], n_steps: int) -> Floats:
    return np.bincount(steps, minlength=n_steps).astype(np.float64)


def _decay(signal: Floats, tau_s: float) -> Floats:
    """Return a signal filtered by exp(-t/tau), along time."""
    filtered: Floats = lfilter([1.0], [1.0, -np.exp(-DT_S / tau_s)], signal, axis=0)
    return filtered


def _step_mean(tau_s: float) -> float:
    """Return the mean over a step of a current that decays from 1."""
    return float(tau_s / DT_S * -np.expm1(-DT_S / tau_s))


@pytest.mark.parametrize(("population", "sign", "weight", "tau_s"), [("L1H", -1, 15e-3, 20e-3), ("L1D", 1, 2e-3, 5e-3)])
def test_after_potential(simulate_once: SimulateOnce, population: str, sign: int, weight: float, tau_s: float) -> None:
    """The after-potential v_ap is the convolution of the neuron's own spikes with the kernel; v is not reset."""
    run = simulate_once("after_potential")
    states = run.states(populations=[population])
    v_ap = _matrix(states, "v_ap")
    neurons = states["neuron"].unique()
    spikes = np.stack([_impulses(_spike_steps(run, int(neuron)), len(v_ap)) for neuron in neurons], axis=1)
    assert spikes.sum() >= 100
    assert (np.sign(v_ap[np.abs(v_ap) > 0]) == sign).all()
    np.testing.assert_allclose(v_ap, sign * weight * _decay(spikes, tau_s), rtol=FLOAT64, atol=1e-15)


@pytest.mark.parametrize("model", ["traced_synapses", "population_rate"])
@pytest.mark.parametrize("settings", [{}, {"pathway.slow.lower": "false"}], ids=["lowered", "as written"])
def test_traces_equal_the_exponential_current(
    simulate_once: SimulateOnce, model: str, settings: dict[str, str]
) -> None:
    """A trace per synapse or per source gives the same current and v as one exponential current per neuron."""
    run, plain = simulate_once(model, settings=settings), simulate_once("exponential_current")
    pd.testing.assert_frame_equal(run.spikes(), plain.spikes())
    for column in ("slow", "v"):
        expected = _matrix(plain.currents(), column)
        assert np.abs(expected).max() > 0.01
        np.testing.assert_allclose(_matrix(run.currents(), column), expected, rtol=FLOAT32, atol=1e-12)


def test_traces_that_do_not_start_at_zero(simulate_once: SimulateOnce) -> None:
    """With x = 10 in every synapse the current starts at Σ 10 w, in both forms."""
    settings = {"pathway.slow.trace_initial": 10, "event": []}
    lowered = simulate_once("traced_synapses", settings=settings, duration="10 ms")
    written = simulate_once("traced_synapses", settings=settings | {"pathway.slow.lower": False}, duration="10 ms")
    weights = 0.01 * np.arange(9).reshape(3, 3)
    first = _matrix(lowered.currents(), "slow")[0]
    expected = 10 * weights.sum(axis=0) * np.exp(-DT_S / 10e-3) * _step_mean(10e-3)
    np.testing.assert_allclose(first, expected, rtol=FLOAT32)
    np.testing.assert_allclose(
        _matrix(written.currents(), "slow"), _matrix(lowered.currents(), "slow"), rtol=FLOAT32, atol=1e-12
    )


def test_population_rate_is_the_product_of_weights_and_traces(simulate_once: SimulateOnce) -> None:
    """The current after each step is the weight matrix times the recorded traces of the sources."""
    recorder = {"kind": "states", "variables": ["x_slow", "I_slow"], "interval": "0.1 ms", "dtype": "float64"}
    run = simulate_once("population_rate", settings={"pathway.slow.lower": False, "record.traces": recorder})
    states = run.states()
    weights = np.float32(0.01 * np.arange(9).reshape(3, 3)).astype(np.float64)
    traces, current = _matrix(states, "x_slow"), _matrix(states, "I_slow")
    assert traces.max() > 0.9
    np.testing.assert_allclose(current, traces @ weights, rtol=FLOAT64, atol=1e-15)


def test_two_stage(simulate_once: SimulateOnce) -> None:
    """Every spike delivers the weight times its source's trace at emission, before its own increment."""
    run = simulate_once("two_stage")
    n_steps, tau_s, trace_s, n_delay = 1000, 10e-3, 20e-3, 30
    weights = (0.01 * np.arange(9).reshape(3, 3)).astype(np.float32).astype(np.float64)
    arrivals = np.zeros((n_steps, 3))
    for source in range(3):
        steps = _spike_steps(run, source)
        for step in steps[steps + n_delay < n_steps]:
            earlier = steps[steps < step]
            trace = np.exp(-(step - earlier) * DT_S / trace_s).sum()
            arrivals[step + n_delay] += weights[source] * trace
    assert (arrivals > 0).sum() >= 10
    expected = _decay(arrivals, tau_s) * _step_mean(tau_s)
    np.testing.assert_allclose(_matrix(run.currents(), "facilitating"), expected, rtol=FLOAT32, atol=1e-12)


def _arrivals(run: Run, pathway: str, n_steps: int, n_neurons: int) -> Floats:
    """Return Σw per step and target, from spikes and edges, one spike at a time."""
    edges = run.connectivity(pathway)
    arrived = np.zeros((n_steps, n_neurons))
    for neuron, outgoing in edges.groupby("source"):
        for delay, group in outgoing.groupby("delay"):
            steps = _spike_steps(run, int(neuron)) + round(delay / DT_S)
            for step, (target, weight) in itertools.product(
                steps[steps < n_steps], zip(group["target"], group["weight"], strict=True)
            ):
                arrived[step, target] += float(weight)
    return arrived


def test_fast_tracked(simulate_once: SimulateOnce) -> None:
    """The potential and the recorded input equal those of plain v += w synapses on the same spikes."""
    run = simulate_once("fast_tracked", record_interval="0.1 ms", duration="300 ms")
    frame, n_steps, tau_s = run.currents(), 3000, 20e-3
    fast, inhibition = (_arrivals(run, name, n_steps, 50) for name in ("fast", "inhibition"))
    assert fast.sum() > 0
    assert inhibition.sum() > 0
    np.testing.assert_allclose(_matrix(frame, "fast"), fast * tau_s / DT_S, rtol=FLOAT32)
    np.testing.assert_allclose(_matrix(frame, "inhibition"), -inhibition * tau_s / DT_S, rtol=FLOAT32)
    v, background = _matrix(frame, "v"), _matrix(frame, "background") * DT_S / tau_s
    held = np.zeros(50, np.int64)
    spiking = np.zeros((n_steps, 50), bool)
    spikes = run.spikes()
    spiking[np.rint(spikes["time"] / DT_S).astype(int), spikes["neuron"]] = True
    expected = v[0].copy()
    for step in range(1, n_steps):
        held = np.where(spiking[step - 1], 20, held)
        free = held <= 1
        held = np.maximum(held - 1, 0)
        decayed = np.where(free, expected * np.exp(-DT_S / tau_s), expected)
        jumped = decayed + np.where(free & ~spiking[step], background[step] + fast[step] - inhibition[step], 0.0)
        expected = np.where(spiking[step], 10e-3, jumped)
        np.testing.assert_allclose(v[step], expected, rtol=1e-5, atol=1e-9)
        expected = np.where(np.isclose(v[step], expected, rtol=1e-5, atol=1e-9), v[step], expected)


def test_ei_layer(simulate_once: SimulateOnce) -> None:
    """Every channel is rebuilt from the recorded spikes and weights, and the rates are those that the file states."""
    run = simulate_once("ei_layer")
    frame, n_steps, tau_s = run.currents(), 10_000, 10e-3
    rates = run.spikes()["neuron"].value_counts()
    assert [rates.get(neuron, 0) for neuron in range(6)] == [27, 39, 33, 0, 0, 0]
    np.testing.assert_allclose(
        _matrix(frame, "slow"), _decay(_arrivals(run, "slow", n_steps, 6), tau_s) * _step_mean(tau_s), rtol=FLOAT32
    )
    fast = _arrivals(run, "fast", n_steps, 6) * tau_s / DT_S
    assert fast.max() > 0
    np.testing.assert_allclose(_matrix(frame, "fast"), fast, rtol=FLOAT32)
    inputs, edges = run.inputs(), run.connectivity("input")
    arrived = np.zeros((n_steps, 6))
    for time, source in zip(inputs["time"], inputs["source"], strict=True):
        outgoing = edges[edges["source"] == source]
        arrived[round(time / DT_S), outgoing["target"]] += outgoing["weight"].to_numpy(np.float64)
    assert arrived.sum() > 0
    np.testing.assert_allclose(_matrix(frame, "input"), arrived * tau_s / DT_S, rtol=FLOAT32)


def test_ei_layer_with_strong_excitation(simulate_once: SimulateOnce) -> None:
    """With stronger jumps the inhibitory neurons fire too, and their input is rebuilt in the same way."""
    run = simulate_once("ei_layer", settings={"pathway.fast.weight.uniform.1": "1 V"})
    spikes = run.spikes()
    assert (spikes["population"] == "L1inh").sum() >= 50
    inhibition = _arrivals(run, "inhibition", 10_000, 6) * 10e-3 / DT_S
    assert inhibition.max() > 0
    np.testing.assert_allclose(_matrix(run.currents(), "inhibition"), -inhibition, rtol=FLOAT32)


def test_poisson_probe(simulate_once: SimulateOnce) -> None:
    """The slow current is the fast input filtered by the kernel, and neither is constant."""
    run = simulate_once("poisson_probe")
    frame, tau_s = run.currents(), 10e-3
    slow, fast = _matrix(frame, "slow"), _matrix(frame, "fast")
    assert len(run.spikes()) == 0
    assert slow.std(axis=0).min() > 0
    assert fast.std(axis=0).min() > 0
    impulses = -fast * DT_S / 10e-3
    np.testing.assert_allclose(slow, _decay(impulses, tau_s) * _step_mean(tau_s), rtol=FLOAT64, atol=1e-15)


@pytest.mark.parametrize(("model", "expected"), [("independent_drive", 0.0), ("shared_drive", 1.0)])
def test_correlation_of_the_drive(simulate_once: SimulateOnce, model: str, expected: float) -> None:
    """Private input is uncorrelated between neurons within sampling error; shared input is the same for all."""
    background = _matrix(simulate_once(model).currents(), "background")
    assert background.std(axis=0).min() > 0
    correlation = np.asarray(np.corrcoef(background.T))[np.triu_indices(background.shape[1], 1)]
    sampling_error = 0.0 if expected else 4.5 / np.sqrt(len(background))
    np.testing.assert_allclose(correlation, expected, atol=max(sampling_error, 1e-9))


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hierarchy_is_irregular_in_every_layer(simulate_once: SimulateOnce, seed: int) -> None:
    """Rates near 6 Hz, CV of ISI near 0.6 and more excitation than inhibition in every population, for any seed."""
    run = simulate_once("hierarchy", seed=seed, duration="2 s")
    summary = run.summary()
    assert summary["mean_rate"].between(5.3, 6.7).all()
    assert summary["cv_isi"].between(0.5, 0.75).all()
    assert summary["ei_balance"].dropna().between(2.0, 3.2).all()
    assert len(summary["ei_balance"].dropna()) == 3
