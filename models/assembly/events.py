"""Events: variables of single neurons set at given times."""

from collections.abc import Mapping

import numpy as np

from models.assembly.objects import GroupVariables, TimedEvent
from models.checks.basics import refuse_name
from models.errors import Problem, SpecError
from models.expand import Expanded
from models.groups import GroupPlan
from models.quantities import parse_any_quantity
from models.spec import EventTable
from models.steps import count_steps
from models.units import Exponents, name_dimension


def list_events(
    expanded: Expanded, plans: tuple[GroupPlan, ...], variables: Mapping[str, GroupVariables]
) -> tuple[TimedEvent, ...]:
    """Return the spec's events by step, then as in the spec; raise `SpecError` for one that fits no variable."""
    events = [_time_event(expanded, plans, variables, i, event) for i, event in enumerate(expanded.spec.event)]
    return tuple(sorted(events, key=lambda event: event.step))


def _time_event(
    expanded: Expanded,
    plans: tuple[GroupPlan, ...],
    variables: Mapping[str, GroupVariables],
    i_event: int,
    event: EventTable,
) -> TimedEvent:
    plan = next(p for p in plans if event.population in {q.name for q in p.populations})
    settable = variables[plan.name].settable
    if event.set not in settable:
        what = f"is no state variable of {event.population}"
        raise SpecError(refuse_name(f"event.{i_event}.set", what, event.set, settable))
    value = _read_value(i_event, event, settable[event.set])
    neuron = expanded.population[event.population].start + event.index
    local = int(np.searchsorted(plan.neurons, neuron))
    step = count_steps(event.time.value, expanded.spec.network.dt.value)
    return TimedEvent(step, plan.name, event.set, local, value)


def _read_value(i_event: int, event: EventTable, wanted: Exponents) -> float:
    quantity, exponents = parse_any_quantity(str(event.value))
    if exponents != wanted:
        expected = f"a quantity in {name_dimension(wanted)}"
        raise SpecError(Problem(f"event.{i_event}.value", "has the wrong dimension", expected, f'"{quantity}"'))
    return quantity.value
