"""Arguments of the Python interface: NumPy's numbers and arrays, and Brian2's quantities, as a model file has them."""

import sys
from collections.abc import Mapping
from operator import index
from typing import Any

import numpy as np

from models.errors import Problem, SpecError
from models.quantities import show_value
from models.units import name_dimension


class Argument(str):
    """The name of an argument, as the Python interface has it, for the `where` of a problem."""

    __slots__ = ()

    @property
    def option(self) -> str:
        """What the command calls it."""
        return f"--{self.replace('_', '-')}"


def read_whole(place: str, value: object) -> int:
    """Return a whole number of any type that Python would index a list with; raise `SpecError` for any other."""
    try:
        return int(index(value))  # type: ignore[arg-type]
    except TypeError:
        raise SpecError(Problem(place, "is no whole number", got=show_value(value))) from None


def read_value(value: object) -> Any:
    """Return a value as TOML would give it, in tables and arrays, too.

    A quantity becomes text: its SI value with all digits, and the unit. Whoever has made one has imported Brian2;
    nobody else should wait for that.
    """
    if isinstance(value, Mapping):
        return {key: read_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [read_value(item) for item in value]
    if "brian2" in sys.modules:
        from brian2 import Quantity

        if isinstance(value, Quantity):
            unit = name_dimension(tuple(map(float, value.dim._dims)))
            return _write_numbers(np.asarray(value).tolist(), unit)
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _write_numbers(numbers: Any, unit: str) -> Any:
    if isinstance(numbers, list):
        return [_write_numbers(number, unit) for number in numbers]
    return numbers if unit == "1" else f"{numbers!r} {unit}"
