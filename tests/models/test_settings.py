from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from models import SpecError, load_network
from models.files import apply_settings, to_tables
from models.quantities import parse_any_quantity

HIERARCHY = load_network("hierarchy")


def _leaves(item: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every number and quantity of nested tables with its path."""
    if isinstance(item, dict):
        for key, value in item.items():
            yield from _leaves(value, f"{path}.{key}" if path else key)
    elif isinstance(item, list):
        for i_value, value in enumerate(item):
            yield from _leaves(value, f"{path}.{i_value}")
    elif isinstance(item, (int, float)) or item[0].isdigit():
        yield path, item


LEAVES = dict(_leaves(to_tables(HIERARCHY)))
FIXED = {
    "layers.count": 4,
    "network.dt": "0.05 ms",
    "network.duration": "2 s",
    "record.currents.interval": "2 ms",
    "neuron.lif.refractory": "3 ms",
    "neuron.lif.v_reset": "5 mV",
    "neuron.lif.v_initial.uniform.0": "1 mV",
}
"""Values for the numbers that may not simply be halved or doubled."""


def _change(path: str, old: Any) -> Any:
    if path in FIXED:
        return FIXED[path]
    if path.endswith("probability"):
        return 0.25
    if isinstance(old, int):
        return old + 1
    quantity = parse_any_quantity(old)[0].text.split(" ")
    return f"{2 * float(quantity[0])} {quantity[1]}"


def _look_up(tables: Any, path: str) -> Any:
    for part in path.split("."):
        tables = tables[int(part)] if isinstance(tables, list) else tables[part]
    return tables


def test_the_hierarchy_has_these_many_numbers() -> None:
    """The next test is not empty, and a distribution, a list and an exception are among what it covers."""
    assert len(LEAVES) >= 30
    assert {"neuron.lif.v_initial.uniform.1", "drive.background.layer.1.rate", "pathway.lateral.tau"} <= set(LEAVES)


@pytest.mark.parametrize("path", LEAVES)
def test_a_setting_reaches_every_number(path: str) -> None:
    """Each number of `hierarchy` can be set by its path, and nothing but it changes."""
    new = _change(path, LEAVES[path])
    changed = dict(_leaves(to_tables(load_network("hierarchy", {path: new}))))
    assert _look_up(to_tables(load_network("hierarchy", {path: str(new)})), path) == new
    assert changed == LEAVES | {path: new}
    assert new != LEAVES[path]


def test_settings_may_be_text_as_on_the_command_line() -> None:
    """Text is read as TOML where it is TOML, else taken as it is."""
    weight = '{ uniform = ["0 mV", "1 mV"] }'
    texts = {"pathway.lateral.weight": weight, "drive.background.sources": "7", "layers.count": "2"}
    tables = to_tables(load_network("hierarchy", texts))
    assert tables["pathway"]["lateral"]["weight"] == {"uniform": ["0 mV", "1 mV"]}
    assert tables["drive"]["background"]["sources"] == 7
    assert tables["layers"]["count"] == 2


def test_numpy_numbers_are_numbers() -> None:
    """A sweep over `np.arange` gives NumPy integers."""
    spec = load_network("hierarchy", {"layers.count": np.int64(2)})
    assert spec.layers.count == 2


def test_text_with_a_second_line_is_not_read_as_toml() -> None:
    """A setting has one value; what follows on another line is not dropped in silence."""
    changed, _, _ = apply_settings({"network": {}}, {"network.name": "1\nother = 2"})
    assert changed["network"]["name"] == "1\nother = 2"


def test_a_setting_that_leaves_exceptions_says_so() -> None:
    """A layer's own value stays, and a note names it."""
    spec = load_network("hierarchy", {"drive.background.rate": "12 Hz"})
    expected = 'drive.background.rate: layer 1 keeps its own value, "11 Hz" (drive.background.layer.1.rate)'
    assert spec.notes == (expected,)


def test_a_setting_within_a_value_that_has_exceptions_says_so() -> None:
    """The same where a setting reaches into a distribution."""
    settings = {
        "pathway.lateral.weight": {"uniform": ["0 mV", "1 mV"]},
        "pathway.lateral.layer.2.weight": "3 mV",
    }
    spec = load_network(load_network("hierarchy", settings), {"pathway.lateral.weight.uniform.1": "2 mV"})
    expected = 'pathway.lateral.weight.uniform.1: layer 2 keeps its own value, "3 mV" (pathway.lateral.layer.2.weight)'
    assert spec.notes == (expected,)


def test_no_note_where_the_exception_is_set_too() -> None:
    """Whoever sets both knows of both, in either order."""
    both = {"drive.background.rate": "12 Hz", "drive.background.layer.1.rate": "13 Hz"}
    spec = load_network("hierarchy", both)
    assert spec.notes == ()
    assert to_tables(spec)["drive"]["background"]["layer"] == {"1": {"rate": "13 Hz"}}


def test_a_setting_may_add_an_exception() -> None:
    """A layer that has no exception yet gets one."""
    spec = load_network("hierarchy", {"layers.population.I.layer.3.size": 1000})
    assert spec.layers.population["I"].layer[3].size == 1000


def test_settings_leave_the_spec_alone_and_keep_its_notes() -> None:
    """Settings on a spec make a new one, in the same folder, with the notes of both."""
    first = load_network("hierarchy", {"drive.background.rate": "12 Hz"})
    second = load_network(first, {"network.seed": 2})
    assert (first.network.seed, second.network.seed) == (1, 2)
    assert second.folder == first.folder
    assert second.notes == first.notes != ()


UNREACHABLE = {
    "drive.backgroud.rate": '--set drive.backgroud.rate: reaches nothing: there is no "backgroud" '
    '(expected "background").',
    "neuron.lif.v_initial.uniform.2": "--set neuron.lif.v_initial.uniform.2: reaches nothing: "
    'there is no "2" (expected 0 to 1).',
    "neuron.lif.tau_m.uniform.0": '--set neuron.lif.tau_m.uniform.0: reaches nothing: there is no "uniform".',
    "neuron.lif.tau_m.mean": '--set neuron.lif.tau_m.mean: reaches nothing: there is no "mean".',
    "duration": '--set duration: reaches nothing: there is no "duration" (expected "network.duration" or --duration).',
    "threads": '--set threads: reaches nothing: there is no "threads" (expected --threads).',
    "tau_m": '--set tau_m: reaches nothing: there is no "tau_m" (expected "neuron.lif.tau_m").',
    "sead": '--set sead: reaches nothing: there is no "sead" (expected "network.seed" or --seed).',
    "lateral.weight": '--set lateral.weight: reaches nothing: there is no "lateral" '
    '(expected "pathway.lateral.weight").',
    "weight": '--set weight: reaches nothing: there is no "weight" (expected "pathway.lateral.weight", '
    '"pathway.local.weight", "pathway.inhibition.weight", "pathway.feedforward.weight" or …).',
    "nothing_like_it": '--set nothing_like_it: reaches nothing: there is no "nothing_like_it".',
    "..": '--set ..: reaches nothing: there is no "".',
}


@pytest.mark.parametrize("path", UNREACHABLE)
def test_a_setting_that_reaches_nothing_is_an_error(path: str) -> None:
    """A path that leads nowhere names the part that is not there, and the nearest that is."""
    with pytest.raises(SpecError) as caught:
        load_network("hierarchy", {path: "1 mV"})
    assert str(caught.value) == UNREACHABLE[path]


def test_all_settings_that_reach_nothing_are_reported() -> None:
    """Two wrong paths are two problems of one error."""
    with pytest.raises(SpecError) as caught:
        load_network("hierarchy", {"a.b": 1, "c.d": 2})
    assert [problem.where for problem in caught.value.problems] == ["--set a.b", "--set c.d"]


def test_a_setting_of_an_unknown_key_is_an_error() -> None:
    """A key that its table cannot have is named as in a file."""
    with pytest.raises(SpecError) as caught:
        load_network("hierarchy", {"network.sed": 3})
    assert str(caught.value) == 'hierarchy: network.sed: is not a known key (expected "seed").'


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"drive": {"background": {"rate": "12 Hz"}}},
            "--set drive: would replace all of [drive], and not only what it names "
            '(expected paths, such as "drive.background.rate").',
        ),
        (
            {"pathway": {"lateral": {"weight": {"uniform": ["0 mV", "1 mV"]}}}},
            "--set pathway: would replace all of [pathway], and not only what it names "
            '(expected paths, such as "pathway.lateral.weight").',
        ),
        (
            {"network": "{ seed = 2 }"},
            "--set network: would replace all of [network], and not only what it names "
            '(expected paths, such as "network.seed").',
        ),
        (
            {"record": {"more": {"kind": "spikes"}}},
            "--set record: would replace all of [record], and not only what it names "
            '(expected paths, such as "record.more").',
        ),
    ],
    ids=["drive", "distribution", "text", "new"],
)
def test_tables_within_tables_are_refused(settings: dict[str, object], message: str) -> None:
    """Everything else in a part of the model would be gone without a word; the error names the path that is meant."""
    with pytest.raises(SpecError) as caught:
        load_network("hierarchy", settings)
    assert str(caught.value) == message


def test_a_part_of_the_model_that_is_not_there_may_be_given_as_a_whole() -> None:
    """Nothing is lost; nor is it without a word where a part is to be empty."""
    events = {"event": [{"time": "1 ms", "population": "L1E", "index": 0, "set": "v", "value": "1 V"}]}
    spec = load_network("hierarchy", events | {"record": {}})
    assert (len(spec.event), spec.record) == (1, {})
    drive = {"kicks": to_tables(HIERARCHY)["drive"]["background"] | {"target": "E"}}
    assert list(load_network("exponential_current", {"drive": drive}).drive) == ["kicks"]
