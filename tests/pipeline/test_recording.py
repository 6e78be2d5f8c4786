"""Opening a recording: what is checked, and what is read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import Problem
from pipeline.errors import RecordingError
from pipeline.recording import Reader, Recording, open_recording
from tests.pipeline.synthetic_run import CHANNELS, SyntheticRun, make_run


@pytest.fixture
def run(tmp_path: Path) -> SyntheticRun:
    """Return a run that a test may damage."""
    return make_run(tmp_path / "run")


def _open(run: SyntheticRun, *, partial: bool = False) -> Recording:
    return open_recording(run.folder, run.network, partial=partial)


def _error_of(run: SyntheticRun) -> RecordingError:
    with pytest.raises(RecordingError) as caught:
        _open(run)
    return caught.value


def test_reads_what_was_written(run: SyntheticRun) -> None:
    """Every array comes back bit for bit, without the row before its offset."""
    reader = _open(run).readers["currents"]
    assert reader.variables() == ("v", *CHANNELS)
    for name, array in run.arrays.items():
        np.testing.assert_array_equal(reader.read(name, 0, reader.n_bins), array)
        assert reader.read(name, 0, 1).dtype == np.float32
    assert list(reader.neurons("feedforward")) == CHANNELS["feedforward"]


@pytest.mark.parametrize("columns", [None, slice(1, 4), np.array([0, 2, 4])], ids=["all", "slice", "list"])
def test_reads_a_part(run: SyntheticRun, columns: Any) -> None:
    """Bins and columns are those asked for."""
    reader: Reader = _open(run).readers["currents"]
    part = reader.read("feedforward", 3, 7, columns)
    np.testing.assert_array_equal(part, run.arrays["feedforward"][3:7][:, slice(None) if columns is None else columns])
    assert part.shape[0] == 4


def test_no_bins(run: SyntheticRun) -> None:
    """An empty range of bins is an empty array of the right width."""
    assert _open(run).readers["currents"].read("input", 4, 4).shape == (0, 6)


def test_double_precision(tmp_path: Path) -> None:
    """A float64 recording is read as float64."""
    run = make_run(tmp_path / "run", dtype="float64")
    values = _open(run).readers["currents"].read("v", 0, 20)
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, run.arrays["v"])


def test_spikes_rates_and_inputs(run: SyntheticRun) -> None:
    """Spikes, counts and inputs are opened with the populations that they are of."""
    recording = _open(run)
    np.testing.assert_array_equal(recording.spikes["spikes"].step, run.step)
    np.testing.assert_array_equal(recording.spikes["spikes"].neuron, run.neuron)
    assert recording.spikes["spikes"].populations == ("L1E", "L1I", "L2E", "L2I")
    assert recording.rates["rates"].counts.sum() == run.step.size > 100
    assert list(recording.inputs) == ["noise", "cue"]
    assert recording.recorders == ("currents", "states", "spikes", "rates")


def _shorten(run: SyntheticRun) -> Problem:
    path = run.folder.array("currents", "lateral")
    path.write_bytes(path.read_bytes()[:-4])
    expected = "504 bytes = 24 + 20 bins × 6 neurons × 4"
    return Problem(str(path), "is of the wrong size", expected, "500 bytes")


def _lengthen(run: SyntheticRun) -> Problem:
    path = run.folder.array("states", "I_lateral")
    path.write_bytes(path.read_bytes() + b"\0")
    expected = "132 bytes = 12 + 10 bins × 3 neurons × 4"
    return Problem(str(path), "is of the wrong size", expected, "133 bytes")


def _delete_array(run: SyntheticRun) -> Problem:
    run.folder.array("currents", "v").unlink()
    return Problem(str(run.folder.array("currents", "v")), "is missing")


def _delete_neurons(run: SyntheticRun) -> Problem:
    run.folder.neurons("currents", "v").unlink()
    return Problem(str(run.folder.neurons("currents", "v")), "is missing")


def _descend(run: SyntheticRun) -> Problem:
    path = run.folder.neurons("currents", "input")
    np.save(path, np.array([0, 1, 2, 7, 6, 5], np.int32))
    return Problem(str(path), "does not hold neurons", "0 to 9, ascending")


def _widen_neurons(run: SyntheticRun) -> Problem:
    path = run.folder.neurons("currents", "input")
    np.save(path, np.arange(6))
    return Problem(str(path), "holds something else", "1 dimension of int32", "1 of int64")


def _delete_spikes(run: SyntheticRun) -> Problem:
    run.folder.spike_steps("spikes").unlink()
    np.save(run.folder.spike_neurons("spikes"), np.empty(0, np.int32))
    return Problem(str(run.folder.spike_steps("spikes")), "is missing")


def _lose_a_spike(run: SyntheticRun) -> Problem:
    path, n = run.folder.spike_neurons("spikes"), run.neuron.size
    np.save(path, run.neuron[:-1])
    return Problem(str(path), "is not as long as spikes/step.npy", f"{n} spikes", f"{n - 1}")


def _narrow_counts(run: SyntheticRun) -> Problem:
    path = run.folder.counts("rates")
    np.save(path, np.zeros((10, 3), np.int64))
    return Problem(str(path), "is of the wrong shape", "10 by 4", "10 by 3")


def _other_version(run: SyntheticRun) -> Problem:
    run.change_index(version=3)
    next_ = "load it with the version of this package that wrote it"
    place = str(run.folder.recording_index)
    return Problem(place, "is of another version", "version 1 or 2", "version 3", next=next_)


def _other_clock(run: SyntheticRun) -> Problem:
    run.change_index(dt_s=2e-4)
    return Problem(f"{run.folder.recording_index}: dt_s", "is not the dt of the model", "0.0001", "0.0002")


def _no_index(run: SyntheticRun) -> Problem:
    run.folder.recording_index.unlink()
    cause = "the run was stopped before it recorded anything, or the file was deleted"
    return Problem(str(run.folder.recording_index), "is missing", likely_cause=cause)


def _change_recorder(run: SyntheticRun, name: str, **entries: Any) -> None:
    recorders = run.index()["recorders"]
    run.change_index(recorders=recorders | {name: recorders[name] | entries})


def _too_few_bins(run: SyntheticRun) -> Problem:
    _change_recorder(run, "rates", n_bins=9)
    np.save(run.folder.counts("rates"), np.zeros((9, 4), np.int64))
    place = f"{run.folder.recording_index}: recorders.rates.n_bins"
    return Problem(place, "is not the length of the run", "10 bins of 20 steps in 200 steps", "9")


def _no_v(run: SyntheticRun) -> Problem:
    arrays = run.index()["recorders"]["currents"]["arrays"]
    _change_recorder(run, "currents", arrays={name: array for name, array in arrays.items() if name != "v"})
    place = f"{run.folder.recording_index}: recorders.currents.arrays"
    return Problem(place, 'lacks "v", which says which neurons were recorded')


def _unknown_channel(run: SyntheticRun) -> Problem:
    arrays = run.index()["recorders"]["currents"]["arrays"]
    _change_recorder(run, "currents", arrays=arrays | {"latteral": arrays["lateral"]})
    place = f"{run.folder.recording_index}: recorders.currents.arrays"
    return Problem(place, "has an array that is neither v nor a channel", got='"latteral"')


def _unknown_layout(run: SyntheticRun) -> Problem:
    arrays = run.index()["recorders"]["currents"]["arrays"]
    _change_recorder(run, "currents", arrays=arrays | {"v": arrays["v"] | {"layout": "pickle"}})
    place = f"{run.folder.recording_index}: recorders.currents.arrays.v.layout"
    return Problem(place, "is not one of its choices", '"raw" or "chunks"', '"pickle"')


_DAMAGES: list[Callable[[SyntheticRun], Problem]] = [
    _shorten,
    _lengthen,
    _delete_array,
    _delete_neurons,
    _descend,
    _widen_neurons,
    _delete_spikes,
    _lose_a_spike,
    _narrow_counts,
    _other_version,
    _other_clock,
    _no_index,
    _too_few_bins,
    _no_v,
    _unknown_channel,
    _unknown_layout,
]


def test_units_of_states_are_those_of_the_model(run: SyntheticRun) -> None:
    """Where the index does not say: SI units, as the equations have them."""
    assert open_recording(run.folder, run.network).readers["states"].units == {"v": "V", "I_lateral": "V"}


@pytest.mark.parametrize("damage", _DAMAGES, ids=[damage.__name__.lstrip("_") for damage in _DAMAGES])
def test_damage_is_named(run: SyntheticRun, damage: Callable[[SyntheticRun], Problem]) -> None:
    """Each damage is one error that names the file, what it should hold, and what it holds."""
    problem = damage(run)
    assert str(_error_of(run)) == str(problem)


def test_message_shape(run: SyntheticRun) -> None:
    """The whole text of one message, as a user sees it."""
    _shorten(run)
    assert str(_error_of(run)) == (
        f"{run.path}/recording/currents/lateral.bin: is of the wrong size"
        " (expected 504 bytes = 24 + 20 bins × 6 neurons × 4; got 500 bytes)."
    )


def test_damages_are_reported_together(run: SyntheticRun) -> None:
    """Two damaged files are one error with two problems."""
    problems = (_shorten(run), _lengthen(run))
    assert _error_of(run).problems == problems


def test_not_json(run: SyntheticRun) -> None:
    """An index that is cut off is named, with what the parser said."""
    run.folder.recording_index.write_text("{")
    (problem,) = _error_of(run).problems
    assert (problem.where, problem.what) == (str(run.folder.recording_index), "cannot be read as JSON")
    assert "line 1" in (problem.evidence or "")


def test_partial_takes_whole_bins(run: SyntheticRun) -> None:
    """Of a recording that was cut off, the bins that every variable holds are kept, and no more."""
    path = run.folder.array("currents", "lateral")
    path.write_bytes(path.read_bytes()[: 24 + 24 * 7 + 10])
    recording = _open(run, partial=True)
    reader = recording.readers["currents"]
    assert (reader.n_bins, recording.n_steps) == (7, 70)
    np.testing.assert_array_equal(reader.read("lateral", 0, 7), run.arrays["lateral"][:7])


def test_partial_spikes_have_one_length(run: SyntheticRun) -> None:
    """A spike whose neuron was not written any more is left out of a part."""
    np.save(run.folder.spike_neurons("spikes"), run.neuron[:-1])
    trains = _open(run, partial=True).spikes["spikes"]
    assert trains.step.size == trains.neuron.size == run.step.size - 1


def test_no_spikes_at_all(run: SyntheticRun) -> None:
    """A silent run can be opened."""
    np.save(run.folder.spike_steps("spikes"), np.empty(0, np.int64))
    np.save(run.folder.spike_neurons("spikes"), np.empty(0, np.int32))
    assert _open(run).spikes["spikes"].step.size == 0
