"""The building site of the reference device: what has been made so far, for those who make the rest."""

from dataclasses import dataclass, field
from typing import Any

import brian2
import numpy as np
from numpy.typing import NDArray

from models.expand import Expanded
from models.groups import GroupPlan
from models.spec import NetworkSpec


@dataclass(eq=False)
class Site:
    """A network under construction."""

    expanded: Expanded
    plans: tuple[GroupPlan, ...]
    clock: Any
    """The clock of the steps."""
    groups: dict[str, Any]
    """NeuronGroups by the name of their plan."""
    sources: dict[str, Any]
    """Groups of drives' sources by drive."""
    synapses: dict[str, Any] = field(default_factory=dict)
    objects: list[Any] = field(default_factory=list)
    """Everything else that the network contains."""
    bin_clocks: dict[int, Any] = field(default_factory=dict)

    @property
    def spec(self) -> NetworkSpec:
        """The network's spec."""
        return self.expanded.spec

    @property
    def dt_s(self) -> float:
        """The step in seconds."""
        return self.spec.network.dt.value

    def bin_clock(self, n_steps: int) -> Any:
        """Return the clock of the bins of a number of steps, one for all recorders that have them."""
        if n_steps not in self.bin_clocks:
            dt = n_steps * self.dt_s * brian2.second
            self.bin_clocks[n_steps] = brian2.Clock(dt=dt, name=f"bin_clock_{n_steps}")
        return self.bin_clocks[n_steps]


def set_variable(group: Any, name: str, values: NDArray[np.generic]) -> None:
    """Set a variable of a Brian2 group from numbers in SI units, one per neuron or one for all."""
    dtype = group.variables[name].dtype
    setattr(group, f"{name}_", values.astype(dtype) if values.size > 1 else values.astype(dtype).item())
