"""Tables in parts, and the memory that they take."""

import tracemalloc
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import SpecError
from models.expand import expand_network
from models.files import load_network
from models.tables import current_columns
from pipeline import bins, frames
from pipeline.errors import TooLargeError
from pipeline.recording import Recording
from pipeline.tabulate import (
    iterate_currents,
    iterate_spikes,
    iterate_states,
    tabulate_currents,
    tabulate_spikes,
    tabulate_states,
)
from tests.pipeline.synthetic_run import CHANNELS, SyntheticRun
from tests.pipeline.tabulate.tables import check_columns


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
    check_columns(part, current_columns(CHANNELS))
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
