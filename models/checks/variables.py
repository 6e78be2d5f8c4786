"""Variables of neurons: that events set, that recorders of states record, that own equations give initial values."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from models.array_files import find_file, open_array
from models.checks.basics import Problems, first_per_place, refuse_name
from models.errors import Problem, SpecError
from models.populations import choose_populations, expand_populations, find_populations
from models.quantities import (
    VOLT,
    Dimension,
    Quantity,
    QuantityError,
    find_dimension,
    parse_any_quantity,
    parse_quantity,
    show_value,
    split_quantity,
)
from models.spec import EquationsNeuron, EventTable, NetworkSpec, StatesRecord
from models.values import ArrayFile, Normal, Uniform, Value, Values, sample_text
from models.variables import UNITLESS_TYPES, Variables, list_arrivals, list_initial, list_variables, read_equations

_LIMITS = {"boolean": (0, 1), "integer": (-(2**31), 2**31 - 1)}
"""Of the numbers of Brian2's types."""
_WHOLE = {"boolean": "0 or 1", "integer": "a whole number below 2^31"}


def check_variables(spec: NetworkSpec, complete: bool = True) -> Problems:
    """Check that variables exist where they are set or recorded, and that events set them to values of their dimension.

    Where the spec is not complete, because parts of it could not be read, only v is known to exist.
    """
    variables = list_variables(spec) if complete else {}
    yield from first_per_place(_check_own(spec, variables))
    for name, record in spec.record.items():
        if isinstance(record, StatesRecord):
            chosen = [p.name for p in choose_populations(expand_populations(spec), record.population)]
            yield from first_per_place(_check_recorded(f"record.{name}.variables", record, chosen, variables, spec))
    for i_event, event in enumerate(spec.event):
        yield from _check_event(f"event.{i_event}", event, variables.get(event.population))


def _check_own(spec: NetworkSpec, variables: dict[str, Variables | None]) -> Problems:
    arrivals = list_arrivals(spec)
    for population in expand_populations(spec):
        neuron, known = spec.neuron.get(population.neuron), variables.get(population.name)
        if isinstance(neuron, EquationsNeuron):
            yield from _check_linked(population.neuron, neuron)
            yield from _check_arrivals(population.neuron, neuron, arrivals[population.name])
        if isinstance(neuron, EquationsNeuron) and known is not None:
            yield from _check_initial(population.neuron, neuron, known, spec.folder)


def _check_linked(name: str, neuron: EquationsNeuron) -> Problems:
    """Refuse variables that are another group's: nothing in a model file could say whose."""
    for linked in re.findall(r"(\w+)\s*:[^(\n]*\([^)]*\blinked\b", neuron.equations):
        remedy = "declare it as a variable or a parameter of the neuron"
        yield Problem(f"neuron.{name}.equations", f"declare {linked} as linked, and nothing links it", next=remedy)


def _check_arrivals(name: str, neuron: EquationsNeuron, arrivals: Iterable[str]) -> Problems:
    """Refuse the names of what arrives in a step: it is on its way, and 0 whenever the modeller's code runs."""
    code = {key: getattr(neuron, key) for key in ("equations", "threshold", "reset")}
    code |= {f"parameters.{parameter}": parameter for parameter in neuron.parameters}
    for key, text in code.items():
        for used in set(re.findall(r"\w+", re.sub(r"#.*", "", text))).intersection(arrivals):
            what = f"uses {used}, which is what arrives in a step and no variable of the neuron"
            remedy = "use I, the sum of the currents (impulses enter v by themselves), or another name"
            yield Problem(f"neuron.{name}.{key}", what, next=remedy)


def _check_initial(name: str, neuron: EquationsNeuron, known: Variables, folder: Path) -> Problems:
    """Check that the initial values of own equations are those of variables, and have their dimension."""
    allowed = sorted(list_initial(neuron, known))
    for variable, value in neuron.initial.items():
        place = f"neuron.{name}.initial.{variable}"
        if variable not in allowed:
            given = variable in neuron.parameters
            remedy = "give it in `parameters` alone; a value there may be a distribution, too" if given else None
            yield refuse_name(place, "is no variable that each neuron has its own value of", variable, allowed, remedy)
        elif not known[variable].is_real and not _fits_type(value, known[variable].unit, folder):
            what = f"is of type {known[variable].unit}, and does not start at such numbers"
            expected = f"{_WHOLE[known[variable].unit]}, {{ values = […] }} or {{ file = … }}"
            yield Problem(place, what, expected, _show_unlike(value, folder))
        elif not _fits_all(value):
            yield from _check_dimension(place, sample_text(value), _find_dimension(known[variable].unit))


def _fits_type(value: Value, kind: str, folder: Path) -> bool:
    """Return whether a value has numbers of a type: a distribution has none; what a file lacks is reported as that."""
    if isinstance(value, (Uniform, Normal)):
        return False
    if isinstance(value, ArrayFile):
        try:
            numbers = np.asarray(open_array("", folder, value.file), np.float64) * value.scale
        except SpecError:
            return True
    else:
        numbers = np.asarray(value.value if isinstance(value, Quantity) else value.si)
    return _are_of_type(numbers, kind)


def _are_of_type(numbers: ArrayLike, kind: str) -> bool:
    lowest, highest = _LIMITS[kind]
    values = np.asarray(numbers, np.float64)
    return bool(np.all((np.mod(values, 1) == 0) & (values >= lowest) & (values <= highest)))


def _show_unlike(value: Value, folder: Path) -> str:
    if isinstance(value, (Uniform, Normal)):
        return "a distribution"
    if isinstance(value, ArrayFile):
        return f"values between them in {find_file('', folder, value.file)}"
    return sample_text(value) if isinstance(value, Quantity) else "values between them"


def _fits_all(value: Value) -> bool:
    """Return whether a value is right for a variable of any dimension: a file without unit, which is in SI, or 0."""
    if isinstance(value, ArrayFile):
        return value.unit is None
    if isinstance(value, (Quantity, Values)):
        numbers = value.value if isinstance(value, Quantity) else value.si
        return not np.any(numbers) and split_quantity(sample_text(value))[1] == ""
    return False


def _check_recorded(
    place: str, record: StatesRecord, chosen: Iterable[str], variables: dict[str, Variables | None], spec: NetworkSpec
) -> Problems:
    for name in record.variables:
        for population in chosen:
            known = variables.get(population)
            if known is not None and name not in known:
                having = ", ".join(other for other, its in variables.items() if its is not None and name in its)
                remedy = f"choose by `population` those that have it: {having}" if having else None
                yield refuse_name(place, f"names no variable of {population}", name, sorted(known), remedy)
            elif known is not None and known[name].kind == "shared" and name in _list_declared(spec, population):
                what = f"names a variable that all neurons of {population} share, and nothing changes"
                yield Problem(place, what, got=show_value(name), next="give it in `parameters` alone")
            elif known is not None and not known[name].is_real:
                got = f"{show_value(name)}, of type {known[name].unit}"
                yield Problem(place, f"names a variable of {population} that has no real numbers", got=got)


def _list_declared(spec: NetworkSpec, name: str) -> Collection[str]:
    """Return what the equations of a population's neurons declare by themselves."""
    (population,) = find_populations(expand_populations(spec), name)
    neuron = spec.neuron[population.neuron]
    return (read_equations(neuron.equations) or {}) if isinstance(neuron, EquationsNeuron) else ()


def _check_event(place: str, event: EventTable, known: Variables | None) -> Problems:
    settable = sorted(name for name, variable in (known or {}).items() if variable.settable)
    if known is not None and event.set not in settable:
        yield refuse_name(f"{place}.set", f"is no state variable of {event.population}", event.set, settable)
        return
    dimension = VOLT if event.set == "v" else _find_dimension(known[event.set].unit) if known is not None else None
    if isinstance(event.value, Quantity):
        unlike = [*_check_dimension(f"{place}.value", event.value.text, dimension)]
        yield from unlike
        kind = known[event.set].unit if known is not None else ""
        if not unlike and kind in UNITLESS_TYPES and not _are_of_type(event.value.value, kind):
            what = f"sets {event.set}, which is of type {kind}, to another number"
            yield Problem(f"{place}.value", what, _WHOLE[kind], event.value.text)


def _check_dimension(place: str, text: str, dimension: Dimension | None) -> Problems:
    """Check that a quantity is of a dimension, where that is known."""
    if dimension is not None:
        try:
            parse_quantity(text, dimension)
        except QuantityError as error:
            yield Problem(place, error.what, error.expected, error.got)


def _find_dimension(unit: str) -> Dimension | None:
    """Return the dimension of a variable; None for a unit that Brian2 will refuse."""
    try:
        return find_dimension(parse_any_quantity(f"1 {'1' if unit in UNITLESS_TYPES else unit}")[1])
    except QuantityError:
        return None
