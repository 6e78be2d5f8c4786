"""Our assembly against hand-written Brian2 scripts of the same networks, both on Brian2's NumPy target.

Given the same edges, initial values and drive, the two must fire the same spikes, and agree in v and in every current.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import brian2
import numpy as np
import pytest
from brian2.devices import reset_device, set_device

from models import load_network
from tests.networks.plain import driven, small, three_neurons
from tests.networks.plain.given import Floats, Given
from tests.networks.plain.ours import Bins, OurRun, run_ours
from tests.networks.plain.samples import PlainRun

HERE = Path(__file__).parent
RELATIVE = 1e-9
NEGLIGIBLE = 1e-12
"""Absolute tolerance in units of a variable's largest magnitude: sums of both signs come near 0."""

type Script = Callable[[Given], PlainRun]


@pytest.fixture(autouse=True)
def _numpy_target() -> Iterator[None]:
    """Run everything in Python, whatever device and target are in force, and leave these as they were."""
    target, dt = brian2.prefs["codegen.target"], brian2.defaultclock.dt
    set_device("runtime")
    brian2.prefs["codegen.target"] = "numpy"
    yield
    brian2.prefs["codegen.target"] = target
    brian2.defaultclock.dt = dt
    reset_device()


def give(model: str | Path, duration_ms: int, settings: dict[str, object] | None = None) -> Given:
    """Return a network whose recorders of currents keep float64."""
    spec = load_network(model, {"record.currents.dtype": "float64"} | (settings or {}))
    return Given(spec, duration_ms * 10)


def bin_samples(plain: PlainRun, bins: Bins) -> Floats:
    """Return the samples of every step as bins: the last sample of v and of states, the mean of currents."""
    named = plain.states | plain.currents | {"v": plain.v}
    steps = named[bins.variable][:, bins.neurons].reshape(-1, bins.steps_per_bin, bins.neurons.size)
    return steps.mean(axis=1) if bins.variable in plain.currents else steps[:, -1]


def check(ours: OurRun, plain: PlainRun) -> set[str]:
    """Assert that both agree; return the names of the variables that were not 0 throughout."""
    np.testing.assert_array_equal(ours.spikes, plain.spikes)
    assert ours.inputs.keys() == plain.inputs.keys()
    for drive, expected in plain.inputs.items():
        np.testing.assert_array_equal(ours.inputs[drive], expected)
    seen = set()
    for bins in ours.bins:
        expected = bin_samples(plain, bins)
        largest = np.abs(expected).max()
        np.testing.assert_allclose(
            bins.values, expected, rtol=RELATIVE, atol=NEGLIGIBLE * largest, err_msg=bins.variable
        )
        seen |= {bins.variable} if largest > 0 else set()
    return seen


SHIPPED: dict[str, tuple[Script, int, int, set[str]]] = {
    "after_potential": (small.run_after_potential, 200, 30, {"v", "strong", "weak", "v_ap", "v_final"}),
}


@pytest.mark.parametrize(("model", "script", "duration_ms", "n_spikes", "variables"), [(k, *x) for k, x in SHIPPED.items()])
def test_shipped(model: str, script: Script, duration_ms: int, n_spikes: int, variables: set[str]) -> None:
    """x."""
    given = give(model, duration_ms)
    plain = script(given)
    assert len(plain.spikes) >= n_spikes
    assert check(run_ours(given), plain) == variables
