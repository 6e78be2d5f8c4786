"""Events: variables of single neurons set at given times."""

from typing import Any

import numpy as np
from brian2.groups.group import CodeRunner
from brian2.units.fundamentalunits import get_or_create_dimension, get_unit

from models.assembly.objects import TimedEvent
from models.assembly.site import Site
from models.drives import event_function
from models.errors import Problem, SpecError, list_choices, suggest_spelling
from models.quantities import parse_any_quantity
from models.spec import EventTable
from models.steps import count_steps


def make_events(site: Site) -> None:
    """Make one runner per group and variable that events set; for the engine, which sets them itself, a list."""
    events = [_time_event(site, i_event, event) for i_event, event in enumerate(site.spec.event)]
    events.sort(key=lambda event: event.step)
    if site.device == "engine":
        site.events = tuple(events)
        return
    grouped: dict[tuple[str, str], list[TimedEvent]] = {}
    for event in events:
        grouped.setdefault((event.group, event.variable), []).append(event)
    for (group, variable), members in grouped.items():
        _make_event_runner(site, group, variable, members)


def _time_event(site: Site, i_event: int, event: EventTable) -> TimedEvent:
    plan = next(p for p in site.plans if event.population in {q.name for q in p.populations})
    group = site.groups[plan.name]
    settable = _settable_variables(group)
    if event.set not in settable:
        near = suggest_spelling(event.set, settable)
        expected = near or list_choices(settable)
        raise SpecError(Problem(f"event.{i_event}.set", "is not a state variable", expected, f'"{event.set}"'))
    value = _read_event_value(i_event, event, group.variables[event.set].dim)
    neuron = site.expanded.population[event.population].start + event.index
    local = int(np.searchsorted(plan.neurons, neuron))
    return TimedEvent(count_steps(event.time.value, site.dt_s), plan.name, event.set, local, value)


def _make_event_runner(site: Site, name: str, variable: str, events: list[TimedEvent]) -> None:
    group = site.groups[name]
    group.namespace[f"event_{name}_{variable}"] = event_function(
        f"event_{name}_{variable}",
        np.array([event.step for event in events], np.int64),
        np.array([event.local for event in events], np.int32),
        np.array([event.value for event in events]),
        group.variables[variable].unit,
    )
    runner = CodeRunner(
        group,
        "stateupdate",
        code=f"{variable} = event_{name}_{variable}({variable}, i, t_in_timesteps)",
        clock=site.clock,
        when="start",
        order=2,
        name=f"{name}_events_{variable}",
        # An event sets a variable whatever the neuron's state: it is an intervention, not an input.
        override_conditional_write=["not_refractory"],
    )
    site.objects.append(runner)


def _read_event_value(i_event: int, event: EventTable, dimension: Any) -> float:
    quantity, exponents = parse_any_quantity(str(event.value))
    if get_or_create_dimension(exponents) is not dimension:
        expected = f"a quantity in {get_unit(dimension)!r}"
        raise SpecError(Problem(f"event.{i_event}.value", "has the wrong dimension", expected, f'"{quantity}"'))
    return quantity.value


def _settable_variables(group: Any) -> list[str]:
    parameters = group.equations.diff_eq_names | group.equations.parameter_names
    return sorted(
        name for name in parameters if not group.variables[name].scalar and not group.variables[name].constant
    )
