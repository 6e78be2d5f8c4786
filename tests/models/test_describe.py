import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from models import NetworkSpec, list_networks, load_network
from models.describe import describe_network, expect_synapses, format_tables, tables_to_json
from models.expand import expand_network
from tests.strategies import Tables, network_tables

HIERARCHY = describe_network(load_network("hierarchy"))


def test_the_hierarchy_has_these_tables() -> None:
    """All that a paper's description needs is there, and what the network lacks is not."""
    assert list(HIERARCHY) == ["network", "populations", "neurons", "pathways", "drive", "recording"]
    assert list(describe_network(load_network("exponential_current"))) == [
        "network",
        "populations",
        "neurons",
        "pathways",
        "recording",
        "events",
    ]


def test_populations_are_listed_layer_by_layer() -> None:
    """Names, sizes and the ranges of global indices."""
    frame = HIERARCHY["populations"]
    assert frame["population"].tolist() == ["L1E", "L1I", "L2E", "L2I", "L3E", "L3I"]
    assert frame.loc[3].to_dict() == {
        "population": "L2I",
        "layer": 2,
        "size": 800,
        "neuron": "lif",
        "first": 7200,
        "last": 7999,
    }


def test_a_neuron_has_its_equations_and_every_parameter() -> None:
    """Defaults of the file are written out too."""
    frame = describe_network(load_network("exponential_current"))["neurons"]
    assert dict(zip(frame["property"], frame["value"], strict=True)) == {
        "model": "leaky integrate-and-fire",
        "equations": "tau_m dv/dt = v_rest - v + I",
        "threshold": "v > v_threshold",
        "reset": "v = v_reset",
        "integration": "exact",
        "tau_m": "10 ms",
        "v_rest": "0 V",
        "v_threshold": "0.5 V",
        "v_reset": "0 V",
        "refractory": "0 ms",
        "v_initial": "0 V",
    }


def test_own_equations_are_shown_as_written() -> None:
    """Equations, parameters and initial values of a modeller's own neuron."""
    neuron = {
        "equations": "dv/dt = (I - v)/tau : volt",
        "threshold": "v > 1*volt",
        "reset": "v = 0*volt",
        "parameters": {"tau": "10 ms"},
        "initial": {"v": {"uniform": ["0 mV", "5 mV"]}},
    }
    frame = describe_network(load_network("exponential_current", {"neuron.lif": neuron}))["neurons"]
    shown = dict(zip(frame["property"], frame["value"], strict=True))
    assert shown["equations"] == "dv/dt = (I - v)/tau : volt"
    assert shown["tau"] == "10 ms"
    assert shown["initial v"] == '{ uniform = ["0 mV", "5 mV"] }'


def test_a_pathway_has_kernel_weight_rule_and_expected_synapses() -> None:
    """One row says all about a pathway."""
    rows = {row["pathway"]: row for row in HIERARCHY["pathways"].to_dict("records")}
    assert rows["lateral"] == {
        "pathway": "lateral",
        "source": "E",
        "target": "E",
        "between": "within",
        "polarity": "excitatory",
        "kinetics": "exponential",
        "kernel": "I(t) = w exp(-t/tau), tau = 10 ms",
        "weight": "0.20 mV",
        "connect": "{ probability = 0.1 }",
        "synapses": pytest.approx(3 * 3200 * 3200 * 0.1),
        "synapses_expected": True,
        "delay": "1.5 ms",
        "autapses": "yes",
        "channel": "lateral",
    }
    assert rows["feedforward"]["synapses"] == pytest.approx(2 * 3200 * 4000 * 0.1)
    assert HIERARCHY["network"].loc[0, "synapses"] == pytest.approx(7.36e6)


def test_a_drive_shows_its_exceptions() -> None:
    """Rates, sources, and what one layer has of its own."""
    row = HIERARCHY["drive"].loc[0].to_dict()
    assert (row["sources"], row["rate"], row["exceptions"]) == (500, "10 Hz", "layer 1: rate = 11 Hz")


def test_notes_are_shown() -> None:
    """What a setting left alone is part of the description."""
    tables = describe_network(load_network("hierarchy", {"drive.background.rate": "12 Hz"}))
    assert tables["notes"].loc[0, "note"].startswith("drive.background.rate: layer 1 keeps its own value")


RULES = {
    "all_to_all": ("all_to_all", 9, 6),
    "one_to_one": ("one_to_one", 3, 3),
    "probability": ({"probability": 0.5}, 4.5, 3),
    "in_degree": ({"in_degree": 2}, 6, 6),
    "out_degree": ({"out_degree": 1}, 3, 3),
    "pairs": ({"pairs": "pairs.npy"}, 3, 2),
    "matrix": ({"matrix": "matrix.npy"}, 5, 3),
}


@pytest.mark.parametrize("rule", RULES)
def test_expected_synapses_of_every_rule(rule: str, tmp_path: Path) -> None:
    """Among 3 neurons, with autapses and without."""
    np.save(tmp_path / "pairs.npy", np.array([[0, 0], [0, 1], [2, 1]]))
    np.save(tmp_path / "matrix.npy", np.array([[1, 1, 0], [0, 1, 1], [1, 0, 0]]))
    connect, with_autapses, without = RULES[rule]
    spec = load_network("exponential_current", {"pathway.slow.weight": "1 mV"}).with_origin(tmp_path)
    found = []
    for autapses in (True, False):
        changed = load_network(spec, {"pathway.slow.connect": connect, "pathway.slow.autapses": autapses})
        expanded = expand_network(changed)
        found.append(expect_synapses(expanded.projections[0], expanded))
    assert found == [with_autapses, without]


@pytest.mark.parametrize("name", list_networks())
@pytest.mark.parametrize("width", [40, 80, 200])
def test_text_fits_and_nothing_is_cut(name: str, width: int) -> None:
    """At any width, lines fit, no escape codes are written, and every cell is there in full."""
    tables = describe_network(load_network(name))
    text = format_tables(tables, width)
    packed = "".join(text.split())
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert "…" not in text
    cells = [
        str(cell)
        for frame in tables.values()
        for cell in frame.select_dtypes(["object", "string"]).to_numpy().flat
        if cell is not True  # it is the mark of the expected number
    ]
    assert len(cells) > 20
    assert [cell for cell in cells if "".join(cell.split()) not in packed] == []


def test_a_terminal_gets_bold() -> None:
    """With colour, titles are bold; without, the text is the same but for the codes."""
    tables = {"populations": HIERARCHY["populations"]}
    colored = format_tables(tables, color=True)
    assert "\x1b[1m" in colored
    assert len(colored) > len(format_tables(tables))


def test_a_table_that_fits_is_one_table() -> None:
    """The events of `exponential_current`, whole."""
    tables = describe_network(load_network("exponential_current"))
    assert format_tables({"events": tables["events"]}) == (
        "events\n"
        "\n"
        " time    population   index   set   value\n"
        " ────────────────────────────────────────\n"
        " 20 ms   L1E              0   v     1 V\n"
        " 40 ms   L1E              1   v     1 V\n"
        " 60 ms   L1E              2   v     1 V\n"
        "\n"
    )


def test_a_pathway_that_joins_nothing_has_no_synapses() -> None:
    """Its row is like the others', with the number in its place."""
    frame = describe_network(load_network("hierarchy", {"layers.count": 1}))["pathways"]
    columns = list(frame.columns)
    assert frame.set_index("pathway").loc["feedforward", "synapses"] == 0
    assert columns.index("connect") < columns.index("synapses") < columns.index("delay")


def test_an_expected_number_is_marked() -> None:
    """Edges that are drawn by probability are counted on average, and others exactly."""
    tables = describe_network(load_network("hierarchy", {"pathway.lateral.connect": {"in_degree": 5}}))
    rows = {row["pathway"]: row for row in tables_to_json(tables)["pathways"]}
    assert "synapses_expected" not in rows["lateral"]
    assert rows["feedforward"]["synapses_expected"] is True
    text = format_tables(tables, width=400)
    assert " ~2560000 " in text
    assert " 48000 " in text
    assert "synapses_expected" not in text


def test_the_numbers_in_a_file_are_shown(tmp_path: Path) -> None:
    """Their range and mean, in the unit that they are in, also in a layer's exception."""
    np.save(tmp_path / "weights.npy", np.array([[0.1, 0.2, 0.3]] * 3))
    spec = load_network("exponential_current").with_origin(tmp_path)
    for unit, shown in (({"unit": "mV"}, "mV"), ({}, "in SI units")):
        weight = {"file": "weights.npy", **unit}
        changed = load_network(spec, {"pathway.slow.weight": weight, "pathway.slow.layer.1.weight": weight})
        row = describe_network(changed)["pathways"].loc[0]
        assert row["weight"].endswith(f" }}: 0.1 to 0.3 {shown}, mean 0.2")
        assert row["exceptions"].endswith(f" }}: 0.1 to 0.3 {shown}, mean 0.2")


def test_tables_are_json() -> None:
    """Rows by table; numbers stay numbers, empty cells are left out."""
    rows = json.loads(json.dumps(tables_to_json(HIERARCHY)))
    assert rows["populations"][1]["size"] == 800
    assert rows["drive"][0]["rate"] == "10 Hz"
    assert "exceptions" not in rows["pathways"][0]
    assert rows["network"][0]["synapses"] == pytest.approx(7.36e6)


def test_long_values_are_counted_and_short_ones_shown() -> None:
    """A large matrix does not fill the screen."""
    small = describe_network(load_network("exponential_current"))["pathways"].loc[0, "weight"]
    assert small.startswith("{ values = [[0.0, 0.01, 0.02], ")
    settings = {
        "layers.population.E.size": 30,
        "pathway.slow.weight": {"values": [[1] * 30] * 30, "unit": "mV"},
    }
    large = describe_network(load_network("exponential_current", settings))["pathways"].loc[0, "weight"]
    assert large == "values, 30 by 30"


@given(tables=network_tables())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_network_can_be_described(tables: Tables) -> None:
    """Every pathway, drive and recorder of any network has its row, and the text can be made."""
    described = describe_network(NetworkSpec.model_validate(tables))
    for title, key in (("pathways", "pathway"), ("drive", "drive"), ("recording", "record")):
        assert len(described.get(title, ())) == len(tables[key])
    assert format_tables(described).startswith("network\n")
    json.dumps(tables_to_json(described), allow_nan=False)
