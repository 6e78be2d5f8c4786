"""Two kinds of neuron in one network, one of them by the modeller's own equations."""

import numpy as np
import pandas as pd
import pytest

from models.spec import EquationsNeuron
from pipeline import Run
from tests.pipeline.recount import FLOAT32, count_arrivals, count_ramp, recorded, spike_steps

pytestmark = pytest.mark.compiled


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
    arrived = count_ramp(mixed) if channel == "ramp" else count_arrivals(mixed, channel)
    assert arrived.sum() > 0.005
    sign = -1 if channel == "hush" else 1
    np.testing.assert_allclose(recorded(mixed, channel, "currents"), sign * arrived * 0.01 / 1e-4, rtol=FLOAT32, atol=0)


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
