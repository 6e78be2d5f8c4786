from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from models import NetworkSpec, SpecError, load_network
from models.expand import Expanded, Population, expand_network
from models.files import to_tables
from models.quantities import Quantity
from models.spec import Connect
from tests.strategies import Tables, network_tables


def _expand(**changes: object) -> Expanded:
    return expand_network(load_network("hierarchy", {key.replace("__", "."): value for key, value in changes.items()}))


HIERARCHY = _expand()


def test_populations_follow_layer_by_layer() -> None:
    """Global indices run over the labels within a layer, then to the next layer."""
    assert [(p.name, p.start, p.stop) for p in HIERARCHY.populations] == [
        ("L1E", 0, 3200),
        ("L1I", 3200, 4000),
        ("L2E", 4000, 7200),
        ("L2I", 7200, 8000),
        ("L3E", 8000, 11200),
        ("L3I", 11200, 12000),
    ]
    assert HIERARCHY.n_neurons == 12000
    assert HIERARCHY.population["L2I"] == Population("L2I", 2, "I", 7200, 800, "lif")


def test_projections_are_in_the_order_of_the_spec() -> None:
    """Pathway by pathway; within one, target label by target label, then layer by layer."""
    found = [(p.pathway, p.source.name, p.target.name) for p in HIERARCHY.projections]
    layers = (1, 2, 3)
    assert found == [
        *(("lateral", f"L{n}E", f"L{n}E") for n in layers),
        *(("local", f"L{n}E", f"L{n}I") for n in layers),
        *(("inhibition", f"L{n}I", f"L{n}{label}") for label in "EI" for n in layers),
        *(("feedforward", f"L{n}E", f"L{n + 1}{label}") for label in "EI" for n in (1, 2)),
    ]


def test_feedback_goes_to_the_layer_below() -> None:
    """`previous` is the counterpart of `next`."""
    expanded = _expand(pathway__feedforward__between="previous")
    found = [(p.source.name, p.target.name) for p in expanded.projections if p.pathway == "feedforward"]
    assert found == [("L2E", "L1E"), ("L3E", "L2E"), ("L2E", "L1I"), ("L3E", "L2I")]


def test_named_populations_need_no_between() -> None:
    """A pathway between one layer's populations is that one projection."""
    expanded = expand_network(
        load_network(
            "hierarchy",
            {"pathway.feedforward": HIERARCHY_FEEDFORWARD | {"source": "L3E", "target": "L1I"}},
        )
    )
    found = [(p.source.name, p.target.name) for p in expanded.projections if p.pathway == "feedforward"]
    assert found == [("L3E", "L1I")]


HIERARCHY_FEEDFORWARD = {
    key: value for key, value in to_tables(HIERARCHY.spec)["pathway"]["feedforward"].items() if key != "between"
}


def test_channels_know_their_members_sign_and_reach() -> None:
    """Channels come in the order of the spec and reach the targets of their members."""
    channels = {channel.name: channel for channel in HIERARCHY.channels}
    assert list(channels) == ["lateral", "local", "inhibition", "feedforward", "background"]
    assert channels["lateral"].reach == ("L1E", "L2E", "L3E")
    assert channels["feedforward"].reach == ("L2E", "L2I", "L3E", "L3I")
    assert (channels["lateral"].constants, channels["local"].constants) == ({"tau": 0.01}, {})
    assert [channel.sign for channel in HIERARCHY.channels] == [1, 1, -1, 1, 1]


def test_pathways_may_share_a_channel() -> None:
    """A shared channel stands where its first member does, and reaches what any member reaches."""
    expanded = _expand(pathway__local__channel="fast", pathway__feedforward__channel="fast")
    fast = next(channel for channel in expanded.channels if channel.name == "fast")
    assert fast.members == ("local", "feedforward")
    assert fast.reach == ("L1I", "L2E", "L2I", "L3E", "L3I")
    assert [channel.name for channel in expanded.channels] == ["lateral", "fast", "inhibition", "background"]


def test_a_drive_follows_its_exceptions() -> None:
    """Layer 1 has its own rate, the others the table's; weights stay the table's."""
    rates = {item.target.name: item.rate for item in HIERARCHY.poisson_inputs}
    assert rates["L1E"] == rates["L1I"] == Quantity("11 Hz", 11.0)
    assert rates["L2E"] == rates["L3I"] == Quantity("10 Hz", 10.0)
    assert {item.weight for item in HIERARCHY.poisson_inputs} == {Quantity("0.2 mV", 0.0002)}


def test_a_pathway_follows_its_exceptions() -> None:
    """An exception holds for the targets in its layer, key by key."""
    settings = {"weight": "0 mV", "connect": {"probability": 0.0}}
    expanded = _expand(pathway__feedforward__layer={"2": settings})
    weights = {p.target.name: p.weight for p in expanded.projections if p.pathway == "feedforward"}
    connect = {p.target.name: p.connect for p in expanded.projections if p.pathway == "feedforward"}
    assert weights["L2E"] == Quantity("0 mV", 0.0)
    assert weights["L3E"] == Quantity("0.05 mV", 0.00005)
    assert (connect["L2I"], connect["L3I"]) == (
        Connect(rule="probability", probability=0.0),
        Connect(rule="probability", probability=0.1),
    )


def test_a_population_follows_its_exceptions() -> None:
    """A layer of another size shifts all that come after it."""
    expanded = _expand(layers__population__I__layer={"1": {"size": 1000}})
    assert expanded.population["L1I"].size == 1000
    assert expanded.population["L2E"].start == 4200
    assert expanded.population["L2I"].size == 800


def test_sources_are_no_population() -> None:
    """A drive with sources projects from a group of its own, numbered from 0."""
    drive = {
        "kind": "shared_poisson",
        "target": "E",
        "sources": 10,
        "rate": "100 Hz",
        "polarity": "excitatory",
        "kinetics": "delta",
        "weight": "1 mV",
    }
    expanded = _expand(drive__background=drive)
    assert [(group.drive, group.size) for group in expanded.source_groups] == [("background", 10)]
    sources = [p.source for p in expanded.projections if p.pathway == "background"]
    assert sources == [Population("background", 0, "background", 0, 10, "")] * 3
    assert "background" not in expanded.population


def _relative(expanded: Expanded, n_layers: int) -> list[object]:
    """Return projections into the first layers without the place of the populations in the whole network."""
    return [
        replace(projection, source=replace(projection.source, start=0), target=replace(projection.target, start=0))
        for projection in expanded.projections
        if projection.target.layer <= n_layers
    ]


def test_adding_a_layer_leaves_the_others() -> None:
    """The first three of four layers have the names, sizes, places and projections that they have alone."""
    four = _expand(layers__count=4)
    assert four.populations[:6] == HIERARCHY.populations
    assert _relative(four, 3) == _relative(HIERARCHY, 3)
    assert len(four.projections) > len(HIERARCHY.projections)


@given(tables=network_tables())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_populations_tile_the_indices(tables: Tables) -> None:
    """In any network every global index belongs to exactly one population, and names are unique."""
    expanded = expand_network(NetworkSpec.model_validate(tables))
    stops = [population.stop for population in expanded.populations]
    assert [population.start for population in expanded.populations] == [0, *stops[:-1]]
    assert len(expanded.population) == len(expanded.populations) >= tables["layers"]["count"]


def test_populations_are_selected_by_label_and_name() -> None:
    """A label is that kind in every layer; the order is the global one."""
    assert [p.name for p in HIERARCHY.select_populations(["L3I", "E"])] == ["L1E", "L2E", "L3E", "L3I"]
    assert HIERARCHY.select_populations(None) == HIERARCHY.populations


def test_an_inconsistent_spec_is_not_expanded() -> None:
    """A spec that was made without `load_network` is checked here."""
    tables = to_tables(HIERARCHY.spec)
    tables["pathway"]["local"]["target"] = ["J"]
    with pytest.raises(SpecError) as caught:
        expand_network(NetworkSpec.model_validate(tables))
    assert caught.value.problems[0].where == "pathway.local.target"
