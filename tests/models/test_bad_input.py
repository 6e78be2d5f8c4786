"""Every mistake that can be found in a model before anything is compiled, with the whole message that it gets."""

from pathlib import Path

import numpy as np
import pytest
import tomli_w

from models.checks import check_duration, check_spec
from models.files import parse_model
from models.quantities import SECOND, parse_quantity
from tests.models.bad_input import drives, files, network, pathways, records, values
from tests.models.bad_input.records import STATES, WITH_CONDUCTANCE
from tests.models.bad_input.small_model import (
    BORROWED,
    MODEL,
    ONE_LABEL,
    OWN,
    OWN_CONSTANTS,
    SHARED,
    Case,
    Edit,
    apply_edit,
    refuse,
)

CASES: dict[str, Case] = {
    **values.CASES,
    **network.CASES,
    **pathways.CASES,
    **files.CASES,
    **drives.CASES,
    **records.CASES,
}


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with array files, good and bad, for a model of 4 E and 3 I neurons."""
    folder = tmp_path_factory.mktemp("model").resolve()
    _make_files(folder)
    return folder


def _make_files(folder: Path) -> None:
    np.save(folder / "2x3.npy", np.arange(6).reshape(2, 3))
    np.save(folder / "negative.npy", np.where(np.eye(4) > 0, -0.5, 1.0))
    np.save(folder / "nan.npy", np.full((4, 4), np.nan))
    np.save(folder / "names.npy", np.array(["a", "b"]))
    np.save(folder / "twice.npy", np.array([[0, 1], [2, 3], [0, 1]]))
    np.save(folder / "4x4.npy", np.ones((4, 4)))
    np.save(folder / "4.npy", np.ones(4))
    np.save(folder / "halves.npy", np.arange(4) / 2)
    (folder / "text.npy").write_text("not an array", encoding="utf-8")
    (folder / "good.csv").write_text("0,1\n2,3\n", encoding="utf-8")
    (folder / "pairs.csv").write_text("0,1\n2,4\n", encoding="utf-8")
    (folder / "header.csv").write_text("source,target\n0,1\n", encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_the_whole_message(name: str, folder: Path) -> None:
    """Each mistake alone has exactly this message, and is a usage error to the command line."""
    edit, message = CASES[name]
    error = refuse(tomli_w.dumps(apply_edit(edit)), folder)
    assert str(error) == message.replace("{folder}", str(folder))
    assert error.exit_code == 2


TEN_MS = {"parameters": {"tau": "10 ms"}}
INITIAL: list[object] = [
    *(0, "0", 0.0, "-0", "1 mV"),
    {"uniform": ["0 mV", "1 mV"]},
    {"values": [0, 0, 0, 0]},
    {"values": [0, 1, 2, 3], "unit": "mV"},
    {"file": "4.npy"},
    {"file": "4.npy", "unit": "mV"},
]
"""Of a voltage; a file without unit is in SI units, and 0 is 0 in every unit."""
GOOD: dict[str, Edit] = {
    "nothing changed": {},
    **{
        f"own equations with the initial value {value!r} of {name}": {
            "neuron.lif": OWN_CONSTANTS | {"initial": {name: value}},
            **ONE_LABEL,
        }
        for name in ("v", "bias")
        for value in INITIAL
    },
    "weights from a file": {"pathway.slow.weight": {"file": "4x4.npy", "unit": "mV"}},
    "pairs from a file": {"pathway.slow.connect": {"pairs": "good.csv"}},
    "weights of pairs": {
        "pathway.slow.connect": {"pairs": "good.csv"},
        "pathway.slow.weight": {"values": [1, 2], "unit": "mV"},
    },
    "matrix from a file": {"pathway.slow.connect": {"matrix": "4x4.npy"}},
    "shared drive": {"drive.noise": SHARED},
    "shared sources of another drive": {"drive.noise": SHARED, "drive.more": BORROWED | {"sources_of": "noise"}},
    "hours that divide": {"network.duration": "1000 h", "record.currents.interval": "1 s"},
    "event of a current": {"event.0.set": "I_slow"},
    "event of an own variable": {"neuron.lif": WITH_CONDUCTANCE, "event.0.set": "g", "event.0.value": "1 nS"},
    "event of a flag": {"neuron.lif": WITH_CONDUCTANCE, "event.0.set": "open", "event.0.value": 1},
    "states": {"record.currents": STATES | {"variables": ["v", "I", "I_slow", "v_reset", "tau_slow"]}},
    # No events arrive through a current, or at neurons that a channel does not reach.
    "own equations with a variable that is called like what does not arrive": {
        "neuron.lif": OWN | {"equations": "dv/dt = (I - v + in_noise)/tau : volt\nin_noise : volt", **TEN_MS},
        "drive.noise": {"kind": "current", "target": "E", "polarity": "excitatory", "value": "1 mV"},
    },
    "own equations with a variable that is called like what arrives elsewhere": {
        "neuron.own": OWN | {"equations": "dv/dt = (I - v + in_slow)/tau : volt\nin_slow : volt", **TEN_MS},
        "layers.population.I.neuron": "own",
    },
    "own equations": {
        "neuron.lif": OWN | {"parameters": {"tau": "10 ms"}, "initial": {"v": {"uniform": ["0 mV", "1 mV"]}}}
    },
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_right_is_not_refused(name: str, folder: Path) -> None:
    """The small model itself, and the right way of what the cases get wrong, are accepted."""
    spec = parse_model(tomli_w.dumps(apply_edit(GOOD[name])), folder, "small")
    assert spec.network.name == "small"


def test_there_are_many_cases_and_no_two_are_alike() -> None:
    """The table is long, and every message is one problem of its own."""
    messages = [message for _, message in CASES.values()]
    assert len(CASES) >= 40
    assert len(set(messages)) == len(messages)
    assert all("{" not in message.replace("{folder}", "").replace("{ ", "") for message in messages)


def test_a_duration_from_the_command_line_has_its_own_place() -> None:
    """`--duration` is checked like the file's own, against steps and bins, and named as what it is."""
    spec = parse_model(MODEL, Path())
    crooked = parse_quantity("10.5 ms", SECOND)
    assert [str(problem) for problem in check_duration(spec, crooked, "--duration")] == [
        '--duration: is not a multiple of record.currents.interval = 1 ms (expected "10 ms" or "11 ms"; got "10.5 ms").'
    ]
    assert check_duration(spec, parse_quantity("1 min", SECOND), "--duration") == []


def test_a_duration_that_values_over_time_do_not_last_for_is_refused() -> None:
    """A longer run than the model's own needs more values; a run of the model that was recorded does not ask again."""
    edit = {"drive.noise.rate": {"values": [5, 10], "unit": "Hz", "interval": "50 ms"}}
    spec = parse_model(tomli_w.dumps(apply_edit(edit)), Path())
    assert [str(problem) for problem in check_duration(spec, parse_quantity("200 ms", SECOND), "--duration")] == [
        "drive.noise.rate: ends before the run does (expected values for 200 ms; got values for 100 ms).\n"
        "  next: give more values, or a shorter duration"
    ]
    longer = spec.network.model_copy(update={"duration": parse_quantity("200 ms", SECOND)})
    assert len(check_spec(spec.model_copy(update={"network": longer}))) == 1
    assert check_spec(spec.model_copy(update={"network": longer}), has_run=True) == []
