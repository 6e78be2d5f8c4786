"""Recorders whose data lie in chunks: values read where asked for, spikes and counts when first asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.chunk_format import Section
from pipeline.chunk_tiles import Columns
from pipeline.chunks import Stream, open_stream, warn_of
from pipeline.errors import RecordingError

type Values = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ChunkReader:
    """A recorder of currents or states in chunks: a row per bin, a section per variable (`recording.Reader`)."""

    name: str
    kind: Literal["currents", "states"]
    steps_per_bin: int
    n_bins: int
    dtype: np.dtype[Any]
    stream: Stream
    recorded: Mapping[str, NDArray[np.int32]]
    """Neurons by variable, in the order of the sections."""
    units: Mapping[str, str]

    def variables(self) -> tuple[str, ...]:
        """Return the names of what was recorded."""
        return tuple(self.recorded)

    def neurons(self, variable: str) -> NDArray[np.int32]:
        """Return the recorded neurons of a variable."""
        return self.recorded[variable]

    def read(self, variable: str, i_bin_start: int, i_bin_stop: int, columns: Columns | None = None) -> Values:
        """Return values, a copy; of a part of a recording, NaN where they are missing or damaged, with a warning.

        Raises
        ------
        RecordingError
            If what is read is damaged or missing, and a part will not do.
        """
        i_section = self.variables().index(variable)
        return cast(Values, self.stream.read(i_section, i_bin_start, i_bin_stop, columns))


def open_events(folder: Path, number: str, *, partial: bool) -> "Events":
    """Open a stream of spikes: their steps, and their neurons or sources (`number`).

    Raises
    ------
    RecordingError
        As `open_stream`.
    """
    sections = [Section("step", np.dtype(np.int64), 1, 1), Section(number, np.dtype(np.int32), 1, 1)]
    return Events(open_stream(folder, sections, partial=partial))


@dataclass(frozen=True, eq=False)
class Events:
    """Spikes in chunks, sorted by step, then number; read when first asked for.

    Of a part of a recording, damaged chunks are left out, with a warning.
    """

    stream: Stream

    @cached_property
    def _arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        stream = self.stream
        step, number = np.empty(stream.n_stored, np.int64), np.empty(stream.n_stored, np.int32)
        end = 0
        for chunk in stream.chunks:
            rows = slice(end, end + chunk.n_rows)
            try:
                step[rows], number[rows] = (stream.read_chunk(i, chunk)[:, 0] for i in (0, 1))
            except RecordingError as error:
                if not stream.partial:
                    raise
                warn_of(error)
            else:
                end = rows.stop
        return step[:end], number[:end]

    @property
    def is_ended(self) -> bool:
        """Whether all chunks are there, up to one that says that it is the last."""
        stream = self.stream
        return bool(stream.chunks) and stream.chunks[-1].is_last and self.step.size == stream.n_rows

    @property
    def step(self) -> NDArray[np.int64]:
        """(n_spikes,) steps."""
        return self._arrays[0]

    @property
    def number(self) -> NDArray[np.int32]:
        """(n_spikes,) neurons or sources."""
        return self._arrays[1]


def open_counts(folder: Path, n_populations: int, *, partial: bool) -> "Counts":
    """Open a stream of counts of spikes: a row per bin, a column per population.

    Raises
    ------
    RecordingError
        As `open_stream`.
    """
    section = Section("counts", np.dtype(np.int64), n_populations, n_populations)
    return Counts(open_stream(folder, [section], partial=partial))


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts of spikes in chunks; read when first asked for.

    Of a part of a recording, they end before the first chunk that is missing or damaged: a count cannot be NaN.
    """

    stream: Stream

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """(n_bins, n_populations)."""
        stream, end = self.stream, 0
        rows = np.empty((stream.whole_rows(), stream.sections[0].n_columns), np.int64)
        for chunk in stream.chunks:
            if chunk.first_row != end:
                break
            try:
                rows[end : chunk.stop_row] = stream.read_chunk(0, chunk)
            except RecordingError as error:
                if not stream.partial:
                    raise
                warn_of(error)
                break
            end = chunk.stop_row
        return rows[:end]
