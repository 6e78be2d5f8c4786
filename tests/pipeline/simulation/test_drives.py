"""Drives: Poisson, shared, from a file, injected, constant and varying in time."""

import numpy as np
import pytest
from scipy import stats

from pipeline import Run
from tests.pipeline.recount import count_arrivals, poisson_events, recorded

pytestmark = pytest.mark.compiled


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
