"""Quantities written as text, such as `"0.3 mV"`, parsed against Brian2's own units (`units`) and never evaluated."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from models.errors import suggest_spelling
from models.units import DIMENSIONLESS, Exponents, Unit, name_dimension, read_units

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_QUANTITY = re.compile(rf"({_NUMBER})\s*(.*)")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)\b.*", re.IGNORECASE)
_FACTOR = re.compile(r"\s*([*/]?)\s*([A-Za-z_]\w*)\s*(?:(?:\*\*|\^)\s*(-?[0-9]{1,2}))?")
_SIGNS = str.maketrans({"\u00b5": "u", "\u03bc": "u", "\u03a9": "ohm", "\u2126": "ohm"})
"""What Brian2 writes for the signs of micro and ohm, each of which Unicode has twice."""
_MAX_SHOWN = 80
"""Characters of a value that a message shows."""


class QuantityError(ValueError):
    """A text is not a quantity of the wanted dimension.

    Attributes
    ----------
    what, expected, got : str
        The parts of a `models.errors.Problem`, without its place.
    """

    def __init__(self, what: str, expected: str, got: str) -> None:
        super().__init__(f"{what} (expected {expected}; got {got})")
        self.what, self.expected, self.got = what, expected, got


@dataclass(frozen=True)
class Dimension:
    """A physical dimension by a unit that has it."""

    unit: str
    """Name of a Brian2 unit, or a product of them: `volt`, `second`, `mV/ms`; `1` where there is none."""
    example: str
    """A text that has this dimension, for error messages."""

    def __str__(self) -> str:
        if self.unit == "1":
            return f"a number without a unit, such as {self.example}"
        return f'a quantity in {self.unit}, such as "{self.example}"'


VOLT = Dimension("volt", "0.2 mV")
SECOND = Dimension("second", "1.5 ms")
HERTZ = Dimension("hertz", "10 Hz")
NUMBER = Dimension("1", "0.5")
_KNOWN = {dimension.unit: dimension for dimension in (VOLT, SECOND, HERTZ, NUMBER)}


@dataclass(frozen=True)
class Quantity:
    """A number with a unit: the text as written and its value in SI units."""

    text: str
    value: float

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=4096)
def _parse_unit(text: str, wanted: Exponents | None = None) -> tuple[Decimal, Exponents]:
    """Return the SI scale and the seven SI exponents of a product of units such as `mV/ms`.

    Where a unit is unknown, those of the `wanted` exponents are suggested before others.
    """
    scale, position = Decimal(1), 0
    exponents = DIMENSIONLESS
    rest = text.removeprefix("1")
    while position < len(rest):
        factor = _FACTOR.match(rest, position)
        if factor is None:
            plain = text.translate(_SIGNS)
            expected = "a product of Brian2 units" if plain == text else show_value(plain)
            raise QuantityError("has a unit that cannot be read", expected, show_value(text))
        operator, name, power_text = factor.groups()
        unit, power = _find_unit(name, text, wanted), int(power_text or 1) * (-1 if operator == "/" else 1)
        scale *= Decimal(unit.scale) ** power
        exponents = tuple(a + power * b for a, b in zip(exponents, unit.exponents, strict=True))
        position = factor.end()
    return scale, exponents


def _find_unit(name: str, text: str, wanted: Exponents | None) -> Unit:
    units = read_units()
    if name in units:
        return units[name]
    near = suggest_spelling(
        name.translate(_SIGNS), units, [other for other, unit in units.items() if unit.exponents == wanted]
    )
    expected = f'"{_shorten(near)}"' if near else "a unit that Brian2 knows"
    raise QuantityError(f'has the unknown unit "{name}"', expected, show_value(text))


def _shorten(name: str) -> str:
    """Return the shortest name of a unit whose letters occur in this one in their order: `ms` for `msecond`."""
    units = read_units()
    same = [other for other, unit in units.items() if unit == units[name] and _occurs(other.lower(), name.lower())]
    return min(same, key=len)


def _occurs(letters: str, word: str) -> bool:
    remaining = iter(word)
    return all(letter in remaining for letter in letters)


def split_quantity(raw: object, example: str = VOLT.example) -> tuple[str, str]:
    """Return the number and the unit, both as written, of a quantity; the unit of a bare number is empty.

    Raises
    ------
    QuantityError
        If `raw` does not start with a finite number.
    """
    text = str(raw).strip() if isinstance(raw, (int, float, str)) and not isinstance(raw, bool) else ""
    if _NOT_FINITE.fullmatch(text):
        raise QuantityError("is not finite", "a finite number", show_value(raw))
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise QuantityError("is not a number with a unit", f'text such as "{example}"', show_value(raw))
    return match[1], match[2]


def parse_any_quantity(
    raw: object, example: str = VOLT.example, wanted: Exponents | None = None
) -> tuple[Quantity, Exponents]:
    """Return a quantity and its seven SI exponents.

    Parameters
    ----------
    raw : str or number
    example : str
        What a message on a text that is no quantity shows.
    wanted : Exponents, optional
        Those of the units that a message on an unknown unit suggests first.

    Raises
    ------
    QuantityError
        If `raw` is not a number followed by units that Brian2 knows, or not one that a float64 can hold.
    """
    number, unit = split_quantity(raw, example)
    try:
        scale, exponents = _parse_unit(unit, wanted)
        value = float(Decimal(number) * scale)
        lost = abs(value) == float("inf") or (value == 0 and Decimal(number) != 0)
    except ArithmeticError:  # decimal's own overflow, underflow and unreadable exponents
        lost = True
    if lost:
        raise QuantityError("is beyond what a float64 can hold", "1e-308 to 1e308 in SI units, or 0", show_value(raw))
    return Quantity(str(raw).strip(), value), exponents


def find_dimension(exponents: Exponents) -> Dimension:
    """Return the dimension of seven SI exponents."""
    name = name_dimension(exponents)
    return _KNOWN.get(name) or Dimension(name, f"1 {name}")


def parse_quantity(raw: object, dimension: Dimension) -> Quantity:
    """Return the quantity that `raw` writes.

    Parameters
    ----------
    raw : str or number
        Text such as `"0.3 mV"`; a bare number only where `dimension` is `NUMBER`.
    dimension : Dimension

    Raises
    ------
    QuantityError
        If the text cannot be read, names an unknown unit, or has another dimension.
    """
    # Where no unit is wanted one may have been meant all the same.
    wanted = _parse_unit(dimension.unit)[1]
    quantity, exponents = parse_any_quantity(raw, (VOLT if dimension == NUMBER else dimension).example, wanted)
    if exponents != wanted:
        what = "has the wrong dimension" if any(exponents) else "has no unit"
        raise QuantityError(what, str(dimension), show_value(raw))
    return quantity


def show_value(raw: object) -> str:
    """Return a value as a TOML file would show it, shortened for a message."""
    shown = write_inline(raw[:_MAX_SHOWN] if isinstance(raw, (list, tuple, str)) else raw)
    return shown if len(shown) <= _MAX_SHOWN else shown[: _MAX_SHOWN - 3] + "..."


def write_inline(raw: object) -> str:
    """Return a value as a TOML file would show it on one line, in full."""
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, str):
        return json.dumps(raw, ensure_ascii=False)
    if isinstance(raw, (list, tuple)):
        return f"[{', '.join(write_inline(item) for item in raw)}]"
    if isinstance(raw, Mapping):
        return f"{{ {', '.join(f'{key} = {write_inline(item)}' for key, item in raw.items())} }}" if raw else "{}"
    if isinstance(raw, int) and raw.bit_length() > 4 * _MAX_SHOWN:  # Python refuses to print very long ones
        return f"a whole number of {raw.bit_length()} bits"
    return str(raw)
