"""Tables of currents and states: columns, rows, numbers, sums."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.errors import SpecError
from models.steps import step_time
from models.tables import current_columns
from pipeline.recording import Recording, open_recording
from pipeline.tabulate import (
    tabulate_currents,
    tabulate_states,
)
from tests.pipeline.synthetic_run import CHANNELS, SyntheticRun, make_run
from tests.pipeline.tabulate.tables import INDICES, POLARITY, POPULATIONS, check_columns, dense


def test_currents_columns(recording: Recording) -> None:
    """Columns, types, order and units are those of the dictionary."""
    check_columns(tabulate_currents(recording), current_columns(CHANNELS))


def test_currents_rows(run: SyntheticRun, recording: Recording) -> None:
    """One row per bin and neuron, sorted by neuron within time, with every stored value in its place."""
    frame = tabulate_currents(recording)
    assert list(frame["time"]) == [step_time(10 * (i + 1), 1e-4) for i in range(20) for _ in range(10)]
    assert list(frame["neuron"]) == list(range(10)) * 20
    assert list(frame["population"]) == POPULATIONS * 20
    assert list(frame["layer"]) == [1] * 5 + [2] * 5 + ([1] * 5 + [2] * 5) * 19
    assert list(frame["index"]) == INDICES * 20
    np.testing.assert_array_equal(frame["v"].to_numpy().reshape(20, 10), run.arrays["v"])
    for channel in CHANNELS:
        np.testing.assert_array_equal(frame[channel].to_numpy().reshape(20, 10), dense(run, channel))


def test_unreached_populations_have_zero(recording: Recording) -> None:
    """A channel is 0, and nothing else is, in the rows of a population that it does not reach."""
    frame = tabulate_currents(recording)
    zero = frame["feedforward"] == 0
    assert set(frame.loc[zero, "population"]) == {"L1E", "L1I"}
    assert set(frame.loc[~zero, "population"]) == {"L2E", "L2I"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums(tmp_path: Path, dtype: str) -> None:
    """Sums are of float64 numbers, rounded once to the type of the recording."""
    run = make_run(tmp_path / "run", dtype=dtype)
    frame = tabulate_currents(open_recording(run.folder, run.network))
    sums = {"excitatory": np.zeros((20, 10)), "inhibitory": np.zeros((20, 10))}
    for channel, polarity in POLARITY.items():
        sums[polarity] += dense(run, channel).astype(np.float64)
    sums["total"] = sums["excitatory"] + sums["inhibitory"]
    for name, expected in sums.items():
        assert str(frame[name].dtype) == dtype
        np.testing.assert_array_equal(frame[name].to_numpy().reshape(20, 10), expected.astype(dtype))
    assert (frame["excitatory"] > 0).sum() > 100
    assert (frame["inhibitory"] < 0).all()


def test_sums_are_over_all_channels(recording: Recording) -> None:
    """Choosing channels chooses columns and leaves the sums alone; columns keep the order of the spec."""
    whole, part = tabulate_currents(recording), tabulate_currents(recording, channels=["input", "lateral"])
    check_columns(part, current_columns(["lateral", "input"]))
    pd.testing.assert_frame_equal(part, whole.drop(columns=["inhibition", "feedforward"]))


def test_states(run: SyntheticRun, recording: Recording) -> None:
    """State variables have a row per bin and neuron; NaN where a neuron has no such variable."""
    frame = tabulate_states(recording)
    assert list(frame.columns) == ["time", "neuron", "population", "layer", "index", "v", "I_lateral"]
    assert frame.attrs["units"]["v"] == "V"
    np.testing.assert_array_equal(frame["v"].to_numpy().reshape(10, 10), run.states["v"])
    trace = frame["I_lateral"].to_numpy().reshape(10, 10)
    np.testing.assert_array_equal(trace[:, :3], run.states["I_lateral"])
    assert np.isnan(trace[:, 3:]).all()
    assert list(tabulate_states(recording, variables=["I_lateral"]).columns)[5:] == ["I_lateral"]


def _record_only(run: SyntheticRun, neurons: list[int]) -> Recording:
    """Make a run whose `currents` hold `v` and `inhibition` of some neurons."""
    recorders = run.index()["recorders"]
    arrays = {name: recorders["currents"]["arrays"][name] for name in ("v", "inhibition")}
    for name in arrays:
        np.save(run.folder.neurons("currents", name), np.array(neurons, np.int32))
        values = np.arange(21 * len(neurons), dtype=np.float32)
        values.tofile(run.folder.array("currents", name))
        arrays[name]["offset_bytes"] = 4 * len(neurons)
    run.change_index(recorders=recorders | {"currents": recorders["currents"] | {"arrays": arrays}})
    return open_recording(run.folder, run.network)


def test_some_neurons_recorded(tmp_path: Path) -> None:
    """Where few neurons were recorded, the table is of these, and naming others is an error that says which."""
    recording = _record_only(make_run(tmp_path / "run"), [1, 6])
    assert set(tabulate_currents(recording)["neuron"]) == {1, 6}
    with pytest.raises(SpecError) as caught:
        tabulate_currents(recording, populations=["L1E", "L2I"])
    assert str(caught.value) == (
        'populations: names one that recorder "currents" lacks (expected L1E or L2E; got "L2I").'
    )
    with pytest.raises(SpecError) as caught:
        tabulate_currents(recording, neurons=[1, 7])
    assert str(caught.value) == (
        'neurons: names one that recorder "currents" lacks'
        " (expected one of those that it records, in L1E or L2E; got 7)."
    )


def test_nothing_recorded(tmp_path: Path) -> None:
    """A table of a kind that was not recorded says how to record it."""
    run = make_run(tmp_path / "run")
    run.change_index(recorders={})
    with pytest.raises(SpecError) as caught:
        tabulate_currents(open_recording(run.folder, run.network))
    assert str(caught.value) == (
        "recorder: the run recorded no currents.\n"
        '  next: add a table [record.currents] with kind = "currents" to the model and run it again'
    )


def test_several_recorders_of_currents(tmp_path: Path) -> None:
    """With two recorders of currents the name is needed, and it is enough."""
    run = make_run(tmp_path / "run")
    recorders = run.index()["recorders"]
    run.change_index(recorders=recorders | {"again": recorders["currents"]})
    recording = open_recording(run.folder, run.network)
    with pytest.raises(SpecError) as caught:
        tabulate_currents(recording)
    assert str(caught.value) == (
        'recorder: is needed: the run has several recorders of currents (expected "currents" or "again").'
    )
    assert len(tabulate_currents(recording, recorder="again")) == 200
