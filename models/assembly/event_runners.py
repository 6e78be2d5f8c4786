"""The runners that set the variables of events on the reference device."""

from collections.abc import Iterable

import numpy as np
from brian2.groups.group import CodeRunner

from models.assembly.objects import TimedEvent
from models.assembly.site import Site
from models.drives import event_function


def make_event_runners(site: Site, events: Iterable[TimedEvent]) -> None:
    """Make one runner per group and variable that events set."""
    grouped: dict[tuple[str, str], list[TimedEvent]] = {}
    for event in events:
        grouped.setdefault((event.group, event.variable), []).append(event)
    for (group, variable), members in grouped.items():
        _make_event_runner(site, group, variable, members)


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
