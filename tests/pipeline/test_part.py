"""How much there is of a run that did not finish, and its tables."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import UnfinishedRunError
from pipeline.export import export_tables
from pipeline.part import Part, find_part
from pipeline.run import Run, load_run
from tests.pipeline.chunk_files import cut_stream, put_into_chunks
from tests.pipeline.synthetic_run import SyntheticRun, make_run

STREAMS = ("currents", "states", "rates", "spikes", "inputs/noise", "inputs/cue")


@pytest.fixture
def made(tmp_path: Path) -> SyntheticRun:
    """Return a run of 20 ms, recorded in chunks of three rows, or 17 spikes or 7 of sources, that was killed."""
    return put_into_chunks(make_run(tmp_path / "run", status="failed"))


def _cut(made: SyntheticRun, **n_chunks: int) -> Run:
    """Leave so many chunks of some recorders, and open what there is."""
    for recorder, n in n_chunks.items():
        cut_stream(made.folder, recorder, n)
    return load_run(made.path, partial=True)


def _find_part(run: Run, *, comparable: bool = False) -> Part:
    part = find_part(run, comparable=comparable)
    assert part is not None
    return part


def test_each_recorder_has_its_own_end(made: SyntheticRun) -> None:
    """The part is as long as its longest recorder; spikes end before the step of the last, which may have others."""
    run = _cut(made, currents=4, states=3, rates=1, spikes=2)
    last = int(made.step[33])
    assert 0 < last < 180, "the spikes' end would not tell"
    part = _find_part(run)
    ends = {"currents": 120, "states": 180, "rates": 60, "spikes": last}
    assert (part.n_steps, part.recorders, part.inputs) == (180, ends, {"noise": 180, "cue": 180})
    assert str(part) == f"until 18 ms of 20 ms; currents until 12 ms, rates until 6 ms, spikes until {last / 10:g} ms"
    cut = part.cut(run.recording)
    np.testing.assert_array_equal(cut.spikes["spikes"].step, made.step[made.step < last])
    assert max(item.step[-1] for item in cut.inputs.values()) < 180 == cut.n_steps


def test_what_is_comparable_ends_with_the_spikes(made: SyntheticRun) -> None:
    """Bins beyond the last known spike are left out; recorders that hold no spikes do not count."""
    run = _cut(made, spikes=2)
    last = int(made.step[33])
    part = _find_part(run, comparable=True)
    assert part.n_steps == last // 10 * 10
    assert part.recorders == {"currents": part.n_steps, "states": last // 20 * 20, "rates": last // 20 * 20} | {
        "spikes": part.n_steps
    }
    run = _cut(made, spikes=0)
    part = _find_part(run, comparable=True)
    assert (part.n_steps, part.recorders["spikes"]) == (200, 0)


def test_the_last_step_is_in_no_rate(made: SyntheticRun) -> None:
    """A bin that may lack spikes is not given: the step of the last spike may have others, which were lost."""
    times = _cut(made, spikes=2).rates("0.1 ms")["time"]
    assert times.max() == int(made.step[33]) / 1e4


def test_a_run_that_was_opened_as_a_whole_is_no_part(tmp_path: Path) -> None:
    """Its tables have no word of one."""
    run = load_run(make_run(tmp_path / "run").path)
    assert find_part(run) is None
    export_tables(run, tmp_path / "out")
    assert "partial" not in json.loads((tmp_path / "out" / "columns.json").read_text())


def test_tables_have_what_each_recorder_holds(made: SyntheticRun, tmp_path: Path) -> None:
    """Currents go on beyond the end of rates; a recorder that holds nothing gives an empty table."""
    whole = load_run(make_run(tmp_path / "whole").path)
    run = _cut(made, currents=4, states=0, rates=1, spikes=2)
    files = export_tables(run, tmp_path / "out")
    found = {path.stem: pd.read_parquet(path) for path in files}
    pd.testing.assert_frame_equal(found["currents"], whole.currents(stop="12 ms"))
    pd.testing.assert_frame_equal(found["rates"], whole.rates("2 ms", stop="6 ms", recorder="rates"))
    stop = min(int(made.step[33]), 120) / 1e4
    pd.testing.assert_frame_equal(found["spikes"], whole.spikes(stop=stop))
    assert len(found["states"]) == 0
    assert list(found["states"]) == list(whole.states())
    said = _find_part(run).to_json()
    assert (said["status"], said["until_s"], said["duration_s"]) == ("failed", 0.012, 0.02)
    assert said["recorders"] == {"currents": 0.012, "states": 0.0, "rates": 0.006, "spikes": stop}
    described = json.loads((tmp_path / "out" / "columns.json").read_text())
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert described["partial"] == manifest.pop("partial") == said
    assert manifest == json.loads(run.folder.manifest.read_text())


def test_nothing_at_all(made: SyntheticRun, tmp_path: Path) -> None:
    """A run that was killed before its first chunks has no tables, not even empty ones."""
    for stream in STREAMS:
        cut_stream(made.folder, stream, 0)
    run = load_run(made.path, partial=True)
    with pytest.raises(UnfinishedRunError) as caught:
        export_tables(run, tmp_path / "out")
    assert str(caught.value) == (
        f'{made.path}: holds nothing yet that could be taken (got status "failed").\n  next: run it again'
    )
    assert not (tmp_path / "out").exists()
