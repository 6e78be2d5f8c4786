"""What several checks need: names that must exist, layers, whole steps."""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps

from models.errors import Problem, SpecError, list_choices, suggest_spelling
from models.populations import expand_populations, find_populations
from models.quantities import Quantity, show_value
from models.spec import NetworkSpec
from models.steps import check_multiple, divides
from models.values import Series

type Problems = Iterator[Problem]

_MAX_CHOICES = 12
"""Valid names that a message lists."""


def yield_file_problems[**P](check: Callable[P, Problems]) -> Callable[P, Problems]:
    """Make a check yield the problem of a file that cannot be opened, where it would raise it, so that others go on."""

    @wraps(check)
    def collect(*args: P.args, **kwargs: P.kwargs) -> Problems:
        try:
            yield from check(*args, **kwargs)
        except SpecError as error:
            yield from error.problems

    return collect


def first_per_place(problems: Iterable[Problem]) -> Problems:
    """Yield the first problem of each place: what is wrong in one layer is often wrong in all."""
    seen: dict[str, Problem] = {}
    for problem in problems:
        seen.setdefault(problem.where, problem)
    yield from seen.values()


def unknown_name(place: str, kind: str, name: object, valid: Iterable[str]) -> Problem:
    """Return the problem of a name that is not among the valid ones."""
    return refuse_name(place, f"names a {kind} that does not exist", str(name), valid)


def unknown_population(place: str, name: str, valid: Iterable[str]) -> Problem:
    """Return the problem of a population that does not exist: all that do, and the nearest of them as a suggestion."""
    choices = list(valid)
    near = suggest_spelling(name, choices)
    remedy = f"did you mean {show_value(near)}?" if near else None
    what = "names a population that does not exist"
    return Problem(place, what, _list_first(choices) or "none", show_value(name), next=remedy)


def refuse_name(place: str, what: str, name: str, valid: Iterable[str], remedy: str | None = None) -> Problem:
    """Return the problem of a name that cannot be used, with the nearest of the valid ones, or the first of them."""
    choices = list(valid)
    near = suggest_spelling(name, choices)
    expected = show_value(near) if near else _list_first(choices)
    return Problem(place, what, expected or "none", show_value(name), next=remedy)


def _list_first(choices: list[str]) -> str:
    """Return the first of the choices as prose."""
    return list_choices(
        [show_value(choice) for choice in choices[:_MAX_CHOICES]] + ["…"] * (len(choices) > _MAX_CHOICES)
    )


def check_populations_exist(place: str, names: Iterable[str], spec: NetworkSpec) -> Problems:
    """Check that every name is a label of `[layers.population]` or the name of one layer's population."""
    populations = expand_populations(spec)
    valid = [*spec.layers.population, *(population.name for population in populations)]
    for name in names:
        if not find_populations(populations, name):
            yield unknown_population(place, name, valid)


def check_layers(place: str, exceptions: Iterable[int], spec: NetworkSpec, reached: Iterable[int] = ()) -> Problems:
    """Check that exceptions are for layers that exist and, where `reached` is not empty, that are reached at all."""
    layers = frozenset(reached)
    for layer in exceptions:
        if not 1 <= layer <= spec.layers.count:
            expected = "1" if spec.layers.count == 1 else f"1 to {spec.layers.count}"
            yield Problem(f"{place}.layer.{layer}", "names a layer that does not exist", expected)
        elif layers and layer not in layers:
            expected = list_choices([str(number) for number in sorted(layers)])
            yield Problem(f"{place}.layer.{layer}", "changes nothing: no target is in this layer", expected)


def check_step_time(place: str, value: object, spec: NetworkSpec) -> Problems:
    """Refuse a constant time that is neither 0 nor a whole number of steps; sampled ones are rounded to steps."""
    time = value.interval if isinstance(value, Series) else value
    if isinstance(time, Quantity) and time.value > 0 and not divides(time.value, spec.network.dt.value):
        yield from check_multiple(place, time, spec.network.dt.value, "network.dt")
