"""Recorders of currents and states: where each of their arrays is found."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from models.assembly.objects import BinnedArray, BinnedRecorder, GroupVariables
from models.checks.basics import refuse_name
from models.errors import SpecError
from models.expand import Channel, Expanded
from models.groups import GroupPlan
from models.selection import select_neurons
from models.spec import CurrentsRecord, StatesRecord
from models.steps import count_steps


def list_recorders(
    expanded: Expanded, plans: tuple[GroupPlan, ...], variables: Mapping[str, GroupVariables]
) -> Iterator[BinnedRecorder]:
    """Yield every recorder of currents or states; raise `SpecError` for one that names a variable that is not there."""
    for name, record in expanded.spec.record.items():
        if isinstance(record, (CurrentsRecord, StatesRecord)):
            arrays = [a for plan in plans for a in _plan_arrays(expanded, variables[plan.name], name, record, plan)]
            n_steps = count_steps(record.interval.value, expanded.spec.network.dt.value)
            yield BinnedRecorder(name, record.kind, n_steps, record.dtype, tuple(arrays))


def _plan_arrays(
    expanded: Expanded,
    variables: GroupVariables,
    recorder: str,
    record: CurrentsRecord | StatesRecord,
    plan: GroupPlan,
) -> Iterator[BinnedArray]:
    chosen = select_neurons(expanded, record, recorder)
    if isinstance(record, StatesRecord):
        # Another kind of neuron need not have the variable.
        for variable in record.variables if np.isin(chosen, plan.neurons).any() else ():
            if variable not in variables.names:
                place, what = f"record.{recorder}.variables", f"names no variable of {plan.name}"
                raise SpecError(refuse_name(place, what, variable, variables.names))
            copied = f"state_{recorder}_{variable}"
            known = copied if copied in variables.names else variable
            yield _locate(recorder, variable, known, plan, chosen)
        return
    averaged = f"{recorder}_v" if record.v == "mean" else None
    yield _locate(recorder, "v", "v", plan, chosen, averaged)
    for channel in plan.channels:
        if record.channels == "all" or channel.name in record.channels:
            reached = _reached(expanded, channel, chosen)
            yield _locate(recorder, channel.name, "", plan, reached, f"{recorder}_{channel.name}")


def _reached(expanded: Expanded, channel: Channel, chosen: NDArray[np.int32]) -> NDArray[np.int32]:
    ranges = [expanded.population[name] for name in channel.reach]
    inside = np.zeros(chosen.size, bool)
    for population in ranges:
        inside |= (chosen >= population.start) & (chosen < population.stop)
    return chosen[inside]


def _locate(
    recorder: str,
    column: str,
    variable: str,
    plan: GroupPlan,
    neurons: NDArray[np.int32],
    summed: str | None = None,
) -> BinnedArray:
    members = neurons[np.isin(neurons, plan.neurons)]
    monitored, final, scale = variable, variable, None
    if summed is not None:
        monitored, final = f"current_{summed}", f"sum_{summed}"
        scale = plan.parameters[f"scale_{summed}"].values
    local = np.searchsorted(plan.neurons, members).astype(np.int32)
    return BinnedArray(column, plan.name, f"{recorder}_{plan.name}_{column}", members, local, monitored, final, scale)
