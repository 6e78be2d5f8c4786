"""The C++ writer of chunks: what it writes, Python reads; when the disk fails, it says so and keeps what it had."""

import errno
import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from crc32c import crc32c
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.chunk_format import Section, chunk_name, list_chunks
from pipeline.chunks import Stream, open_stream
from tests.pipeline.chunk_files import pack_chunk
from tests.pipeline.processes import wait_until

pytestmark = pytest.mark.compiled

INCLUDE = Path(__file__).parents[2] / "pipeline" / "engine" / "include"
STRICT = ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-pthread", f"-I{INCLUDE}"]
PROGRAM = r"""
#include "chunk_writer.h"
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>

using namespace currents;

// Standard input: any bytes. Standard output: their checksum by both ways, and those of the tiles of so many bytes.
int print_checksums(std::size_t tile_bytes) {
    const std::string data((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
    const std::size_t half = data.size() / 2;
    std::cout << crc32c(0, data.data(), data.size()) << "\n"
              << crc32c(crc32c(0, data.data(), half), data.data() + half, data.size() - half) << "\n"
              << crc32c_by_table(0, data.data(), data.size()) << "\n"
              << crc32c_by_table(crc32c_by_table(0, data.data(), half), data.data() + half, data.size() - half) << "\n";
    std::vector<std::uint32_t> crcs(data.size() / tile_bytes);
    crc32c_of_tiles(reinterpret_cast<const unsigned char*>(data.data()), tile_bytes, crcs.size(), crcs.data());
    for (const std::uint32_t crc : crcs) std::cout << crc << "\n";
    return 0;
}

template <class T> void fill(ChunkStream& stream, std::size_t i, const Section& section) {
    T* items = stream.section<T>(i);
    const std::int64_t width = section.tile_columns;
    for (std::int64_t c = 0; c < section.n_columns; ++c)
        items[(c / width * stream.chunk_rows() + stream.row()) * width + c % width] =
            static_cast<T>((stream.n_rows() * 1009 + c * 31 + static_cast<std::int64_t>(i)) % 1000003);
}

void write_row(ChunkStream& stream, const std::vector<Section>& sections) {
    for (std::size_t i = 0; i < sections.size(); ++i) {
        if (sections[i].item_bytes == 4) fill<std::int32_t>(stream, i, sections[i]);
        else fill<std::int64_t>(stream, i, sections[i]);
    }
    stream.finish_row();
}

void sleep_ms(int n) { std::this_thread::sleep_for(std::chrono::milliseconds(n)); }

// FOLDER CHUNK_ROWS N_BUFFERS CHUNK FIRST_ROW SECTIONS… -- COMMANDS…: number = so many rows; flush; close; wait = some
// milliseconds; other = a row of a second stream, in FOLDER/other, of which a chunk is a row; busy = a while in which
// the disk does nothing else. After a failure: salvage = of both streams; room = the same, when FOLDER/full is gone.
int write(int argc, char** argv) {
    std::vector<Section> sections;
    int i = 6;
    for (; std::string(argv[i]) != "--"; i += 3)
        sections.push_back(
            {static_cast<std::uint32_t>(std::atoi(argv[i])), std::atoll(argv[i + 1]), std::atoll(argv[i + 2])});
    const std::string folder = argv[1];
    DiskThread disk;
    ChunkStream stream(disk, folder, sections, std::atoll(argv[2]), std::atoi(argv[3]),
                       {std::strtoull(argv[4], nullptr, 10), std::atoll(argv[5])});
    std::unique_ptr<ChunkStream> other;
    const auto obey = [&](const std::string& command) {
        if (command == "flush") stream.flush();
        else if (command == "close") stream.close();
        else if (command == "wait") sleep_ms(5);
        else if (command == "busy") disk.post([] { sleep_ms(200); }, true);
        else if (command == "other") {
            if (!other) other = std::make_unique<ChunkStream>(disk, folder + "/other", sections, 1, 3);
            write_row(*other, sections);
        } else {
            for (std::int64_t row = std::atoll(command.c_str()); row > 0; --row) write_row(stream, sections);
        }
    };
    const std::string last = argv[argc - 1];
    try {
        for (++i; i < argc; ++i) obey(argv[i]);
    } catch (const StorageFailure&) {
        if (last == "room") std::filesystem::remove(folder + "/full");
        if (last == "room" || last == "salvage") {
            if (other) other->salvage();
            stream.salvage();
        }
        throw;
    }
    const StreamPosition position = stream.position();
    std::cout << position.chunk_index << " " << position.first_row << " " << stream.n_rows() << "\n";
    return 0;
}

int main(int argc, char** argv) {
    std::signal(SIGXFSZ, SIG_IGN);
    try {
        return argc == 2 ? print_checksums(std::strtoull(argv[1], nullptr, 10)) : write(argc, argv);
    } catch (const StorageFailure& failure) {
        std::cout << failure.error << "\n" << failure.path << "\n" << failure.what() << "\n";
        return 74;
    }
}
"""
WIDE = (
    Section("a", np.dtype(np.int32), 10, 4),
    Section("b", np.dtype(np.int64), 3, 8),
    Section("c", np.dtype("i4"), 1, 1),
)
PAGES = (Section("a", np.dtype(np.int64), 1024, 32),)
"""8 kB per row: two rows are a chunk of a little more than four pages."""


def build(folder: Path, *flags: str) -> Path:
    """Compile the test program, warnings being errors."""
    (folder / "program.cpp").write_text(PROGRAM)
    subprocess.run(["g++", *STRICT, *flags, "program.cpp", "-o", "program"], cwd=folder, check=True)
    return folder / "program"


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the test program for machines with SSE4.2."""
    return build(tmp_path_factory.mktemp("writer"), "-march=x86-64-v2")


def command(
    program: Path, folder: Path, sections: tuple[Section, ...], chunk_rows: int, *commands: object, **start: int
) -> list[str]:
    """Return the program's command line."""
    shapes = [number for s in sections for number in (s.dtype.itemsize, s.n_columns, s.tile_columns)]
    first = [start.get("n_buffers", 3), start.get("chunk_index", 0), start.get("first_row", 0)]
    return [str(word) for word in (program, folder, chunk_rows, *first, *shapes, "--", *commands)]


def run(words: list[str]) -> list[int]:
    """Run the program to its end; return the next chunk, its first row, and the number of rows."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return [int(word) for word in done.stdout.split()]


def fail(words: list[str], limit_bytes: int | None = None) -> tuple[int, str, str]:
    """Run the program into a StorageFailure; return its errno, path and text."""

    def limit() -> None:
        if limit_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, preexec_fn=limit)
    return read_failure(done.returncode, done.stdout)


def read_failure(code: int | None, printed: str) -> tuple[int, str, str]:
    """Return errno, path and text of a StorageFailure."""
    assert code == 74, (code, printed)
    number, path, what = printed.splitlines()
    return int(number), path, what


def expect(i_section: int, section: Section, start: int, stop: int) -> NDArray[np.int64]:
    """Return the values of rows that the program writes."""
    rows, columns = np.ogrid[start:stop, : section.n_columns]
    values: NDArray[np.int64] = (rows * 1009 + columns * 31 + i_section) % 1000003
    return values


def check_rows(stream: Stream, n_rows: int) -> None:
    """Compare all rows of a stream with what the program writes."""
    assert stream.n_rows == n_rows
    for i, section in enumerate(stream.sections):
        np.testing.assert_array_equal(stream.read(i, 0, n_rows), expect(i, section, 0, n_rows), strict=False)


@pytest.mark.parametrize("flags", [["-march=x86-64"], ["-march=x86-64-v2"]], ids=["table", "instruction"])
def test_checksums(tmp_path: Path, flags: list[str]) -> None:
    """The header's checksums are those of Python's package, for every length of a tail, in one piece and in two."""
    program = build(tmp_path, *flags)
    assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C
    data = np.random.default_rng(1).bytes(1000)
    for n_bytes in (*range(20), 999):
        for tile_bytes in (1, 7, 8, 36, 100):
            piece, tiles = data[:n_bytes], range(0, n_bytes - tile_bytes + 1, tile_bytes)
            done = subprocess.run([program, str(tile_bytes)], input=piece, capture_output=True, check=True)
            expected = [crc32c(piece)] * 4 + [crc32c(piece[i : i + tile_bytes]) for i in tiles]
            assert [int(line) for line in done.stdout.split()] == expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shapes=st.lists(
        st.tuples(st.sampled_from(["i4", "i8"]), st.integers(0, 9), st.integers(1, 5)), min_size=1, max_size=3
    ),
    chunk_rows=st.integers(1, 7),
    n_buffers=st.integers(1, 3),
    counts=st.lists(st.integers(0, 15), max_size=4),
)
def test_what_is_written_is_read(
    program: Path,
    tmp_path: Path,
    shapes: list[tuple[str, int, int]],
    chunk_rows: int,
    n_buffers: int,
    counts: list[int],
) -> None:
    """Any sections, chunks and flushes: the same rows, every chunk as long as it should be, and nothing else there."""
    folder = tmp_path / "stream"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    sections = tuple(Section(f"s{i}", np.dtype(t), n, width) for i, (t, n, width) in enumerate(shapes))
    commands: list[object] = [word for count in counts for word in (count, "flush")]
    run(command(program, folder, sections, chunk_rows, *commands, 5, "close", "close", n_buffers=n_buffers))
    stream = open_stream(folder, sections)
    check_rows(stream, sum(counts) + 5)
    lengths = [n for count in counts for n in [chunk_rows] * (count // chunk_rows) + [count % chunk_rows] if n]
    lengths += [chunk_rows] * (5 // chunk_rows) + [5 % chunk_rows]
    assert [chunk.n_rows for chunk in stream.chunks] == lengths
    assert [chunk.is_last for chunk in stream.chunks] == [False] * (len(lengths) - 1) + [True]
    assert sorted(path.name for path in folder.iterdir()) == [chunk_name(i) for i in range(len(lengths))]


def test_whoever_waits_for_the_disk_helps(tmp_path: Path) -> None:
    """Two threads write chunks of two streams as fast as they can: no race, no gap, nothing that is not as it was."""
    program = build(tmp_path, "-march=x86-64-v2", "-g", "-fsanitize=thread")
    for n_buffers in (1, 2, 3):
        folder = tmp_path / f"stream-{n_buffers}"
        (folder / "other").mkdir(parents=True)
        words = [*["other"] * 50, 300, "flush", *["other", 7] * 50, "flush", 301, "close"]
        run(command(program, folder, PAGES, 2, *words, n_buffers=n_buffers))
        check_rows(open_stream(folder, PAGES), 300 + 350 + 301)
        assert len(list((folder / "other").glob("chunk-*.cur"))) == 100
        assert not list(folder.rglob("*.partial"))


@pytest.mark.parametrize("commands", [[5, "close"], [3, "flush", 4, "flush", "close"]], ids=["full", "compacted"])
def test_bytes_are_those_of_the_format(program: Path, tmp_path: Path, commands: list[object]) -> None:
    """Every byte, padding included, is what chunks written by hand from the format's description have."""
    run(command(program, tmp_path, WIDE, 5, *commands, n_buffers=1))
    chunks = open_stream(tmp_path, WIDE).chunks
    assert [chunk.n_rows for chunk in chunks] == ([5, 0] if commands[0] == 5 else [3, 4, 0])
    for chunk in chunks:
        arrays = [expect(i, s, chunk.first_row, chunk.stop_row).astype(s.dtype) for i, s in enumerate(WIDE)]
        by_hand = pack_chunk(arrays, [s.tile_columns for s in WIDE], chunk.index, chunk.first_row, chunk.is_last)
        assert chunk.path.read_bytes() == by_hand


def test_equal_rows_are_equal_bytes(program: Path, tmp_path: Path) -> None:
    """Padding is zero, also in a buffer that held a compacted chunk before: nothing of older rows shines through."""
    files = []
    for name, commands in (("a", [3, "flush", 5]), ("b", [3, "flush", 3, "wait", 2])):
        (tmp_path / name).mkdir()
        run(command(program, tmp_path / name, WIDE, 5, *commands, "close", n_buffers=1))
        files.append([(tmp_path / name / chunk_name(i)).read_bytes() for i in range(3)])
    assert files[0] == files[1]
    padding = np.frombuffer(files[0][1], "<i4", count=3 * 5 * 4, offset=64).reshape(3, 5, 4)[2, :, 2:]
    assert not padding.any()
    assert not np.frombuffer(files[0][0], "<i4", count=3 * 3 * 4, offset=64).reshape(3, 3, 4)[2, :, 2:].any()


def test_chunks_larger_than_a_piece(program: Path, tmp_path: Path) -> None:
    """Chunks that are checksummed and written in several pieces, with tiles that end within pages."""
    sections = (Section("a", np.dtype(np.int32), 1500, 7), Section("b", np.dtype(np.int64), 300, 300))
    run(command(program, tmp_path, sections, 301, 700, "close"))
    stream = open_stream(tmp_path, sections)
    assert stream.chunks[0].path.stat().st_size > 2_000_000
    check_rows(stream, 700)


def test_a_stream_goes_on_where_it_was(program: Path, tmp_path: Path) -> None:
    """After a flush, another program continues with the position that the first had."""
    chunk, row, n_rows = run(command(program, tmp_path, WIDE, 4, 6, "flush"))
    assert (chunk, row, n_rows) == (2, 6, 6)
    position = run(command(program, tmp_path, WIDE, 4, 5, "close", chunk_index=chunk, first_row=row))
    assert position == [4, 11, 11]
    check_rows(open_stream(tmp_path, WIDE), 11)


def test_what_a_killed_program_left_is_overwritten(program: Path, tmp_path: Path) -> None:
    """A longer `.partial` of the same chunk does not show in the new one."""
    (tmp_path / f"{chunk_name(0)}.partial").write_bytes(b"x" * 100_000)
    run(command(program, tmp_path, WIDE, 4, 4, "close"))
    check_rows(open_stream(tmp_path, WIDE), 4)
    assert not list(tmp_path.glob("*.partial"))


def test_chunks_are_not_overwritten(program: Path, tmp_path: Path) -> None:
    """A stream that would write over finished rows does not begin."""
    run(command(program, tmp_path, WIDE, 4, 4, "close"))
    number, path, what = fail(command(program, tmp_path, WIDE, 4, 4, "close"))
    assert (number, path) == (errno.EEXIST, str(tmp_path / chunk_name(0)))
    assert what == f"{path}: begin stream: File exists"
    check_rows(open_stream(tmp_path, WIDE), 4)


def test_no_folder(program: Path, tmp_path: Path) -> None:
    """A stream needs its folder."""
    number, path, _ = fail(command(program, tmp_path / "none", WIDE, 4, 4))
    assert (number, path) == (errno.ENOENT, str(tmp_path / "none"))


def test_finished_chunks_survive_a_kill(program: Path, tmp_path: Path) -> None:
    """After SIGKILL in the middle, every chunk that has its name is whole, and the rows have no gap."""
    process = subprocess.Popen(command(program, tmp_path, PAGES, 2, 100_000_000), stdout=subprocess.PIPE)
    try:
        wait_until(lambda: len(list_chunks(tmp_path)) >= 20, "chunks")
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    indices = list_chunks(tmp_path)
    assert indices == list(range(len(indices)))
    n_rows = min(1000, 2 * len(indices))
    stream = open_stream(tmp_path, PAGES, partial=True)
    assert stream.n_rows == 2 * len(indices) >= 40
    np.testing.assert_array_equal(stream.read(0, 0, n_rows), expect(0, PAGES[0], 0, n_rows))
    end = stream.n_rows
    np.testing.assert_array_equal(stream.read(0, end - 2, end), expect(0, PAGES[0], end - 2, end))


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a disk of 77 pages; only root can make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=308k", "tmpfs", disk], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    yield disk
    subprocess.run(["umount", disk], capture_output=True, check=False)


@pytest.mark.parametrize("commands", [[100_000], [2, "flush", 99_999, "flush"], [*[2, "flush"] * 20, "close"]])
@pytest.mark.parametrize("n_buffers", [1, 3])
def test_a_full_disk(program: Path, tiny_disk: Path, commands: list[str | int], n_buffers: int) -> None:
    """The failure names the chunk and ENOSPC; those before it are whole, and no part of it takes up space."""
    number, path, what = fail(command(program, tiny_disk, PAGES, 2, *commands, n_buffers=n_buffers))
    n_chunks = len(list_chunks(tiny_disk))
    assert number == errno.ENOSPC
    # Of two that are written side by side, either may be the first that finds no room.
    lost = [f"{tiny_disk / chunk_name(n_chunks + i)}.partial" for i in range(1 if n_buffers == 1 else 2)]
    assert path in lost
    assert what == f"{path}: write: No space left on device"
    check_rows(open_stream(tiny_disk, PAGES, partial=True), 2 * n_chunks)
    assert n_chunks == 15  # of 5 pages each, of 77
    assert not list(tiny_disk.glob("*.partial"))


def test_a_failure_is_every_stream_s(program: Path, tiny_disk: Path) -> None:
    """When the disk is full of one stream, another one ends too; it does not write into the space that remains."""
    (tiny_disk / "other").mkdir()
    with (tiny_disk / "full").open("wb") as file:
        file.write(bytes(4096 * 72))
    _, path, _ = fail(command(program, tiny_disk, PAGES, 2, "other", 2, *["wait", "other"] * 20))
    assert path == f"{tiny_disk / chunk_name(0)}.partial"
    assert list_chunks(tiny_disk / "other") == [0]


def fill_disk(disk: Path, n_pages: int) -> None:
    """Leave so many of its pages free, and make the folder of the second stream."""
    (disk / "other").mkdir()
    (disk / "full").write_bytes(bytes(4096 * (77 - n_pages)))


@pytest.mark.parametrize("room", [False, True])
def test_chunks_that_were_dropped_are_salvaged(program: Path, tiny_disk: Path, room: bool) -> None:
    """A chunk of 17 pages does not fit, so that two of 3 pages behind it are dropped: they are written afterwards.

    With room for it, the one that did not fit, and the open one after it, are written too.
    """
    fill_disk(tiny_disk, 12)
    words = ["other", "busy", 8, "other", "other", 3, *["wait"] * 100, 1, "room" if room else "salvage"]
    _, path, _ = fail(command(program, tiny_disk, PAGES, 8, *words))
    assert path == f"{tiny_disk / chunk_name(0)}.partial"
    check_rows(open_stream(tiny_disk / "other", PAGES, partial=True), 3)
    if room:
        check_rows(open_stream(tiny_disk, PAGES, partial=True), 12)
    else:
        assert list_chunks(tiny_disk) == []
    assert not list(tiny_disk.rglob("*.partial"))


@pytest.mark.parametrize("end", ["flush", "close"])
def test_a_chunk_that_was_compacted_is_salvaged(program: Path, tiny_disk: Path, end: str) -> None:
    """Its rows were moved together before it did not fit; they are not moved again."""
    fill_disk(tiny_disk, 6)
    fail(command(program, tiny_disk, PAGES, 8, 5, end, "room"))
    stream = open_stream(tiny_disk, PAGES, partial=True)
    check_rows(stream, 5)
    assert [chunk.is_last for chunk in stream.chunks] == [end == "close"]


def test_a_file_size_limit(program: Path, tmp_path: Path) -> None:
    """RLIMIT_FSIZE is EFBIG and not the end of the process; a chunk below the limit is written."""
    number, path, what = fail(command(program, tmp_path, PAGES, 2, 1, "flush", 2, "close"), limit_bytes=12_000)
    assert (number, path) == (errno.EFBIG, f"{tmp_path / chunk_name(1)}.partial")
    assert what == f"{path}: write: File too large"
    check_rows(open_stream(tmp_path, PAGES, partial=True), 1)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_folder_that_is_removed(program: Path, tmp_path: Path, replaced: bool) -> None:
    """ENOENT, also when another folder has taken the name: no stream is spread over two."""
    folder = tmp_path / "stream"
    folder.mkdir()
    words = command(program, folder, PAGES, 2, *[1, "wait"] * 2000)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    wait_until(lambda: len(list_chunks(folder)) >= 2, "chunks")
    folder.rename(tmp_path / "old")
    if replaced:
        folder.mkdir()
    remove(tmp_path / "old")
    printed, _ = process.communicate(timeout=60)
    number, path, _ = read_failure(process.returncode, printed)
    assert number == errno.ENOENT
    assert path.startswith(str(folder / "chunk-"))
    assert not replaced or not list(folder.iterdir())


def remove(folder: Path) -> None:
    """Remove a folder into which files are written."""
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


def test_a_folder_that_is_moved(program: Path, tmp_path: Path) -> None:
    """A run's folder may be renamed while the program runs."""
    folder = tmp_path / "stream"
    folder.mkdir()
    words = command(program, folder, PAGES, 2, *[1, "wait"] * 50, "close")
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    wait_until(lambda: len(list_chunks(folder)) >= 2, "chunks")
    folder.rename(tmp_path / "moved")
    assert process.wait(timeout=60) == 0
    check_rows(open_stream(tmp_path / "moved", PAGES), 50)


def test_memory_does_not_grow_with_the_run(program: Path, tmp_path: Path) -> None:
    """A stream that writes a hundred chunks has three of them in memory; one that fills none has one."""
    peaks = [measure_peak(command(program, make(tmp_path / f"{n}"), PAGES, 128, n, "close")) for n in (10, 2560, 6400)]
    assert peaks[2] - peaks[1] < 1_000_000
    assert peaks[1] - peaks[0] < 3 * 1_100_000
    assert sum(path.stat().st_size for path in (tmp_path / "6400").iterdir()) > 50_000_000


def make(folder: Path) -> Path:
    """Make a folder."""
    folder.mkdir()
    return folder


def measure_peak(words: list[str]) -> int:
    """Return the largest resident set of a program, bytes."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * 1024
