"""Curves of growth change one number of a network like `hierarchy`; parts of the time add up, whatever was sampled."""

from collections import Counter
from pathlib import Path

import pytest

from models.files import load_network
from models.quantities import Quantity
from models.values import Uniform
from pipeline.bench.contenders import hierarchy_spec
from pipeline.bench.growth import layer_spec, list_cases, without_edges
from pipeline.bench.parts import PartsCase
from pipeline.bench.plot import plot_growth
from pipeline.bench.programs import WAITING, ProgramRun, add_up_parts
from pipeline.bench.sizes import FULL, GrowthSizes

GROWTH = GrowthSizes()


def _run(processor_s: float, simulation_s: float, **shares: float) -> ProgramRun:
    return ProgramRun(1.0, 0.1, simulation_s, processor_s, 0.0, 2.0, 5.0, 100, 1000, 0, shares, None)


def test_parts_are_weighed_by_processor_time() -> None:
    """The time of a part is its share of each run's processor time; what remains of the wall time was waited."""
    seconds = add_up_parts([_run(1.0, 1.5, update=0.5, drive=0.5), _run(3.0, 3.5, update=0.0, drive=1.0)])
    assert seconds == pytest.approx({"update": 0.5, "drive": 3.5, WAITING: 1.0})


def test_a_run_without_samples_changes_no_share() -> None:
    """A run that ends before its first sample counts with the shares of the others."""
    seconds = add_up_parts([_run(1.0, 1.0, update=0.25, drive=0.75), _run(1.0, 1.0, update=0.0, drive=0.0)])
    assert seconds == pytest.approx({"update": 0.5, "drive": 1.5, WAITING: 0.0})


def test_a_recording_is_as_long_as_fits() -> None:
    """Where everything is recorded a run is short: 2.24 GB per second of model time, in memory."""
    cases = [PartsCase(FULL, recorded) for recorded in ("spikes", "currents", "everything")]
    assert [case.model_s for case in cases] == [10.0, 10.0, 1.0]
    assert [case.n_bytes for case in cases] == pytest.approx([0, 1.792e9, 2.24e9])


def test_the_curves_reach_what_growth_is_measured_to() -> None:
    """100,000 neurons, 100 million synapses of either kind, 16 layers, all neurons recorded; memory in proportion."""
    cases = list(list_cases(FULL, GROWTH))
    assert Counter(case.curve for case in cases) == {"neurons": 4, "synapses": 6, "layers": 5, "recorded neurons": 4}
    assert {case.curve: case.x for case in cases} == {
        "neurons": 100_000,
        "synapses": 100_000_000,
        "layers": 16,
        "recorded neurons": 12_000,
    }
    assert [case.x for case in cases if case.curve == "recorded neurons"] == [0, 120, 1200, 12_000]
    assert max(case.n_bytes for case in cases) == 4e9
    assert cases[9].name == "growth: 100,000,000 synapses, individual weights"
    assert [round(case.n_synapses / 1e6, 2) for case in cases if case.curve == "layers"][:2] == [1.6, 4.48]


def test_a_layer_is_that_of_hierarchy() -> None:
    """With as many synapses per neuron the weights are the shipped ones; with twice as many, half."""
    shipped, same, large = (
        load_network("hierarchy"),
        layer_spec(4000, 1_600_000, "constant"),
        layer_spec(4000, 3_200_000, "constant"),
    )
    for name in ("lateral", "local", "inhibition"):
        weights = [spec.pathway[name].weight for spec in (shipped, same, large)]
        values_mv = [1e3 * weight.value for weight in weights if isinstance(weight, Quantity)]
        assert values_mv == pytest.approx([values_mv[0], values_mv[0], values_mv[0] / 2])
    assert [same.pathway[name].connect.degree for name in ("lateral", "local", "inhibition")] == [320, 320, 80]
    assert [population.size for population in same.layers.population.values()] == [3200, 800]


def test_individual_weights_have_the_same_mean() -> None:
    """Weights are uniform from 0 to twice the constant one."""
    weight = layer_spec(4000, 1_600_000, "individual").pathway["lateral"].weight
    assert isinstance(weight, Uniform)
    assert (weight.low.value, weight.high.value) == pytest.approx((0, 0.4e-3))


def test_a_network_without_edges_is_otherwise_the_same() -> None:
    """What memory synapses take is the difference to it."""
    spec = hierarchy_spec(FULL, "currents")
    bare = without_edges(spec)
    assert all(pathway.connect.probability == 0 for pathway in bare.pathway.values())
    assert (bare.layers, bare.drive, bare.record) == (spec.layers, spec.drive, spec.record)


def test_a_curve_alone_is_drawn(tmp_path: Path) -> None:
    """What did not fit into memory leaves out its curve, not the picture."""
    keys = ("simulation_s", "start_s", "event_ns", "neuron_update_ns", "peak_memory_bytes")
    points = [{"curve": "layers", "x": x, "weights": "constant"} | dict.fromkeys(keys, 1.0 * x) for x in (1, 2)]
    plot_growth(points, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG\r\n")
