"""NeuronGroups, with the drives that they call, and the groups of drives' sources."""

from collections.abc import Iterator, Mapping
from typing import Any

import brian2
from brian2.equations.equations import EquationError
from brian2.stateupdaters.base import StateUpdateMethod

from models.assembly.objects import GroupVariables
from models.assembly.site import set_variable
from models.drives import (
    counts_function,
    current_function,
    fires_function,
    poisson_rows,
    source_key,
    source_probabilities,
)
from models.errors import Problem, SpecError
from models.expand import Expanded, SourceGroup
from models.groups import GroupPlan
from models.spikes import load_spikes


def make_drive_functions(expanded: Expanded, seed: int, n_steps: int) -> Iterator[tuple[str, Any]]:
    """Yield the functions that neurons call for their drive, by name."""
    folder, dt_s = expanded.spec.folder, expanded.spec.network.dt.value
    for drive in dict.fromkeys(item.drive for item in expanded.poisson_inputs):
        inputs = [item for item in expanded.poisson_inputs if item.drive == drive]
        rows = poisson_rows(drive, inputs, seed, dt_s, n_steps, folder)
        yield f"counts_{drive}", counts_function(f"counts_{drive}", rows)
    for drive in dict.fromkeys(item.drive for item in expanded.injected_currents):
        currents = [item for item in expanded.injected_currents if item.drive == drive]
        yield f"inject_{drive}", current_function(f"inject_{drive}", currents, dt_s, n_steps, folder)


def make_group(plan: GroupPlan, clock: Any, functions: Mapping[str, Any] | None = None) -> Any:
    """Make the NeuronGroup of a plan; raise `SpecError` for equations that Brian2 does not accept."""
    try:
        return brian2.NeuronGroup(
            plan.n_neurons,
            plan.equations,
            threshold=plan.threshold,
            reset=plan.reset,
            refractory=plan.refractory or False,
            method=_update_method(plan),
            namespace=dict(functions or {}),
            clock=clock,
            name=plan.name,
        )
    except (EquationError, SyntaxError, ValueError, TypeError, KeyError) as error:
        raise refuse_equations(plan, "equations", error) from None


def read_variables(group: Any) -> GroupVariables:
    """Return what the equations of a NeuronGroup declare."""
    changing = [
        name
        for name in sorted(group.equations.diff_eq_names | group.equations.parameter_names)
        if not group.variables[name].scalar and not group.variables[name].constant
    ]
    settable = {name: tuple(map(float, group.variables[name].dim._dims)) for name in changing}
    return GroupVariables(tuple(sorted(group.equations.names)), settable)


def prepare_group(group: Any, plan: GroupPlan) -> None:
    """Set a group's variables, and make what it does in each step besides its equations."""
    for name, parameter in plan.parameters.items():
        set_variable(group, name, parameter.values)
    for name, values in plan.initial.items():
        set_variable(group, name, values)
    _run_each_step(group, plan.arrivals, "after_synapses", f"{plan.name}_arrivals")
    _run_each_step(group, plan.end_of_step, "end", f"{plan.name}_end_of_step")


def make_sources(expanded: Expanded, source: SourceGroup, seed: int, n_steps: int, clock: Any) -> Any:
    """Make the group of a drive's sources."""
    name, dt_s = f"sources_{source.drive}", expanded.spec.network.dt.value
    if source.file is not None:
        spikes = load_spikes(expanded.spec.folder / source.file, source.size, dt_s, f"drive.{source.drive}")
        kept = spikes.step < n_steps
        times = spikes.step[kept] * dt_s * brian2.second
        return brian2.SpikeGeneratorGroup(source.size, spikes.source[kept], times, clock=clock, name=name)
    probabilities = source_probabilities(source, dt_s, n_steps, expanded.spec.folder)
    fires = fires_function(f"fires_{source.drive}", source_key(seed, source.drive), probabilities)
    return brian2.NeuronGroup(
        source.size,
        "",
        threshold=f"fires_{source.drive}(i, t_in_timesteps) > 0",
        reset="",
        namespace={f"fires_{source.drive}": fires},
        clock=clock,
        name=name,
    )


def _update_method(plan: GroupPlan) -> Any:
    """Return a Brian2 state updater: the exact update of the plan, after that of the modeller's own equations."""

    def update_exactly(equations: Any, variables: Any = None, method_options: Any = None) -> str:
        own = _own_update(plan, equations, variables) if plan.method is not None else ""
        return "\n".join(part for part in (own, plan.update) if part)

    return update_exactly


def write_update(plan: GroupPlan, group: Any) -> str:
    """Return the abstract code that takes a group through a step: what its state updater would run."""
    return str(_update_method(plan)(group.equations, group.variables))


def _own_update(plan: GroupPlan, equations: Any, variables: Any) -> str:
    """Return Brian2's update of the equations that are not a channel's; channels count as constant within the step."""
    states = {line.split("=")[0].strip().removeprefix("_") for line in plan.update.splitlines()}
    own = [equation for name, equation in equations.items() if name not in states]
    code = StateUpdateMethod.apply_stateupdater(
        brian2.Equations(own), variables, method=plan.method, group_name=plan.name
    )
    return str(code)


def refuse_equations(plan: GroupPlan, key: str, error: BaseException) -> SpecError:
    """Return the error of a group's equations, threshold or reset that Brian2 does not accept."""
    while error.__cause__ is not None:
        error = error.__cause__
    # A KeyError's text is a name in quotes, or a sentence in quotes.
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error).strip()
    evidence = f'the name "{text}" is unknown' if text.isidentifier() else text or type(error).__name__
    return SpecError(
        Problem(f"neuron.{plan.populations[0].neuron}.{key}", "is not what Brian2 accepts", evidence=evidence)
    )


def _run_each_step(group: Any, code: str, when: str, name: str) -> None:
    if code:
        group.run_regularly(code, when=when, name=name)
