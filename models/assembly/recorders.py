"""Recorders: monitors of binned variables and of spikes."""

from collections.abc import Iterator

import brian2
import numpy as np
from numpy.typing import NDArray

from models.assembly.objects import BinnedArray, BinnedRecorder
from models.assembly.site import Site
from models.errors import Problem, SpecError, list_choices, suggest_spelling
from models.expand import Channel
from models.groups import GroupPlan
from models.selection import select_neurons
from models.spec import CurrentsRecord, StatesRecord
from models.steps import count_steps


def make_recorders(site: Site) -> Iterator[BinnedRecorder]:
    """Make the monitors of every recorder of currents or states, and say where each of their arrays is found."""
    for name, record in site.spec.record.items():
        if isinstance(record, (CurrentsRecord, StatesRecord)):
            n_steps = count_steps(record.interval.value, site.dt_s)
            arrays = [array for plan in site.plans for array in _plan_arrays(site, name, record, plan)]
            for plan in site.plans if site.device == "reference" else ():
                _make_monitors(site, record, n_steps, [array for array in arrays if array.group == plan.name])
                _reset_sums(site, name, n_steps, plan)
            yield BinnedRecorder(name, record.kind, n_steps, record.dtype, tuple(arrays))


def _plan_arrays(
    site: Site, recorder: str, record: CurrentsRecord | StatesRecord, plan: GroupPlan
) -> Iterator[BinnedArray]:
    chosen = select_neurons(site.expanded, record, recorder)
    if isinstance(record, StatesRecord):
        # Another kind of neuron need not have the variable.
        for variable in record.variables if np.isin(chosen, plan.neurons).any() else ():
            _check_variable(site, recorder, variable, plan)
            copied = f"state_{recorder}_{variable}"
            known = copied if copied in site.groups[plan.name].equations.names else variable
            yield _locate(recorder, variable, known, plan, chosen)
        return
    averaged = f"{recorder}_v" if record.v == "mean" else None
    yield _locate(recorder, "v", "v", plan, chosen, averaged)
    for channel in plan.channels:
        if record.channels == "all" or channel.name in record.channels:
            reached = _reached(site, channel, chosen)
            yield _locate(recorder, channel.name, "", plan, reached, f"{recorder}_{channel.name}")


def _check_variable(site: Site, recorder: str, variable: str, plan: GroupPlan) -> None:
    known = site.groups[plan.name].equations.names
    if variable not in known:
        near = suggest_spelling(variable, known)
        place = f"record.{recorder}.variables"
        expected = f'"{near}"' if near else list_choices([f'"{name}"' for name in sorted(known)])
        raise SpecError(Problem(place, "names no variable", expected, f'"{variable}"'))


def _reached(site: Site, channel: Channel, chosen: NDArray[np.int32]) -> NDArray[np.int32]:
    ranges = [site.expanded.population[name] for name in channel.reach]
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


def _make_monitors(site: Site, record: CurrentsRecord | StatesRecord, n_steps: int, arrays: list[BinnedArray]) -> None:
    """Make a StateMonitor per variable: their sets of neurons differ."""
    for array in arrays:
        if array.local.size:
            monitor = brian2.StateMonitor(
                site.groups[array.group],
                array.monitored,
                record=array.local,
                clock=site.bin_clock(n_steps),
                dtype=np.dtype(record.dtype),
                name=array.monitor,
            )
            site.objects.append(monitor)


def _reset_sums(site: Site, recorder: str, n_steps: int, plan: GroupPlan) -> None:
    """Start every bin's sums at 0, after the monitors have sampled the bin before."""
    if recorder in plan.sums:
        code = "\n".join(f"{name} = 0*volt" for name in plan.sums[recorder])
        site.groups[plan.name].run_regularly(
            code, clock=site.bin_clock(n_steps), when="start", order=1, name=f"{plan.name}_reset_{recorder}"
        )


def monitor_spikes(site: Site) -> dict[str, str]:
    """Make a SpikeMonitor for every group; return the monitors' names by group, and by drive for sources."""
    monitors = {
        name: brian2.SpikeMonitor(group, name=f"spikes_{group.name}")
        for name, group in (site.groups | site.sources).items()
    }
    site.objects += monitors.values()
    return {name: str(monitor.name) for name, monitor in monitors.items()}
