from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings

from models import NetworkSpec, list_networks, load_network, to_toml
from models.files import parse_model, to_tables
from models.quantities import HERTZ, VOLT, Quantity
from models.spec import LifNeuron
from models.values import Series, Uniform, Values, read_series, read_value
from tests.strategies import Tables, network_tables

HERE = Path(__file__).parent


@given(tables=network_tables())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_spec_becomes_text_and_comes_back(tables: Tables) -> None:
    """Any network, written as TOML, reads back as the same network, and is then written as the same text."""
    spec = parse_model(tomli_w.dumps(tables), HERE)
    text = to_toml(spec)
    again = parse_model(text, HERE)
    assert again == spec
    assert to_toml(again) == text
    assert set(spec.pathway) == set(tables["pathway"])


@pytest.mark.parametrize("name", list_networks())
def test_every_shipped_network_loads_and_comes_back(name: str) -> None:
    """Shipped networks are valid, have a line for the list, are named after their file, and survive the round trip."""
    spec = load_network(name)
    assert spec.network.name == name
    assert spec.network.description
    assert parse_model(to_toml(spec), spec.folder) == spec


def test_defaults_are_not_written() -> None:
    """What the file left out stays out; what it wrote stays as it was written."""
    tables = to_tables(load_network("hierarchy"))
    assert "v_initial" in tables["neuron"]["lif"]
    assert "autapses" not in tables["pathway"]["lateral"]
    assert tables["pathway"]["lateral"]["weight"] == "0.20 mV"


def test_a_path_and_a_name_give_the_same_network(tmp_path: Path) -> None:
    """A copy of a shipped network's file is the same network, with files looked for in the copy's folder."""
    copy = tmp_path / "copy.toml"
    copy.write_text(list_networks()["hierarchy"].read_text(encoding="utf-8"), encoding="utf-8")
    spec = load_network(copy)
    assert to_tables(spec) == to_tables(load_network("hierarchy"))
    assert spec.folder == tmp_path.resolve()


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """Some editors save UTF-8 with a mark in front."""
    text = list_networks()["exponential_current"].read_text(encoding="utf-8")
    (tmp_path / "m.toml").write_text(text, encoding="utf-8-sig")
    assert to_tables(load_network(tmp_path / "m.toml")) == to_tables(load_network("exponential_current"))


def test_a_name_stands_for_a_list_of_one() -> None:
    """`target = "E"` and `target = ["E"]` are the same."""
    lateral = load_network("hierarchy").pathway["lateral"]
    assert lateral.source == ["E"]
    assert load_network("hierarchy", {"pathway.lateral.source": ["E"]}).pathway["lateral"] == lateral


def test_values_have_si_numbers() -> None:
    """The matrix of `exponential_current`, row = source, is in volts."""
    weight = load_network("exponential_current").pathway["slow"].weight
    assert isinstance(weight, Values)
    assert weight.shape == (3, 3)
    assert weight.si[1] == (0.03, 0.04, 0.05)


def test_distributions_and_series_are_read() -> None:
    """Each form of a value becomes its own type, in SI units."""
    assert read_value({"uniform": ["1 mV", "2 mV"]}, VOLT) == Uniform(Quantity("1 mV", 0.001), Quantity("2 mV", 0.002))
    series = read_series({"values": [1, 2], "unit": "kHz", "interval": "5 ms"}, HERTZ)
    assert isinstance(series, Series)
    assert isinstance(series.values, Values)
    assert series.values.si == (1000.0, 2000.0)


def test_specs_are_frozen() -> None:
    """A spec that was checked stays as it was."""
    spec = load_network("hierarchy")
    neuron = spec.neuron["lif"]
    assert isinstance(neuron, LifNeuron)
    with pytest.raises(ValueError, match="frozen"):
        neuron.tau_m = Quantity("1 s", 1.0)
    assert isinstance(spec, NetworkSpec)


PARAMETERS = {
    "g": ("3 nS", 3e-9),
    "rate": ("2 1/second", 2.0),
    "slope": ("1 mV/ms", 1.0),
    "n": (4, 4.0),
    "far": ("5 Evolt", 5e18),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_of_any_unit_is_read(name: str) -> None:
    """Parameters of own equations may have any unit, a product of units, or none."""
    raw, si = PARAMETERS[name]
    equations = {"equations": "dv/dt = I/second : volt", "threshold": "v > 1*volt", "reset": "v = 0*volt"}
    spec = load_network("exponential_current", {"neuron.lif": equations | {"parameters": {name: raw}}})
    parameter = to_tables(spec)["neuron"]["lif"]["parameters"][name]
    assert parameter == str(raw)
    assert spec.neuron["lif"].parameters[name].value == si  # type: ignore[union-attr]
