"""`[pathway.<name>]`, and how edges are chosen."""

from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator

from models.errors import list_choices
from models.quantities import Quantity, show_value
from models.spec.base import Flag, LayerNumber, Name, Names, Polarity, Table, Time, TimeValue, Weight
from models.values import fail, refuse_keys, unknown_form


class Connect(Table):
    """How a pathway's edges are chosen; exactly one of its forms."""

    rule: Literal["all_to_all", "one_to_one", "probability", "in_degree", "out_degree", "pairs", "matrix"]
    probability: float | None = None
    degree: int | None = None
    file: str | None = None


_SIMPLE_RULES = ("all_to_all", "one_to_one")
_CONNECT_FORMS = ("probability", "in_degree", "out_degree", "pairs", "matrix")


def _read_connect(raw: object) -> Connect:
    if isinstance(raw, Connect):
        return raw
    if not isinstance(raw, (str, dict)):
        forms = list_choices([*_SIMPLE_RULES, *_CONNECT_FORMS])
        raise fail("is not a connection rule", expected=forms, got=show_value(raw))
    if isinstance(raw, str):
        if raw not in _SIMPLE_RULES:
            raise unknown_form({raw: None}, [*_SIMPLE_RULES, *_CONNECT_FORMS])
        return Connect(rule=raw)  # type: ignore[arg-type]
    form = next((key for key in raw if key in _CONNECT_FORMS), None)
    if form is None:
        raise unknown_form(raw, [*_SIMPLE_RULES, *_CONNECT_FORMS])
    refuse_keys(raw, [form])
    return _CONNECT_READERS[form](form, raw[form])


def _read_probability(_form: str, raw: object) -> Connect:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or not 0 <= raw <= 1:
        raise fail("has a probability outside [0, 1]", expected="0 to 1", got=show_value(raw))
    return Connect(rule="probability", probability=float(raw))


def _read_degree(form: str, raw: object) -> Connect:
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 0:
        raise fail(f"has an impossible {form}", expected="a whole number ≥ 0", got=show_value(raw))
    return Connect(rule=form, degree=raw)  # type: ignore[arg-type]


def _read_connect_file(form: str, raw: object) -> Connect:
    endings = (".npy", ".csv") if form == "pairs" else (".npy",)
    if not isinstance(raw, str) or not raw.endswith(endings):
        expected = f"a file name that ends in {list_choices([show_value(ending) for ending in endings])}"
        raise fail(f"has no usable file of {form}", expected=expected, got=show_value(raw))
    return Connect(rule=form, file=raw)  # type: ignore[arg-type]


_CONNECT_READERS = {
    "probability": _read_probability,
    "in_degree": _read_degree,
    "out_degree": _read_degree,
    "pairs": _read_connect_file,
    "matrix": _read_connect_file,
}


def _write_connect(connect: Connect) -> Any:
    if connect.rule in _SIMPLE_RULES:
        return connect.rule
    arguments = (connect.probability, connect.degree, connect.file)
    return {connect.rule: next(item for item in arguments if item is not None)}


type ConnectRule = Annotated[Connect, PlainValidator(_read_connect), PlainSerializer(_write_connect)]


class PathwayLayer(Table):
    """`[pathway.<name>.layer.<n>]`: an exception for the targets in layer n."""

    weight: Weight | None = None
    connect: ConnectRule | None = None
    delay: TimeValue | None = None


class PathwayTable(Table):
    """`[pathway.<name>]`: synapses from source population(s) to target population(s)."""

    source: Names
    target: Names
    between: Literal["within", "next", "previous"] | None = None
    polarity: Polarity
    kinetics: str
    tau: Time | None = None
    tau_rise: Time | None = None
    tau_trace: Time | None = None
    trace_initial: Annotated[float, Field(ge=0)] = 0.0
    """What every trace starts at, for kinetics `traced`; the current then starts at Σ w·trace_initial."""
    lower: Flag = True
    """Whether linear traces may be replaced by one variable per target neuron (the same numbers, far faster)."""
    weight: Weight
    connect: ConnectRule
    autapses: Flag = True
    delay: TimeValue = Quantity("0 ms", 0.0)
    channel: Name | None = None
    layer: dict[LayerNumber, PathwayLayer] = {}
