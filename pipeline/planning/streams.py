"""The streams of a recording: how many rows they will have, and what these take on disk and in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from pipeline.chunk_format import Layout, Section, Shape
from pipeline.recording_index import BinnedEntry, ChunksEntry, Index, RatesEntry, SpikesEntry

_HUGE_PAGE_BYTES = 1 << 21
_PAGE_BYTES = 4096
_HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
USUAL_BUFFERS, MOST_BUFFERS = 2, 3
"""Chunks of a stream in memory: one that is filled and one that is written; more only where the disk is late."""
_NPY_HEADER_BYTES = 128


@dataclass(frozen=True)
class PlannedStream:
    """A recorder, or the spikes of a drive's sources."""

    name: str
    sections: tuple[Section, ...]
    steps_per_row: int | None
    """None where a row is a spike."""
    chunk_rows: int | None
    """Rows of a full chunk; None on the reference device, which has no chunks."""

    @cached_property
    def shape(self) -> Shape:
        """The shape of its rows."""
        return Shape(self.sections)

    @property
    def value_bytes(self) -> int:
        """Bytes of the values of a row."""
        return sum(section.n_columns * section.dtype.itemsize for section in self.sections)

    def disk_bytes(self, n_rows: int) -> int:
        """Return the size of its files: full chunks and the last one, or the arrays of the reference device."""
        if self.chunk_rows is None:
            # Raw arrays begin with a row that is skipped.
            spare = self.value_bytes if self.steps_per_row and len(self.sections) > 0 else 0
            return n_rows * self.value_bytes + (spare or _NPY_HEADER_BYTES * len(self.sections))
        n_full, n_rest = divmod(n_rows, self.chunk_rows)
        last = self.shape.lay_out(n_rest).file_bytes
        return last + (n_full * self.shape.lay_out(self.chunk_rows).file_bytes if n_full else 0)

    def buffer_bytes(self, n_rows: int, n_buffers: int = USUAL_BUFFERS) -> int:
        """Return the memory of its chunks, as far as they are touched."""
        if self.chunk_rows is None:
            return 0
        full = self.shape.lay_out(self.chunk_rows)
        if n_rows >= self.chunk_rows:
            n_full, n_rest = divmod(n_rows, self.chunk_rows)
            begun = self._touched_bytes(full, n_rest) if n_full < n_buffers else 0
            return min(n_full, n_buffers) * full.file_bytes + begun
        return self._touched_bytes(full, n_rows)

    def _touched_bytes(self, full: Layout, n_rows: int) -> int:
        """Return the memory of a chunk with some rows: tiles lie apart, so each has pages of its own."""
        if n_rows == 0:
            return 0
        if full.file_bytes >= _HUGE_PAGE_BYTES and has_huge_pages():
            return full.file_bytes
        pages = [-(-n_rows * section.row_bytes // _PAGE_BYTES) * section.n_tiles for section in self.sections]
        return min(sum(pages) * _PAGE_BYTES, full.file_bytes)


def has_huge_pages() -> bool:
    """Return whether the system gives large pages to those who ask for them."""
    try:
        return "[never]" not in _HUGE_PAGES.read_text(encoding="ascii")
    except OSError:
        return False


def list_streams(index: Index, recording: Path) -> Iterator[PlannedStream]:
    """Yield the streams of a recording.

    Parameters
    ----------
    index : Index
    recording : Path
        The folder with the files that the index names.
    """
    for name, entry in index.recorders.items():
        chunk_rows = entry.chunks.rows if entry.chunks else None
        match entry:
            case BinnedEntry():
                yield PlannedStream(name, _binned_sections(entry, recording), entry.steps_per_bin, chunk_rows)
            case RatesEntry():
                width = len(entry.populations)
                counts = Section("counts", np.dtype(np.int64), width, width)
                yield PlannedStream(name, (counts,), entry.steps_per_bin, chunk_rows)
            case SpikesEntry():
                yield _plan_events(name, entry.chunks)
    for drive, spikes in index.inputs.items():
        yield _plan_events(f"inputs/{drive}", spikes.chunks)


def _plan_events(name: str, chunks: ChunksEntry | None) -> PlannedStream:
    sections = (Section("step", np.dtype(np.int64), 1, 1), Section("number", np.dtype(np.int32), 1, 1))
    return PlannedStream(name, sections, None, chunks.rows if chunks else None)


def _binned_sections(entry: BinnedEntry, recording: Path) -> tuple[Section, ...]:
    width = entry.chunks.tile_columns if entry.chunks else 1
    sizes = {name: np.load(recording / array.neurons, mmap_mode="r").size for name, array in entry.arrays.items()}
    return tuple(Section(name, entry.stored_type(name), size, width) for name, size in sizes.items())
