"""Brian2's units as a table, so that a quantity can be read without importing Brian2, which takes a second.

`tools/write-units` writes the table, `units.txt`, from the Brian2 that is installed; a test compares the two in both
directions. Each line is a dimension: its seven SI exponents, what Brian2 calls its unscaled unit (`-` for none), and
the units that have it with their scales.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

type Exponents = tuple[float, ...]
"""Seven, in the order of `BASE_UNITS`."""

TABLE = Path(__file__).parent / "units.txt"
BASE_UNITS = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")
"""What Brian2 calls the base units of the SI."""
DIMENSIONLESS: Exponents = (0.0,) * len(BASE_UNITS)


@dataclass(frozen=True)
class Unit:
    """A unit of Brian2's."""

    scale: str
    """SI units that it is, as Python writes that float64."""
    exponents: Exponents


@cache
def read_units() -> dict[str, Unit]:
    """Return Brian2's units by full, displayed and short name, with minute and hour beside them."""
    units: dict[str, Unit] = {}
    for exponents, _, members in _read_lines():
        for name, _, scale in (member.partition("=") for member in members):
            units[name] = Unit(scale, exponents)
    second = units["second"].exponents
    return {"min": Unit("60.0", second), "h": Unit("3600.0", second)} | units


@cache
def _names() -> dict[Exponents, str]:
    return {exponents: name for exponents, name, _ in _read_lines() if name != "-"}


def name_dimension(exponents: Exponents) -> str:
    """Return the unscaled unit of a dimension as Brian2's equations write it: `volt`, or `metre * second ** -1`."""
    if not any(exponents):
        return "1"
    return _names().get(exponents) or write_product(exponents)


_SYMBOLS = {
    "1": "",
    "volt": "V",
    "second": "s",
    "amp": "A",
    "siemens": "S",
    "hertz": "Hz",
    "farad": "F",
    "coulomb": "C",
    "watt": "W",
    "metre": "m",
    "kelvin": "K",
}


def show_dimension(exponents: Exponents) -> str:
    """Return the unscaled unit of a dimension as a table has it: `V`, or Brian2's name; empty for pure numbers."""
    name = name_dimension(exponents)
    return _SYMBOLS.get(name, name)


def write_product(exponents: Exponents) -> str:
    """Return a dimension as a product of base units, as Brian2 writes it."""
    powers = [(name, power) for name, power in zip(BASE_UNITS, exponents, strict=True) if power]
    return " * ".join(name if power == 1 else f"{name} ** {power:g}" for name, power in powers)


@cache
def _read_lines() -> tuple[tuple[Exponents, str, list[str]], ...]:
    lines = [line.split() for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    width = len(BASE_UNITS)
    return tuple((tuple(map(float, words[:width])), words[width], words[width + 1 :]) for words in lines)
