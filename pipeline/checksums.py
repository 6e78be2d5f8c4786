"""Checksums of whole files."""

from pathlib import Path

from crc32c import crc32c

from models.errors import Problem

_BUFFER_BYTES = 1 << 20


def checksum_file(path: Path) -> tuple[int, int]:
    """Return the size of a file in bytes and its CRC-32C; little of it is in memory at a time."""
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    n_bytes, checksum = 0, 0
    with path.open("rb", buffering=0) as file:
        while n_read := file.readinto(buffer):
            n_bytes += n_read
            checksum = crc32c(buffer[:n_read], checksum)
    return n_bytes, checksum


def find_damage(path: Path, expected: tuple[int, int], *, missing_ok: bool = False) -> Problem | None:
    """Return what is wrong with a file that had this size and CRC-32C when it was written; None when it is whole."""
    if not path.is_file():
        return None if missing_ok else Problem(str(path), "is missing")
    n_bytes = path.stat().st_size
    if n_bytes != expected[0]:
        return Problem(str(path), "is of the wrong size", f"{expected[0]} bytes", f"{n_bytes}")
    return None if checksum_file(path) == expected else Problem(str(path), "is damaged: its checksum is wrong")
