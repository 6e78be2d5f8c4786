"""Tables of spikes, of neurons and of drives' sources."""

from pathlib import Path

import numpy as np
import pandas as pd

from models.steps import step_time
from models.tables import INPUT_COLUMNS, SPIKE_COLUMNS
from pipeline.recording import Recording, open_recording
from pipeline.tabulate import (
    tabulate_inputs,
    tabulate_spikes,
)
from tests.pipeline.synthetic_run import SyntheticRun, make_run
from tests.pipeline.tabulate.tables import INDICES, POPULATIONS, check_columns


def test_spikes(run: SyntheticRun, recording: Recording) -> None:
    """Spikes have all their columns, sorted by time, then neuron."""
    frame = tabulate_spikes(recording)
    check_columns(frame, SPIKE_COLUMNS)
    assert list(frame["time"]) == [step_time(int(step), 1e-4) for step in run.step]
    assert list(frame["neuron"]) == list(run.neuron)
    assert list(frame["population"]) == [POPULATIONS[neuron] for neuron in run.neuron]
    assert list(frame["index"]) == [INDICES[neuron] for neuron in run.neuron]
    assert frame[["time", "neuron"]].apply(tuple, axis=1).is_monotonic_increasing


def test_spikes_between_times(run: SyntheticRun, recording: Recording) -> None:
    """Spikes have start ≤ t < stop: two stretches that meet share no spike and lose none."""
    cut = step_time(int(run.step[40]), 1e-4)
    before, after = tabulate_spikes(recording, stop=cut), tabulate_spikes(recording, start=cut)
    assert before["time"].max() < cut == after["time"].min()
    assert len(before) + len(after) == run.step.size
    assert tabulate_spikes(recording, start=0.0, stop=0.0001)["time"].tolist() == [0.0] * int((run.step == 0).sum())


def test_spikes_between_steps(run: SyntheticRun, recording: Recording) -> None:
    """A time between two steps leaves out the earlier one as a start, and takes it in as a stop."""
    between = (int(run.step[40]) + 0.5) * 1e-4
    n_before = int((run.step <= run.step[40]).sum())
    assert len(tabulate_spikes(recording, stop=between)) == n_before
    assert len(tabulate_spikes(recording, start=between)) == run.step.size - n_before > 0


def test_spikes_of_neurons(run: SyntheticRun, recording: Recording) -> None:
    """Chosen neurons have all their spikes and no others."""
    frame = tabulate_spikes(recording, neurons=[1, 8], populations=["L1E", "L2I"])
    assert list(frame["neuron"]) == [n for n in run.neuron if n in (1, 8)] != []


def test_several_recorders_of_spikes(tmp_path: Path) -> None:
    """Without a name, recorders of spikes give each spike once, sorted; with one, what it holds."""
    run = make_run(tmp_path / "run")
    part = run.neuron < 5
    np.save(run.folder.recording / "step2.npy", run.step[part])
    np.save(run.folder.recording / "neuron2.npy", run.neuron[part])
    recorders = run.index()["recorders"]
    run.change_index(recorders={"some": {"kind": "spikes", "step": "step2.npy", "neuron": "neuron2.npy"}} | recorders)
    recording = open_recording(run.folder, run.network)
    pd.testing.assert_frame_equal(tabulate_spikes(recording), tabulate_spikes(recording, recorder="spikes"))
    assert len(tabulate_spikes(recording, recorder="some")) == part.sum() < run.step.size


def test_inputs(recording: Recording) -> None:
    """Spikes of all drives' sources, sorted by time, then drive, then source."""
    frame = tabulate_inputs(recording)
    check_columns(frame, INPUT_COLUMNS)
    assert len(frame) == sum(item.step.size for item in recording.inputs.values()) > 40
    codes = frame["drive"].cat.codes
    assert pd.Series(zip(frame["time"], codes, frame["source"], strict=True)).is_monotonic_increasing
    cue = tabulate_inputs(recording, drives="cue")
    assert list(cue["source"]) == list(recording.inputs["cue"].source)
    assert set(cue["drive"]) == {"cue"}


def test_no_inputs(tmp_path: Path) -> None:
    """Without drives that have sources, the table is empty and has its columns."""
    run = make_run(tmp_path / "run")
    run.change_index(inputs={})
    frame = tabulate_inputs(open_recording(run.folder, run.network))
    assert len(frame) == 0
    assert list(frame.columns) == list(INPUT_COLUMNS)
