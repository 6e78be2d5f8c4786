"""Tables of a recording: columns, rows, numbers, and selections."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import Problem, SpecError
from models.expand import expand_network
from models.files import load_network
from models.steps import step_time
from models.tables import EDGE_COLUMNS, INPUT_COLUMNS, RATE_COLUMNS, SPIKE_COLUMNS, Column, current_columns
from pipeline import bins, counting, frames
from pipeline.errors import RecordingError, TooLargeError
from pipeline.recording import Recording, open_recording
from pipeline.tabulate import (
    iterate_currents,
    iterate_spikes,
    iterate_states,
    tabulate_connectivity,
    tabulate_currents,
    tabulate_inputs,
    tabulate_rates,
    tabulate_spikes,
    tabulate_states,
)
from pipeline.time_axis import step_times
from tests.pipeline.synthetic_run import CHANNELS, SyntheticRun, make_run

POPULATIONS = ["L1E"] * 3 + ["L1I"] * 2 + ["L2E"] * 3 + ["L2I"] * 2
INDICES = [0, 1, 2, 0, 1, 0, 1, 2, 0, 1]
POLARITY = {"lateral": "excitatory", "inhibition": "inhibitory", "feedforward": "excitatory", "input": "excitatory"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SyntheticRun:
    """Return a run that no test changes."""
    return make_run(tmp_path_factory.mktemp("tabulate") / "run")


@pytest.fixture(scope="module")
def recording(run: SyntheticRun) -> Recording:
    """Return its recording."""
    return open_recording(run.folder, run.network)


def _check_columns(frame: pd.DataFrame, columns: dict[str, Column]) -> None:
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {n: c.dtype for n, c in columns.items()}
    assert list(frame.columns) == list(columns)
    assert frame.attrs["units"] == {name: column.unit for name, column in columns.items()}


def _dense(run: SyntheticRun, channel: str) -> np.ndarray:
    """Return a channel as (n_bins, 10), 0 where it does not reach."""
    dense = np.zeros((20, 10), run.dtype)
    dense[:, CHANNELS[channel]] = run.arrays[channel]
    return dense


def test_currents_columns(recording: Recording) -> None:
    """Columns, types, order and units are those of the dictionary."""
    _check_columns(tabulate_currents(recording), current_columns(CHANNELS))


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
        np.testing.assert_array_equal(frame[channel].to_numpy().reshape(20, 10), _dense(run, channel))


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
        sums[polarity] += _dense(run, channel).astype(np.float64)
    sums["total"] = sums["excitatory"] + sums["inhibitory"]
    for name, expected in sums.items():
        assert str(frame[name].dtype) == dtype
        np.testing.assert_array_equal(frame[name].to_numpy().reshape(20, 10), expected.astype(dtype))
    assert (frame["excitatory"] > 0).sum() > 100
    assert (frame["inhibitory"] < 0).all()


def test_sums_are_over_all_channels(recording: Recording) -> None:
    """Choosing channels chooses columns and leaves the sums alone; columns keep the order of the spec."""
    whole, part = tabulate_currents(recording), tabulate_currents(recording, channels=["input", "lateral"])
    _check_columns(part, current_columns(["lateral", "input"]))
    pd.testing.assert_frame_equal(part, whole.drop(columns=["inhibition", "feedforward"]))


@pytest.mark.parametrize("neurons", [[1], [8, 9], [9, 2, 5, 2], range(3, 6), np.array([0, 4])], ids=str)
def test_select_neurons(recording: Recording, neurons: Any) -> None:
    """Chosen neurons have the rows that they have in the whole table, in the order of their indices."""
    whole = tabulate_currents(recording)
    part = tabulate_currents(recording, neurons=neurons)
    expected = whole[whole["neuron"].isin(list(neurons))].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, expected)
    assert len(part) == 20 * len(set(neurons))


@pytest.mark.parametrize(
    ("names", "expected"),
    [("L2E", ["L2E"]), (["L2I", "L1E"], ["L1E", "L2I"]), ("E", ["L1E", "L2E"]), (["I", "L2E"], ["L1I", "L2E", "L2I"])],
    ids=str,
)
def test_select_populations(recording: Recording, names: Any, expected: list[str]) -> None:
    """Names and labels choose populations; all tables keep all categories, in global order."""
    frames = [
        tabulate_currents(recording, populations=names),
        tabulate_spikes(recording, populations=names),
        tabulate_states(recording, populations=names),
        tabulate_rates(recording, populations=names),
    ]
    for frame in frames:
        assert list(frame["population"].cat.categories) == ["L1E", "L1I", "L2E", "L2I"]
        assert sorted(set(frame["population"])) == expected


def test_populations_and_neurons_intersect(recording: Recording) -> None:
    """A neuron must be in both selections."""
    assert set(tabulate_currents(recording, populations="L2E", neurons=[2, 5, 7])["neuron"]) == {5, 7}


@pytest.mark.parametrize(
    ("start", "stop", "ends_ms"),
    [
        ("5 ms", "8 ms", [6, 7, 8]),
        (0.005, 0.008, [6, 7, 8]),
        ("5.1 ms", "7.9 ms", [6, 7]),
        (None, "2 ms", [1, 2]),
        ("18 ms", None, [19, 20]),
        ("18 ms", "1 h", [19, 20]),
        ("5.2 ms", "5.3 ms", []),
        (0.1 + 0.2 - 0.297, 0.0050000000000000001, [4, 5]),
    ],
    ids=str,
)
def test_bins_between_times(recording: Recording, start: Any, stop: Any, ends_ms: list[int]) -> None:
    """Bins have start < t ≤ stop, with times that are a step's within rounding taken as that step's."""
    frame = tabulate_currents(recording, start=start, stop=stop)
    assert sorted(set(frame["time"])) == [float(f"{ms}e-3") for ms in ends_ms]
    assert len(frame) == 10 * len(ends_ms)


def test_times_are_decimal(recording: Recording) -> None:
    """A time is the float that its decimal number reads as, so it can be compared with one that is typed."""
    assert len(tabulate_currents(recording).query("time == 0.009")) == 10
    assert 90 * 0.0001 != 0.009


@settings(deadline=None)
@given(
    steps=st.lists(st.integers(0, 10**12), max_size=20),
    dt_s=st.sampled_from([1e-4, 1e-5, 2.5e-5, 0.1, 1.0, 20.0, 1 / 3e4, 1.2345678901234567e-4, 1e-30]),
)
def test_step_times_equal_step_time(steps: list[int], dt_s: float) -> None:
    """The vectorised times are those of the one definition, bit for bit."""
    assert list(step_times(steps, dt_s)) == [step_time(step, dt_s) for step in steps]


def test_spikes(run: SyntheticRun, recording: Recording) -> None:
    """Spikes have all their columns, sorted by time, then neuron."""
    frame = tabulate_spikes(recording)
    _check_columns(frame, SPIKE_COLUMNS)
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


@settings(max_examples=50, deadline=None)
@given(memory_rows=st.integers(1, 250), neurons=st.none() | st.sets(st.integers(0, 9), min_size=1))
def test_parts_are_the_whole(recording: Recording, memory_rows: int, neurons: set[int] | None) -> None:
    """Frames of any size, one below the other, are the one frame, row labels and units included."""
    whole = tabulate_currents(recording, neurons=neurons, channels="input", start="3 ms")
    row_bytes = 8 + 4 + 1 + 1 + 4 + 5 * 4
    memory_mb = memory_rows * row_bytes / 1e6 * 1.0001
    parts = list(iterate_currents(recording, neurons=neurons, channels="input", start="3 ms", memory_mb=memory_mb))
    pd.testing.assert_frame_equal(pd.concat(parts), whole)
    assert max(map(len, parts)) <= memory_rows
    assert all(part.attrs == whole.attrs for part in parts)


@settings(max_examples=50, deadline=None)
@given(n_spikes=st.integers(1, 140))
def test_parts_of_spikes_are_the_whole(recording: Recording, n_spikes: int) -> None:
    """Spikes in parts of any size are the one frame."""
    parts = list(iterate_spikes(recording, populations=["E"], n_spikes=n_spikes))
    pd.testing.assert_frame_equal(pd.concat(parts), tabulate_spikes(recording, populations=["E"]))


def test_parts_of_states_are_the_whole(recording: Recording) -> None:
    """States in parts are the one frame."""
    parts = list(iterate_states(recording, memory_mb=0.001))
    assert len(parts) > 2
    pd.testing.assert_frame_equal(pd.concat(parts), tabulate_states(recording))


def test_parts_of_nothing(recording: Recording) -> None:
    """An empty selection is one empty frame with all columns."""
    (part,) = iterate_currents(recording, start="5.2 ms", stop="5.3 ms")
    _check_columns(part, current_columns(CHANNELS))
    assert len(part) == 0


def test_parts_are_checked_at_once(recording: Recording) -> None:
    """A wrong argument of the iterator is an error of the call, not of its first use."""
    with pytest.raises(SpecError):
        iterate_currents(recording, channels=["lateraal"])


def test_frames_hold_the_arrays_themselves(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """Making the frame copies nothing: its columns share memory with the arrays that were filled."""
    filled: dict[str, Any] = {}
    build = frames.build_frame

    def spy(data: dict[str, Any], *arguments: Any) -> pd.DataFrame:
        filled.update(data)
        return build(data, *arguments)

    monkeypatch.setattr(bins, "build_frame", spy)
    frame = tabulate_currents(recording)
    for name in ("time", "neuron", "v", "lateral", "total"):
        assert np.shares_memory(frame[name].to_numpy(), filled[name]), name
    assert frame["population"].array.codes.dtype == np.int8


class _NoiseReader:
    """A reader of another kind than files: hierarchy's E neurons, 100 bins, the same numbers for every variable."""

    name, steps_per_bin, n_bins = "currents", 10, 100
    kind: Literal["currents", "states"] = "currents"
    dtype: np.dtype[Any] = np.dtype(np.float32)
    values = np.random.default_rng(0).normal(size=(100, 9600)).astype(np.float32)

    def __init__(self) -> None:
        self.units = dict.fromkeys(self.variables(), "V")

    def variables(self) -> tuple[str, ...]:
        return ("v", "lateral", "inhibition", "feedforward", "background")

    def neurons(self, variable: str) -> np.ndarray:
        layers = range(1 if variable == "feedforward" else 0, 3)
        return np.concatenate([np.arange(4000 * i, 4000 * i + 3200, dtype=np.int32) for i in layers])

    def read(self, variable: str, i_bin_start: int, i_bin_stop: int, columns: Any = None) -> np.ndarray:
        rows = self.values[i_bin_start:i_bin_stop, : self.neurons(variable).size]
        return rows if columns is None else rows[:, columns]


def test_memory_is_that_of_the_frame(run: SyntheticRun) -> None:
    """Making a frame of a million rows takes little more memory than the frame."""
    network = expand_network(load_network("hierarchy"))
    recording = Recording(run.folder, network, 1e-4, 1000, {"currents": _NoiseReader()}, {}, {}, {}, False)
    tracemalloc.start()
    frame = tabulate_currents(recording)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    n_bytes = frame.memory_usage(index=False).sum()
    assert len(frame) == 960_000
    assert n_bytes > 45e6
    assert peak < 1.3 * n_bytes
    assert (frame["feedforward"].to_numpy().reshape(100, -1)[:, :3200] == 0).all()


def test_too_large_for_memory(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame that would take nearly all free memory is refused with the way to get it in parts."""
    monkeypatch.setattr(bins, "free_bytes", lambda: 10_000)
    with pytest.raises(TooLargeError) as caught:
        tabulate_currents(recording)
    assert str(caught.value) == (
        'the table of recorder "currents": does not fit into memory, with 200 rows'
        " (expected at most 80% of the 0.01 MB that are free; got 0.01 MB).\n"
        "  next: take it in parts, run.iter_currents(…) with the same arguments, or select less of it"
    )
    assert isinstance(caught.value, MemoryError)
    assert len(list(iterate_currents(recording, memory_mb=0.005))) > 1


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


def test_inputs(recording: Recording) -> None:
    """Spikes of all drives' sources, sorted by time, then drive, then source."""
    frame = tabulate_inputs(recording)
    _check_columns(frame, INPUT_COLUMNS)
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


def test_rates(run: SyntheticRun, recording: Recording) -> None:
    """A rate is spikes per neuron and second in the bin that ends at its time."""
    frame = tabulate_rates(recording, "4 ms")
    _check_columns(frame, RATE_COLUMNS)
    assert list(frame["time"].unique()) == [0.004, 0.008, 0.012, 0.016, 0.02]
    inside = (run.step >= 40) & (run.step < 80) & (run.neuron >= 5) & (run.neuron < 8)
    row = frame.query("time == 0.008 and population == 'L2E'")
    assert row["rate"].item() == pytest.approx(inside.sum() / (3 * 0.004), rel=1e-12)
    assert inside.sum() > 0


def test_rates_conserve_spikes(run: SyntheticRun, recording: Recording) -> None:
    """At any bin that divides, rates add up to all spikes."""
    size = {"L1E": 3, "L1I": 2, "L2E": 3, "L2I": 2}
    for bin_ms in (0.1, 0.5, 1, 2.5, 4, 10, 20):
        frame = tabulate_rates(recording, f"{bin_ms} ms")
        counts = frame["rate"] * frame["population"].astype(str).map(size) * bin_ms * 1e-3
        assert counts.sum() == pytest.approx(run.step.size, rel=1e-9)


@pytest.mark.parametrize("bin", ["2 ms", "4 ms", 0.01, "20 ms"], ids=str)
def test_rates_from_counts(recording: Recording, bin: Any) -> None:
    """A recorder of rates gives the same as the spikes, at every multiple of its bin."""
    options: dict[str, Any] = {"start": "2 ms"} if bin == "2 ms" else {}
    pd.testing.assert_frame_equal(
        tabulate_rates(recording, bin, recorder="rates", **options),
        tabulate_rates(recording, bin, recorder="spikes", **options),
    )


def test_rates_in_small_parts(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting a few spikes at a time changes nothing."""
    whole = tabulate_rates(recording, "1 ms")
    monkeypatch.setattr(counting, "_SPIKES_AT_A_TIME", 7)
    pd.testing.assert_frame_equal(tabulate_rates(recording, "1 ms"), whole)


def test_connectivity(run: SyntheticRun, recording: Recording) -> None:
    """Edges by source, then target; a constant weight and delay are repeated for each."""
    frame = tabulate_connectivity(run.folder, run.network, "lateral")
    _check_columns(frame, EDGE_COLUMNS)
    assert frame.to_numpy().tolist() == [
        [0, 0, np.float32(0.001), 3e-4],
        [0, 2, np.float32(0.001), 3e-4],
        [1, 1, np.float32(0.001), 3e-4],
        [5, 6, np.float32(0.001), 3e-4],
    ]
    noise = tabulate_connectivity(run.folder, run.network, "noise")
    assert noise[["source", "target"]].to_numpy().tolist() == [[0, 5], [2, 0], [2, 2]]
    assert noise["delay"].tolist() == [0, 1e-4, 7e-4]
    assert noise["weight"].nunique() == 3


def test_connectivity_that_contradicts_itself(tmp_path: Path) -> None:
    """Rows that do not end at the last edge are an error that names the file."""
    run = make_run(tmp_path / "run")
    files = run.folder.edge_files("lateral")
    np.save(files.target, np.array([0, 2, 1], np.int32))
    with pytest.raises(RecordingError) as caught:
        tabulate_connectivity(run.folder, run.network, "lateral")
    assert str(caught.value) == f"{files.target}: does not match its rows (expected 3 edges; got 4 in row.npy)."


_REFUSED: dict[str, tuple[Callable[[Recording], object], Problem]] = {
    "population": (
        lambda r: tabulate_currents(r, populations=["L1R"]),
        Problem("populations", "names a population that does not exist", '"L1I"', '"L1R"'),
    ),
    "population, far off": (
        lambda r: tabulate_spikes(r, populations="thalamus"),
        Problem(
            "populations",
            "names a population that does not exist",
            '"E", "I", "L1E", "L1I", "L2E" or "L2I"',
            '"thalamus"',
        ),
    ),
    "channel": (
        lambda r: tabulate_currents(r, channels=["latteral"]),
        Problem("channels", 'names a channel of recorder "currents" that does not exist', '"lateral"', '"latteral"'),
    ),
    "variable": (
        lambda r: tabulate_states(r, variables="I_laterals"),
        Problem(
            "variables", 'names a variable of recorder "states" that does not exist', '"I_lateral"', '"I_laterals"'
        ),
    ),
    "drive": (
        lambda r: tabulate_inputs(r, drives="nois"),
        Problem("drives", "names a drive with sources that does not exist", '"noise"', '"nois"'),
    ),
    "pathway": (
        lambda r: tabulate_connectivity(r.folder, r.network, "laterl"),
        Problem("pathway", "names a pathway or drive with edges that does not exist", '"lateral"', '"laterl"'),
    ),
    "recorder": (
        lambda r: tabulate_currents(r, recorder="curents"),
        Problem("recorder", "names a recorder of currents that does not exist", '"currents"', '"curents"'),
    ),
    "recorder of rates": (
        lambda r: tabulate_rates(r, recorder="spike"),
        Problem("recorder", "names a recorder of spikes or rates that does not exist", '"spikes"', '"spike"'),
    ),
    "neuron": (
        lambda r: tabulate_currents(r, neurons=[3, 10]),
        Problem("neurons", "names one that does not exist", "0 to 9", "10"),
    ),
    "negative neuron": (
        lambda r: tabulate_spikes(r, neurons=-1),
        Problem("neurons", "names one that does not exist", "0 to 9", "-1"),
    ),
    "fractional neuron": (
        lambda r: tabulate_spikes(r, neurons=[1.5]),  # type: ignore[list-item]
        Problem("neurons", "are not global indices", "whole numbers", "float64 values"),
    ),
    "no neuron": (
        lambda r: tabulate_spikes(r, populations="L1E", neurons=[9]),
        Problem("populations and neurons", "select no neuron together"),
    ),
    "start": (
        lambda r: tabulate_spikes(r, start="20 ms"),
        Problem("start", "is not before the end of the run", "below 20 ms", '"20 ms"'),
    ),
    "stop": (
        lambda r: tabulate_currents(r, start="5 ms", stop=0.005),
        Problem("stop", "is not after start", "above 5 ms", "0.005 s"),
    ),
    "negative time": (
        lambda r: tabulate_currents(r, start=-1),
        Problem("start", "is not a time within a run", "0 s or more", "-1 s"),
    ),
    "dimension": (
        lambda r: tabulate_currents(r, stop="5 mV"),
        Problem("stop", "has the wrong dimension", 'a quantity in second, such as "1.5 ms"', '"5 mV"'),
    ),
    "bin beside dt": (
        lambda r: tabulate_rates(r, "0.15 ms"),
        Problem("bin", "is not a multiple of dt = 0.1 ms", '"0.1 ms" or "0.2 ms"', '"0.15 ms"'),
    ),
    "bin beside the run": (
        lambda r: tabulate_rates(r, "3 ms"),
        Problem("bin", "does not divide the run of 20 ms", '"2.5 ms" or "4 ms"', '"3 ms"'),
    ),
    "bin beside the recorder's": (
        lambda r: tabulate_rates(r, "1 ms", recorder="rates"),
        Problem("bin", 'is not made of whole bins of recorder "rates"', "a multiple of 20 steps", "10 steps"),
    ),
    "memory": (lambda r: iterate_currents(r, memory_mb=0), Problem("memory_mb", "is not above 0", got="0")),
}


@pytest.mark.parametrize("case", _REFUSED)
def test_refused(recording: Recording, case: str) -> None:
    """What does not exist is refused with what does: the whole message."""
    ask, problem = _REFUSED[case]
    with pytest.raises(SpecError) as caught:
        ask(recording)
    assert str(caught.value) == str(problem)


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
