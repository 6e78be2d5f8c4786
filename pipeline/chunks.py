"""Streams of rows in checksummed chunks, as the engine's program writes them: opened cheaply, verified when read.

The format is described in docs/recording-format.md; pipeline/engine/include/chunk_writer.h and chunk_folder.h write it.
"""

import bisect
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import Problem
from pipeline.chunk_format import Chunk, Section, Shape, chunk_name, list_chunks, opened, read_header
from pipeline.chunk_tiles import Columns, Pick, Tiles, pick_columns
from pipeline.errors import RecordingError

TILE_COLUMNS = 32
"""Neurons per tile. One neuron's trace costs the reading of its 31 neighbours', too, and a window of all neurons is
written out in runs of so many values: fewer would slow down the one, more the other."""
_CHUNK_BYTES = 16_000_000
_MOST_ROWS = 16384


class PartialRecordingWarning(UserWarning):
    """Something of a recording is missing or damaged, and what remains was asked for."""


def plan_chunk_rows(bytes_per_row: int) -> int:
    """Return how many rows a chunk should have: about 16 MB of them, but 1 to 16384.

    A program holds three chunks per recorder in memory, and loses at most the last ones when it is killed: small is
    good. But each chunk is a file that must be opened (some 20 µs) to read one neuron's trace, and a tile must be worth
    reading: at 16 MB a terabyte is 60,000 files, and where 10,000 values are recorded per bin a tile is 50 kB. Beyond
    16384 rows nothing is gained: a tile has 2 MB then, all of which is read for one value.
    """
    return int(np.clip(_CHUNK_BYTES // max(1, bytes_per_row), 1, _MOST_ROWS))


@dataclass(frozen=True, eq=False)
class Stream:
    """The chunks of a stream."""

    folder: Path
    shape: Shape = field(default_factory=lambda: Shape(()))
    chunks: tuple[Chunk, ...] = ()
    """Ascending; in a part, those that can be read."""
    partial: bool = False
    """Whether missing and damaged rows are NaN, with a warning, instead of an error."""

    @property
    def sections(self) -> tuple[Section, ...]:
        """What a row consists of."""
        return self.shape.sections

    @property
    def n_rows(self) -> int:
        """Rows up to the last one that can be read."""
        return self.chunks[-1].stop_row if self.chunks else 0

    @property
    def n_stored(self) -> int:
        """Rows that can be read."""
        return sum(chunk.n_rows for chunk in self.chunks)

    @cached_property
    def first_rows(self) -> list[int]:
        """The first row of each chunk."""
        return [chunk.first_row for chunk in self.chunks]

    def whole_rows(self) -> int:
        """Return the rows before the first that is missing."""
        end = 0
        for chunk in self.chunks:
            if chunk.first_row != end:
                break
            end = chunk.stop_row
        return end

    def read(self, i_section: int, start: int, stop: int, columns: Columns | None = None) -> NDArray[Any]:
        """Return rows `start` to `stop` - 1 of a section: (n_rows, n_columns) of the type of its values, a new array.

        Parameters
        ----------
        i_section : int
        start, stop : int
            Rows, of which there must be so many.
        columns : slice or array, optional
            Which columns, in which order; all by default.

        Raises
        ------
        RecordingError
            If a chunk that is read is missing or damaged; of a `partial` stream, only where items cannot be NaN.
        """
        section = self.sections[i_section]
        picks, n_columns = pick_columns(section, columns)
        result = np.empty((stop - start, n_columns), section.value_dtype)
        end = start
        for chunk in self._overlapping(start, stop) if stop > start else ():
            first, last = max(start, chunk.first_row), min(stop, chunk.stop_row)
            self._fill_gap(section, result[end - start : first - start], end, first)
            rows = slice(first - chunk.first_row, last - chunk.first_row)
            self._read_chunk(chunk, i_section, rows, picks, result[first - start : last - start])
            end = last
        self._fill_gap(section, result[end - start :], end, stop)
        return result

    def read_chunk(self, i_section: int, chunk: Chunk) -> NDArray[Any]:
        """Return all rows of a chunk; raise `RecordingError` where it is damaged, of a `partial` stream too."""
        picks, n_columns = pick_columns(self.sections[i_section], None)
        result = np.empty((chunk.n_rows, n_columns), self.sections[i_section].value_dtype)
        with self._tiles(chunk, i_section) as tiles:
            for pick in picks:
                tiles.copy(pick, slice(0, chunk.n_rows), result)
        return result

    def _overlapping(self, start: int, stop: int) -> Iterator[Chunk]:
        i_first = max(0, bisect.bisect_right(self.first_rows, start) - 1)
        for chunk in islice(self.chunks, i_first, None):
            if chunk.first_row >= stop:
                break
            if chunk.stop_row > start and chunk.n_rows:
                yield chunk

    def _fill_gap(self, section: Section, rows: NDArray[Any], start: int, stop: int) -> None:
        """Fill rows that no chunk has; which these are was said when the stream was opened."""
        if stop <= start:
            return
        if not self.partial or rows.dtype.kind != "f":
            what = f"{section.name}: rows {start} to {stop - 1} are missing"
            raise RecordingError(Problem(str(self.folder), what))
        rows[...] = np.nan

    def _read_chunk(self, chunk: Chunk, i_section: int, rows: slice, picks: list[Pick], out: NDArray[Any]) -> None:
        lenient = self.partial and out.dtype.kind == "f"
        try:
            with self._tiles(chunk, i_section) as tiles:
                for pick in picks:
                    try:
                        tiles.copy(pick, rows, out)
                    except RecordingError as error:
                        if not lenient:
                            raise
                        out[:, pick.target] = np.nan
                        tiles.salvage(pick, rows, out)
                        warn_of(error)
        except RecordingError as error:
            if not lenient:
                raise
            out[...] = np.nan
            warn_of(error)

    @contextmanager
    def _tiles(self, chunk: Chunk, i_section: int) -> Iterator[Tiles]:
        with opened(chunk.path) as file:
            yield Tiles(self.shape, chunk, i_section, file)


def warn_of(error: RecordingError) -> None:
    """Say what is left out."""
    warnings.warn(str(error), PartialRecordingWarning, stacklevel=2)


def open_stream(folder: Path, sections: Sequence[Section], *, partial: bool = False) -> Stream:
    """Open a stream; of each chunk the header is read, and its size is checked.

    Parameters
    ----------
    folder : Path
    sections : sequence of Section
        What its rows consist of.
    partial : bool
        Leave out what is missing or damaged, with a `PartialRecordingWarning`, instead of refusing it.

    Raises
    ------
    RecordingError
        If a chunk is missing, cut off, damaged, of another version, or does not follow the one before it, or if the
        stream has no end; all that is wrong, together. If `partial`, only if there is no such folder.
    """
    shape, chunks = Shape(sections), list[Chunk]()
    problems: list[Problem] = []
    for index in list_chunks(folder):
        try:
            chunk = read_header(folder / chunk_name(index), index, shape)
            _check_place(chunks, chunk)
            chunks.append(chunk)
        except RecordingError as error:
            problems += error.problems
    problems += _find_missing(folder)
    if not partial and not (chunks and chunks[-1].is_last) and not problems:
        problems.append(Problem(str(folder), "has no last chunk: the run did not finish"))
    if problems and not partial:
        raise RecordingError(*problems)
    for problem in problems:
        warn_of(RecordingError(problem))
    return Stream(folder, shape, tuple(chunks), partial)


def _find_missing(folder: Path) -> Iterator[Problem]:
    """Yield a problem for each chunk, or for each series of chunks, that is not there although later ones are."""
    expected = 0
    for index in list_chunks(folder):
        if index > expected:
            more = f", and all up to {chunk_name(index - 1)}" if index > expected + 1 else ""
            yield Problem(str(folder / chunk_name(expected)), f"is missing{more}")
        expected = index + 1


def _check_place(before: list[Chunk], chunk: Chunk) -> None:
    """Refuse a chunk that does not go on where the one before it ends; where that one is missing, one that overlaps."""
    end, next_index = (before[-1].stop_row, before[-1].index + 1) if before else (0, 0)
    if before and before[-1].is_last:
        raise RecordingError(
            Problem(str(chunk.path), f"comes after {before[-1].path.name}, which says that it is the last")
        )
    if chunk.first_row < end or (chunk.index == next_index and chunk.first_row != end):
        expected, got = f"row {end}", f"row {chunk.first_row}"
        raise RecordingError(Problem(str(chunk.path), "does not follow the chunk before it", expected, got))
