"""Neuron models: what v does between spikes, when it spikes, and what a spike does to it."""

import re

import numpy as np

from models.errors import Problem, SpecError
from models.expand import Population
from models.groups.draft import Draft
from models.groups.inputs import plan_channel, plan_inputs, signed_sum
from models.groups.plan import Numbers, make_parameter
from models.propagators import membrane_decay
from models.quantities import parse_any_quantity
from models.spec import EquationsNeuron
from models.units import name_dimension
from models.values import Value, sample_text


def plan_lif(draft: Draft) -> tuple[str, str]:
    """Plan a leaky integrate-and-fire neuron; return its threshold and reset."""
    _plan_membrane(draft)
    draft.parameters["v_reset"] = make_parameter("volt", draft.sample_key("v_reset"))
    return "v > v_threshold", "v = v_reset"


def plan_after_potential(draft: Draft) -> tuple[str, str]:
    """Plan a neuron that adds a kernel after each of its own spikes instead of resetting v."""
    _plan_membrane(draft)
    tau_ap = draft.sample_key("tau_ap")
    draft.equations += ["dv_ap/dt = -v_ap/tau_ap : volt", "v_final = v + v_ap : volt"]
    draft.parameters["tau_ap"] = make_parameter("second", tau_ap)
    draft.parameters["after_potential"] = make_parameter("volt", draft.sample_key("w_ap") * _after_sign(draft))
    draft.update.append(f"v_ap = v_ap*{draft.coefficient('propagate_v_ap', membrane_decay(draft.dt_s, tau_ap))}")
    return "v_final > v_threshold", "v_ap += after_potential"


def _after_sign(draft: Draft) -> Numbers:
    neurons = [(draft.spec.neuron[population.neuron], population.size) for population in draft.populations]
    signs = [1.0 if getattr(neuron, "direction", "") == "depolarizing" else -1.0 for neuron, _ in neurons]
    return np.repeat(signs, [size for _, size in neurons])


def _plan_membrane(draft: Draft) -> None:
    """Plan tau_m dv/dt = v_rest - v + I with its exact propagators."""
    plan_inputs(draft)
    flag = " (unless refractory)" if "refractory_period" in draft.parameters else ""
    draft.equations.insert(0, f"dv/dt = (v_rest - v + I)/tau_m : volt{flag}")
    tau_m = draft.sample_key("tau_m")
    for key, unit in (("tau_m", "second"), ("v_rest", "volt"), ("v_threshold", "volt")):
        draft.parameters[key] = make_parameter(unit, draft.sample_key(key))
    draft.parameters["decay_v"] = make_parameter("1", membrane_decay(draft.dt_s, tau_m))
    draft.start("v", "v_initial", draft.values_of("v_initial"))
    injected = signed_sum((channel.sign, f"J_{channel.name}") for channel in draft.injected_channels)
    into_v = [term for channel, kind in draft.filtered_channels for term in plan_channel(draft, channel, kind, tau_m)]
    draft.update.insert(0, f"_u = v_rest{injected}")
    draft.update.insert(1, f"_v = _u + (v - _u)*decay_v{signed_sum(into_v)}")
    draft.update.append("v = _v")


def plan_equations(draft: Draft, neuron: EquationsNeuron) -> tuple[str, str]:
    """Plan the modeller's own equations, with `I` for the sum of the currents; return their threshold and reset."""
    plan_inputs(draft)
    currents = [channel.name for channel in draft.channels if channel.kinetics != "delta"]
    if currents and not re.search(r"\bI\b", neuron.equations):
        what = f"do not use I, the sum of the currents, though these reach it: {', '.join(currents)}"
        raise SpecError(Problem(f"neuron.{draft.populations[0].neuron}.equations", what, "… + I …"))
    draft.equations.insert(0, neuron.equations.strip())
    for channel, kind in draft.filtered_channels:
        plan_channel(draft, channel, kind, np.ones(1))
    for name in neuron.parameters:
        tables = {p.neuron: _own(draft, p).parameters[name] for p in draft.populations}
        draft.parameters[name] = make_parameter(_unit_of(tables), draft.sample(name, tables))
    for name in neuron.initial:
        tables = {p.neuron: _own(draft, p).initial[name] for p in draft.populations}
        draft.start(name, name, tables)
    return neuron.threshold, neuron.reset


def _own(draft: Draft, population: Population) -> EquationsNeuron:
    neuron = draft.spec.neuron[population.neuron]
    assert isinstance(neuron, EquationsNeuron)
    return neuron


def _unit_of(tables: dict[str, Value]) -> str:
    """Return the SI unit, as Brian2's equations write it, of a parameter."""
    _, exponents = parse_any_quantity(sample_text(next(iter(tables.values()))))
    return name_dimension(exponents)
