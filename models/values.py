"""Values of the spec that may be a constant, a distribution, an array or a time series, and how they are written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

from models.errors import list_choices, suggest_spelling
from models.quantities import SECOND, VOLT, Dimension, Quantity, QuantityError, parse_quantity, show_value


@dataclass(frozen=True)
class Uniform:
    """Uniform distribution on [low, high)."""

    low: Quantity
    high: Quantity


@dataclass(frozen=True)
class Normal:
    """Normal distribution; where the value is a magnitude, samples below 0 become 0."""

    mean: Quantity
    sd: Quantity


@dataclass(frozen=True)
class Values:
    """Numbers written out: one list, or a list of rows (row = source, column = target)."""

    rows: tuple[Any, ...]
    """As written: numbers in `unit`, or texts with their own units."""
    unit: str | None
    si: tuple[Any, ...]
    """The same nesting, in SI units."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_values,) of a list, (n_rows, n_columns) of a matrix."""
        return (len(self.si), len(self.si[0])) if isinstance(self.si[0], tuple) else (len(self.si),)


@dataclass(frozen=True)
class ArrayFile:
    """A NumPy `.npy` file, relative to the model file; in `unit`, or SI when none is given."""

    file: str
    unit: str | None
    scale: float
    """SI units per unit of the file's numbers."""


@dataclass(frozen=True)
class Series:
    """A value that changes in time: `values[k]` holds from k·interval on for one interval."""

    values: Values | ArrayFile
    interval: Quantity


type Value = Quantity | Uniform | Normal | Values | ArrayFile


def fail(what: str, **fields: str) -> PydanticCustomError:
    """Return an error that pydantic collects and `models.spec_errors` turns into a `Problem`."""
    return PydanticCustomError("currents", "{what}", {"what": what, **fields})


def read_quantity(raw: object, dimension: Dimension, minimum: float | None = None) -> Quantity:
    """Return the quantity, no less than `minimum` (SI); raise what pydantic collects."""
    if isinstance(raw, Quantity):
        return raw
    try:
        quantity = parse_quantity(raw, dimension)
    except QuantityError as error:
        raise fail(error.what, expected=error.expected, got=error.got) from None
    if minimum is not None and quantity.value < minimum:
        # Only magnitudes are bounded among the voltages: weights and injected currents.
        remedy = {"next": "write the magnitude; `polarity` says which way it acts"} if dimension == VOLT else {}
        raise fail("is negative", expected="0 or more", got=show_value(raw), **remedy)
    return quantity


def _read_pair(
    raw: object, names: tuple[str, str], dimension: Dimension, minimum: float | None
) -> tuple[Quantity, Quantity]:
    if not isinstance(raw, (list, tuple)) or len(raw) != len(names):
        raise fail("has the wrong number of parts", expected=f"[{names[0]}, {names[1]}]", got=show_value(raw))
    return read_quantity(raw[0], dimension, minimum), read_quantity(raw[1], dimension, minimum)


def _read_uniform(raw: dict[str, Any], dimension: Dimension, minimum: float | None) -> Uniform:
    low, high = _read_pair(raw["uniform"], ("low", "high"), dimension, minimum)
    if low.value > high.value:
        raise fail("has its bounds in the wrong order", expected="[low, high]", got=show_value(raw["uniform"]))
    return Uniform(low, high)


def _read_normal(raw: dict[str, Any], dimension: Dimension, minimum: float | None) -> Normal:
    mean, sd = _read_pair(raw["normal"], ("mean", "sd"), dimension, None)
    if sd.value < 0:
        raise fail("has a negative standard deviation", expected="sd ≥ 0", got=show_value(raw["normal"]))
    return Normal(read_quantity(mean.text, dimension, minimum), sd)


def _freeze(raw: object) -> Any:
    return tuple(_freeze(item) for item in raw) if isinstance(raw, (list, tuple)) else raw


def _read_unit(raw: dict[str, Any]) -> str | None:
    unit = raw.get("unit")
    if unit is not None and not isinstance(unit, str):
        raise fail("has a unit that is not text", expected='unit = "mV", say', got=show_value(unit))
    return unit


def _read_values(raw: dict[str, Any], dimension: Dimension, minimum: float | None) -> Values:
    rows, unit = _freeze(raw["values"]), _read_unit(raw)
    if not isinstance(rows, tuple) or not rows or () in rows:
        raise fail("is not a list of values", expected="[…] or [[…], …]", got=show_value(raw["values"]))
    if len({len(row) if isinstance(row, tuple) else None for row in rows}) > 1:
        raise fail("has rows of unequal length", expected="one row per source, one column per target")

    def read_cell(cell: object) -> float:
        bare = unit is not None and isinstance(cell, (int, float)) and not isinstance(cell, bool)
        return read_quantity(f"{cell} {unit}" if bare else cell, dimension, minimum).value

    si = tuple(tuple(map(read_cell, row)) if isinstance(row, tuple) else read_cell(row) for row in rows)
    return Values(rows, unit, si)


def _read_file(raw: dict[str, Any], dimension: Dimension, _minimum: float | None) -> ArrayFile:
    file, unit = raw["file"], _read_unit(raw)
    if not isinstance(file, str) or not file.endswith(".npy"):
        raise fail("is not a NumPy file", expected='a file name that ends in ".npy"', got=show_value(file))
    return ArrayFile(file, unit, 1.0 if unit is None else read_quantity(f"1 {unit}", dimension).value)


_READERS: dict[str, tuple[frozenset[str], Callable[[dict[str, Any], Dimension, float | None], Value]]] = {
    "uniform": (frozenset(), _read_uniform),
    "normal": (frozenset(), _read_normal),
    "values": (frozenset({"unit"}), _read_values),
    "file": (frozenset({"unit"}), _read_file),
}


def _read_table(raw: dict[str, Any], dimension: Dimension, minimum: float | None) -> Value:
    form = next((key for key in raw if key in _READERS), None)
    if form is None:
        raise unknown_form(raw, [*_READERS])
    optional, reader = _READERS[form]
    refuse_keys(raw, [form, *sorted(optional)])
    return reader(raw, dimension, minimum)


def refuse_keys(raw: dict[str, Any], valid: list[str]) -> None:
    """Raise what pydantic collects for the first key that is not among the `valid` ones."""
    extra = next((key for key in raw if key not in valid), None)
    if extra is not None:
        raise fail(f'has the unknown key "{extra}"', expected=list_choices(valid), got=show_value(raw))


def unknown_form(raw: dict[str, Any], forms: list[str]) -> PydanticCustomError:
    """Return the error for a table that has none of the `forms` as its key, with the nearest spelling."""
    key = next(iter(raw), "")
    near = suggest_spelling(key, forms)
    expected = f'"{near}"' if near else list_choices(forms)
    return fail(f'has the unknown form "{key}"' if key else "is empty", expected=expected)


def read_value(raw: object, dimension: Dimension, minimum: float | None = None) -> Value:
    """Return the value that `raw` writes: a constant, `uniform`, `normal`, `values` or `file`."""
    if isinstance(raw, (Uniform, Normal, Values, ArrayFile)):
        return raw
    return _read_table(raw, dimension, minimum) if isinstance(raw, dict) else read_quantity(raw, dimension, minimum)


def read_series(raw: object, dimension: Dimension, minimum: float | None = None) -> Quantity | Series:
    """Return a constant, or a `Series` from `{ values = […], interval = "…" }` or `{ file = "…", interval = "…" }`."""
    if isinstance(raw, Series):
        return raw
    if not isinstance(raw, dict):
        return read_quantity(raw, dimension, minimum)
    if "interval" not in raw:
        raise fail("varies in time without an interval", expected='interval = "10 ms"', got=show_value(raw))
    values = _read_table({key: item for key, item in raw.items() if key != "interval"}, dimension, minimum)
    if not isinstance(values, (Values, ArrayFile)) or (isinstance(values, Values) and len(values.shape) > 1):
        raise fail(
            "varies in time, but not by a list of values",
            expected="a constant, { values = […], … } or { file = …, … }",
            got=show_value(raw),
        )
    return Series(values, _read_interval(raw["interval"]))


def _read_interval(raw: object) -> Quantity:
    interval = read_quantity(raw, SECOND)
    if interval.value <= 0:
        raise fail("has an interval that is not above 0", expected='interval = "10 ms", say', got=show_value(raw))
    return interval


def write_value(value: Value | Series) -> Any:
    """Return the TOML form that reads back as `value`."""
    if isinstance(value, Quantity):
        return value.text
    if isinstance(value, Uniform):
        return {"uniform": [value.low.text, value.high.text]}
    if isinstance(value, Normal):
        return {"normal": [value.mean.text, value.sd.text]}
    if isinstance(value, Series):
        return {**write_value(value.values), "interval": value.interval.text}
    body = {"file": value.file} if isinstance(value, ArrayFile) else {"values": _thaw(value.rows)}
    return body if value.unit is None else {**body, "unit": value.unit}


def _thaw(rows: object) -> Any:
    return [_thaw(row) for row in rows] if isinstance(rows, tuple) else rows


def quantity_type(dimension: Dimension, minimum: float | None = None) -> Any:
    """Return the pydantic annotation of a constant quantity."""
    return (
        PlainValidator(lambda raw: read_quantity(raw, dimension, minimum)),
        PlainSerializer(lambda quantity: quantity.text),
    )


def value_type(dimension: Dimension, minimum: float | None = None) -> Any:
    """Return the pydantic annotation of a `Value`."""
    return PlainValidator(lambda raw: read_value(raw, dimension, minimum)), PlainSerializer(write_value)


def series_type(dimension: Dimension, minimum: float | None = None) -> Any:
    """Return the pydantic annotation of a constant or a `Series`."""
    return PlainValidator(lambda raw: read_series(raw, dimension, minimum)), PlainSerializer(write_value)


def sample_text(value: Value) -> str:
    """Return a text with the unit of a value."""
    match value:
        case Quantity():
            return value.text
        case Uniform():
            return value.low.text
        case Normal():
            return value.mean.text
        case Values() if value.unit is None:
            first = value.rows[0]
            return str(first[0] if isinstance(first, tuple) else first)
        case Values() | ArrayFile():
            return f"1 {value.unit or ''}"
