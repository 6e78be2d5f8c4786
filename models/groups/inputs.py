"""Channels: their variables, their decay, and how what arrives enters them."""

from collections.abc import Iterable

import numpy as np

from models.expand import Channel
from models.groups.draft import Draft
from models.groups.plan import Numbers, Parameter, make_parameter
from models.kinetics import Kinetics, find_kinetics
from models.propagators import channel_propagators, membrane_decay


def signed_sum(terms: Iterable[tuple[int, str]]) -> str:
    """Return `+ a - b` from [(1, "a"), (-1, "b")]."""
    return "".join(f" {'+' if sign > 0 else '-'} {term}" for sign, term in terms)


def plan_inputs(draft: Draft) -> None:
    """Plan what all neurons have: the channels' variables, the sum `I` of the currents, traces, refractoriness."""
    refractory = draft.sample_key("refractory")
    if refractory.any():
        draft.parameters["refractory_period"] = make_parameter("second", refractory)
    terms = _current_terms(draft) or " + 0*volt"
    draft.equations.append(f"I = {terms.removeprefix(' + ').removeprefix(' ')} : volt")
    for channel in draft.entered_channels:
        draft.equations.append(f"in_{channel.name} : volt")
    for channel, kind in draft.filtered_channels:
        # A sum of traces is set by the synapses that keep them.
        draft.equations.append(f"I_{channel.name} : volt" if channel.summed else kind.equations(channel.name))
        for key, value in channel.constants.items():
            draft.parameters[f"{key}_{channel.name}"] = make_parameter("second", np.array([value]))
    for channel in draft.injected_channels:
        terms = signed_sum((1, _plan_injection(draft, drive)) for drive in channel.members).removeprefix(" + ")
        draft.equations.append(f"J_{channel.name} = {terms} : volt")
    for channel in _traced_channels(draft):
        _plan_trace(draft, channel, find_kinetics()[channel.kinetics])


def _traced_channels(draft: Draft) -> tuple[Channel, ...]:
    """Return the channels that need a trace of this group's own spikes."""
    here = {population.name for population in draft.populations}
    sources = {p.pathway for p in draft.expanded.projections if p.source.name in here}
    return tuple(c for c in draft.expanded.channels if c.trace == "source" and sources.intersection(c.members))


def _plan_trace(draft: Draft, channel: Channel, kind: type[Kinetics]) -> None:
    name, tau = f"x_{channel.name}", channel.constants[kind.trace_constant]
    draft.equations.append(f"d{name}/dt = -{name}/{kind.trace_constant}_{channel.name} : 1")
    draft.parameters[f"{kind.trace_constant}_{channel.name}"] = make_parameter("second", np.array([tau]))
    draft.update.append(f"{name} = {name}*{draft.coefficient(f'propagate_{name}', membrane_decay(draft.dt_s, tau))}")


def _current_terms(draft: Draft) -> str:
    states = [(channel.sign, f"I_{channel.name}") for channel, _ in draft.filtered_channels]
    injected = [(channel.sign, f"J_{channel.name}") for channel in draft.injected_channels]
    return signed_sum([*states, *injected])


def plan_channel(draft: Draft, channel: Channel, kind: type[Kinetics], tau_m: Numbers) -> list[tuple[int, str]]:
    """Plan the exact update of a channel's states; return its terms in the update of v."""
    output = np.eye(len(kind.states))[0]
    propagators = channel_propagators(draft.dt_s, tau_m, kind.dynamics(channel.constants), output)
    names = [f"I_{channel.name}{suffix}" for suffix in kind.states]
    if not channel.summed:
        _plan_decay(draft, names, propagators.p_ss)
    return [
        (channel.sign, f"{draft.coefficient(f'{name}_into_v', propagators.p_vs[..., i])}*{name}")
        for i, name in enumerate(names)
    ]


def _plan_decay(draft: Draft, names: list[str], propagator: Numbers) -> None:
    """Plan the multiplication of a channel's states by their propagator, (…, n_states, n_states)."""
    for i_row, name in enumerate(names):
        terms = [
            f"{draft.coefficient(f'propagate_{name}_{i_column}', propagator[..., i_row, i_column])}*{other}"
            for i_column, other in enumerate(names)
            # A time constant far below dt makes a factor 0, but no empty sum.
            if i_row == i_column or np.any(propagator[..., i_row, i_column])
        ]
        draft.update.append(f"_{name} = " + " + ".join(terms))
    draft.update += [f"{name} = _{name}" for name in names]


def plan_arrivals(draft: Draft) -> None:
    """Plan the drives' arrivals, and then how each channel's sum enters the dynamics, once."""
    if not draft.engine:
        _plan_poisson(draft)
    for channel in draft.entered_channels:
        _plan_entry(draft, channel, find_kinetics()[channel.kinetics])


def _plan_poisson(draft: Draft) -> None:
    """Plan the calls that count the events of the independent Poisson drives."""
    drives = {item.drive for item in draft.expanded.poisson_inputs}
    channel_of = {drive: channel for channel in draft.channels for drive in channel.members if drive in drives}
    for drive, channel in channel_of.items():
        draft.plan_rows(drive)
        weights = {i.target.name: _float32(i.weight) for i in draft.expanded.poisson_inputs if i.drive == drive}
        values = np.concatenate([np.full(p.size, weights.get(p.name, 0.0)) for p in draft.populations])
        draft.parameters[f"weight_{drive}"] = make_parameter("volt", values)
        counts = f"counts_{drive}(row_{drive}, index_in_population, t_in_timesteps)"
        draft.arrivals.append(f"in_{channel.name} += weight_{drive}*{counts}")
    if channel_of:
        index = np.concatenate([np.arange(p.size, dtype=np.float64) for p in draft.populations])
        draft.parameters["index_in_population"] = Parameter("integer", index)


def _plan_entry(draft: Draft, channel: Channel, kind: type[Kinetics]) -> None:
    if not kind.states:
        draft.arrivals.append(f"v {'+' if channel.sign > 0 else '-'}= in_{channel.name}")
    for suffix, factor in zip(kind.states, kind.entry(channel.constants), strict=True):
        state = f"I_{channel.name}{suffix}"
        if factor == 1:
            draft.arrivals.append(f"{state} += in_{channel.name}")
        elif factor != 0:
            entry = draft.coefficient(f"entry_{channel.name}{suffix}", np.array([factor]))
            draft.arrivals.append(f"{state} += {entry}*in_{channel.name}")


def _plan_injection(draft: Draft, drive: str) -> str:
    """Plan what a drive of injected current needs; return its term."""
    if draft.engine:
        draft.equations.append(f"injected_{drive} : volt")
        return f"injected_{drive}"
    draft.plan_rows(drive)
    return f"inject_{drive}(row_{drive}, t_in_timesteps)"


def _float32(value: object) -> float:
    return float(np.float32(getattr(value, "value", np.nan)))
