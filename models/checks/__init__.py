"""What relates several tables of a model file to each other: names that must exist, times that must divide."""

import re
from collections.abc import Callable, Iterable

from models.array_files import MissingFileProblem
from models.checks.basics import Problems
from models.checks.inputs import check_channels, check_coverage, check_drives, check_pathways
from models.checks.neurons import check_neurons, check_populations
from models.checks.records import check_events, check_records
from models.checks.variables import check_variables
from models.errors import Problem
from models.quantities import Quantity
from models.spec import NetworkSpec, SpikesRecord
from models.steps import check_multiple

__all__ = ["check_duration", "check_spec"]

_GIVES_VARIABLES = re.compile(r"(pathway|drive)\.\w+(\.(source|target|between|kinetics|channel))?")
"""Places of what decides which variables neurons have; where it is wrong, nothing is said of variables."""


def check_spec(spec: NetworkSpec, *, complete: bool = True, has_run: bool = False) -> list[Problem]:
    """Return everything that is wrong between the tables of a spec, in the order of the file.

    Parameters
    ----------
    spec : NetworkSpec
    complete : bool
        Whether it has all that the model file has. Otherwise nothing is said of variables that what is missing may give
        to neurons.
    has_run : bool
        Whether it is that of a recording. Then the files that it names may be gone, and its variables are not judged:
        the version that ran it did that, perhaps by other rules.
    """
    checks: tuple[Callable[[NetworkSpec], Iterable[Problem]], ...] = (
        _check_times,
        check_neurons,
        check_populations,
        check_pathways,
        check_drives,
        check_channels,
        check_records,
        check_events,
    )
    problems = [problem for check in checks for problem in check(spec)]
    if has_run:
        return [problem for problem in problems if not isinstance(problem, MissingFileProblem)]
    problems += check_coverage(spec, spec.network.duration)
    sound = not any(_GIVES_VARIABLES.fullmatch(problem.where) for problem in problems)
    return [*problems, *check_variables(spec, complete and sound)]


def check_duration(spec: NetworkSpec, duration: Quantity, place: str = "network.duration") -> list[Problem]:
    """Return what is wrong with running a network for a duration.

    It must divide into steps and into every bin, and values over time must last as long.
    """
    return _check_division(spec, duration, place) or [*check_coverage(spec, duration)]


def _check_division(spec: NetworkSpec, duration: Quantity, place: str) -> list[Problem]:
    dt_s = spec.network.dt.value
    problems = check_multiple(place, duration, dt_s, "network.dt")
    if problems:
        return problems
    for name, record in spec.record.items():
        if not isinstance(record, SpikesRecord) and not check_multiple("", record.interval, dt_s, ""):
            problems += check_multiple(place, duration, record.interval.value, f"record.{name}.interval")
    return problems


def _check_times(spec: NetworkSpec) -> Problems:
    for name, record in spec.record.items():
        if not isinstance(record, SpikesRecord):
            yield from check_multiple(f"record.{name}.interval", record.interval, spec.network.dt.value, "network.dt")
    yield from _check_division(spec, spec.network.duration, "network.duration")
