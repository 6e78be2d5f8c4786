"""`[record.<name>]` and `[[event]]`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from models.quantities import show_value
from models.spec.base import Count, Index, Names, Parameter, Precision, Table, Time
from models.values import fail


class Every(Table):
    """Every k-th neuron of each population."""

    every: Count


class RandomSubset(Table):
    """k neurons of each population, chosen by the network's seed."""

    random: Count


class Slice(Table):
    """Neurons start, start + step, … below stop of each population."""

    start: Index = 0
    stop: Count
    step: Count = 1


def _selection_form(raw: object) -> str | None:
    if isinstance(raw, dict):
        return next((f"<{form}>" for form in ("every", "random", "stop") if form in raw), None)
    forms: dict[type, str] = {Every: "<every>", RandomSubset: "<random>", Slice: "<stop>", list: "<list>"}
    return forms.get(type(raw))


type Selection = Annotated[
    Annotated[list[Index], Tag("<list>")]
    | Annotated[Every, Tag("<every>")]
    | Annotated[RandomSubset, Tag("<random>")]
    | Annotated[Slice, Tag("<stop>")],
    Discriminator(
        _selection_form,
        custom_error_type="currents",
        custom_error_message="{what}",
        custom_error_context={
            "what": "is not a selection of neurons",
            "expected": "[0, 5, …], { every = k }, { random = k } or { start = a, stop = b, step = c }",
        },
    ),
]


def _read_channels(raw: object) -> object:
    if raw == "all" or (isinstance(raw, (list, tuple)) and all(isinstance(name, str) for name in raw)):
        return raw
    if isinstance(raw, str):
        return [raw]
    raise fail("has the wrong type", expected='"all" or a list of channels', got=show_value(raw))


type Channels = Annotated[Literal["all"] | list[str], BeforeValidator(_read_channels)]


class CurrentsRecord(Table):
    """`kind = "currents"`: per neuron and bin, every channel and v."""

    kind: Literal["currents"]
    population: Names | None = None
    neurons: Selection | None = None
    channels: Channels = "all"
    interval: Time
    v: Literal["sample", "mean"] = "sample"
    dtype: Precision = "float32"


class SpikesRecord(Table):
    """`kind = "spikes"`."""

    kind: Literal["spikes"]
    population: Names | None = None


class RatesRecord(Table):
    """`kind = "rates"`: population rates without the spikes."""

    kind: Literal["rates"]
    population: Names | None = None
    interval: Time


class StatesRecord(Table):
    """`kind = "states"`: samples, at the end of each bin, of variables by name."""

    kind: Literal["states"]
    variables: Annotated[list[str], Field(min_length=1)]
    population: Names | None = None
    neurons: Selection | None = None
    interval: Time
    dtype: Precision = "float32"


type Record = Annotated[CurrentsRecord | SpikesRecord | RatesRecord | StatesRecord, Field(discriminator="kind")]


class EventTable(Table):
    """`[[event]]`: one variable of one neuron set at a time, before that step's state update."""

    time: Time
    population: str
    index: Index
    set: str
    value: Parameter
