"""From populations that share their equations to the text and numbers of one NeuronGroup.

Nothing here makes a Brian2 object: a `GroupPlan` is what `models.assembly` turns into one, and can be read and tested
alone. Variables of a group, for a channel named `lateral` and a recorder named `currents`:

- `in_lateral`: Σw that arrived in this step, in volts; consumed in the step.
- `I_lateral`: the channel's current, in volts, when it is not `delta`.
- `sum_currents_lateral`: what the recorder has added up in the bin; `current_currents_lateral` is its mean, in volts.

On the engine, drives are not functions that the equations call. The program adds the events of a Poisson drive to
`in_…` before the arrivals, and sets it to 0 after them; it sets `injected_…`, the current of a `current` drive, and
`keep_…`, which is 0 in the first step of a recorder's bin and 1 in all others.
"""

from models.expand import Expanded
from models.groups.draft import Draft
from models.groups.inputs import plan_arrivals
from models.groups.membranes import plan_after_potential, plan_equations, plan_lif
from models.groups.plan import Device, GroupPlan, Parameter, Start
from models.groups.recorders import plan_recorders
from models.populations import group_populations
from models.spec import AfterPotentialNeuron, EquationsNeuron

__all__ = ["Device", "GroupPlan", "Parameter", "Start", "plan_groups"]


def plan_groups(expanded: Expanded, seed: int, device: Device = "reference") -> tuple[GroupPlan, ...]:
    """Return one plan per set of populations with the same neuron equations.

    Parameters
    ----------
    expanded : Expanded
    seed : int
        The run's seed, which fixes initial values.
    device : {"engine", "reference"}

    Raises
    ------
    SpecError
        If parameters do not fit the equations.
    """
    drafts = [
        Draft(expanded, name, members, seed, device) for name, members in group_populations(expanded.spec).items()
    ]
    return tuple(_plan_group(draft) for draft in drafts)


def _plan_group(draft: Draft) -> GroupPlan:
    if isinstance(draft.neuron, EquationsNeuron):
        threshold, reset = plan_equations(draft, draft.neuron)
    elif isinstance(draft.neuron, AfterPotentialNeuron):
        threshold, reset = plan_after_potential(draft)
    else:
        threshold, reset = plan_lif(draft)
    plan_arrivals(draft)
    plan_recorders(draft)
    if not draft.engine:
        draft.arrivals += [f"in_{channel.name} = 0*volt" for channel in draft.entered_channels]
    declared = [parameter.declare(name) for name, parameter in draft.parameters.items()]
    return GroupPlan(
        name=draft.name,
        populations=draft.populations,
        channels=draft.channels,
        equations="\n".join([*draft.equations, *declared]),
        threshold=threshold,
        reset=reset,
        refractory="refractory_period" if "refractory_period" in draft.parameters else None,
        method=draft.neuron.method if isinstance(draft.neuron, EquationsNeuron) else None,
        update="\n".join(draft.update),
        arrivals="\n".join(draft.arrivals),
        end_of_step="\n".join(draft.end_of_step),
        parameters=draft.parameters,
        initial=draft.initial,
        starts=tuple(draft.starts),
        sums={recorder: tuple(names) for recorder, names in draft.sums.items()},
    )
