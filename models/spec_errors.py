"""What pydantic collected about a model, as the project's own `Problem`s."""

from collections.abc import Callable, Iterable

from pydantic_core import ErrorDetails

from models.errors import Problem, list_choices, suggest_spelling
from models.quantities import show_value

_TAGGED = {"drive", "record"}
"""Tables whose third part of pydantic's location is the `kind`, not a key of the file."""


def translate_errors(errors: Iterable[ErrorDetails]) -> list[Problem]:
    """Return one problem per error that pydantic collected, in its order."""
    return [_translate(error) for error in errors]


def name_place(location: tuple[int | str, ...]) -> str:
    """Return a path such as `drive.background.layer.1.rate` from pydantic's location."""
    parts = [part for part in location if not str(part).startswith("<") and part != "[key]"]
    if len(parts) > 2 and parts[0] in _TAGGED:
        del parts[2]
    return ".".join(str(part) for part in parts)


def _translate(error: ErrorDetails) -> Problem:
    location, context = error["loc"], error.get("ctx", {})
    place = name_place(location)
    if error["type"] == "currents":
        return Problem(place, context["what"], context.get("expected"), context.get("got"), next=context.get("next"))
    build = _BUILDERS.get(error["type"])
    return build(place, error) if build else Problem(place, error["msg"].lower(), got=show_value(error["input"]))


def _missing(place: str, _error: ErrorDetails) -> Problem:
    return Problem(place, "is missing")


def _choice(place: str, error: ErrorDetails) -> Problem:
    choices = [part.strip("'") for part in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
    near = suggest_spelling(str(error["input"]), choices)
    expected = show_value(near) if near else list_choices([show_value(choice) for choice in choices])
    return Problem(place, "is not one of its choices", expected, show_value(error["input"]))


def _kind(place: str, error: ErrorDetails) -> Problem:
    choices = error["ctx"]["expected_tags"].replace("'", '"').split(", ")
    near = suggest_spelling(str(error["ctx"]["tag"]), [choice.strip('"') for choice in choices])
    expected = show_value(near) if near else list_choices(choices)
    return Problem(f"{place}.kind", "is not one of its choices", expected, show_value(error["ctx"]["tag"]))


def _no_kind(place: str, _error: ErrorDetails) -> Problem:
    return Problem(f"{place}.kind", "is missing")


def _bound(sign: str, key: str) -> Callable[[str, ErrorDetails], Problem]:
    def build(place: str, error: ErrorDetails) -> Problem:
        return Problem(place, "is out of range", f"{sign} {error['ctx'][key]}", show_value(error["input"]))

    return build


def _typed(noun: str) -> Callable[[str, ErrorDetails], Problem]:
    def build(place: str, error: ErrorDetails) -> Problem:
        return Problem(place, "has the wrong type", noun, show_value(error["input"]))

    return build


def _bad_name(place: str, error: ErrorDetails) -> Problem:
    return Problem(place, "is not a usable name", "letters, digits and _, a letter first", show_value(error["input"]))


def _empty(place: str, _error: ErrorDetails) -> Problem:
    return Problem(place, "is empty", "at least one entry")


_BUILDERS: dict[str, Callable[[str, ErrorDetails], Problem]] = {
    "missing": _missing,
    "literal_error": _choice,
    "union_tag_invalid": _kind,
    "union_tag_not_found": _no_kind,
    "greater_than_equal": _bound("≥", "ge"),
    "greater_than": _bound(">", "gt"),
    "less_than_equal": _bound("≤", "le"),
    "finite_number": _typed("a finite number"),
    "int_type": _typed("a whole number"),
    "int_parsing": _typed("a whole number"),
    "int_from_float": _typed("a whole number"),
    "float_type": _typed("a number"),
    "string_type": _typed("text"),
    "bool_type": _typed("true or false"),
    "bool_parsing": _typed("true or false"),
    "dict_type": _typed("a table"),
    "model_type": _typed("a table"),
    "model_attributes_type": _typed("a table"),
    "list_type": _typed("a list"),
    "string_pattern_mismatch": _bad_name,
    "too_short": _empty,
}
