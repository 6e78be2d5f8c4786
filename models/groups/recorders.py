"""Recorders: what is added up over a bin, and what makes of it a mean current."""

import re

import numpy as np

from models.errors import Problem, SpecError
from models.expand import Channel
from models.groups.draft import Draft
from models.groups.plan import Numbers, make_parameter
from models.kinetics import find_kinetics
from models.propagators import channel_propagators
from models.spec import CurrentsRecord, StatesRecord
from models.steps import count_steps


def plan_recorders(draft: Draft) -> None:
    """Plan the sums and copies that recorders of currents and states need."""
    for name, record in draft.spec.record.items():
        if isinstance(record, CurrentsRecord):
            _plan_recorder(draft, name, record)
        elif isinstance(record, StatesRecord):
            _plan_states(draft, name, record)


def _plan_states(draft: Draft, recorder: str, record: StatesRecord) -> None:
    """Keep a copy, made last in each step, of recorded variables that are computed from others, or are one number."""
    for variable in record.variables:
        unit = _computed_unit(draft, variable) or _shared_unit(draft, variable)
        if unit is not None:
            draft.equations.append(f"state_{recorder}_{variable} : {unit}")
            draft.end_of_step.append(f"state_{recorder}_{variable} = {variable}")


def _shared_unit(draft: Draft, variable: str) -> str | None:
    """Return the unit of a parameter that all neurons share; None for any other variable."""
    parameter = draft.parameters.get(variable)
    if parameter is None or parameter.values.size > 1:
        return None
    return "1" if parameter.unit == "integer" else parameter.unit


def _computed_unit(draft: Draft, variable: str) -> str | None:
    """Return the unit of a variable that the equations compute (`name = … : unit`); None for any other."""
    found = re.search(rf"^\s*{re.escape(variable)}\s*=.*:\s*([^:(]+?)\s*(?:\(.*)?$", "\n".join(draft.equations), re.M)
    return found[1] if found else None


def _plan_recorder(draft: Draft, recorder: str, record: CurrentsRecord) -> None:
    n_steps = count_steps(record.interval.value, draft.dt_s)
    for channel in draft.channels:
        if record.channels == "all" or channel.name in record.channels:
            term, scale = _bin_term(draft, channel, n_steps)
            if draft.engine and term == f"in_{channel.name}":
                # The program, which knows how many events arrived, adds them up by itself.
                _plan_scale(draft, recorder, channel.name, scale)
            else:
                draft.arrivals.append(_plan_sum(draft, recorder, channel.name, scale, term))
    if record.v == "mean":
        draft.end_of_step.append(_plan_sum(draft, recorder, "v", np.array([1.0 / n_steps]), "v"))
    if draft.engine and recorder in draft.sums:
        draft.equations.append(f"keep_{recorder} : 1 (shared)")


def _plan_sum(draft: Draft, recorder: str, column: str, scale: Numbers, term: str) -> str:
    """Plan the variables of a sum over the bin; return the line that adds a step's term."""
    name = f"{recorder}_{column}"
    _plan_scale(draft, recorder, column, scale)
    draft.equations.append(f"sum_{name} : volt")
    draft.sums.setdefault(recorder, []).append(f"sum_{name}")
    if draft.engine:
        # Instead of a pass of its own that sets the sums to 0: 1·x and 0·x are exact. The term is made first: Brian2
        # would take apart a sum within a sum, and the order of additions would be another one.
        return f"_term_{name} = {term}\nsum_{name} = keep_{recorder}*sum_{name} + _term_{name}"
    # + 0, by a name, since Brian2 would leave out a literal: no input is 0 and not -0.
    draft.parameters["no_current"] = make_parameter("volt", np.zeros(1))
    draft.equations.append(f"current_{name} = sum_{name}*scale_{name} + no_current : volt")
    return f"sum_{name} += {term}"


def _plan_scale(draft: Draft, recorder: str, column: str, scale: Numbers) -> None:
    """Plan what makes of a bin's sum a mean current in volts."""
    name = f"{recorder}_{column}"
    if f"scale_{name}" in draft.parameters:
        what = f'has a recorder and a channel whose names join to the same "{name}" as those of another recorder'
        raise SpecError(Problem("record", what, next="rename one of the recorders"))
    draft.coefficient(f"scale_{name}", scale)


def _bin_term(draft: Draft, channel: Channel, n_steps: int) -> tuple[str, Numbers]:
    """Return what a step adds to a bin's sum, and what makes of the sum a mean current in volts."""
    if channel.kinetics == "current":
        return f"J_{channel.name}", np.array([channel.sign / n_steps])
    kind = find_kinetics()[channel.kinetics]
    if not kind.states:
        return f"in_{channel.name}", channel.sign * _tau_m(draft, channel) / (n_steps * draft.dt_s)
    mean = channel_propagators(draft.dt_s, 1.0, kind.dynamics(channel.constants), np.eye(len(kind.states))[0]).mean
    if len(kind.states) == 1:
        return f"I_{channel.name}", np.array([channel.sign * mean[0] / n_steps])
    terms = [
        f"{draft.coefficient(f'mean_{channel.name}{suffix}', np.array([mean[i]]))}*I_{channel.name}{suffix}"
        for i, suffix in enumerate(kind.states)
    ]
    return " + ".join(terms), np.array([channel.sign / n_steps])


def _tau_m(draft: Draft, channel: Channel) -> Numbers:
    if "tau_m" not in draft.parameters or draft.parameters["tau_m"].unit != "second":
        raise SpecError(
            Problem(
                f"neuron.{draft.populations[0].neuron}.parameters.tau_m",
                f'is missing, and the current of the delta channel "{channel.name}" is w·tau_m per spike',
                '"20 ms", say',
            )
        )
    return draft.parameters["tau_m"].values
