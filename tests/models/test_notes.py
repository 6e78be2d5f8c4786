"""What is allowed in a model, and yet is seldom meant, is said in its notes."""

from pathlib import Path

import numpy as np
import pytest
import tomli_w

from models import SpecError, list_networks, load_network
from models.describe import describe_network
from models.files import parse_model
from tests.models.bad_input.small_model import GONE, ONE_LABEL, SHARED, Edit, apply_edit

ALONE = {"E": {"size": 1, "neuron": "lif"}}
NOTES: dict[str, tuple[Edit, list[str]]] = {
    "nothing": ({}, []),
    "one layer": (
        {"layers.count": 1, "pathway.slow.between": "next"},
        ["pathway.slow: joins no populations (between = next, and there is one layer)"],
    ),
    "no probability": (
        {"pathway.slow.connect": {"probability": 0.0}},
        ["pathway.slow: makes no synapses (connect = { probability = 0.0 })"],
    ),
    "no degree": (
        {"drive.noise": SHARED | {"connect": {"in_degree": 0}}},
        ["drive.noise: makes no synapses (connect = { in_degree = 0 })"],
    ),
    "one neuron alone": (
        ONE_LABEL | {"layers.population": ALONE, "pathway.fast.between": "within", "pathway.fast.autapses": False},
        ['pathway.fast: makes no synapses (connect = "all_to_all")'],
    ),
    "one neuron one to one": (
        ONE_LABEL | {"layers.population": ALONE, "pathway.fast.connect": "one_to_one", "pathway.fast.autapses": False},
        [],
    ),
    "empty matrix": (
        {"pathway.slow.connect": {"matrix": "zeros.npy"}},
        ['pathway.slow: makes no synapses (connect = { matrix = "zeros.npy" })'],
    ),
    "edges in one layer": (
        {"pathway.slow.connect": {"probability": 0.0}, "pathway.slow.layer.2.connect": "all_to_all"},
        [],
    ),
    "initial value": (
        {"neuron.lif.v_rest": "-70 mV", "neuron.lif.v_threshold": "-50 mV", "neuron.lif.v_reset": "-70 mV"},
        ["neuron.lif: v starts at 0 V, which is above v_threshold (-50 mV): set v_initial"],
    ),
    "initial value at the threshold": (
        {"neuron.lif.v_rest": "-70 mV", "neuron.lif.v_threshold": "0 mV", "neuron.lif.v_reset": "-70 mV"},
        ["neuron.lif: v starts at 0 V, which is at v_threshold (0 mV): set v_initial"],
    ),
    "initial value that was set": (
        {"neuron.lif.v_rest": "-70 mV", "neuron.lif.v_threshold": "-50 mV", "neuron.lif.v_reset": "-70 mV"}
        | {"neuron.lif.v_initial": "-60 mV"},
        [],
    ),
    "rest": (
        {"neuron.lif.v_rest": {"uniform": ["20 mV", "30 mV"]}},
        ['neuron.lif: v_rest ({ uniform = ["20 mV", "30 mV"] }) is above v_threshold (20 mV)'],
    ),
    "no recorder": ({"record": GONE}, ["nothing is recorded"]),
    "weight without unit": (
        {"pathway.slow.weight": {"file": "weights.npy"}},
        ["pathway.slow.weight: values are in volts, as weights.npy is given without a unit"],
    ),
    "rate without unit": (
        {"drive.noise.layer.2.rate": {"file": "rates.npy", "interval": "50 ms"}},
        ["drive.noise.layer.2.rate: values are in hertz, as rates.npy is given without a unit"],
    ),
    "weight with unit": ({"pathway.slow.weight": {"file": "weights.npy", "unit": "mV"}}, []),
}


@pytest.mark.parametrize("name", NOTES)
def test_the_whole_note(name: str, tmp_path: Path) -> None:
    """Each note in full, in the spec and in its description, and once only after another setting."""
    np.save(tmp_path / "weights.npy", np.ones((4, 4)))
    np.save(tmp_path / "rates.npy", np.ones(2))
    np.save(tmp_path / "zeros.npy", np.zeros((4, 4)))
    edit, notes = NOTES[name]
    spec = parse_model(tomli_w.dumps(apply_edit(edit)), tmp_path)
    assert list(spec.notes) == notes
    assert list(load_network(spec, {"network.seed": 2}).notes) == notes
    tables = describe_network(spec)
    assert ([] if "notes" not in tables else tables["notes"]["note"].tolist()) == notes


def test_a_note_goes_with_what_it_was_about() -> None:
    """A setting that mends a model takes the note on it away."""
    alone = load_network("hierarchy", {"layers.count": 1})
    assert alone.notes == ("pathway.feedforward: joins no populations (between = next, and there is one layer)",)
    assert load_network(alone, {"layers.count": 2}).notes == ()


@pytest.mark.parametrize("name", list_networks())
def test_shipped_networks_have_no_notes(name: str) -> None:
    """Nothing in them needs a word."""
    assert load_network(name).notes == ()


def test_a_file_that_went_away_is_reported_in_its_place(tmp_path: Path) -> None:
    """The notes that a spec has need its files, and yet it is the check of the spec that misses one."""
    path = tmp_path / "zeros.npy"
    np.save(path, np.zeros((4, 4)))
    spec = parse_model(tomli_w.dumps(apply_edit({"pathway.slow.connect": {"matrix": path.name}})), tmp_path)
    path.unlink()
    with pytest.raises(SpecError) as caught:
        load_network(spec, {"network.seed": 2})
    assert caught.value.problems[0].where == "small: pathway.slow.connect"
