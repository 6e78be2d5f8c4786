"""Traces of spikes that are not lowered: what they need, and currents that do not start at 0."""

from dataclasses import replace

import numpy as np

from models.assembly.bundles import bundle_edges
from models.errors import Problem, SpecError
from models.expand import Channel, Expanded
from models.groups import GroupPlan
from models.groups.plan import Numbers
from models.sample import EdgeTable


def start_traces(
    expanded: Expanded, plans: tuple[GroupPlan, ...], edges: dict[str, EdgeTable]
) -> tuple[GroupPlan, ...]:
    """Return the plans with the currents that traces start with; raise `SpecError` where traces cannot be kept."""
    started: list[tuple[Channel, Numbers]] = []
    for channel in expanded.channels:
        if channel.trace != "none":
            _check_traces(channel, list(bundle_edges(expanded, plans, channel, edges)))
        current = _sum_initial(expanded, channel, edges)
        if current.any():
            started.append((channel, current))
    return tuple(replace(plan, initial=plan.initial | _start_plan(plan, started)) for plan in plans)


def _start_plan(plan: GroupPlan, started: list[tuple[Channel, Numbers]]) -> dict[str, Numbers]:
    return {f"I_{channel.name}": values[plan.neurons] for channel, values in started if channel in plan.channels}


def _check_traces(channel: Channel, bundles: list[tuple[str, str, int]]) -> None:
    several = len(bundles) > 1 or (channel.trace == "source" and any(delay < 0 for _, _, delay in bundles))
    if several:
        what = f'needs one constant delay and one kind of neuron for the traces of the channel "{channel.name}"'
        raise SpecError(Problem(f"pathway.{channel.members[0]}", what, next="lower = true, or a channel of its own"))


def _sum_initial(expanded: Expanded, channel: Channel, edges: dict[str, EdgeTable]) -> Numbers:
    """Return the (n_neurons,) current of a channel at the start."""
    start = np.zeros(expanded.n_neurons)
    for name in channel.members:
        initial = getattr(expanded.spec.pathway.get(name), "trace_initial", 0.0)
        if initial and name in edges:
            weight = np.broadcast_to(edges[name].weight, edges[name].n_edges)
            start += initial * np.bincount(edges[name].target, weight.astype(np.float64), start.size)
    return start
