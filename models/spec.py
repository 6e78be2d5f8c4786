"""The model file as frozen objects: what a network is, before anything is expanded, sampled or assembled.

Each class is one kind of table of the TOML file; a field's name is its key. Everything that concerns one field alone is
checked here; what relates several tables is checked in `models.checks`.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from models.errors import list_choices, suggest_spelling
from models.quantities import (
    HERTZ,
    NUMBER,
    SECOND,
    VOLT,
    Dimension,
    Quantity,
    QuantityError,
    show_value,
    split_quantity,
)
from models.values import (
    Series,
    Value,
    fail,
    quantity_type,
    read_value,
    refuse_keys,
    series_type,
    unknown_form,
    value_type,
    write_value,
)

type Time = Annotated[Quantity, *quantity_type(SECOND, minimum=0)]
type TimeValue = Annotated[Value, *value_type(SECOND, minimum=0)]
type Voltage = Annotated[Value, *value_type(VOLT)]
type Weight = Annotated[Value, *value_type(VOLT, minimum=0)]
type Rate = Annotated[Quantity | Series, *series_type(HERTZ, minimum=0)]
type Injection = Annotated[Quantity | Series, *series_type(VOLT, minimum=0)]
type Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
type Flag = Annotated[bool, Field(strict=True)]
type Index = Annotated[int, Field(strict=True, ge=0)]
type Count = Annotated[int, Field(strict=True, ge=1)]


def _read_names(raw: object) -> object:
    if not isinstance(raw, (str, list, tuple)):
        raise fail("has the wrong type", expected="a name or a list of names", got=show_value(raw))
    return [raw] if isinstance(raw, str) else list(raw)


def _read_layer(raw: object) -> int:
    if isinstance(raw, str) and re.fullmatch("0|[1-9][0-9]{0,8}", raw):
        return int(raw)
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    raise fail("is not the number of a layer", expected="1, 2, …", got=show_value(raw))


type Names = Annotated[list[str], BeforeValidator(_read_names), Field(min_length=1)]
type LayerNumber = Annotated[int, BeforeValidator(_read_layer)]
type Polarity = Literal["excitatory", "inhibitory"]
type Precision = Literal["float32", "float64"]


class Table(BaseModel):
    """A table of the model file: frozen, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())

    @model_validator(mode="wrap")
    @classmethod
    def _name_unknown_keys(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Report unknown keys with the nearest valid one, together with whatever else is wrong in the table."""
        unknown = [key for key in data if key not in cls.model_fields] if isinstance(data, dict) else []
        if not unknown:
            return handler(data)
        errors = [InitErrorDetails(type=_unknown_key(key, cls), loc=(key,), input=data[key]) for key in unknown]
        try:
            handler({key: item for key, item in data.items() if key not in unknown})
        except ValidationError as error:
            errors += [_repeat_error(line) for line in error.errors()]
        raise ValidationError.from_exception_data(cls.__name__, errors)


def _unknown_key(key: str, table: type[BaseModel]) -> PydanticCustomError:
    near = suggest_spelling(key, table.model_fields)
    return fail("is not a known key", expected=f'"{near}"' if near else list_choices(list(table.model_fields)))


def _repeat_error(line: ErrorDetails) -> InitErrorDetails:
    own = line["type"] == "currents"
    kind = PydanticCustomError("currents", "{what}", line["ctx"]) if own else line["type"]
    return InitErrorDetails(type=kind, loc=line["loc"], input=line["input"], ctx=line.get("ctx", {}))


class NetworkTable(Table):
    """`[network]`."""

    name: Name
    dt: Time
    duration: Time
    """Model time of a run that does not say otherwise."""
    seed: Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)] = 0
    """Fixes edges, weights, delays and per-neuron parameters; also a run's own seed unless that is given."""
    description: str = ""
    """One line for `currents list`."""


class LifNeuron(Table):
    """`[neuron.<name>]` with `model = "lif"`: leaky integrate-and-fire.

    tau_m dv/dt = v_rest - v + I, with I the sum of all currents in volts; spike when v > v_threshold.
    """

    model: Literal["lif"]
    tau_m: TimeValue
    v_rest: Voltage = Quantity("0 V", 0.0)
    v_threshold: Voltage
    v_reset: Voltage
    refractory: TimeValue = Quantity("0 ms", 0.0)
    v_initial: Voltage = Quantity("0 V", 0.0)


class AfterPotentialNeuron(Table):
    """`[neuron.<name>]` with `model = "after_potential"`: spikes shape the neuron's own potential; v is not reset.

    tau_m dv/dt = v_rest - v + I and tau_ap dv_ap/dt = -v_ap; spike when v + v_ap > v_threshold, and then v_ap changes
    by w_ap: down when hyperpolarizing, up when depolarizing.
    """

    model: Literal["after_potential"]
    tau_m: TimeValue
    v_rest: Voltage = Quantity("0 V", 0.0)
    v_threshold: Voltage
    tau_ap: TimeValue
    w_ap: Weight
    direction: Literal["hyperpolarizing", "depolarizing"]
    refractory: TimeValue = Quantity("0 ms", 0.0)
    v_initial: Voltage = Quantity("0 V", 0.0)


def _read_parameter(raw: object) -> Value:
    """Return a parameter of unknown dimension; the equations say which it must be (`models.groups`)."""
    return read_value(raw, _guess_dimension(raw))


def _guess_dimension(raw: object) -> Dimension:
    """Return the dimension of the first quantity in a value; what is no quantity counts as a number."""
    while isinstance(raw, (dict, list, tuple)) and raw:
        if isinstance(raw, dict):
            raw = f"1 {raw['unit']}" if "unit" in raw else "1" if "file" in raw else next(iter(raw.values()))
        else:
            raw = raw[0]
    try:
        unit = split_quantity(raw)[1]
    except QuantityError:
        return NUMBER
    return Dimension(unit, f"1 {unit}") if unit else NUMBER


type Parameter = Annotated[Value, PlainValidator(_read_parameter), PlainSerializer(write_value)]


class EquationsNeuron(Table):
    """`[neuron.<name>]` with the modeller's own Brian2 `equations`.

    The equations must define `v` in volts. `I` in them stands for the sum, in volts, of all currents that are not
    `delta`; `delta` pathways jump `v`.
    """

    equations: str
    threshold: str
    reset: str
    refractory: TimeValue = Quantity("0 ms", 0.0)
    method: str = "exponential_euler"
    parameters: dict[Name, Parameter] = {}
    initial: dict[Name, Parameter] = {}
    """Initial values of the equations' variables; those not named start at 0."""


def _neuron_form(raw: object) -> str:
    if isinstance(raw, EquationsNeuron) or (isinstance(raw, dict) and "equations" in raw):
        return "<equations>"
    model = raw.get("model") if isinstance(raw, dict) else getattr(raw, "model", None)
    return "<after_potential>" if model == "after_potential" else "<lif>"


type Neuron = Annotated[
    Annotated[LifNeuron, Tag("<lif>")]
    | Annotated[AfterPotentialNeuron, Tag("<after_potential>")]
    | Annotated[EquationsNeuron, Tag("<equations>")],
    Discriminator(_neuron_form),
]


class PopulationLayer(Table):
    """`[layers.population.<label>.layer.<n>]`: an exception for one layer."""

    size: Count | None = None
    neuron: str | None = None


class PopulationTable(Table):
    """`[layers.population.<label>]`: one kind of neuron, repeated in every layer."""

    size: Count
    neuron: str
    layer: dict[LayerNumber, PopulationLayer] = {}


class LayersTable(Table):
    """`[layers]`."""

    count: Annotated[int, Field(strict=True, ge=1, le=127)] = 1
    population: Annotated[dict[Name, PopulationTable], Field(min_length=1)]


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


class _SynapticDrive(Table):
    """What all drives that act through synapses have."""

    target: Names
    polarity: Polarity
    kinetics: str
    tau: Time | None = None
    tau_rise: Time | None = None
    weight: Weight
    channel: Name | None = None


class PoissonLayer(Table):
    """`[drive.<name>.layer.<n>]`: an exception for the targets in layer n."""

    sources: Count | None = None
    rate: Rate | None = None
    weight: Weight | None = None


class PoissonDrive(_SynapticDrive):
    """`kind = "poisson"`: every target neuron has `sources` Poisson inputs of its own."""

    kind: Literal["poisson"]
    sources: Count = 1
    rate: Rate
    layer: dict[LayerNumber, PoissonLayer] = {}


class SharedPoissonDrive(_SynapticDrive):
    """`kind = "shared_poisson"`: one population of Poisson sources, the same for all targets."""

    kind: Literal["shared_poisson"]
    sources: Count | None = None
    rate: Rate | None = None
    sources_of: str | None = None
    """Another `shared_poisson` drive, whose sources this one shares instead of having its own."""
    connect: ConnectRule = Connect(rule="all_to_all")
    delay: TimeValue = Quantity("0 ms", 0.0)
    layer: dict[LayerNumber, PathwayLayer] = {}


class SpikeFileDrive(_SynapticDrive):
    """`kind = "spike_file"`: sources that fire at the times in a file (columns `time` in seconds and `source`)."""

    kind: Literal["spike_file"]
    file: str
    sources: Count
    connect: ConnectRule = Connect(rule="all_to_all")
    delay: TimeValue = Quantity("0 ms", 0.0)
    layer: dict[LayerNumber, PathwayLayer] = {}


class CurrentLayer(Table):
    """`[drive.<name>.layer.<n>]`: an exception for the targets in layer n."""

    value: Injection | None = None


class CurrentDrive(Table):
    """`kind = "current"`: a current in volts, the steady depolarisation that it causes; may vary in time."""

    kind: Literal["current"]
    target: Names
    polarity: Polarity
    value: Injection
    channel: Name | None = None
    layer: dict[LayerNumber, CurrentLayer] = {}


type Drive = Annotated[
    PoissonDrive | SharedPoissonDrive | SpikeFileDrive | CurrentDrive,
    Field(discriminator="kind"),
]
type SynapticDrive = PoissonDrive | SharedPoissonDrive | SpikeFileDrive
"""Drives whose weights are a pathway's."""
type SourcedDrive = SharedPoissonDrive | SpikeFileDrive
"""Drives with numbered sources, which edges lead from."""


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


class NetworkSpec(Table):
    """A whole model file."""

    network: NetworkTable
    neuron: Annotated[dict[Name, Neuron], Field(min_length=1)]
    layers: LayersTable
    pathway: dict[Name, PathwayTable] = {}
    drive: dict[Name, Drive] = {}
    record: dict[Name, Record] = {}
    event: list[EventTable] = []

    _folder: Path = PrivateAttr(default=Path())
    _notes: tuple[str, ...] = PrivateAttr(default=())

    @property
    def folder(self) -> Path:
        """The model file's folder, which its file names are relative to."""
        return self._folder

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know about the settings that were applied."""
        return self._notes

    def with_origin(self, folder: Path, notes: tuple[str, ...] = ()) -> Self:
        """Return the same network as read from a model file in `folder`."""
        copy = self.model_copy()
        copy._folder, copy._notes = folder, notes
        return copy
