"""How a run of our assembly is compared with that of a script."""

from pathlib import Path

import numpy as np

from models import load_network
from tests.networks.plain.given import Floats, Given
from tests.networks.plain.ours import Bins, OurRun
from tests.networks.plain.samples import PlainRun

RELATIVE = 1e-9
NEGLIGIBLE = 1e-12
"""Absolute tolerance in units of a variable's largest magnitude: sums of both signs come near 0."""


def give(model: str | Path, duration_ms: int, settings: dict[str, object] | None = None) -> Given:
    """Return a network whose recorder of currents keeps float64."""
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
    for drive, emitted in plain.inputs.items():
        np.testing.assert_array_equal(ours.inputs[drive], emitted)
    seen = set()
    for bins in ours.bins:
        expected = bin_samples(plain, bins)
        largest = np.abs(expected).max()
        atol = NEGLIGIBLE * largest
        np.testing.assert_allclose(bins.values, expected, rtol=RELATIVE, atol=atol, err_msg=bins.variable)
        seen |= {bins.variable} if largest > 0 else set()
    return seen
