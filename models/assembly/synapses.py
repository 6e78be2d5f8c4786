"""Synapses: one object per channel, delay and pair of groups, however many layers there are."""

from collections.abc import Sequence
from typing import Any

import brian2
import numpy as np

from models.assembly.bundles import Bundle, bundle_edges
from models.assembly.site import Site, set_variable
from models.expand import Channel
from models.kinetics import find_kinetics
from models.propagators import membrane_decay
from models.sample import EdgeTable


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
    """Make one Synapses per channel, delay and pair of groups."""
    for channel in site.expanded.channels:
        _make_objects(site, channel, bundle_edges(site.expanded, site.plans, channel, edges))


def _make_objects(site: Site, channel: Channel, bundles: dict[tuple[str, str, int], list[Bundle]]) -> None:
    for (source, target, delay), members in bundles.items():
        if channel.trace == "source":
            _make_traces(site, channel, source, target, delay)
        _make_synapses(site, channel, source, target, delay, members)


def _make_synapses(
    site: Site, channel: Channel, source: str, target: str, delay: int, members: Sequence[Bundle]
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


def _set_traces(site: Site, synapses: Any, channel: Channel, members: Sequence[Bundle]) -> None:
    tau = channel.constants["tau"]
    set_variable(synapses, "tau", np.array([tau]))
    set_variable(synapses, "propagate_x", np.atleast_1d(membrane_decay(site.dt_s, tau)))
    starts = [np.full(m.i.size, getattr(site.spec.pathway.get(m.name), "trace_initial", 0.0)) for m in members]
    set_variable(synapses, "x", np.concatenate(starts))


def _name_synapses(site: Site, kind: str, channel: Channel, source: str, target: str, delay: int) -> str:
    parts = [kind, channel.name, *([source] if len(site.plans) > 1 or source not in site.groups else [])]
    parts += [target] if len(site.plans) > 1 else []
    return "_".join([*parts, f"delay{delay}" if delay >= 0 else "delays"])


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
