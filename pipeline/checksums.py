"""Checksums of whole files."""

from pathlib import Path

from crc32c import crc32c

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
