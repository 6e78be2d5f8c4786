"""Our assembly against hand-written Brian2 scripts of the same networks, both on Brian2's NumPy target.

Given the same edges, initial values and drive, the two must fire the same spikes, and agree in v and in every current.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import brian2
import numpy as np
import pytest
from brian2.devices import reset_device, set_device

from models import list_networks, load_network
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



@dataclass(frozen=True)
class Case:
    """A shipped network, its script, and what must be seen for the comparison to mean something."""

    script: Script
    duration_ms: int
    n_spikes: int
    variables: set[str]
    settings: dict[str, object] = field(default_factory=dict)


STATES = {"kind": "states", "interval": "0.1 ms", "dtype": "float64"}
SHIPPED = {
    "after_potential": Case(small.run_after_potential, 200, 30, {"v", "strong", "weak", "v_ap", "v_final"}),
    "ei_layer": Case(small.run_ei_layer, 200, 20, {"v", "slow", "fast", "inhibition", "input"}),
    "exponential_current": Case(three_neurons.run_exponential, 100, 3, {"v", "slow"}),
    "fast_tracked": Case(driven.run_fast_tracked, 150, 100, {"v", "fast", "inhibition", "background"}),
    "hierarchy": Case(
        driven.run_hierarchy,
        100,
        300,
        {"v", "lateral", "local", "inhibition", "feedforward", "background"},
        {
            "layers.population.E.size": 80,
            "layers.population.I.size": 20,
            "pathway.lateral.weight": "1 mV",
            "pathway.local.weight": "1 mV",
            "pathway.inhibition.weight": "3 mV",
            "pathway.feedforward.weight": "0.6 mV",
            "record.currents.population": ["E", "I"],
        },
    ),
    "independent_drive": Case(driven.run_independent, 200, 20, {"v", "background"}),
    "poisson_probe": Case(small.run_poisson_probe, 200, 0, {"v", "slow", "fast"}),
    "population_rate": Case(three_neurons.run_population_rate, 100, 3, {"v", "slow"}),
    "shared_drive": Case(driven.run_shared, 200, 20, {"v", "background"}),
    "traced_synapses": Case(three_neurons.run_traced, 100, 3, {"v", "slow"}),
    "two_stage": Case(three_neurons.run_two_stage, 100, 10, {"v", "facilitating", "x_facilitating"}),
}


def test_every_shipped_network_has_a_script() -> None:
    """No shipped network is left out."""
    assert SHIPPED.keys() == list_networks().keys()


@pytest.mark.parametrize("model", SHIPPED)
def test_shipped_network(model: str) -> None:
    """The network fires the same spikes and has the same v, currents and traces as the script."""
    case = SHIPPED[model]
    given = give(model, case.duration_ms, case.settings)
    plain = case.script(given)
    assert len(plain.spikes) >= case.n_spikes
    assert all(len(emitted) >= 20 for emitted in plain.inputs.values())
    assert check(run_ours(given), plain) == case.variables
