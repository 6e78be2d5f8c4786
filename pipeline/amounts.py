"""Sizes and ages as people write them: `"500 MB"`, `"30 days"`."""

import re

from models.errors import Problem, SpecError

_AMOUNT = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)\s*([A-Za-z]+)")
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SECONDS = {"s": 1, "min": 60, "h": 3600, "day": 86400, "week": 604800}


def parse_bytes(text: str, where: str) -> int:
    """Return a size in bytes; raise `SpecError`, naming `where` it stands, when it is none."""
    amount = _parse_amount(text, {**_BYTES, "KB": 10**3})
    if amount is None:
        raise SpecError(Problem(where, "is not a size", '"500 MB" or "2 GB", say', f'"{text}"'))
    return round(amount)


def parse_age(text: str, where: str) -> float:
    """Return an age in seconds; raise `SpecError`, naming `where` it stands, when it is none."""
    amount = _parse_amount(text, _SECONDS | {f"{name}s": n for name, n in _SECONDS.items() if name in ("day", "week")})
    if amount is None:
        raise SpecError(Problem(where, "is not an age", '"30 days" or "12 h", say', f'"{text}"'))
    return amount


def _parse_amount(text: str, units: dict[str, int]) -> float | None:
    found = _AMOUNT.fullmatch(text.strip())
    return float(found[1]) * units[found[2]] if found and found[2] in units else None
