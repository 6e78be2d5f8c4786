"""What the assemble stage returns: what a run is made of, and for the reference device its Brian2 objects."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.expand import Expanded
from models.groups import GroupPlan
from models.sample import EdgeTable
from models.units import Exponents


@dataclass(frozen=True, eq=False)
class BinnedArray:
    """Where a recorder's variable is found in its group.

    The reference device's monitor samples at the start of each bin, so its first row is what was before the first bin,
    and the last bin is in the state that the run leaves: `final` times `scale`.
    """

    variable: str
    """Column of the table."""
    group: str
    monitor: str
    neurons: NDArray[np.int32]
    """(n_recorded,) global indices, ascending."""
    local: NDArray[np.int32]
    """(n_recorded,) indices in the group."""
    monitored: str
    """The group's variable that is monitored: a state variable or `current_…`."""
    final: str
    """The group's state variable at the end: the same, or `sum_…`."""
    scale: NDArray[np.float64] | None
    """(n_group,) or (1,) what makes of the sum a mean in volts; None when `final` is itself the value."""


@dataclass(frozen=True, eq=False)
class BinnedRecorder:
    """A recorder of currents or states."""

    name: str
    kind: Literal["currents", "states"]
    steps_per_bin: int
    dtype: Literal["float32", "float64"]
    arrays: tuple[BinnedArray, ...]


@dataclass(frozen=True)
class TimedEvent:
    """A variable of one neuron that is set before a step."""

    step: int
    group: str
    variable: str
    local: int
    """Index in the group."""
    value: float
    """In SI units."""


@dataclass(frozen=True)
class GroupVariables:
    """What the equations of a group declare, in Brian2's reading."""

    names: tuple[str, ...]
    """All names that the equations declare, sorted."""
    settable: dict[str, Exponents]
    """Dimensions of the variables that an event may set, by name, sorted."""


@dataclass(frozen=True, eq=False)
class Assembly:
    """What a run is made of, on any device."""

    expanded: Expanded
    seed: int
    n_steps: int
    plans: tuple[GroupPlan, ...]
    edges: dict[str, EdgeTable]
    recorders: tuple[BinnedRecorder, ...]
    events: tuple[TimedEvent, ...]
    """By step, then as in the spec."""


@dataclass(frozen=True, eq=False)
class ReferenceAssembly(Assembly):
    """A network as Brian2 objects, with the maps that lead from them back to the spec."""

    network: Any
    """The `brian2.Network` of all objects."""
    groups: dict[str, Any]
    """NeuronGroups by the name of their plan."""
    populations: dict[str, Any]
    """Brian2 subgroups by population."""
    synapses: dict[str, Any]
    """Synapses by name."""
    spike_monitors: dict[str, str]
    """Names of the SpikeMonitors by group, and by drive for drives with sources."""
