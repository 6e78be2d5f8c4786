"""Neurons of one model and unlike refractory periods: both devices, and a loop over steps in NumPy, bit for bit."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.counter_rng import bits32, derive_key
from models.poisson import poisson_counts, poisson_thresholds
from pipeline import Run
from tests.conftest import SimulateOnce

pytestmark = [pytest.mark.compiled, pytest.mark.xdist_group("refractoriness")]

type Floats = NDArray[np.float64]

SIZES = {"N": 5, "L": 4, "K": 3, "Z": 4, "H": 3}
N = sum(SIZES.values())
N_STEPS, SEED, DELAY = 2000, 5, 3
LABELS = np.repeat(list(SIZES), list(SIZES.values()))
IS_KERNEL = np.isin(LABELS, ["K", "H"])
HOLD = np.array([0] * 5 + [20] * 4 + [0] * 3 + [0, 1, 7, 30] + [10] * 3)
"""(N,) steps that each neuron is refractory, that of its spike included; 0 for none."""
DECAY_V, DECAY_AP = math.exp(-1e-4 / 10e-3), math.exp(-1e-4 / 5e-3)
INHIBITION, KICK = float(np.float32(0.5e-3)), float(np.float32(1.5e-3))


@dataclass(frozen=True)
class Plain:
    """What the loop over steps saw."""

    v: Floats
    """(N_STEPS, N) at the end of each step, volts."""
    spikes: NDArray[np.bool_]
    """(N_STEPS, N)."""
    kicks: NDArray[np.int32]
    """(N_STEPS, N) events of the Poisson drive."""


def _draw_kicks() -> NDArray[np.int32]:
    table, steps = poisson_thresholds(100 * 50 * 1e-4), np.arange(N_STEPS)[:, np.newaxis]
    keys = [(derive_key(SEED, "poisson", "kicks", f"L1{label}"), size) for label, size in SIZES.items()]
    return np.hstack([poisson_counts(table, bits32(key, np.arange(size), steps)) for key, size in keys])


def _simulate() -> Plain:
    """Go through the steps: state update, threshold, delivery, reset."""
    kicks, spikes, seen = _draw_kicks(), np.zeros((N_STEPS, N), bool), np.zeros((N_STEPS, N))
    v, v_ap, ready = np.zeros(N), np.zeros(N), np.zeros(N, np.int64)
    steady = 1e-3 + 12e-3
    for step in range(N_STEPS):
        active = step >= ready
        v = np.where(active, steady + (v - steady) * DECAY_V, v)
        v_ap = v_ap * DECAY_AP
        fired = (v + v_ap > 20e-3) & active
        spikes[step], ready[fired] = fired, step + HOLD[fired]
        active &= ~fired  # the step of a spike counts as refractory
        arrived = spikes[step - DELAY].sum() if step >= DELAY else 0
        v = np.where(active, v - INHIBITION * arrived, v)
        v = np.where(active, v + KICK * kicks[step], v)
        v[fired & ~IS_KERNEL] = 5e-3
        v_ap[fired & IS_KERNEL] += -8e-3
        seen[step] = v
    return Plain(seen, spikes, kicks)


@pytest.fixture(scope="module")
def plain() -> Plain:
    """Return the run of the loop over steps."""
    return _simulate()


@pytest.fixture(params=["engine", "reference"])
def run(request: pytest.FixtureRequest, networks: Path, simulate_once: SimulateOnce) -> Run:
    """Return the run of a device."""
    return simulate_once(networks / "refractory.toml", device=request.param)


def test_both_devices_do_what_a_loop_over_steps_does(run: Run, plain: Plain) -> None:
    """Every spike, and v of every neuron at the end of every step, to the last bit."""
    trains = run.recording.spikes["spikes"]
    np.testing.assert_array_equal(np.stack([trains.step, trains.neuron], axis=1), np.argwhere(plain.spikes))
    v = run.recording.readers["every_step"].read("v", 0, N_STEPS)
    np.testing.assert_array_equal(v.view(np.int64), plain.v.view(np.int64))


def test_the_loop_meets_every_period(plain: Plain) -> None:
    """Each neuron fires, as early again as its period allows or nearly so, and is kicked in steps in which it fires."""
    assert (plain.spikes.sum(axis=0) >= 5).all()
    shortest = np.array([np.diff(np.flatnonzero(train)).min() for train in plain.spikes.T])
    assert (shortest >= np.maximum(HOLD, 1)).all()
    assert len(set(HOLD)) >= 5
    for label in SIZES:
        own = label == LABELS
        assert (plain.kicks[:, own] * plain.spikes[:, own]).any(), label
