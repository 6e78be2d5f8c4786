"""Synapses: one object per channel, delay and pair of groups, however many layers there are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import brian2
import numpy as np
from numpy.typing import NDArray

from models.assembly.site import Site, set_variable
from models.errors import Problem, SpecError
from models.expand import Channel
from models.kinetics import find_kinetics
from models.populations import drive_owner
from models.propagators import membrane_decay
from models.sample import EdgeTable


@dataclass(frozen=True, eq=False)
class _Bundle:
    """Edges of one pathway or drive between two Brian2 groups, in their own indices."""

    name: str
    i: NDArray[np.int32]
    j: NDArray[np.int32]
    weight: NDArray[np.float32]
    delay: NDArray[np.int32]


def _take_edges(table: EdgeTable, sources: NDArray[np.int32], targets: NDArray[np.int32], n_neurons: int) -> _Bundle:
    """Return the edges from some sources to some targets, which are given by their ascending indices in the table."""
    if sources.size == table.n_sources and targets.size == n_neurons:
        return _Bundle(table.name, table.source, table.target, table.weight, table.delay)
    inside = np.isin(table.source, sources) & np.isin(table.target, targets)
    return _Bundle(
        table.name,
        np.searchsorted(sources, table.source[inside]).astype(np.int32),
        np.searchsorted(targets, table.target[inside]).astype(np.int32),
        table.weight if table.weight.size == 1 else table.weight[inside],
        table.delay if table.delay.size == 1 else table.delay[inside],
    )


def _trace_equations(channel: Channel) -> list[str]:
    """Return the Brian2 equations of synapses whose traces are not lowered."""
    if not channel.summed:
        return []
    if channel.trace == "source":
        return [f"I_{channel.name}_post = w*x_{channel.name}_pre : volt (summed)"]
    return [
        "dx/dt = -x/tau : 1 (clock-driven)",
        "tau : second (shared, constant)",
        "propagate_x : 1 (shared, constant)",
        f"I_{channel.name}_post = w*x : volt (summed)",
    ]


def _on_pre(channel: Channel) -> str | None:
    """Return what a delivered spike does."""
    if channel.summed:
        return "x += 1" if channel.trace == "synapse" else None
    return find_kinetics()[channel.kinetics].on_pre(channel.name)


def connect_groups(site: Site, edges: dict[str, EdgeTable]) -> None:
    """Make one Synapses per channel, delay and pair of groups; for the engine, only check and start what needs it."""
    for channel in site.expanded.channels:
        if site.device == "reference" or channel.trace != "none":
            bundles = _bundle_edges(site, channel, edges)
            _check_traces(channel, list(bundles))
            _make_objects(site, channel, bundles)
        _start_traces(site, channel, edges)


def _bundle_edges(
    site: Site, channel: Channel, edges: dict[str, EdgeTable]
) -> dict[tuple[str, str, int], list[_Bundle]]:
    """Return the channel's edges by source group, target group and delay; -1 stands for several delays."""
    bundles: dict[tuple[str, str, int], list[_Bundle]] = {}
    for name in channel.members:
        for source, target, bundle in _split(site, name, edges[name]) if name in edges else ():
            delay = int(bundle.delay[0]) if bundle.delay.size == 1 else -1
            bundles.setdefault((source, target, delay), []).append(bundle)
    return bundles


def _make_objects(site: Site, channel: Channel, bundles: dict[tuple[str, str, int], list[_Bundle]]) -> None:
    for (source, target, delay), members in bundles.items() if site.device == "reference" else ():
        if channel.trace == "source":
            _make_traces(site, channel, source, target, delay)
        _make_synapses(site, channel, source, target, delay, members)


def _split(site: Site, name: str, table: EdgeTable) -> Iterator[tuple[str, str, _Bundle]]:
    """Yield the edges of a table by source and target group, in the groups' own indices."""
    sources = {plan.name: plan.neurons for plan in site.plans}
    if name in site.spec.drive:
        sources = {f"sources_{drive_owner(site.spec, name)}": np.arange(table.n_sources, dtype=np.int32)}
    for source, source_neurons in sources.items():
        for plan in site.plans:
            bundle = _take_edges(table, source_neurons, plan.neurons, site.expanded.n_neurons)
            if bundle.i.size:
                yield source, plan.name, bundle


def _make_synapses(
    site: Site, channel: Channel, source: str, target: str, delay: int, members: Sequence[_Bundle]
) -> None:
    groups = {**site.groups, **{group.name: group for group in site.sources.values()}}
    weight = np.concatenate([np.broadcast_to(m.weight, m.i.size) for m in members])
    constant = all(m.weight.size == 1 and m.weight[0] == members[0].weight[0] for m in members)
    name, on_pre = _name_synapses(site, "synapses", channel, source, target, delay), _on_pre(channel)
    synapses = brian2.Synapses(
        groups[source],
        site.groups[target],
        "\n".join([f"w : volt ({'shared, ' if constant else ''}constant)", *_trace_equations(channel)]),
        on_pre=on_pre,
        method=lambda equations, variables=None, options=None: "x = x*propagate_x",
        delay=delay * site.dt_s * brian2.second if delay >= 0 and on_pre is not None else None,
        namespace={},
        clock=site.clock,
        name=name,
    )
    synapses.connect(i=np.concatenate([m.i for m in members]), j=np.concatenate([m.j for m in members]))
    set_variable(synapses, "w", weight[:1].astype(np.float64) if constant else weight.astype(np.float64))
    if delay < 0:
        steps = np.concatenate([np.broadcast_to(m.delay, m.i.size) for m in members])
        set_variable(synapses, "delay", steps * site.dt_s)
    if channel.summed and channel.trace == "synapse":
        _set_traces(site, synapses, channel, members)
    if channel.summed:
        # After the arrivals of the step, and before they are added up; by default it would lag by a step.
        (updater,) = synapses.summed_updaters.values()
        updater.when, updater.order = "after_synapses", -1
    site.synapses[name] = synapses


def _set_traces(site: Site, synapses: Any, channel: Channel, members: Sequence[_Bundle]) -> None:
    tau = channel.constants["tau"]
    set_variable(synapses, "tau", np.array([tau]))
    set_variable(synapses, "propagate_x", np.atleast_1d(membrane_decay(site.dt_s, tau)))
    starts = [np.full(m.i.size, getattr(site.spec.pathway.get(m.name), "trace_initial", 0.0)) for m in members]
    set_variable(synapses, "x", np.concatenate(starts))


def _name_synapses(site: Site, kind: str, channel: Channel, source: str, target: str, delay: int) -> str:
    parts = [kind, channel.name, *([source] if len(site.plans) > 1 or source not in site.groups else [])]
    parts += [target] if len(site.plans) > 1 else []
    return "_".join([*parts, f"delay{delay}" if delay >= 0 else "delays"])


def _check_traces(channel: Channel, bundles: list[tuple[str, str, int]]) -> None:
    several = len(bundles) > 1 or (channel.trace == "source" and any(delay < 0 for _, _, delay in bundles))
    if channel.trace != "none" and several:
        what = f'needs one constant delay and one kind of neuron for the traces of the channel "{channel.name}"'
        raise SpecError(Problem(f"pathway.{channel.members[0]}", what, next="lower = true, or a channel of its own"))


def _make_traces(site: Site, channel: Channel, source: str, target: str, delay: int) -> None:
    """Make what updates the traces of the source neurons at their own spikes, as late as these are delivered."""
    name = _name_synapses(site, "traces", channel, source, target, delay)
    traces = brian2.Synapses(
        site.groups[source],
        site.groups[source],
        on_pre=f"x_{channel.name}_post += 1",
        delay=delay * site.dt_s * brian2.second,
        namespace={},
        clock=site.clock,
        name=name,
    )
    # After the spike has been delivered: it carries the trace from before its own increment. (The argument `order` of
    # Synapses does not reach the pathway.)
    traces.pre.order = 1
    neurons = np.arange(len(site.groups[source]))
    traces.connect(i=neurons, j=neurons)
    site.synapses[name] = traces


def _start_traces(site: Site, channel: Channel, edges: dict[str, EdgeTable]) -> None:
    """Start the current of traces that do not start at 0."""
    start = np.zeros(site.expanded.n_neurons)
    for name in channel.members:
        initial = getattr(site.spec.pathway.get(name), "trace_initial", 0.0)
        if initial and name in edges:
            weight = np.broadcast_to(edges[name].weight, edges[name].n_edges)
            start += initial * np.bincount(edges[name].target, weight.astype(np.float64), start.size)
    for plan in site.plans if start.any() else ():
        plan.initial[f"I_{channel.name}"] = start[plan.neurons]
        if site.device == "reference":
            set_variable(site.groups[plan.name], f"I_{channel.name}", start[plan.neurons])
