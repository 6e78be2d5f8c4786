"""The monitors of the reference device: of binned variables and of spikes."""

from collections.abc import Iterable

import brian2
import numpy as np

from models.assembly.objects import BinnedArray, BinnedRecorder
from models.assembly.site import Site
from models.groups import GroupPlan


def make_monitors(site: Site, recorders: Iterable[BinnedRecorder]) -> None:
    """Make the monitors of every recorder of currents or states."""
    for recorder in recorders:
        for plan in site.plans:
            _monitor_group(site, recorder, [array for array in recorder.arrays if array.group == plan.name])
            _reset_sums(site, recorder.name, recorder.steps_per_bin, plan)


def _monitor_group(site: Site, recorder: BinnedRecorder, arrays: list[BinnedArray]) -> None:
    """Make a StateMonitor per variable: their sets of neurons differ."""
    for array in arrays:
        if array.local.size:
            monitor = brian2.StateMonitor(
                site.groups[array.group],
                array.monitored,
                record=array.local,
                clock=site.bin_clock(recorder.steps_per_bin),
                dtype=np.dtype(recorder.dtype),
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
