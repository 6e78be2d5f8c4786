"""Our assembly of a network, run on Brian2's NumPy target and read in the terms of the hand-written scripts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2 import second
from numpy.typing import NDArray

from models.assembly.objects import BinnedArray, ReferenceAssembly
from models.assembly.reference import assemble_reference
from tests.networks.plain.given import DT_S, Floats, Given
from tests.networks.plain.samples import sort_spikes


@dataclass(frozen=True, eq=False)
class Bins:
    """One recorded variable of one group."""

    recorder: str
    variable: str
    kind: str
    """`currents` or `states`."""
    steps_per_bin: int
    neurons: NDArray[np.int32]
    """(n_recorded,) global indices."""
    values: Floats
    """(n_bins, n_recorded)."""


@dataclass(frozen=True, eq=False)
class OurRun:
    """What our assembly recorded."""

    spikes: NDArray[np.int64]
    """(n_spikes, 2) step and neuron, sorted."""
    inputs: dict[str, NDArray[np.int64]]
    """(n_spikes, 2) step and source by drive, sorted."""
    bins: list[Bins]


def run_ours(given: Given) -> OurRun:
    """Assemble a network, run it and read its monitors."""
    assembly = assemble_reference(given.spec, n_steps=given.n_steps, seed=given.seed)
    assembly.network.run(given.n_steps * DT_S * second, namespace={})
    objects = {item.name: item for item in assembly.network.objects}
    bins = [
        Bins(
            recorder.name,
            array.variable,
            recorder.kind,
            recorder.steps_per_bin,
            array.neurons,
            _read_bins(assembly, array, objects[array.monitor]),
        )
        for recorder in assembly.recorders
        for array in recorder.arrays
        if array.local.size
    ]
    monitors = {name: objects[monitor] for name, monitor in assembly.spike_monitors.items()}
    pairs = np.concatenate([sort_spikes(monitors[plan.name], plan.neurons.astype(np.intp)) for plan in assembly.plans])
    inputs = {
        group.drive: sort_spikes(monitors[group.drive], np.arange(group.size))
        for group in assembly.expanded.source_groups
    }
    return OurRun(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))], inputs, bins)


def _read_bins(assembly: ReferenceAssembly, array: BinnedArray, monitor: Any) -> Floats:
    """Return the bins of one array: the monitor's rows from the second one on, and what the run leaves as the last."""
    rows = np.asarray(getattr(monitor, f"{array.monitored}_"), np.float64).T
    final = np.asarray(getattr(assembly.groups[array.group], f"{array.final}_"), np.float64)
    last = (final if array.scale is None else final * array.scale)[array.local]
    return np.concatenate([rows[1:], last[np.newaxis]])
