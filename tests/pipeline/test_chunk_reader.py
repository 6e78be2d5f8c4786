"""Recordings in chunks: the same tables as from files of their own, what is refused, and what a part still has."""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crc32c import crc32c
from numpy.typing import NDArray

from models.errors import Problem
from pipeline.chunks import PartialRecordingWarning
from pipeline.errors import RecordingError
from pipeline.recording import Recording, open_recording
from pipeline.recording_index import Index
from pipeline.recording_origin import read_origin
from tests.markdown import ROOT, read_blocks
from tests.pipeline.chunk_files import cut_stream, flip, put_into_chunks, write_padded, write_stream
from tests.pipeline.synthetic_run import SyntheticRun, make_run

PAGE = ROOT / "docs" / "recording-format.md"


@pytest.fixture
def run(tmp_path: Path) -> SyntheticRun:
    """Return a run that was recorded in chunks."""
    return put_into_chunks(make_run(tmp_path / "run"))


def _open(run: SyntheticRun, *, partial: bool = False) -> Recording:
    return open_recording(run.folder, run.network, partial=partial)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_recording_is_the_same_in_either_layout(tmp_path: Path, dtype: str, version: int) -> None:
    """Every recorder gives bit for bit what it gives in files of its own; numbers of events came with version 2."""
    raw = _open(make_run(tmp_path / "raw", dtype=dtype))
    chunked = _open(put_into_chunks(make_run(tmp_path / "chunked", dtype=dtype), version=version))
    assert (chunked.recorders, chunked.n_steps) == (raw.recorders, raw.n_steps)
    for name, reader in raw.readers.items():
        other = chunked.readers[name]
        fields = ("name", "kind", "steps_per_bin", "n_bins", "dtype")
        assert [getattr(other, field) for field in fields] == [getattr(reader, field) for field in fields]
        assert other.variables() == reader.variables()
        for variable in reader.variables():
            np.testing.assert_array_equal(other.neurons(variable), reader.neurons(variable))
            for columns in (None, slice(1, 3), np.array([2, 0])):
                expected = reader.read(variable, 1, 9, columns)
                np.testing.assert_array_equal(other.read(variable, 1, 9, columns), expected, strict=True)
    assert chunked.readers["states"].units == {"v": "V", "I_lateral": "nA"}
    for kind in ("step", "neuron", "populations"):
        pair = [getattr(recording.spikes["spikes"], kind) for recording in (chunked, raw)]
        np.testing.assert_array_equal(*pair, strict=True)
    np.testing.assert_array_equal(chunked.rates["rates"].counts, raw.rates["rates"].counts, strict=True)
    for drive, sources in raw.inputs.items():
        np.testing.assert_array_equal(chunked.inputs[drive].step, sources.step, strict=True)
        np.testing.assert_array_equal(chunked.inputs[drive].source, sources.source, strict=True)


def test_the_index_says_where_chunks_are(run: SyntheticRun) -> None:
    """The entries in the file, as the documentation shows them."""
    index = run.index()
    arrays = index["recorders"]["currents"].pop("arrays")
    assert arrays["lateral"] == {"layout": "chunks", "neurons": "currents/lateral.neurons.npy"}
    assert index["recorders"]["currents"]["chunks"] == {"folder": "currents", "rows": 16384, "tile_columns": 10}
    assert index["recorders"]["spikes"] == {"kind": "spikes", "chunks": {"folder": "spikes", "rows": 65536}}
    assert index["recorders"]["rates"]["chunks"] == {"folder": "rates", "rows": 16384}
    assert index["inputs"]["cue"] == {"chunks": {"folder": "inputs/cue", "rows": 65536}}


def _change(run: SyntheticRun, name: str, **entries: Any) -> None:
    recorders = run.index()["recorders"]
    run.change_index(recorders=recorders | {name: recorders[name] | entries})


def _spikes_twice(run: SyntheticRun) -> str:
    _change(run, "spikes", step="spikes/step.npy")
    return "recorders.spikes: does not say, once, where it is (expected chunks, or step and neuron; got chunks, step)."


def _counts_nowhere(run: SyntheticRun) -> str:
    _change(run, "rates", chunks=None)
    return "recorders.rates: does not say, once, where it is (expected chunks, or counts; got neither)."


def _mixed_layouts(run: SyntheticRun) -> str:
    _change(run, "states", chunks=None)
    return 'recorders.states: has no chunks, unlike its array v (expected "raw"; got "chunks").'


def _no_file(run: SyntheticRun) -> str:
    arrays = {"v": {"layout": "raw", "neurons": "states/v.neurons.npy"}}
    _change(run, "states", chunks=None, arrays=arrays)
    return "recorders.states: does not say in which file its array v is."


@pytest.mark.parametrize("damage", [_spikes_twice, _counts_nowhere, _mixed_layouts, _no_file])
def test_contradictions_in_the_index(run: SyntheticRun, damage: Callable[[SyntheticRun], str]) -> None:
    """An entry says exactly once where its data are."""
    message = damage(run)
    with pytest.raises(RecordingError) as caught:
        _open(run)
    assert str(caught.value) == f"{run.folder.recording_index}: {message}"


def test_a_recording_with_too_few_rows(run: SyntheticRun) -> None:
    """A stream that ended, but not where the index says, is refused: of currents and of rates."""
    for name, array in (("rates", np.zeros((7, 4), np.int64)),):
        shutil.rmtree(run.folder.recorder(name))
        write_stream(run.folder.recorder(name), {"counts": array}, 3, 4)
    _shorten_states(run)
    with pytest.raises(RecordingError) as caught:
        _open(run)
    places = [run.folder.recorder(name) for name in ("states", "rates")]
    assert list(caught.value.problems) == [
        Problem(str(place), "has the wrong number of rows", "10 bins", "7") for place in places
    ]


def _shorten_states(run: SyntheticRun) -> None:
    for path in run.folder.recorder("states").glob("*.cur"):
        path.unlink()
    width = max(array.shape[1] for array in run.states.values())
    write_padded(run.folder.recorder("states"), {name: array[:7] for name, array in run.states.items()}, 3, width)


def test_problems_of_several_streams_are_reported_together(run: SyntheticRun) -> None:
    """One error names every damaged file."""
    paths = [run.folder.chunk(folder, 1) for folder in ("currents", "spikes", "rates", "inputs/noise")]
    for path in paths:
        path.unlink()
    with pytest.raises(RecordingError) as caught:
        _open(run)
    assert [problem.where for problem in caught.value.problems] == [str(path) for path in paths]


def test_missing_neurons_do_not_accuse_the_chunks(run: SyntheticRun) -> None:
    """Without its neurons the shape of a recorder's rows is not known; only the neurons are named."""
    path = run.folder.neurons("currents", "v")
    path.unlink()
    with pytest.raises(RecordingError) as caught:
        _open(run)
    assert caught.value.problems == (Problem(str(path), "is missing"),)


def _delete_factors(run: SyntheticRun) -> Problem:
    run.folder.factors("currents", "inhibition").unlink()
    return Problem(str(run.folder.factors("currents", "inhibition")), "is missing")


def _narrow_factors(run: SyntheticRun) -> Problem:
    return _replace_factors(run, run.factors["inhibition"][:, :9], "2 by 9")


def _no_columns_of_factors(run: SyntheticRun) -> Problem:
    return _replace_factors(run, np.empty((2, 0)), "2 by 0")


def _no_rows_of_factors(run: SyntheticRun) -> Problem:
    return _replace_factors(run, np.empty((0, 10)), "0 by 10")


def _replace_factors(run: SyntheticRun, factors: NDArray[np.float64], shape: str) -> Problem:
    path = run.folder.factors("currents", "inhibition")
    np.save(path, factors)
    return Problem(str(path), "is of the wrong shape", "2 by 10", shape)


def _no_neurons_of_numbers(run: SyntheticRun) -> Problem:
    path = run.folder.neurons("currents", "inhibition")
    path.unlink()
    return Problem(str(path), "is missing")


@pytest.mark.parametrize(
    "damage",
    [_delete_factors, _narrow_factors, _no_columns_of_factors, _no_rows_of_factors, _no_neurons_of_numbers],
)
@pytest.mark.parametrize("partial", [False, True])
def test_damage_to_factors_is_one_error(
    run: SyntheticRun, damage: Callable[[SyntheticRun], Problem], partial: bool
) -> None:
    """Numbers of events without factors are no values, of a part neither; a lack of neurons accuses no factors."""
    problem = damage(run)
    with pytest.raises(RecordingError) as caught:
        _open(run, partial=partial)
    assert caught.value.problems == (problem,)


def test_damaged_spikes_are_found_when_they_are_asked_for(run: SyntheticRun) -> None:
    """Opening reads no spikes; asking for them reads them verified."""
    flip(run.folder.chunk("spikes", 1), 64 + 17 * 8 + 60)
    flip(run.folder.chunk("rates", 1), 70)
    flip(run.folder.chunk("inputs/cue", 0), 70)
    recording = _open(run)
    with pytest.raises(RecordingError, match=r"chunk-00000001.cur: neuron is damaged in rows 17 to 33, columns 0 to 0"):
        _ = recording.spikes["spikes"].step
    with pytest.raises(RecordingError, match=r"chunk-00000001.cur: counts is damaged in rows 3 to 5, columns 0 to 3"):
        _ = recording.rates["rates"].counts
    with pytest.raises(RecordingError, match=r"cue/chunk-00000000.cur: step is damaged in rows 0 to 6"):
        _ = recording.inputs["cue"].source


def test_a_part_of_a_run(run: SyntheticRun) -> None:
    """Of a run that was killed, every stream ends with its last chunk; the run, where the shortest recorder does."""
    for folder, n_chunks in (("currents", 4), ("states", 2), ("rates", 3), ("spikes", 2), ("inputs/cue", 1)):
        cut_stream(run.folder, folder, n_chunks)
    with warnings.catch_warnings(action="error"):
        recording = _open(run, partial=True)
        n_bins = [reader.n_bins for reader in recording.readers.values()]
        counts, trains = recording.rates["rates"].counts, recording.spikes["spikes"]
        assert (n_bins, len(counts), recording.n_steps) == ([12, 6], 9, 120)
        np.testing.assert_array_equal(trains.step, run.step[:34])
        np.testing.assert_array_equal(trains.neuron, run.neuron[:34])
        assert recording.inputs["cue"].step.size == recording.inputs["cue"].source.size == 7
        np.testing.assert_array_equal(recording.readers["currents"].read("v", 0, 12), run.arrays["v"][:12])


def test_a_part_with_holes(run: SyntheticRun) -> None:
    """Bins keep their time, spikes of a lost chunk are left out, counts end before it, and warnings name all of it."""
    expected_counts = _open(run).rates["rates"].counts[:3].copy()
    lost = [run.folder.chunk(folder, 1) for folder in ("currents", "spikes", "rates")]
    for path in lost:
        path.unlink()
    flip(run.folder.chunk("spikes", 3), 70)
    with pytest.warns(PartialRecordingWarning) as caught:
        recording = _open(run, partial=True)
    assert sorted(str(warning.message) for warning in caught) == sorted(f"{path}: is missing." for path in lost)
    reader = recording.readers["currents"]
    expected = run.arrays["lateral"].copy()
    expected[3:6] = np.nan
    assert reader.n_bins == 20
    np.testing.assert_array_equal(reader.read("lateral", 0, 20), expected)
    kept = np.r_[0:17, 34:51, 68 : run.step.size]
    with pytest.warns(PartialRecordingWarning, match="chunk-00000003.cur: step is damaged in rows 51 to 67"):
        np.testing.assert_array_equal(recording.spikes["spikes"].step, run.step[kept])
    np.testing.assert_array_equal(recording.spikes["spikes"].neuron, run.neuron[kept])
    np.testing.assert_array_equal(recording.rates["rates"].counts, expected_counts)
    assert recording.n_steps == 60


@pytest.mark.parametrize("channel", ["feedforward", "inhibition"])
def test_a_part_with_holes_in_numbers(run: SyntheticRun, channel: str) -> None:
    """What is made of numbers of events that are damaged is NaN, though no number is."""
    run.folder.chunk("currents", 4).unlink()
    path, sizes = run.folder.chunk("currents", 1), {name: array.itemsize for name, array in run.arrays.items()}
    sizes |= {name: array.itemsize for name, array in run.numbers.items()}
    before = list(sizes.values())[: list(sizes).index(channel)]
    flip(path, 64 + sum(-(-3 * 10 * size // 64) * 64 for size in before))
    expected = run.arrays[channel].copy()
    expected[3:6] = expected[12:15] = np.nan
    with pytest.warns(PartialRecordingWarning, match="chunk-00000004.cur: is missing"):
        reader = _open(run, partial=True).readers["currents"]
    with pytest.warns(PartialRecordingWarning, match=f"{path}: {channel} is damaged in rows 3 to 5"):
        values = reader.read(channel, 0, 20)
    np.testing.assert_array_equal(values, expected)
    with pytest.warns(PartialRecordingWarning, match=f"{channel} is damaged"):
        values = reader.read(channel, 2, 19, np.array([3, 0]))
    np.testing.assert_array_equal(values, expected[2:19, [3, 0]])


def test_a_part_of_damaged_counts(run: SyntheticRun) -> None:
    """Counts end before a chunk whose checksum is wrong."""
    flip(run.folder.chunk("rates", 2), 70)
    with pytest.warns(PartialRecordingWarning, match=r"chunk-00000002\.cur: counts is damaged in rows 6 to 8"):
        recording = _open(run, partial=True)
    assert (len(recording.rates["rates"].counts), recording.n_steps) == (6, 120)


def test_the_documented_reader_agrees(run: SyntheticRun) -> None:
    """The plain reader in the documentation gives what the package gives, for every variable and neuron."""
    (block,) = [block for block in read_blocks(PAGE, "python") if "def read_trace" in block.text]
    assert len(block.text.splitlines()) <= 40
    names: dict[str, Any] = {}
    exec(compile(block.text, str(PAGE), "exec"), names)  # noqa: S102  # the page is ours
    reader = _open(run).readers["currents"]
    for variable in reader.variables():
        for i, neuron in enumerate(reader.neurons(variable)):
            trace = names["read_trace"](run.path / "recording", "currents", variable, int(neuron))
            np.testing.assert_array_equal(trace, reader.read(variable, 0, 20)[:, i], strict=True)
    flip(run.folder.chunk("currents", 2), 80)
    with pytest.raises(ValueError, match=r"chunk-00000002\.cur is damaged"):
        names["read_trace"](run.path / "recording", "currents", "v", 0)


def test_the_documented_header_is_the_header(run: SyntheticRun) -> None:
    """The table of the header's fields gives their places, and the examples of an index and of an origin are such."""
    text = PAGE.read_text(encoding="utf-8")
    rows = [line.split("|")[1:4] for line in text.splitlines() if line.startswith("| ") and "int" in line.split("|")[2]]
    head = run.folder.chunk("currents", 1).read_bytes()[:64]
    found = {name.strip(): (int(offset), kind.strip()) for offset, kind, name in rows}
    read = {
        name: int.from_bytes(head[offset : offset + int(kind.removeprefix("uint")) // 8], "little")
        for name, (offset, kind) in found.items()
    }
    assert (read["version"], read["flags"], read["chunk index"]) == (1, 0, 1)
    assert (read["first row"], read["rows"], read["tiles"]) == (3, 3, 5)
    assert read["file size"] == run.folder.chunk("currents", 1).stat().st_size
    assert read["checksum of the header"] == crc32c(head[:60])
    assert sum(int(kind.removeprefix("uint")) // 8 for _, kind in found.values()) == 64 - 8
    block, origin = read_blocks(PAGE, "json")
    assert Index.model_validate(json.loads(block.text)).recorders["currents"].kind == "currents"
    run.folder.recording_origin.write_text(origin.text)
    read_back = read_origin(run.folder)
    assert read_back is not None
    assert (read_back.seed, read_back.n_steps) == (7, 10000)
