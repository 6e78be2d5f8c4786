"""Recorders have the neurons that the model says, or `verify` says which they have instead."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.cli import main
from pipeline.errors import RecordingError
from pipeline.verification import verify
from tests.pipeline.verification.test_connectivity import change_array, change_spec


def test_the_neurons_of_recorders(hierarchy_run: Path) -> None:
    """All that the recorder has, of all variables, are those of the model."""
    (row,) = [row for row in verify(hierarchy_run).rows if row.quantity == "neurons"]
    assert (row.recorder, row.verdict, row.n_values, row.reason) == ("currents", "ok", 36 * 3 + 24 * 2 + 18, "")


@pytest.mark.parametrize(("variable", "by"), [("lateral", 1), ("lateral", 6), ("common", -0), ("feedforward", -5)])
def test_shifted_neurons(hierarchy_copy: Path, capsys: pytest.CaptureFixture[str], variable: str, by: int) -> None:
    """Values of other neurons than the model says do not match; nothing else is held against them."""
    path = hierarchy_copy / f"recording/currents/{variable}.neurons.npy"
    by = by or 3
    change_array(path, lambda neurons: np.unique((neurons + by) % 36)[: neurons.size].astype(np.int32))
    assert main(["verify", str(hierarchy_copy)]) == 1
    said = capsys.readouterr().out
    assert f"neurons of currents: {variable} has " in said
    assert f"{variable} of currents: not checked: its neurons are not those that the model says" in said
    assert verify(hierarchy_copy).failed == ("neurons",)


def test_swapped_populations(hierarchy_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model whose populations have changed places does not match."""
    manifest = json.loads((hierarchy_copy / "manifest.json").read_text())
    populations = manifest["spec"]["layers"]["population"]
    manifest["spec"]["layers"]["population"] = {"I": populations["I"], "E": populations["E"]}
    (hierarchy_copy / "manifest.json").write_text(json.dumps(manifest))
    assert main(["verify", str(hierarchy_copy)]) == 1
    said = capsys.readouterr().out
    assert (
        "neurons of currents: common has 12 that it should not have (first 0) and lacks 12 (first 12); lateral" in said
    )
    assert said.endswith("NOT verified\n")


@pytest.mark.parametrize(("excitatory", "inhibitory"), [(6, 12), (11, 7), (13, 5)])
def test_sizes_that_differ(hierarchy_copy: Path, excitatory: int, inhibitory: int) -> None:
    """Nor do populations that begin elsewhere, though there are as many neurons."""
    change_spec(hierarchy_copy, "layers.population.E.size", excitatory)
    change_spec(hierarchy_copy, "layers.population.I.size", inhibitory)
    assert main(["verify", str(hierarchy_copy)]) == 1
    assert {"neurons", "edges"} <= set(verify(hierarchy_copy).failed)


def test_another_recorder(hierarchy_copy: Path) -> None:
    """A recorder that the model does not have, and a channel that it does not record."""
    change_spec(hierarchy_copy, "record.currents.channels", ["lateral", "common", "inhibition"])
    report = verify(hierarchy_copy)
    row = next(row for row in report.rows if row.quantity == "neurons")
    assert row.reason == (
        "background has 36 that it should not have (first 0); feedforward has 18 that it should not have (first 18)"
    )
    manifest = json.loads((hierarchy_copy / "manifest.json").read_text())
    record = manifest["spec"]["record"]
    manifest["spec"]["record"] = {"others": record["currents"], "spikes": record["spikes"]}
    (hierarchy_copy / "manifest.json").write_text(json.dumps(manifest))
    row = next(row for row in verify(hierarchy_copy).rows if row.quantity == "neurons")
    assert (row.verdict, row.reason) == ("differs", "the model has no such recorder")


def test_a_variable_that_is_missing(hierarchy_copy: Path) -> None:
    """A channel that should be there is asked for."""
    index_path = hierarchy_copy / "recording/recording.json"
    index = json.loads(index_path.read_text())
    del index["recorders"]["currents"]["arrays"]["common"]
    index_path.write_text(json.dumps(index))
    row = next(row for row in verify(hierarchy_copy).rows if row.quantity == "neurons")
    assert (row.verdict, row.reason) == ("differs", "common was not recorded")


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("interval", "5 ms", "its bins are of 10 steps, those of the model of 50"),
        ("dtype", "float64", "its values are float32, those of the model float64"),
    ],
)
def test_other_bins(hierarchy_copy: Path, key: str, value: str, reason: str) -> None:
    """A recorder of another interval or type than the model's is not the model's."""
    change_spec(hierarchy_copy, f"record.currents.{key}", value)
    report = verify(hierarchy_copy)
    assert report.failed == ("neurons",)
    assert next(row.reason for row in report.rows if row.quantity == "neurons") == reason


@pytest.mark.parametrize("value", [0, 1 << 40])
def test_spikes_out_of_order(hierarchy_copy: Path, value: int) -> None:
    """Spikes that are not sorted by time are an error that says so."""
    path = hierarchy_copy / "recording/spikes/step.npy"
    change_array(path, lambda step: np.where(np.arange(step.size) == step.size // 2 + 1, value, step))
    with pytest.raises(RecordingError) as caught:
        verify(hierarchy_copy)
    assert str(caught.value) == "the recording of spikes: is damaged: it is not sorted by time."


def test_a_damaged_header(hierarchy_copy: Path) -> None:
    """An array whose header is no Python any more is named."""
    path = hierarchy_copy / "edges/lateral/delay.npy"
    path.write_bytes(path.read_bytes().replace(b"'fortran_order'", b"'fortran_order "))
    with pytest.raises(RecordingError) as caught:
        verify(hierarchy_copy)
    assert str(caught.value).startswith(f"{path}: cannot be read as a .npy file.\n  evidence: ")


@pytest.mark.parametrize("number", [400, -5])
def test_spikes_of_nobody(hierarchy_copy: Path, capsys: pytest.CaptureFixture[str], number: int) -> None:
    """Spikes of neurons that do not exist are an error that says so."""
    path = hierarchy_copy / "recording/spikes/neuron.npy"
    change_array(path, lambda neuron: np.where(np.arange(neuron.size) == 20, number, neuron).astype(np.int32))
    assert main(["verify", str(hierarchy_copy)]) == 1
    said = capsys.readouterr().err
    assert "the recording of spikes: has spikes of nothing that exists (expected numbers from 0 to 35; got " in said
