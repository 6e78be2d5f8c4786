"""Tiles of a chunk, read and verified, and the columns that are wanted of them.

Files are read and not mapped: a disk that fails, or a file that somebody cuts off, is then an error and not a SIGBUS
that ends the process. What is read passes through a buffer of about a megabyte, which fits into the processor's cache,
and so costs no more than a mapping does; nothing of a recording stays with the process but what was asked for.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from crc32c import crc32c
from numpy.typing import NDArray

from models.errors import Problem
from pipeline.chunk_format import Chunk, Section, Shape, describe_damage
from pipeline.errors import RecordingError

type Columns = slice | NDArray[np.intp]

_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True)
class Pick:
    """Columns that are read together: those at `source` of each of `n_tiles` tiles, to go to `target`."""

    first_tile: int
    n_tiles: int
    source: Columns
    target: Columns


def pick_columns(section: Section, columns: Columns | None) -> tuple[list[Pick], int]:
    """Return what must be read for a choice of columns, and how many these are."""
    if columns is None:
        columns = slice(None)
    if isinstance(columns, slice):
        start, stop, step = columns.indices(section.n_columns)
        if step == 1:
            return list(_pick_range(section.tile_columns, start, stop)), max(0, stop - start)
        columns = np.arange(start, stop, step)
    places = np.arange(section.n_columns)[columns]  # negative ones too, and an IndexError beyond the end
    return list(_pick_places(section.tile_columns, places)), places.size


def _pick_range(width: int, start: int, stop: int) -> Iterator[Pick]:
    """Yield the beginning of a range within a tile, its whole tiles together, and its end within a tile."""
    at = start
    while at < stop:
        tile, first = divmod(at, width)
        n_whole = (stop - at) // width if first == 0 else 0
        n = n_whole * width if n_whole else min(width - first, stop - at)
        source = slice(0, width) if n_whole else slice(first, first + n)
        yield Pick(tile, max(1, n_whole), source, slice(at - start, at - start + n))
        at += n


def _pick_places(width: int, places: NDArray[np.intp]) -> Iterator[Pick]:
    """Yield the columns of each tile, in whatever order they were asked for."""
    tiles = places // width
    order = np.argsort(tiles, kind="stable")
    starts = np.flatnonzero(np.diff(tiles[order], prepend=-1))
    for targets in np.split(order, starts[1:]) if places.size else []:
        yield Pick(int(tiles[targets[0]]), 1, _as_slice(places[targets] % width), _as_slice(targets))


def _as_slice(places: NDArray[np.intp]) -> Columns:
    """Return places as a slice where they are consecutive: it is faster."""
    if places.size == 1 or np.all(np.diff(places) == 1):
        return slice(int(places[0]), int(places[0]) + places.size)
    return places


class Tiles:
    """The tiles of one section in one open chunk."""

    def __init__(self, shape: Shape, chunk: Chunk, i_section: int, file: int) -> None:
        self.chunk, self.section, self.file = chunk, shape.sections[i_section], file
        layout = shape.lay_out(chunk.n_rows)
        self.offset, self.tile_bytes = layout.offsets[i_section], self.section.row_bytes * chunk.n_rows
        table = self._read(layout.table_offset, 4 * layout.n_tiles)
        if crc32c(table) != chunk.table_crc:
            raise RecordingError(describe_damage(str(chunk.path), "has a damaged table of checksums"))
        first = layout.first_tiles[i_section]
        self.crcs = np.frombuffer(table, "<u4")[first : first + self.section.n_tiles]
        # Numbers of events become float64, which is what must fit then.
        item_bytes = 8 if self.section.factors else self.section.dtype.itemsize
        self.n_at_once = max(1, _BUFFER_BYTES // max(1, item_bytes * self.section.tile_columns * chunk.n_rows))

    def copy(self, pick: Pick, rows: slice, out: NDArray[Any]) -> None:
        """Copy rows of a pick, verified; raise `RecordingError` at a damaged tile."""
        for first, n_tiles, target in self._batches(pick):
            tiles = self._weigh(self._load(first, n_tiles)[:, rows, pick.source], first, pick.source)
            if n_tiles == 1:
                out[:, target] = tiles[0]
            else:
                into = out[:, target].reshape(out.shape[0], n_tiles, self.section.tile_columns, copy=False)
                into[...] = tiles.transpose(1, 0, 2)

    def salvage(self, pick: Pick, rows: slice, out: NDArray[Any]) -> None:
        """Copy those tiles of a pick that are not damaged, one by one."""
        width = self.section.tile_columns
        for i in range(pick.n_tiles):
            target = (
                pick.target if pick.n_tiles == 1 else slice(_start(pick) + i * width, _start(pick) + (i + 1) * width)
            )
            try:
                self.copy(Pick(pick.first_tile + i, 1, pick.source, target), rows, out)
            except RecordingError:
                continue  # stays NaN

    def _batches(self, pick: Pick) -> Iterator[tuple[int, int, Columns]]:
        """Yield first tile, number of tiles and target of parts that fit into the buffer."""
        if pick.n_tiles == 1:
            yield pick.first_tile, 1, pick.target
            return
        width, start = self.section.tile_columns, _start(pick)
        for i in range(0, pick.n_tiles, self.n_at_once):
            n = min(self.n_at_once, pick.n_tiles - i)
            yield pick.first_tile + i, n, slice(start + i * width, start + (i + n) * width)

    def _load(self, first: int, n_tiles: int) -> NDArray[Any]:
        """Return tiles, (n_tiles, n_rows, tile_columns), all of which have the right checksum."""
        data = memoryview(self._read(self.offset + first * self.tile_bytes, n_tiles * self.tile_bytes))
        size = self.tile_bytes
        for i, crc in enumerate(self.crcs[first : first + n_tiles].tolist()):
            if crc32c(data[i * size : (i + 1) * size]) != crc:
                raise RecordingError(self._describe_damage(first + i))
        return np.frombuffer(data, self.section.dtype).reshape(n_tiles, self.chunk.n_rows, self.section.tile_columns)

    def _weigh(self, tiles: NDArray[Any], first: int, columns: Columns) -> NDArray[Any]:
        """Return the values of tiles that begin with tile `first`: (n_tiles, n_rows, n_picked)."""
        if self.section.factors is None:
            return tiles
        weight, scale = (factor[first : first + len(tiles), None, columns] for factor in self.section.tile_factors)
        values = tiles * weight
        values *= scale
        values += 0.0  # no input is 0 and not -0
        return values

    def _describe_damage(self, tile: int) -> Problem:
        section, chunk = self.section, self.chunk
        first, last = tile * section.tile_columns, min(section.n_columns, (tile + 1) * section.tile_columns) - 1
        what = f"{section.name} is damaged in {chunk.rows}, columns {first} to {last}: its checksum is wrong"
        return describe_damage(str(chunk.path), what)

    def _read(self, offset: int, n_bytes: int) -> bytes:
        data = os.pread(self.file, n_bytes, offset)
        while len(data) < n_bytes:
            more = os.pread(self.file, n_bytes - len(data), offset + len(data))
            if not more:
                raise RecordingError(Problem(str(self.chunk.path), "is cut off"))
            data += more
        return data


def _start(pick: Pick) -> int:
    assert isinstance(pick.target, slice)
    return int(pick.target.start)
