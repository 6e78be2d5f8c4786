"""The network `exponential_current` against its closed form."""

import numpy as np
import pytest

from pipeline import Run
from tests.conftest import SimulateOnce
from tests.pipeline.recount import FLOAT32, Floats, recorded, spike_steps

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def exponential(simulate_once: SimulateOnce) -> Run:
    """Return a run of three neurons that fire once each."""
    return simulate_once("exponential_current")


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
