"""Whole simulations on the engine, against closed forms and against plain NumPy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from models import load_network
from models.spec import EquationsNeuron
from pipeline import Run
from tests.conftest import SimulateOnce
from tests.pipeline.recount import Floats, count_arrivals, deliver, poisson_events, recorded, spike_steps

pytestmark = pytest.mark.compiled

FLOAT32 = 2.0**-23
"""Relative distance of neighbouring float32 numbers, the precision of recordings."""


@pytest.fixture(scope="module")
def hierarchy(simulate_once: SimulateOnce, networks: Path) -> Run:
    """Return a run of the 60-neuron hierarchy."""
    return simulate_once(networks / "small_hierarchy.toml")


@pytest.fixture(scope="module")
def mixed(simulate_once: SimulateOnce, networks: Path) -> Run:
    """Return a run of two kinds of neuron."""
    return simulate_once(networks / "mixed.toml")


@pytest.fixture(scope="module")
def rules(simulate_once: SimulateOnce, networks: Path) -> Run:
    """Return a run with one pathway per connection rule."""
    return simulate_once(networks / "rules.toml")


@pytest.fixture(scope="module")
def exponential(simulate_once: SimulateOnce) -> Run:
    """Return a run of three neurons that fire once each."""
    return simulate_once("exponential_current")


def bin_sums(arrived: Floats, steps_per_bin: int) -> Floats:
    """Return (n_bins, n_neurons) sums over the steps of each bin."""
    return arrived.reshape(-1, steps_per_bin, arrived.shape[1]).sum(axis=1)


WEIGHTS = np.arange(9).reshape(3, 3) * 0.01
TAU, DT = 0.01, 0.0001


def test_each_neuron_of_exponential_current_fires_once_when_it_is_made_to(exponential: Run) -> None:
    """Setting v above threshold makes a spike in that very step, and nothing else does."""
    spikes = exponential.spikes()
    assert list(zip(spikes["neuron"], spikes["time"], strict=True)) == [(0, 0.02), (1, 0.04), (2, 0.06)]


def test_exponential_current_equals_its_closed_form(exponential: Run) -> None:
    """I_i = Σ_j w_ji h(t - t_j), averaged exactly over each bin, within the rounding of float32."""
    step, source = spike_steps(exponential)
    start = np.arange(1000)[:, None, None] * DT - (step * DT)[None, :, None]
    h = np.where(start > -DT / 2, np.exp(-start / TAU) * (TAU / DT) * -np.expm1(-DT / TAU), 0.0)
    expected = (h * WEIGHTS[source][None]).sum(axis=1)
    got = recorded(exponential, "slow", "currents")
    np.testing.assert_allclose(got, expected, rtol=2 * FLOAT32, atol=0)
    assert (got[600:] > 0).all()
    assert np.count_nonzero(got[:200]) == 0
    assert got.max() > 0.08


def test_v_of_exponential_current_equals_its_closed_form(exponential: Run) -> None:
    """A jump w of I makes v = w·(t/τ)·exp(-t/τ) where τ = τ_s; a reset leaves what I still is. Within float32."""
    step, source = spike_steps(exponential)
    time = np.arange(1, 1001) * DT
    jumps = (step + 1) * DT
    expected = np.zeros((1000, 3))
    for i in range(3):
        reset = jumps[source == i][0]
        for jump, weight in zip(jumps, WEIGHTS[source, i], strict=True):
            before = weight * _alpha(time - jump) * (time < reset - DT / 2)
            after = weight * np.exp(-max(reset - jump, 0) / TAU) * _alpha(time - max(reset, jump))
            expected[:, i] += before + after * (time > reset - DT / 2)
    got = recorded(exponential, "v", "currents")
    np.testing.assert_allclose(got, expected, rtol=4 * FLOAT32, atol=1e-12)
    assert (got[601:] > 0).all()
    assert got.max() > 0.03


def _alpha(time: Floats) -> Floats:
    return np.where(time > DT / 2, time / TAU * np.exp(-time / TAU), 0.0)


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


@pytest.mark.parametrize("population", ["L1E", "L1I", "L2E", "L2I"])
def test_poisson_drive_follows_the_poisson_distribution(hierarchy: Run, population: str) -> None:
    """Counts of the C++ program, recovered from the recorded current: chi-square at p > 1e-4, and NumPy's exactly."""
    place = hierarchy.network.population[population]
    weight = np.float64(np.float32(0.2e-3))
    current = recorded(hierarchy, "background", "fine")[:, place.start : place.stop]
    counts = np.rint(current * 1e-4 / 0.02 / weight).astype(int)
    np.testing.assert_array_equal(counts, poisson_events(hierarchy, "background", population))
    mean = 500 * (12 if place.layer == 1 else 10) * 1e-4
    observed = np.bincount(np.minimum(counts.ravel(), 4), minlength=5)
    probability = stats.poisson.pmf(np.arange(5), mean)
    probability[4] = stats.poisson.sf(3, mean)
    assert (probability * counts.size > 10).all()
    assert stats.chisquare(observed, probability * counts.size).pvalue > 1e-4


def test_poisson_drive_is_private_to_each_neuron(hierarchy: Run) -> None:
    """Correlations between neurons' counts are within sampling error of 0."""
    counts = recorded(hierarchy, "background", "fine")[:, :24]
    correlation = np.asarray(np.corrcoef(counts.T))[np.triu_indices(24, 1)]
    assert np.abs(correlation).max() < 5 / np.sqrt(2000)
    assert abs(correlation.mean()) < 4 / np.sqrt(2000 * correlation.size)


def test_shared_sources_fire_at_their_rate(hierarchy: Run) -> None:
    """Five sources of 50 Hz in 200 ms: 50 spikes, within four standard deviations; all numbered, sorted by time."""
    inputs = hierarchy.inputs()
    assert abs(len(inputs) - 50) < 4 * np.sqrt(50)
    assert set(inputs["source"]) == set(range(5))
    assert inputs["time"].is_monotonic_increasing


def test_equal_seeds_give_equal_bits(hierarchy: Run, simulate_once: SimulateOnce, networks: Path) -> None:
    """A second run with the same seed, said explicitly, is the same in every table, to the last bit."""
    again = simulate_once(networks / "small_hierarchy.toml", seed=1)
    assert again.path != hierarchy.path
    assert len(again.spikes()) > 200
    pd.testing.assert_frame_equal(again.spikes(), hierarchy.spikes(), check_exact=True)
    pd.testing.assert_frame_equal(again.inputs(), hierarchy.inputs(), check_exact=True)
    for recorder in ("currents", "fine", "averaged"):
        expected = hierarchy.currents(recorder=recorder)
        pd.testing.assert_frame_equal(again.currents(recorder=recorder), expected, check_exact=True)


def test_another_seed_changes_the_drive_but_not_the_edges(
    hierarchy: Run, simulate_once: SimulateOnce, networks: Path
) -> None:
    """A run's seed decides initial values and drive; edges, weights and delays belong to the network's."""
    other = simulate_once(networks / "small_hierarchy.toml", seed=2)
    for name in ("lateral", "local", "inhibition", "feedforward", "pulses"):
        assert len(hierarchy.connectivity(name)) > 10
        pd.testing.assert_frame_equal(other.connectivity(name), hierarchy.connectivity(name), check_exact=True)
    assert (recorded(other, "background", "fine") != recorded(hierarchy, "background", "fine")).mean() > 0.5
    assert not other.inputs().equals(hierarchy.inputs())
    assert (recorded(other, "v", "fine")[0] != recorded(hierarchy, "v", "fine")[0]).all()
    assert other.manifest["build"]["fingerprint"] == hierarchy.manifest["build"]["fingerprint"]


def test_a_setting_changes_what_it_names(hierarchy: Run, simulate_once: SimulateOnce, networks: Path) -> None:
    """A lower rate takes events away in layer 2 and leaves layer 1's; the setting and a note are in the manifest."""
    settings = {"drive.background.rate": "9 Hz"}
    changed = simulate_once(networks / "small_hierarchy.toml", settings=settings)
    assert changed.manifest["settings"] == settings
    assert changed.manifest["spec"]["drive"]["background"]["rate"] == "9 Hz"
    assert len(changed.spec.notes) == 1
    assert changed.manifest["notes"] == list(changed.spec.notes)
    got, before = (recorded(run, "background", "fine") for run in (changed, hierarchy))
    np.testing.assert_array_equal(got[:, :30], before[:, :30])
    assert (got[:, 30:] <= before[:, 30:]).all()
    assert 0.85 < got[:, 30:].sum() / before[:, 30:].sum() < 0.95


def test_the_numpy_target_gives_the_same_spikes(hierarchy: Run, networks: Path, brian2_runtime: None) -> None:
    """Brian2 without C++, from the same assembly, agrees spike for spike over the first 50 ms."""
    import brian2

    from models.assembly.reference import assemble_reference

    assembly = assemble_reference(load_network(networks / "small_hierarchy.toml"), n_steps=500)
    assembly.network.run(50 * brian2.ms, namespace={})
    (name,) = (assembly.spike_monitors[plan.name] for plan in assembly.plans)
    monitor = next(item for item in assembly.network.objects if item.name == name)
    got = np.stack([np.rint(np.array(monitor.t) / 1e-4), np.array(monitor.i)])
    step, neuron = spike_steps(hierarchy)
    expected = np.stack([step, neuron])[:, step < 500]
    assert expected.shape[1] > 40
    np.testing.assert_array_equal(got[:, np.lexsort(got[::-1])], expected)


@pytest.fixture
def brian2_runtime() -> Any:
    """Run Brian2 in this process, on its NumPy target, and leave it as it was."""
    import brian2

    brian2.set_device("runtime")
    before = brian2.prefs["codegen.target"]
    brian2.prefs["codegen.target"] = "numpy"
    yield
    brian2.prefs["codegen.target"] = before


def test_two_kinds_of_neuron_make_tables_in_global_order(mixed: Run) -> None:
    """Populations of two NeuronGroups alternate in the global order, and every bin lists all neurons in that order."""
    table, spikes = mixed.currents(), mixed.spikes()
    np.testing.assert_array_equal(table["neuron"].to_numpy().reshape(1000, 24), np.tile(np.arange(24), (1000, 1)))
    names = table["population"].to_numpy().reshape(1000, 24)[0]
    assert list(dict.fromkeys(names)) == ["L1E", "L1A", "L1Q", "L2E", "L2A", "L2Q"]
    assert set(spikes["population"].unique()) == set(names)
    pd.testing.assert_frame_equal(spikes, spikes.sort_values(["time", "neuron"], kind="stable"))


@pytest.mark.parametrize("channel", ["fast", "ramp", "cue", "hush"])
def test_fast_channels_cross_between_kinds_of_neuron(mixed: Run, channel: str) -> None:
    """What arrives within and between the groups is what spikes and edges say, with τ_m from either kind of neuron."""
    arrived = _count_ramp(mixed) if channel == "ramp" else count_arrivals(mixed, channel)
    assert arrived.sum() > 0.005
    sign = -1 if channel == "hush" else 1
    np.testing.assert_allclose(recorded(mixed, channel, "currents"), sign * arrived * 0.01 / 1e-4, rtol=FLOAT32, atol=0)


def _count_ramp(run: Run) -> Floats:
    """Return the arrivals of a rate that changes every 20 ms, from the definition of the random numbers."""
    from models.counter_rng import bits32, derive_key
    from models.poisson import poisson_counts, poisson_thresholds

    arrived = np.zeros((1000, 24))
    for name in ("L1E", "L2E"):
        place = run.network.population[name]
        key = derive_key(3, "poisson", "ramp", name)
        for i_step in range(1000):
            mean = 100 * (0.0, 20.0, 60.0, 200.0, 0.0)[i_step // 200] * 1e-4
            counts = poisson_counts(poisson_thresholds(mean), bits32(key, np.arange(5), i_step))
            arrived[i_step, place.start : place.stop] = np.float32(1e-3) * counts.astype(np.float64)
    return arrived


def test_a_rate_that_varies_in_time_drives_as_much_as_it_says(mixed: Run) -> None:
    """Nothing at 0 Hz, and within four standard deviations of the expected charge in each 20 ms."""
    weight = recorded(mixed, "ramp", "currents")[:, :5].sum(axis=1) * 1e-4 / 0.01 / 1e-3
    counts = weight.reshape(5, 200).sum(axis=1)
    expected = 5 * 100 * 0.02 * np.array([0, 20, 60, 200, 0])
    assert counts[0] == counts[4] == 0
    assert (np.abs(counts - expected) <= 4 * np.sqrt(expected)).all()


def test_a_current_that_varies_in_time_holds_each_value_for_its_interval(mixed: Run) -> None:
    """0 mV for 50 ms, then 25 mV, for the neurons that it is meant for and no others."""
    step = recorded(mixed, "step", "currents")
    adaptive = np.isin(np.arange(24), [5, 6, 7, 8, 17, 18, 19, 20])
    assert not step[:500].any()
    assert (step[500:, adaptive] == np.float32(0.025)).all()
    assert not step[:, ~adaptive].any()


def test_spikes_from_a_file_arrive_when_they_should(mixed: Run) -> None:
    """The five spikes of the file are among the inputs, to the step, and in the record half a millisecond later."""
    inputs = mixed.inputs(["cue"])
    assert [(round(t, 6), s) for t, s in zip(inputs["time"], inputs["source"], strict=True)] == [
        (0.01, 0),
        (0.0105, 1),
        (0.03, 0),
        (0.03, 1),
        (0.0701, 1),
    ]
    arrived = np.flatnonzero(recorded(mixed, "cue", "currents")[:, 9])
    assert list(arrived) == [105, 110, 305, 706]
    np.testing.assert_array_equal(
        count_arrivals(mixed, "cue")[305, 9:12],
        np.array([[1e-3, 2e-3, 3e-3], [4e-3, 5e-3, 6e-3]], np.float32).astype(np.float64).sum(axis=0),
    )


def test_inhibition_lowers_v(mixed: Run) -> None:
    """A silent neuron that gets 2 mV of inhibition goes to -2 mV in that step; its current is negative."""
    place = mixed.network.population["L2Q"]
    v, hush = (recorded(mixed, name, "currents")[:, place.start] for name in ("v", "hush"))
    assert v[99] == 0
    assert v[100] == np.float32(-2e-3)
    assert list(np.flatnonzero(hush)) == [100, 105, 300, 701]
    assert (hush <= 0).all()


def test_the_modellers_own_equations_run(mixed: Run) -> None:
    """Adaptive neurons fire, with v at rest for their 1 ms, and ever longer intervals under a constant current."""
    assert isinstance(mixed.spec.neuron["adaptive"], EquationsNeuron)
    step, neuron = spike_steps(mixed)
    v = recorded(mixed, "v", "currents")
    own = [(s, n) for s, n in zip(step, neuron, strict=True) if n in (5, 6, 7, 8) and s < 989]
    assert len(own) > 10
    assert all((v[s : s + 10, n] == np.float32(1e-3)).all() for s, n in own)


def test_own_equations_follow_their_own_solution(mixed: Run) -> None:
    """The v of an adaptive neuron, step by step by exponential Euler with its recorded input, within 1e-6 of 15 mV."""
    n, tau, dt = 5, 0.01, 1e-4
    step, neuron = spike_steps(mixed)
    fired = np.isin(np.arange(1000), step[neuron == n])
    v = recorded(mixed, "v", "currents")[:, n]
    table = {name: recorded(mixed, name, "currents")[:, n] for name in ("slow", "fast", "step")}
    slow_state = np.concatenate([[0.0], table["slow"][:-1] / ((0.005 / dt) * -np.expm1(-dt / 0.005))])
    a, expected, refractory = 0.0, np.full(1000, np.nan), 0
    for i in range(1000):
        if refractory == 0 and i > 0:
            steady = 1e-3 + table["step"][i] + slow_state[i] - a
            expected[i] = steady + (v[i - 1] - steady) * np.exp(-dt / tau) + table["fast"][i] * dt / 0.01
        a *= np.exp(-dt / 0.03)
        refractory = max(refractory - 1, 0)
        if fired[i]:
            a, refractory, expected[i] = a + 4e-3, 9, np.nan
    known = np.isfinite(expected)
    assert known.sum() > 500
    np.testing.assert_allclose(v[known], expected[known], atol=2e-6)


RULES: dict[str, Callable[[np.ndarray], bool]] = {
    "all_to_all": lambda m: bool((m == 1).all()),
    "one_to_one": lambda m: bool((m == np.eye(10)).all()),
    "probability": lambda m: 20 < m.sum() < 60 and m.max() == 1,
    "in_degree": lambda m: bool((m.sum(axis=0) == 3).all()),
    "out_degree": lambda m: bool((m.sum(axis=1) == 4).all()),
    "pairs": lambda m: sorted(zip(*np.nonzero(m), strict=True)) == [(0, 9), (3, 0), (3, 4), (7, 7)],
    "matrix": lambda m: bool((m == np.load(Path(__file__).parents[1] / "networks" / "matrix.npy")).all()),
}


@pytest.mark.parametrize("rule", RULES)
def test_every_connection_rule_arrives_as_it_says(rules: Run, rule: str) -> None:
    """The edges obey the rule, and each source's one spike arrives at exactly its targets, as late as it should."""
    edges = rules.connectivity(rule)
    matrix = np.zeros((10, 10))
    np.add.at(matrix, (edges["source"], edges["target"] - 10), 1)
    assert RULES[rule](matrix)
    step, neuron = np.arange(1, 11) * 10, np.arange(10)
    np.testing.assert_array_equal(np.stack(spike_steps(rules)), np.stack([step, neuron]))
    arrived = deliver(rules, rule, step, neuron)[:, 10:]
    assert np.count_nonzero(arrived) > 3
    sign = -1 if rule.endswith("degree") else 1
    np.testing.assert_allclose(recorded(rules, rule, "currents"), sign * arrived * 0.01 / 1e-4, rtol=1e-13, atol=0)


def test_weights_of_pairs_are_in_the_order_of_the_file(rules: Run) -> None:
    """The file says 3→4, 0→9, 7→7, 3→0 with 0.5, 0.6, 0.7 and 0.8 mV."""
    edges = rules.connectivity("pairs")
    got = {(s, t - 10): round(w * 1e3, 6) for s, t, w, _ in edges.itertuples(index=False)}
    assert got == {(3, 4): 0.5, (0, 9): 0.6, (7, 7): 0.7, (3, 0): 0.8}


def test_a_run_holds_the_files_of_its_model(rules: Run, mixed: Run, networks: Path) -> None:
    """Files that the model names are in the run's folder, byte for byte, and its own model file names them."""
    spec = load_network(rules.path / "model.toml")
    pathway = spec.pathway["matrix"]
    assert pathway.connect.file is not None
    assert (rules.path / pathway.connect.file).read_bytes() == (networks / "matrix.npy").read_bytes()
    assert spec == rules.spec
    (copy,) = (mixed.path / "files").iterdir()
    assert copy.read_bytes() == (networks / "cue.csv").read_bytes()


def test_the_manifest_says_what_the_run_was_made_of(hierarchy: Run, networks: Path) -> None:
    """Status, model, seed, length, versions, compiler, flags, host, times and edges are there and true."""
    manifest = hierarchy.manifest
    assert (manifest["format"], manifest["status"], manifest["exit_code"]) == (1, "finished", 0)
    assert (manifest["network"], manifest["device"]) == ("small_hierarchy", "engine")
    assert manifest["model"] == str(networks / "small_hierarchy.toml")
    assert (manifest["seed"], manifest["n_steps"], manifest["dt_s"], manifest["duration_s"]) == (1, 2000, 1e-4, 0.2)
    assert manifest["compiler"]["flags"][-1] == "-march=x86-64-v2"
    assert Path(manifest["build"]["path"]).is_file()
    assert {"brian2", "brian2currents", "numpy", "pandas", "python"} <= set(manifest["versions"])
    assert manifest["started"] <= manifest["finished"]
    assert manifest["edges"] == {name: len(hierarchy.connectivity(name)) for name in manifest["edges"]}
    assert set(manifest["edges"]) == {"lateral", "local", "inhibition", "feedforward", "pulses"}


def test_a_run_leaves_no_scratch_files(hierarchy: Run) -> None:
    """A finished run's folder holds what the format names, and nothing temporary."""
    names = {path.name for path in hierarchy.path.iterdir()}
    programs = {"program", "program.json", "program.lock", "program.log"}
    assert names == {"manifest.json", "model.toml", *programs, "inputs", "edges", "recording"}
    assert not [path for path in hierarchy.path.rglob("*") if path.suffix in {".tmp", ".partial"}]
