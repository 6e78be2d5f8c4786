"""Our assembly against hand-written Brian2 scripts of the same networks, both on Brian2's NumPy target.

Given the same edges, initial values and drive, the two must fire the same spikes, and agree in v and in every current.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import brian2
import numpy as np
import pytest

from models import list_networks
from tests.networks.plain import driven, small, smooth, three_neurons
from tests.networks.plain.comparison import check, give
from tests.networks.plain.given import Given
from tests.networks.plain.ours import run_ours
from tests.networks.plain.samples import PlainRun

HERE = Path(__file__).parent

type Script = Callable[[Given], PlainRun]


@dataclass(frozen=True)
class Case:
    """A shipped network, its script, and what must be seen for the comparison to mean something."""

    script: Script
    duration_ms: int
    n_spikes: int
    variables: set[str]
    settings: dict[str, object] = field(default_factory=dict)


SHIPPED = {
    "after_potential": Case(small.run_after_potential, 200, 30, {"v", "strong", "weak", "v_ap", "v_final"}),
    "ei_layer": Case(
        small.run_ei_layer,
        200,
        30,
        {"v", "slow", "fast", "inhibition", "input"},
        {"pathway.fast.weight": {"uniform": ["0.2 V", "0.6 V"]}},  # as shipped, the inhibitory neurons rarely fire
    ),
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


DELAYED: dict[str, object] = {"pathway.slow.delay": "1.3 ms"}
SCATTERED: dict[str, object] = {"pathway.slow.delay": {"uniform": ["0 ms", "3 ms"]}}


@pytest.mark.parametrize(
    ("trace_initial", "delay"), [(0.0, {}), (10.0, DELAYED), (10.0, SCATTERED)], ids=["as shipped", "delay", "delays"]
)
def test_traces_in_synapses(trace_initial: float, delay: dict[str, object]) -> None:
    """A trace per synapse, lowered or not, is what the script adds up, also from an initial value and with delays."""
    settings = {"pathway.slow.trace_initial": trace_initial} | delay
    lowered = give("traced_synapses", 100, settings | {"pathway.slow.lower": True})
    written = give("traced_synapses", 100, settings | {"pathway.slow.lower": False})
    plain = three_neurons.run_traced(lowered, trace_initial)
    assert len(plain.spikes) >= 3
    assert (plain.currents["slow"][0] > 0).all() == (trace_initial > 0)
    assert check(run_ours(lowered), plain) == check(run_ours(written), plain) == {"v", "slow"}


@pytest.mark.parametrize("delay", [{}, DELAYED], ids=["as shipped", "delay"])
def test_population_rate(delay: dict[str, object]) -> None:
    """The product of weights and traces, lowered or not, is the script's; so are the traces where they are kept."""
    traces = {"kind": "states", "variables": ["x_slow"], "interval": "0.1 ms", "dtype": "float64"}
    lowered = give("population_rate", 100, delay)
    written = give("population_rate", 100, delay | {"pathway.slow.lower": False, "record.traces": traces})
    plain = three_neurons.run_population_rate(lowered)
    assert len(plain.spikes) == 3
    assert check(run_ours(lowered), plain) == {"v", "slow"}
    assert check(run_ours(written), plain) == {"v", "slow", "x_slow"}


@pytest.mark.parametrize("model", ["traced_synapses", "population_rate"])
def test_traces_equal_an_exponential_current(model: str) -> None:
    """Networks of traces that are not lowered do what the script of the exponential current does."""
    given = give(model, 100, {"pathway.slow.lower": False})
    assert check(run_ours(given), three_neurons.run_exponential(given)) == {"v", "slow"}


def give_kernels(kinetics: str, **constants: str) -> Given:
    """Return the network of smooth currents with other kinetics."""
    places = ("pathway.brake", "drive.background")
    settings: dict[str, object] = {f"{place}.{key}": value for place in places for key, value in constants.items()}
    return give(HERE / "kernels.toml", 150, settings | {f"{place}.kinetics": kinetics for place in places})


@pytest.mark.parametrize("tau", ["5 ms", "20 ms"], ids=["", "of the membrane"])
@pytest.mark.parametrize("kinetics", ["alpha", "biexponential"])
def test_alpha(kinetics: str, tau: str) -> None:
    """Alpha currents, and biexponential ones that rise as they decay, are the script's alpha currents."""
    given = give_kernels(kinetics, tau=tau, **({"tau_rise": tau} if kinetics == "biexponential" else {}))
    plain = smooth.run_alpha(given, brian2.Quantity(float(tau.split()[0]) * 1e-3, dim=brian2.second.dim))
    assert len(plain.spikes) >= 20
    assert check(run_ours(given), plain) == {"v", "brake", "background"}


@pytest.mark.parametrize(
    ("tau", "tau_rise"), [(8, 2), (20, 3), (20, 30)], ids=["", "decay of the membrane", "rise slower than decay"]
)
def test_biexponential(tau: int, tau_rise: int) -> None:
    """Biexponential currents are the script's differences of two exponentials, over their peak."""
    given = give_kernels("biexponential", tau=f"{tau} ms", tau_rise=f"{tau_rise} ms")
    plain = smooth.run_biexponential(given, tau * brian2.ms, tau_rise * brian2.ms)
    assert len(plain.spikes) >= 20
    assert check(run_ours(given), plain) == {"v", "brake", "background"}


def test_scattered_weights_and_delays() -> None:
    """Synapses each with a weight and a delay, in slow and fast pathways, deliver what and when the script's do."""
    given = give(HERE / "scattered.toml", 100)
    assert all(np.unique(given.tables[name].delay).size > 5 for name in ("slow", "lasting", "inhibition"))
    plain = smooth.run_scattered(given)
    assert set(given.neurons("I")) <= set(plain.spikes[:, 1])
    assert len(plain.spikes) >= 100
    assert check(run_ours(given), plain) == {"v", "slow", "lasting", "inhibition", "background", "bias"}
