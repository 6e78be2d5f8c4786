"""The engine and the reference run the same network to the same bits: spikes, currents, states, rates and inputs.

Every network that is shipped, and three of the tests' own. As shipped some of them fire too little to say much, so they
are run longer, or are driven: every population that has a way to fire does so at least a hundred times.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models import list_networks, load_network
from pipeline import Run
from tests.conftest import SimulateOnce

pytestmark = pytest.mark.compiled

N_SPIKES = 100
"""What each population fires at least."""


@dataclass(frozen=True)
class Case:
    """How a network is run so that it says enough."""

    duration: str | None = None
    settings: dict[str, object] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    """Populations that never fire, by design."""
    quick: bool = False
    """Whether it belongs to the quick part: a reference program takes 10 to 20 s to compile."""


def kick(weight: str) -> dict[str, object]:
    """Return a drive that makes the neurons of a network fire that otherwise fire only when events make them."""
    rates = {"sources": 10, "rate": "20 Hz"}
    return {"drive": {"kicks": poisson | rates | {"weight": weight}}}


poisson: dict[str, object] = {"kind": "poisson", "target": "E", "polarity": "excitatory", "kinetics": "delta"}
dense: dict[str, object] = {
    f"pathway.{name}.connect.probability": 0.8 for name in ("lateral", "local", "inhibition", "feedforward")
}
doubles: dict[str, object] = {"interval": "1 ms", "dtype": "float64"}
two_kernels: dict[str, object] = {
    "pathway.lateral.kinetics": "alpha",
    "pathway.local.kinetics": "biexponential",
    "pathway.local.tau": "5 ms",
    "pathway.local.tau_rise": "1 ms",
    "pathway.local.weight": "2 mV",
}
one_by_one = [
    {"time": f"{1 + i} ms", "population": "L1S", "index": i % 10, "set": "v", "value": "2 V"} for i in range(150)
]

CASES = {
    "after_potential": Case(),
    # As shipped its inhibitory neurons never fire.
    "ei_layer": Case("2 s", {"pathway.fast.weight.uniform.1": "1 V"}),
    # Its neurons fire once each, as those of the next three do or nearly so.
    "exponential_current": Case("1 s", kick("0.45 V")),
    "population_rate": Case("1 s", kick("0.45 V") | {"pathway.slow.lower": False}, quick=True),
    "traced_synapses": Case("1 s", kick("0.45 V") | {"pathway.slow.lower": False}),
    # With the weights of the file, so much input would end in firing at every step.
    "two_stage": Case("1 s", kick("0.45 V") | {"pathway.facilitating.weight": "2 mV"}),
    "fast_tracked": Case(),
    # An eighth of the neurons, with eight times the probability: as many inputs to each.
    "hierarchy": Case("500 ms", {"layers.population.E.size": 400, "layers.population.I.size": 100} | dense),
    "independent_drive": Case(),
    "shared_drive": Case(),
    # What fires here are the sources of the drive.
    "poisson_probe": Case(silent=frozenset({"L1target"})),
    # With kernels of two variables, the sum of which is added up over the steps of a bin.
    "small_hierarchy": Case("500 ms", two_kernels, quick=True),
    # Longer than its values that vary in time are as shipped, and strong enough for Q to fire.
    "mixed": Case(
        "1 s",
        {
            "drive.ramp.rate.interval": "200 ms",
            "drive.step.value.interval": "500 ms",
            "pathway.fast.weight": "6 mV",
            "record.firing": doubles | {"kind": "states", "population": "A", "variables": ["pairs"]},
        },
        quick=True,
    ),
    # Each S fires fifteen times instead of once, and T at what arrives.
    "rules": Case("160 ms", {"event": one_by_one, "neuron.lif.v_threshold": "0.6 mV"}),
}
MARKED = [
    pytest.param(name, marks=[pytest.mark.xdist_group(f"agree {name}"), *([] if case.quick else [pytest.mark.long])])
    for name, case in CASES.items()
]


@pytest.fixture
def model(name: str, networks: Path) -> str | Path:
    """Return a network of the tests, or the name of a shipped one."""
    own = networks / f"{name}.toml"
    return own if own.exists() else name


@pytest.fixture
def runs(name: str, model: str | Path, simulate_once: SimulateOnce) -> tuple[Run, Run]:
    """Return a network's run on the engine and on the reference, all that is recorded in float64, and rates too."""
    case = CASES[name]
    records = load_network(model).record.items()
    settings: dict[str, object] = {
        f"record.{name}.dtype": "float64" for name, record in records if record.kind in ("currents", "states")
    }
    settings |= {"record.counted": {"kind": "rates", "interval": "5 ms"}} | case.settings
    engine, reference = (
        simulate_once(model, device=device, settings=settings, duration=case.duration)
        for device in ("engine", "reference")
    )
    assert (engine.manifest["device"], reference.manifest["device"]) == ("engine", "reference")
    return engine, reference


def test_no_shipped_network_is_left_out() -> None:
    """A network that is added to the shipped ones is compared as well."""
    assert set(list_networks()) < set(CASES)


def read_values(run: Run) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield everything that a run recorded per neuron and bin, with a name."""
    for name, reader in run.recording.readers.items():
        for variable in reader.variables():
            assert reader.dtype == np.float64
            yield f"{name}.{variable}", reader.read(variable, 0, reader.n_bins)


def read_events(run: Run) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield everything else that a run recorded, with a name."""
    for name, trains in run.recording.spikes.items():
        yield f"{name}.step", trains.step
        yield f"{name}.neuron", trains.neuron
    for name, rates in run.recording.rates.items():
        yield f"{name}.counts", rates.counts
    for name, inputs in run.recording.inputs.items():
        yield f"{name}.step", inputs.step
        yield f"{name}.source", inputs.source


@pytest.mark.parametrize("name", MARKED)
def test_spikes_rates_and_inputs_are_the_same(name: str, runs: tuple[Run, Run]) -> None:
    """Every spike of a neuron or of a drive's source at the same step, of enough of them to mean something."""
    engine, reference = (dict(read_events(run)) for run in runs)
    assert engine.keys() == reference.keys()
    for what, got in engine.items():
        np.testing.assert_array_equal(got, reference[what], what, strict=True)
    counts = runs[0].spikes()["population"].value_counts()
    for population in runs[0].network.populations:
        if population.name not in CASES[name].silent:
            assert counts[population.name] >= N_SPIKES, population.name
    assert engine["counted.counts"].sum() == len(runs[0].spikes())
    assert engine["counted.counts"].sum() + len(runs[0].inputs()) >= N_SPIKES


@pytest.mark.parametrize("name", MARKED)
def test_every_value_is_the_same_to_the_last_bit(name: str, runs: tuple[Run, Run]) -> None:
    """Currents, membrane potentials and states of every neuron in every bin, of which none is 0 throughout."""
    engine, reference = (dict(read_values(run)) for run in runs)
    assert engine.keys() == reference.keys()
    for what, got in engine.items():
        assert np.isfinite(got).all(), what
        assert got.any(), what
        assert got.shape == reference[what].shape
        # Not array_equal, to which 0 and -0 are the same.
        different = got.view(np.int64) != np.ascontiguousarray(reference[what]).view(np.int64)
        assert not different.any(), f"{what}: {different.sum()} values, first at {np.argwhere(different)[0]}"


@pytest.mark.long
@pytest.mark.xdist_group("agree hierarchy")
def test_ten_seconds_of_the_reference_workload(simulate_once: SimulateOnce) -> None:
    """12,000 neurons and 7.36 million synapses, as shipped: the same spikes for 100,000 steps, on two threads."""
    arguments = {"duration": "10 s", "record_interval": "100 ms"}
    engine = simulate_once("hierarchy", threads=2, **arguments)
    reference = simulate_once("hierarchy", device="reference", **arguments)
    trains, expected = (run.recording.spikes["spikes"] for run in (engine, reference))
    assert expected.step.size > 500_000
    np.testing.assert_array_equal(trains.step, expected.step)
    np.testing.assert_array_equal(trains.neuron, expected.neuron)
