"""`npy.h` reads what NumPy writes, and refuses everything else by name."""

import io
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.pipeline.engine.headers import CHECKED, build

pytestmark = pytest.mark.compiled

PROGRAM = r"""
#include "npy.h"
#include <cstdio>

template <class T>
void copy(const std::string& path, std::int64_t n_block) {
    std::vector<T> values;
    if (n_block == 0) {
        values = currents::read_npy<T>(path);
        for (const T& value : values) std::fwrite(&value, sizeof(T), 1, stdout);
        return;
    }
    currents::NpyStream<T> opened(path);
    currents::NpyStream<T> stream(std::move(opened));
    values.resize(static_cast<std::size_t>(n_block));
    for (std::int64_t n = 0; (n = stream.read(values.data(), n_block)) > 0;)
        std::fwrite(values.data(), sizeof(T), static_cast<std::size_t>(n), stdout);
    if (stream.position() != stream.size()) std::fputs("not at the end", stdout);
}

// Arguments: type, path, and the length of a block, 0 to read all at once. Standard output: the values, raw.
int main(int, char** argv) {
    const std::string type = argv[1];
    const std::int64_t n_block = std::stoll(argv[3]);
    try {
        if (type == "<f8") copy<double>(argv[2], n_block);
        if (type == "<f4") copy<float>(argv[2], n_block);
        if (type == "<i8") copy<std::int64_t>(argv[2], n_block);
        if (type == "<i4") copy<std::int32_t>(argv[2], n_block);
        if (type == "<u8") copy<std::uint64_t>(argv[2], n_block);
        if (type == "<u4") copy<std::uint32_t>(argv[2], n_block);
        if (type == "|u1") copy<std::uint8_t>(argv[2], n_block);
    } catch (const currents::InputFailure& failure) {
        std::fputs(failure.what(), stderr);
        return 3;
    }
    return 0;
}
"""
TYPES = ["<f8", "<f4", "<i8", "<i4", "<u8", "<u4", "|u1"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the test program."""
    return build(tmp_path_factory.mktemp("npy"), PROGRAM, *CHECKED)


def read(program: Path, path: Path, dtype: str, n_block: int = 0) -> NDArray[np.generic]:
    """Return what the program reads."""
    done = subprocess.run([program, dtype, path, str(n_block)], capture_output=True, check=True)
    return np.frombuffer(done.stdout, dtype)


def refusal(program: Path, path: Path, n_block: int = 0) -> str:
    """Return why the program refuses a file of float64, without its path."""
    command = [str(program), "<f8", str(path), str(n_block)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"{path}: ")
    return done.stderr.removeprefix(f"{path}: ")


def npy(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """Return the bytes of a file with a header of ours."""
    n_length = 2 if version[0] == 1 else 4
    return b"\x93NUMPY" + version + len(header).to_bytes(n_length, "little") + header.encode("latin1") + data


def header(shape: str, descr: str = "'<f8'", order: str = "False") -> str:
    """Return a header as NumPy writes it, but for the padding."""
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("n_block", [0, 1, 7, 1000])
def test_arrays_read_back(program: Path, tmp_path: Path, dtype: str, n_block: int) -> None:
    """Every type, whole and in blocks that do and do not divide the length, an empty array included."""
    random = np.random.default_rng(5).integers(0, 256, 105 * 8, np.uint8)
    for n_values in (0, 1, 105):
        values = random[: n_values * np.dtype(dtype).itemsize].view(dtype)
        np.save(tmp_path / "values.npy", values)
        assert read(program, tmp_path / "values.npy", dtype, n_block).tobytes() == values.tobytes()


@pytest.mark.parametrize("version", [b"\x01\x00", b"\x02\x00"])
@pytest.mark.parametrize(
    "text",
    [
        header("(2,)"),
        header("(2,)") + " " * 300 + "\n",
        '{"shape":(2),"fortran_order":False,"descr":"<f8"}',
        "{ 'fortran_order': False , 'shape' : ( 2 , ) , 'descr' : '<f8' }",
    ],
)
def test_any_spelling_of_a_header_is_read(program: Path, tmp_path: Path, version: bytes, text: str) -> None:
    """Both versions of the format, keys in any order, spaces and quotes of either kind."""
    (tmp_path / "values.npy").write_bytes(npy(text, np.array([1.5, -2.5]).tobytes(), version))
    assert read(program, tmp_path / "values.npy", "<f8").tolist() == [1.5, -2.5]


def test_versions_that_numpy_writes_are_read(program: Path, tmp_path: Path) -> None:
    """NumPy itself writes version 2.0 when asked."""
    with (tmp_path / "values.npy").open("wb") as file:
        np.lib.format.write_array(file, np.arange(5.0), version=(2, 0))
    assert read(program, tmp_path / "values.npy", "<f8").tolist() == [0, 1, 2, 3, 4]


HOSTILE = {
    "empty": (b"", "is not a .npy file (expected the bytes \\x93NUMPY at its start)"),
    "text": (b"time,source\n0,1\n", "is not a .npy file (expected the bytes \\x93NUMPY at its start)"),
    "zip": (b"PK\x03\x04" + bytes(100), "is not a .npy file (expected the bytes \\x93NUMPY at its start)"),
    "cut in its length": (b"\x93NUMPY\x02\x00\x10\x00", "ends within its header"),
    "cut in its header": (npy(header("(2,)"))[:30], "ends within its header"),
    "a header of 4 GB": (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{", "ends within its header"),
    "version": (
        npy(header("(0,)"), version=b"\x03\x00"),
        "has an unknown version of the .npy format (expected 1.0 or 2.0; got 3.0)",
    ),
    "long header": (
        npy(header("(0,)") + " " * 70_000, version=b"\x02\x00"),
        "has a header that NumPy did not write (expected up to 65536 bytes; got 70058)",
    ),
    "2-D": (npy(header("(2, 1)"), bytes(16)), "has the wrong number of dimensions (expected 1; got 2)"),
    "0-D": (npy(header("()"), bytes(8)), "has the wrong number of dimensions (expected 1; got 0)"),
    "Fortran": (npy(header("(2,)", order="True"), bytes(16)), "has its values in Fortran's order (expected C's order)"),
    "big endian": (npy(header("(2,)", "'>f8'"), bytes(16)), "has the wrong type (expected <f8; got >f8)"),
    "other type": (npy(header("(2,)", "'<i8'"), bytes(16)), "has the wrong type (expected <f8; got <i8)"),
    "records": (
        npy(header("(2,)", "[('a', '<f8')]"), bytes(16)),
        "has the wrong type (expected plain numbers; got records of several fields)",
    ),
    "truncated": (
        npy(header("(3,)"), bytes(23)),
        "is shorter than its header says (expected 3 values of 8 bytes; got 23 bytes)",
    ),
    "longer": (
        npy(header("(3,)"), bytes(25)),
        "is longer than its header says (expected 3 values of 8 bytes; got 25 bytes)",
    ),
    "one more": (
        npy(header("(3,)"), bytes(32)),
        "is longer than its header says (expected 3 values of 8 bytes; got 32 bytes)",
    ),
    "overflow to 0": (
        npy(header("(2305843009213693952,)")),
        "is shorter than its header says (expected 2305843009213693952 values of 8 bytes; got 0 bytes)",
    ),
    "beyond 64 bits": (
        npy(header("(99999999999999999999999,)"), bytes(8)),
        "is shorter than its header says (expected 18446744073709551615 values of 8 bytes; got 8 bytes)",
    ),
}
GARBAGE = {
    "nothing": "",
    "not closed": "{'descr': '<f8', 'fortran_order': False, 'shape': (0,)",
    "no descr": "{'fortran_order': False, 'shape': (0,)}",
    "no order": "{'descr': '<f8', 'shape': (0,)}",
    "no shape": "{'descr': '<f8', 'fortran_order': False}",
    "twice": "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (0,)}",
    "another key": "{'descr': '<f8', 'fortran_order': False, 'shape': (0,), 'pickle': 1}",
    "more behind": header("(0,)") + "x",
    "zeros behind": header("(0,)") + "\0\0",
    "open quote": "{'descr: <f8}",
    "no quotes": "{descr: '<f8', 'fortran_order': False, 'shape': (0,)}",
    "negative": header("(-1,)"),
    "fraction": header("(1.5,)"),
    "open shape": "{'descr': '<f8', 'fortran_order': False, 'shape': (0,",
    "order": header("(0,)", order="0"),
    "commas": "{'descr': '<f8' 'fortran_order': False, 'shape': (0,)}",
}


@pytest.mark.parametrize(("content", "expected"), HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("n_block", [0, 4])
def test_files_that_are_not_as_they_say_are_refused(
    program: Path, tmp_path: Path, content: bytes, expected: str, n_block: int
) -> None:
    """The text says what is wrong, what was expected and what is there."""
    (tmp_path / "values.npy").write_bytes(content)
    assert refusal(program, tmp_path / "values.npy", n_block) == expected


@pytest.mark.parametrize("text", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_in_a_header_is_refused(program: Path, tmp_path: Path, text: str) -> None:
    """A header is read strictly."""
    (tmp_path / "values.npy").write_bytes(npy(text))
    assert refusal(program, tmp_path / "values.npy") == "has a header that NumPy did not write"


def test_what_is_no_file_is_refused(program: Path, tmp_path: Path) -> None:
    """A missing file, a folder, and devices."""
    assert refusal(program, tmp_path / "missing.npy") == "cannot be opened: No such file or directory"
    assert refusal(program, tmp_path) == "is not a file (expected a .npy file; got a folder)"
    assert refusal(program, Path("/dev/zero")) == "is not a regular file"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_anywhere_never_crashes(program: Path, tmp_path: Path, data: st.DataObject) -> None:
    """A file with bytes changed or cut off is read to its full length or refused, under a memory checker."""
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3.0))
    content = bytearray(buffer.getvalue()[: data.draw(st.integers(0, len(buffer.getvalue())))])
    for _ in range(data.draw(st.integers(0, 3)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "values.npy").write_bytes(content)
    done = subprocess.run([program, "<f8", tmp_path / "values.npy", "0"], capture_output=True, check=False)
    assert done.returncode in (0, 3)
    assert len(done.stdout) == (24 if done.returncode == 0 else 0)
