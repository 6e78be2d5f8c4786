"""The format of a chunk: its header and where everything is in it (docs/recording-format.md).

pipeline/engine/include/chunk_format.h says the same to the program that writes them.
"""

import os
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from crc32c import crc32c
from numpy.typing import NDArray

from models.errors import Problem
from pipeline.errors import RecordingError

VERSION = 1
"""Of a chunk's format."""
MAGIC = b"CURCHUNK"
HEADER = struct.Struct("<8sIIQQQQIIII")
"""Magic, version, flags, chunk index, first row, rows, bytes of the file, tiles; checksums of the tiles' checksums, of
the shape of the rows, and of the header before it."""
ALIGNMENT = 64
"""Of sections and of the table of checksums, bytes."""
LAST_CHUNK = 1
"""The flag of a stream's last chunk."""
_NAME = re.compile(r"chunk-(\d{8,})\.cur")


@dataclass(frozen=True, eq=False)
class Factors:
    """What makes values of numbers of events, by column: weight · number · scale + 0, rounded to `dtype`."""

    weight: NDArray[np.float64]
    """(n_columns,) volts: what an event weighs."""
    scale: NDArray[np.float64]
    """(n_columns,) what makes a mean current of the sum of a bin."""
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Section:
    """One variable of a stream: `n_columns` items in each row, stored in tiles of `tile_columns` columns."""

    name: str
    dtype: np.dtype[Any]
    n_columns: int
    tile_columns: int
    factors: Factors | None = field(default=None, compare=False)
    """Where the items are numbers of events."""

    @property
    def value_dtype(self) -> np.dtype[Any]:
        """Type of what is read: that of the items, or of the values that factors make of them."""
        return self.factors.dtype if self.factors else self.dtype

    @property
    def n_tiles(self) -> int:
        """Tiles in a chunk."""
        return -(-self.n_columns // self.tile_columns)

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of one tile."""
        return self.tile_columns * self.dtype.itemsize

    @cached_property
    def tile_factors(self) -> tuple[NDArray[np.float64], ...]:
        """Weights and scales by tile and column, as (n_tiles, tile_columns) arrays; none for values."""
        if self.factors is None:
            return ()
        n_missing = self.n_tiles * self.tile_columns - self.n_columns
        both = (self.factors.weight, self.factors.scale)
        return tuple(np.pad(factor, (0, n_missing)).reshape(-1, self.tile_columns) for factor in both)


@dataclass(frozen=True)
class Layout:
    """Where everything is in a chunk of so many rows."""

    offsets: tuple[int, ...]
    """Start of each section, bytes."""
    first_tiles: tuple[int, ...]
    """Number of each section's first tile among all."""
    n_tiles: int
    table_offset: int
    """Start of the tiles' checksums."""
    file_bytes: int


class Shape:
    """The shape of a stream's rows."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self.sections = tuple(sections)
        words = [(section.dtype.itemsize, section.n_columns, section.tile_columns) for section in sections]
        self.crc = crc32c(np.array(words, "<u8").tobytes())
        """Its checksum, which is in the header of every chunk."""
        self._layouts: dict[int, Layout] = {}

    def lay_out(self, n_rows: int) -> Layout:
        """Return where everything is in a chunk of `n_rows` rows."""
        if n_rows not in self._layouts:  # nearly all chunks of a stream have as many
            self._layouts[n_rows] = _lay_out(self.sections, n_rows)
        return self._layouts[n_rows]


def _lay_out(sections: Sequence[Section], n_rows: int) -> Layout:
    offsets, first_tiles, end, n_tiles = [], [], HEADER.size, 0
    for section in sections:
        offsets.append(_align(end))
        first_tiles.append(n_tiles)
        end = offsets[-1] + section.n_tiles * section.row_bytes * n_rows
        n_tiles += section.n_tiles
    table_offset = _align(end)
    return Layout(tuple(offsets), tuple(first_tiles), n_tiles, table_offset, table_offset + 4 * n_tiles)


def _align(n_bytes: int) -> int:
    return -(-n_bytes // ALIGNMENT) * ALIGNMENT


@dataclass(frozen=True)
class Chunk:
    """One chunk, known from its header."""

    path: Path
    index: int
    first_row: int
    n_rows: int
    is_last: bool
    table_crc: int

    @property
    def stop_row(self) -> int:
        """Number of the row after its last."""
        return self.first_row + self.n_rows

    @property
    def rows(self) -> str:
        """Its rows, in words."""
        return f"rows {self.first_row} to {self.stop_row - 1}" if self.n_rows else "no rows"


def chunk_name(index: int) -> str:
    """Return the name of a chunk's file; while it is written, `.partial` is added."""
    return f"chunk-{index:08}.cur"


def list_chunks(folder: Path) -> list[int]:
    """Return the indices of the chunks in a folder, ascending.

    Raises
    ------
    RecordingError
        If there is no such folder.
    """
    try:
        found = [_NAME.fullmatch(name) for name in os.listdir(folder)]  # noqa: PTH208  # no objects for 100,000 names
    except OSError as error:
        raise RecordingError(_describe_failure(folder, error)) from None
    return sorted(int(match[1]) for match in found if match)


def _describe_failure(path: Path, error: OSError) -> Problem:
    if isinstance(error, FileNotFoundError):
        return Problem(str(path), "is missing")
    return Problem(str(path), "cannot be read", evidence=error.strerror)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a file; errors of the operating system, then and within, are RecordingErrors that name it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RecordingError(_describe_failure(path, error)) from None


def read_header(path: Path, index: int, shape: Shape) -> Chunk:
    """Return a chunk as its header describes it; nothing but the header is read.

    Raises
    ------
    RecordingError
        If there is no such file, or it is cut off, damaged, of another version or not chunk `index` of such a stream.
    """
    with opened(path) as file:
        head, size = os.pread(file, HEADER.size, 0), os.fstat(file).st_size
    place = str(path)
    if head[: len(MAGIC)] != MAGIC[: len(head)]:
        raise RecordingError(Problem(place, "is not a chunk of a recording", repr(MAGIC), repr(head[: len(MAGIC)])))
    if len(head) < HEADER.size:
        raise RecordingError(Problem(place, "is cut off", f"a header of {HEADER.size} bytes", f"{size} bytes"))
    _, version, flags, own_index, first_row, n_rows, file_bytes, n_tiles, *crcs = HEADER.unpack(head)
    table_crc, shape_crc, header_crc = crcs
    if crc32c(head[:-4]) != header_crc:
        raise RecordingError(describe_damage(place, "has a damaged header"))
    if version != VERSION:
        next_ = "load it with the version of this package that wrote it"
        problem = Problem(place, "is of another version", f"version {VERSION}", f"version {version}", next=next_)
        raise RecordingError(problem)
    layout = shape.lay_out(n_rows)
    if shape_crc != shape.crc or n_tiles != layout.n_tiles or file_bytes != layout.file_bytes:
        raise RecordingError(Problem(place, "belongs to another recorder: its rows are of another shape"))
    if own_index != index:
        raise RecordingError(Problem(place, "is another chunk than its name says", str(index), str(own_index)))
    if size != file_bytes:
        what = "is cut off" if size < file_bytes else "is too long"
        raise RecordingError(Problem(place, what, f"{file_bytes} bytes", f"{size} bytes"))
    return Chunk(path, index, first_row, n_rows, bool(flags & LAST_CHUNK), table_crc)


def describe_damage(place: str, what: str) -> Problem:
    """Return the problem of a file whose checksums are not those of its contents."""
    return Problem(place, what, likely_cause="the file was changed after it was written, or the disk is failing")
