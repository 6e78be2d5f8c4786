"""Streams of chunks written by hand: what is read, what is refused, and what a part of a stream still has."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from numpy.typing import NDArray

from models.errors import Problem
from pipeline.chunk_format import Section, chunk_name
from pipeline.chunks import PartialRecordingWarning, Stream, open_stream, plan_chunk_rows
from pipeline.errors import RecordingError
from tests.pipeline.chunk_files import flip, pack_chunk, write_stream

CAUSE = "the file was changed after it was written, or the disk is failing"

TYPES: list[np.dtype[Any]] = [np.dtype(name) for name in ("<f4", "<f8", "<i4", "<i8")]
STREAMS = st.tuples(
    arrays_of.arrays(
        st.sampled_from(TYPES),
        st.tuples(st.integers(0, 25), st.integers(0, 12)),
    ),
    st.integers(1, 9),
    st.integers(1, 5),
)
"""Values, rows per chunk, columns per tile."""


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stream=STREAMS, data=st.data())
def test_any_part_is_that_of_the_array(
    tmp_path: Path, stream: tuple[NDArray[Any], int, int], data: st.DataObject
) -> None:
    """Any chunks, tiles, rows and columns (slices, lists in any order, with repetitions): as NumPy cuts them out."""
    values, chunk_rows, width = stream
    n_rows, n_columns = values.shape
    shutil.rmtree(tmp_path / "s", ignore_errors=True)
    other = np.arange(n_rows, dtype=np.int64)[:, np.newaxis]
    opened = open_stream(tmp_path / "s", write_stream(tmp_path / "s", {"a": other, "b": values}, chunk_rows, width))
    start = data.draw(st.integers(0, n_rows))
    stop = data.draw(st.integers(start, n_rows))
    places = st.lists(st.integers(-n_columns, n_columns - 1), max_size=8) if n_columns else st.just([])
    columns = data.draw(st.none() | st.slices(n_columns) | places.map(lambda found: np.array(found, np.intp)))
    expected = values[start:stop] if columns is None else values[start:stop, columns]
    read = opened.read(1, start, stop, columns)
    assert (read.tobytes(), read.shape, read.dtype) == (expected.tobytes(), expected.shape, values.dtype)
    np.testing.assert_array_equal(opened.read(0, start, stop), other[start:stop])
    assert read.flags.owndata


def test_many_tiles_at_once(tmp_path: Path) -> None:
    """Sections of several megabytes, which pass through the buffer in parts."""
    values = np.random.default_rng(1).normal(size=(1500, 1001))
    opened = open_stream(tmp_path / "s", write_stream(tmp_path / "s", {"a": values}, 700, 32))
    np.testing.assert_array_equal(opened.read(0, 3, 1499, slice(5, 990)), values[3:1499, 5:990])


def test_columns_beyond_the_last_are_refused(tmp_path: Path) -> None:
    """Padding is no column."""
    opened = open_stream(tmp_path / "s", write_stream(tmp_path / "s", {"a": np.zeros((5, 6))}, 2))
    with pytest.raises(IndexError):
        opened.read(0, 0, 5, np.array([6]))


def test_rows_beyond_the_last_are_refused(tmp_path: Path) -> None:
    """Rows that no chunk has are an error, and not whatever the memory held."""
    opened = open_stream(tmp_path / "s", write_stream(tmp_path / "s", {"a": np.zeros((5, 6))}, 2))
    with pytest.raises(RecordingError, match=r"/s: a: rows 5 to 6 are missing\.$"):
        opened.read(0, 3, 7)


@pytest.mark.parametrize(
    ("bytes_per_row", "n_rows"), [(0, 16384), (8, 16384), (192_000, 83), (15_999_999, 1), (10**9, 1)]
)
def test_chunk_rows_are_about_16_mb(bytes_per_row: int, n_rows: int) -> None:
    """Small rows fill 16384, large ones a chunk each."""
    assert plan_chunk_rows(bytes_per_row) == n_rows


@pytest.fixture
def values() -> NDArray[np.float32]:
    """Return (10, 6) values: chunks of rows 0-2, 3-5, 6-8, 9; tiles of columns 0-3, 4-5."""
    return np.random.default_rng(2).normal(size=(10, 6)).astype(np.float32)


@pytest.fixture
def sections(tmp_path: Path, values: NDArray[np.float32]) -> tuple[Section, ...]:
    """Write `values` as variable `a` and twice them as `b`; return the sections."""
    return write_stream(tmp_path, {"a": values, "b": 2 * values}, 3)


def _replace(folder: Path, index: int, first_row: int, n_rows: int = 3, last: bool = False, **fields: int) -> Path:
    path = folder / chunk_name(index)
    path.write_bytes(pack_chunk([np.zeros((n_rows, 6), np.float32)] * 2, [4, 4], index, first_row, last, **fields))
    return path


def _missing(folder: Path) -> Problem:
    (folder / chunk_name(1)).unlink()
    return Problem(str(folder / chunk_name(1)), "is missing")


def _several_missing(folder: Path) -> Problem:
    (folder / chunk_name(0)).unlink()
    (folder / chunk_name(1)).unlink()
    return Problem(str(folder / chunk_name(0)), f"is missing, and all up to {chunk_name(1)}")


def _cut_off(folder: Path) -> Problem:
    path = folder / chunk_name(1)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-1])
    return Problem(str(path), "is cut off", f"{size} bytes", f"{size - 1} bytes")


def _cut_off_in_the_header(folder: Path) -> Problem:
    path = folder / chunk_name(1)
    path.write_bytes(path.read_bytes()[:50])
    return Problem(str(path), "is cut off", "a header of 64 bytes", "50 bytes")


def _empty(folder: Path) -> Problem:
    (folder / chunk_name(1)).write_bytes(b"")
    return Problem(str(folder / chunk_name(1)), "is cut off", "a header of 64 bytes", "0 bytes")


def _too_long(folder: Path) -> Problem:
    path = folder / chunk_name(1)
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"\0")
    return Problem(str(path), "is too long", f"{size} bytes", f"{size + 1} bytes")


def _flipped_header(folder: Path) -> Problem:
    flip(folder / chunk_name(1), 8)  # the version: what is damaged is not taken for another version
    return Problem(str(folder / chunk_name(1)), "has a damaged header", likely_cause=CAUSE)


def _other_version(folder: Path) -> Problem:
    path = _replace(folder, 1, 3, version=2)
    next_ = "load it with the version of this package that wrote it"
    return Problem(str(path), "is of another version", "version 1", "version 2", next=next_)


def _foreign(folder: Path) -> Problem:
    path = folder / chunk_name(1)
    path.write_bytes(b"not a chunk of ours, but some bytes that happen to be as long as a header is")
    return Problem(str(path), "is not a chunk of a recording", "b'CURCHUNK'", "b'not a ch'")


def _of_another_recorder(folder: Path) -> Problem:
    path = folder / chunk_name(1)
    path.write_bytes(pack_chunk([np.zeros((3, 6), np.float32)] * 2, [4, 3], 1, 3, False))
    return Problem(str(path), "belongs to another recorder: its rows are of another shape")


def _renamed(folder: Path) -> Problem:
    shutil.copy(folder / chunk_name(2), folder / chunk_name(1))
    return Problem(str(folder / chunk_name(1)), "is another chunk than its name says", "1", "2")


def _gap(folder: Path) -> Problem:
    path = _replace(folder, 1, 4)
    return Problem(str(path), "does not follow the chunk before it", "row 3", "row 4")


def _no_end(folder: Path) -> Problem:
    (folder / chunk_name(3)).unlink()
    return Problem(str(folder), "has no last chunk: the run did not finish")


def _after_the_end(folder: Path) -> Problem:
    path = _replace(folder, 4, 10, last=True)
    return Problem(str(path), f"comes after {chunk_name(3)}, which says that it is the last")


def _a_folder(folder: Path) -> Problem:
    (folder / chunk_name(1)).unlink()
    (folder / chunk_name(1)).mkdir()
    return Problem(str(folder / chunk_name(1)), "cannot be read", evidence="Is a directory")


_DAMAGES: list[Callable[[Path], Problem]] = [
    _missing,
    _several_missing,
    _cut_off,
    _cut_off_in_the_header,
    _empty,
    _too_long,
    _flipped_header,
    _other_version,
    _foreign,
    _of_another_recorder,
    _renamed,
    _gap,
    _no_end,
    _after_the_end,
    _a_folder,
]


@pytest.mark.parametrize("damage", _DAMAGES, ids=[damage.__name__.lstrip("_") for damage in _DAMAGES])
def test_damage_is_found_when_opened(
    tmp_path: Path, sections: tuple[Section, ...], damage: Callable[[Path], Problem]
) -> None:
    """Each damage that can be seen without reading data is one error that names the file."""
    problem = damage(tmp_path)
    with pytest.raises(RecordingError) as caught:
        open_stream(tmp_path, sections)
    assert caught.value.problems == (problem,)


_PARTS: list[tuple[Callable[[Path], Problem], list[int]]] = [
    (_missing, [0, 1, 2, 6, 7, 8, 9]),
    (_several_missing, [6, 7, 8, 9]),
    (_cut_off, [0, 1, 2, 6, 7, 8, 9]),
    (_flipped_header, [0, 1, 2, 6, 7, 8, 9]),
    (_foreign, [0, 1, 2, 6, 7, 8, 9]),
    (_after_the_end, list(range(10))),
]


@pytest.mark.parametrize(("damage", "rows"), _PARTS, ids=[damage.__name__.lstrip("_") for damage, _ in _PARTS])
def test_a_part_has_the_other_rows(
    tmp_path: Path,
    sections: tuple[Section, ...],
    values: NDArray[np.float32],
    damage: Callable[[Path], Problem],
    rows: list[int],
) -> None:
    """Rows that cannot be read are NaN, the others are in their places, and a warning names what is missing."""
    problem = damage(tmp_path)
    with pytest.warns(PartialRecordingWarning) as caught:
        stream = open_stream(tmp_path, sections, partial=True)
    assert [str(warning.message) for warning in caught] == [str(problem)]
    expected = np.full_like(values, np.nan)
    expected[rows] = values[rows]
    assert stream.n_rows == 10
    np.testing.assert_array_equal(stream.read(0, 0, 10), expected)
    np.testing.assert_array_equal(stream.read(1, 2, 8, np.array([5, 1])), 2 * expected[2:8, [5, 1]])


def test_a_chunk_that_overlaps_after_a_missing_one(tmp_path: Path, sections: tuple[Section, ...]) -> None:
    """Rows that two chunks claim to have are believed of the first one alone."""
    (tmp_path / chunk_name(1)).unlink()
    place = str(_replace(tmp_path, 2, 2))
    with pytest.raises(RecordingError) as caught:
        open_stream(tmp_path, sections)
    assert caught.value.problems == (
        Problem(place, "does not follow the chunk before it", "row 3", "row 2"),
        Problem(str(tmp_path / chunk_name(1)), "is missing"),
    )


def test_a_part_ends_with_its_last_row(
    tmp_path: Path, sections: tuple[Section, ...], values: NDArray[np.float32]
) -> None:
    """Of a program that was killed there is no last chunk, and what it was writing is ignored, without a warning."""
    (tmp_path / chunk_name(3)).rename(tmp_path / f"{chunk_name(3)}.partial")
    stream = open_stream(tmp_path, sections, partial=True)
    assert stream.n_rows == 9
    np.testing.assert_array_equal(stream.read(0, 0, 9), values[:9])


def test_nothing_written_yet(tmp_path: Path, sections: tuple[Section, ...]) -> None:
    """An empty folder is a part without rows, and no finished stream."""
    (tmp_path / "empty").mkdir()
    assert open_stream(tmp_path / "empty", sections, partial=True).n_rows == 0
    with pytest.raises(RecordingError, match="has no last chunk"):
        open_stream(tmp_path / "empty", sections)


def test_no_folder(tmp_path: Path, sections: tuple[Section, ...]) -> None:
    """A stream whose folder is gone is an error, of a part too."""
    with pytest.raises(RecordingError, match=r"none: is missing\.$"):
        open_stream(tmp_path / "none", sections, partial=True)


def test_every_bit_is_guarded(tmp_path: Path, sections: tuple[Section, ...], values: NDArray[np.float32]) -> None:
    """Wherever a byte of a chunk changes: an error, or (in the gaps between sections) the same values; never others."""
    path = tmp_path / chunk_name(1)
    original, harmless = path.read_bytes(), 0
    for offset in range(len(original)):
        flip(path, offset)
        with suppress(RecordingError):
            stream = open_stream(tmp_path, sections)
            np.testing.assert_array_equal(stream.read(0, 0, 10), values)
            np.testing.assert_array_equal(stream.read(1, 0, 10), 2 * values)
            harmless += 1
        path.write_bytes(original)
    assert harmless == -(64 + 96) % 64 + -(192 + 96) % 64 < len(original) / 4


def test_damaged_data_is_found_when_it_is_read(
    tmp_path: Path, sections: tuple[Section, ...], values: NDArray[np.float32]
) -> None:
    """The error names file, variable, rows and columns; tiles that are whole can still be read."""
    flip(tmp_path / chunk_name(1), 64 + 48 + 5)
    stream = open_stream(tmp_path, sections)
    np.testing.assert_array_equal(stream.read(0, 0, 10, slice(0, 4)), values[:, :4])
    np.testing.assert_array_equal(stream.read(1, 0, 10), 2 * values)
    np.testing.assert_array_equal(stream.read(0, 6, 10), values[6:])
    with pytest.raises(RecordingError) as caught:
        stream.read(0, 0, 10)
    assert str(caught.value) == (
        f"{tmp_path}/chunk-00000001.cur: a is damaged in rows 3 to 5, columns 4 to 5: its checksum is wrong.\n"
        f"  likely cause: {CAUSE}"
    )


def test_a_damaged_table_is_found_when_it_is_read(tmp_path: Path, sections: tuple[Section, ...]) -> None:
    """Without its checksums nothing of a chunk is believed."""
    path = tmp_path / chunk_name(1)
    flip(path, path.stat().st_size - 1)
    stream = open_stream(tmp_path, sections)
    with pytest.raises(RecordingError, match=r"chunk-00000001.cur: has a damaged table of checksums\."):
        stream.read(0, 0, 10)


@pytest.mark.parametrize(("offset", "lost"), [(64 + 48 + 5, slice(4, 6)), (-1, slice(0, 6))], ids=["tile", "table"])
def test_a_part_of_damaged_data(
    tmp_path: Path, sections: tuple[Section, ...], values: NDArray[np.float32], offset: int, lost: slice
) -> None:
    """Only what the checksum condemns is NaN, and a warning says so."""
    flip(tmp_path / chunk_name(1), offset)
    stream = open_stream(tmp_path, sections, partial=True)
    expected = values.copy()
    expected[3:6, lost] = np.nan
    for columns in (None, slice(1, 6), np.array([5, 0, 4])):
        with pytest.warns(PartialRecordingWarning, match="chunk-00000001.cur"):
            read = stream.read(0, 0, 10, columns)
        np.testing.assert_array_equal(read, expected if columns is None else expected[:, columns])


def test_damage_in_one_of_many_tiles(tmp_path: Path) -> None:
    """Of tiles that are read together, those that are whole are kept."""
    values = np.random.default_rng(3).normal(size=(4, 40))
    opened = write_stream(tmp_path, {"a": values}, 4)
    flip(tmp_path / chunk_name(0), 64 + 4 * 4 * 8 * 3)
    stream = open_stream(tmp_path, opened, partial=True)
    with pytest.warns(PartialRecordingWarning, match="columns 12 to 15"):
        read = stream.read(0, 1, 3)
    expected = values[1:3].copy()
    expected[:, 12:16] = np.nan
    np.testing.assert_array_equal(read, expected)


def test_a_chunk_that_is_deleted_while_it_is_open(tmp_path: Path, sections: tuple[Section, ...]) -> None:
    """What is gone, or cut off, after the stream was opened is an error and not the end of the process."""
    stream = open_stream(tmp_path, sections)
    (tmp_path / chunk_name(0)).unlink()
    (tmp_path / chunk_name(1)).write_bytes(b"")
    with pytest.raises(RecordingError, match=r"chunk-00000000.cur: is missing\.$"):
        stream.read(0, 0, 1)
    with pytest.raises(RecordingError, match=r"chunk-00000001.cur: is cut off\.$"):
        stream.read(0, 4, 5)


def test_a_stream_of_numbers_has_no_nan(tmp_path: Path) -> None:
    """A gap in whole numbers is an error even of a part: nothing stands for a number that is not known."""
    opened = write_stream(tmp_path, {"a": np.arange(10)[:, None]}, 3)
    (tmp_path / chunk_name(1)).unlink()
    with pytest.warns(PartialRecordingWarning):
        stream: Stream = open_stream(tmp_path, opened, partial=True)
    with pytest.raises(RecordingError, match="a: rows 3 to 5 are missing"):
        stream.read(0, 0, 10)
