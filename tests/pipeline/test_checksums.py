"""Checksums of whole files."""

from pathlib import Path

import numpy as np
import pytest
from crc32c import crc32c

from pipeline.checksums import checksum_file, find_damage


@pytest.mark.parametrize("n_bytes", [0, 1, 2**20 - 1, 2**20, 2**20 + 1, 3_000_000])
def test_files_of_any_size(tmp_path: Path, n_bytes: int) -> None:
    """The size, and the checksum of all bytes at once."""
    content = np.random.default_rng(n_bytes).bytes(n_bytes)
    (tmp_path / "file").write_bytes(content)
    assert checksum_file(tmp_path / "file") == (n_bytes, crc32c(content))


def test_the_checksum_is_castagnolis(tmp_path: Path) -> None:
    """The check value that catalogues of checksums give."""
    (tmp_path / "file").write_bytes(b"123456789")
    assert checksum_file(tmp_path / "file") == (9, 0xE3069283)


def test_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    """Missing, of another size and of other content are told apart; missing may be all right."""
    path = tmp_path / "file"
    path.write_bytes(b"123456789")
    expected = checksum_file(path)
    assert find_damage(path, expected) is None
    path.write_bytes(b"123456780")
    assert str(find_damage(path, expected)) == f"{path}: is damaged: its checksum is wrong."
    path.write_bytes(b"12345678")
    assert str(find_damage(path, expected)) == f"{path}: is of the wrong size (expected 9 bytes; got 8)."
    path.unlink()
    assert str(find_damage(path, expected)) == f"{path}: is missing."
    assert find_damage(path, expected, missing_ok=True) is None
