"""What recorders hold: currents, v, states, rates, and their sums, against plain NumPy."""

import numpy as np
import pytest

from pipeline import Run
from tests.pipeline.recount import FLOAT32, Floats, count_arrivals, recorded, spike_steps

pytestmark = pytest.mark.compiled


def bin_sums(arrived: Floats, steps_per_bin: int) -> Floats:
    """Return (n_bins, n_neurons) sums over the steps of each bin."""
    return arrived.reshape(-1, steps_per_bin, arrived.shape[1]).sum(axis=1)


DELTA = ("local", "inhibition", "feedforward", "background", "pulses")


@pytest.mark.parametrize("channel", DELTA)
def test_a_delta_channel_holds_everything_that_arrived(hierarchy: Run, channel: str) -> None:
    """At 1 ms and at 0.1 ms, a bin holds ±Σw·τ_m/Δ of spikes, edges and drive counts, recounted in NumPy."""
    sign = -1 if channel == "inhibition" else 1
    arrived = count_arrivals(hierarchy, channel)
    assert np.count_nonzero(arrived) > 50
    fine, coarse = recorded(hierarchy, channel, "fine"), recorded(hierarchy, channel, "currents")
    np.testing.assert_allclose(fine, sign * arrived * 0.02 / 1e-4, rtol=1e-14, atol=0)
    np.testing.assert_allclose(coarse, sign * bin_sums(arrived, 10) * 0.02 / 1e-3, rtol=FLOAT32, atol=0)
    charge = fine.sum() * 1e-4
    assert abs(charge) > 1e-4
    np.testing.assert_allclose(coarse.sum() * 1e-3, charge, rtol=1e-6)
    np.testing.assert_allclose(charge, sign * arrived.sum() * 0.02, rtol=1e-12)


def test_an_exponential_channel_filters_what_arrived(hierarchy: Run) -> None:
    """The slow current is the arrivals, with delays from 0.5 to 2.5 ms, through h, each step integrated exactly."""
    arrived = count_arrivals(hierarchy, "lateral")
    decay = np.exp(-1e-4 / 0.01)
    current, expected = np.zeros(60), np.zeros_like(arrived)
    for i_step, weight in enumerate(arrived):
        current = current * decay + weight
        expected[i_step] = current * (0.01 / 1e-4) * -np.expm1(-1e-4 / 0.01)
    got = recorded(hierarchy, "lateral", "fine")
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=0)
    np.testing.assert_allclose(recorded(hierarchy, "lateral", "currents"), bin_sums(got, 10) / 10, rtol=FLOAT32)
    assert np.count_nonzero(got[-1]) > 40
    assert hierarchy.connectivity("lateral")["delay"].nunique() == 21


def test_v_follows_from_the_recorded_currents(hierarchy: Run) -> None:
    """A neuron that is not refractory and has no event decays to its currents and jumps by its impulses, each step."""
    v = recorded(hierarchy, "v", "fine")
    jump = np.sum([recorded(hierarchy, name, "fine") for name in DELTA], axis=0) * 1e-4 / 0.02
    mean_slow = recorded(hierarchy, "lateral", "fine")
    # Before its arrivals a step's slow current has decayed; what it does to v is the propagator of two time constants.
    slow = np.vstack([np.zeros(60), mean_slow[:-1] / ((0.01 / 1e-4) * -np.expm1(-1e-4 / 0.01))])
    into_v = 0.01 / (0.02 - 0.01) * (np.exp(-1e-4 / 0.02) - np.exp(-1e-4 / 0.01))
    bias = recorded(hierarchy, "bias", "fine")
    decay = np.exp(-1e-4 / 0.02)
    expected = bias[1:] + (v[:-1] - bias[1:]) * decay + into_v * slow[1:] + jump[1:]
    free = _free_steps(hierarchy)[1:]
    np.testing.assert_allclose(v[1:][free], expected[free], rtol=1e-9, atol=1e-12)
    assert free.mean() > 0.8


def _free_steps(run: Run) -> np.ndarray:
    """Return (n_steps, n_neurons): neither a spike, nor refractory, nor an event."""
    step, neuron = spike_steps(run)
    free = np.ones((run.manifest["n_steps"], run.network.n_neurons), bool)
    for i_step, i_neuron in zip(step, neuron, strict=True):
        free[i_step : i_step + 20, i_neuron] = False
    free[200, run.network.population["L2E"].start + 3] = False
    free[600, run.network.population["L1I"].start] = False
    return free


def test_refractory_neurons_hold_v_while_their_input_is_recorded(hierarchy: Run) -> None:
    """For 2 ms after its spike a neuron stays at reset; what arrives in that time is in the record all the same."""
    v, background = recorded(hierarchy, "v", "fine"), recorded(hierarchy, "background", "fine")
    step, neuron = spike_steps(hierarchy)
    held = [(s, n) for s, n in zip(step, neuron, strict=True) if s + 20 < 2000]
    assert len(held) > 100
    assert all((v[s : s + 20, n] == 0.01).all() for s, n in held)
    assert all(v[s + 20, n] != 0.01 for s, n in held)
    assert sum(background[s : s + 20, n].any() for s, n in held) == len(held)


def test_events_set_v_before_the_state_update_of_their_step(hierarchy: Run) -> None:
    """Setting v above threshold fires in that step; v set to -30 mV has decayed by one step at the end of it."""
    step, neuron = spike_steps(hierarchy)
    assert ((step == 200) & (neuron == hierarchy.network.population["L2E"].start + 3)).any()
    v = recorded(hierarchy, "v", "fine")[600, hierarchy.network.population["L1I"].start]
    assert -0.0301 < v < -0.0295


def test_v_can_be_the_mean_over_the_bin(hierarchy: Run) -> None:
    """The mean of ten samples at the end of each step, which the fine recorder has."""
    averaged, fine = recorded(hierarchy, "v", "averaged"), recorded(hierarchy, "v", "fine")
    np.testing.assert_allclose(averaged, bin_sums(fine, 10) / 10, rtol=1e-13, atol=1e-17)
    assert (averaged != recorded(hierarchy, "v", "currents")).mean() > 0.9


def test_states_are_samples_at_the_end_of_the_bin(hierarchy: Run) -> None:
    """Each sampled v is the fine recorder's v of the bin's last step, to the last bit, and only E is there."""
    states = hierarchy.states()
    assert set(states["population"].unique()) == {"L1E", "L2E"}
    excitatory = np.flatnonzero(np.isin(np.arange(60), states["neuron"].unique()))
    fine = recorded(hierarchy, "v", "fine")[9::10, excitatory]
    np.testing.assert_array_equal(states["v"].to_numpy().reshape(-1, 48), fine)
    assert (states["I_lateral"] > 0).mean() > 0.5


def test_rates_are_those_of_the_spikes(hierarchy: Run) -> None:
    """The rates recorder and the recorded spikes give the same counts in every 5 ms."""
    rates, spikes = hierarchy.rates("5 ms", recorder="rates"), hierarchy.spikes()
    assert len(spikes) > 200
    bins = np.floor(spikes["time"] / 0.005 + 1e-9).astype(int)
    for population in hierarchy.network.populations:
        counts = np.bincount(bins[spikes["population"] == population.name], minlength=40)
        rate = rates.loc[rates["population"] == population.name, "rate"].to_numpy()
        np.testing.assert_allclose(rate, counts / population.size / 0.005, rtol=1e-12)


def test_sums_and_signs_of_the_currents_table(hierarchy: Run) -> None:
    """Excitatory channels are ≥ 0, inhibitory ones ≤ 0, and both together are the total."""
    table = hierarchy.currents(recorder="currents")
    excitatory = ["lateral", "local", "feedforward", "background", "pulses", "bias"]
    assert (table[excitatory] >= 0).all(axis=None)
    assert (table["inhibition"] <= 0).all()
    assert (table["inhibition"] < 0).mean() > 0.05
    np.testing.assert_allclose(table["excitatory"], table[excitatory].sum(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(table["inhibitory"], table["inhibition"])
    np.testing.assert_allclose(table["total"], table["excitatory"] + table["inhibitory"], rtol=1e-6, atol=1e-7)


def test_channels_reach_only_the_populations_that_the_model_says(hierarchy: Run) -> None:
    """A channel is 0 where no pathway leads, and not where one does."""
    table = hierarchy.currents(recorder="currents")
    reached = {"local": {"L1I", "L2I"}, "feedforward": {"L2E", "L2I"}, "pulses": {"L1E"}, "bias": {"L1I", "L2I"}}
    for channel, populations in reached.items():
        largest = table.groupby("population", observed=True)[channel].max()
        assert set(largest.index[largest > 0]) == populations, channel
