"""Events: variables of single neurons set at given times."""

from typing import Any

import numpy as np
from brian2.groups.group import CodeRunner
from brian2.units.fundamentalunits import get_or_create_dimension, get_unit

from models.assembly.site import Site
from models.drives import event_function
from models.errors import Problem, SpecError, list_choices, suggest_spelling
from models.quantities import parse_any_quantity
from models.spec import EventTable
from models.steps import count_steps


def make_events(site: Site) -> None:
    """Make one runner per group and variable that events set."""
    grouped: dict[tuple[str, str], list[tuple[int, EventTable]]] = {}
    for i_event, event in enumerate(site.spec.event):
        plan = next(p for p in site.plans if event.population in {q.name for q in p.populations})
        grouped.setdefault((plan.name, event.set), []).append((i_event, event))
    for (name, variable), events in grouped.items():
        _make_event_runner(site, name, variable, events)


def _make_event_runner(site: Site, name: str, variable: str, events: list[tuple[int, EventTable]]) -> None:
    group, plan = site.groups[name], site.find_plan(name)
    settable = _settable_variables(group)
    if variable not in settable:
        near = suggest_spelling(variable, settable)
        expected = near or list_choices(settable)
        raise SpecError(Problem(f"event.{events[0][0]}.set", "is not a state variable", expected, f'"{variable}"'))
    ordered = sorted(events, key=lambda item: (item[1].time.value, item[0]))
    values = np.array([_read_event_value(i, event, group.variables[variable].dim) for i, event in ordered])
    starts = {population.name: population.start for population in plan.populations}
    function = event_function(
        f"event_{name}_{variable}",
        np.array([count_steps(event.time.value, site.dt_s) for _, event in ordered], np.int64),
        np.searchsorted(plan.neurons, [starts[e.population] + e.index for _, e in ordered]).astype(np.int32),
        values,
        group.variables[variable].unit,
    )
    group.namespace[f"event_{name}_{variable}"] = function
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
