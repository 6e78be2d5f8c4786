"""What all tables of the model file are made of: types of values, names, and `Table` itself."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PlainSerializer,
    PlainValidator,
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
from models.values import Series, Value, fail, quantity_type, read_value, series_type, value_type, write_value

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
