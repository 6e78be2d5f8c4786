"""Per-neuron parameters and events of the neurons that are checked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.expand import Expanded, Population
from models.quantities import Quantity
from models.sample import sample_parameter
from models.spec import EquationsNeuron
from models.steps import count_steps
from models.values import Value

type Floats = NDArray[np.float64]

_EVENT_TARGETS = ("v", "v_ap")
"""What an event may set without making anything unknown."""


@dataclass(frozen=True, eq=False)
class CheckedNeurons:
    """The neurons of one population of which anything is recorded."""

    network: Expanded
    population: Population
    neurons: NDArray[np.int32]
    """(n_checked,) global indices, ascending."""
    seed: int
    """The run's."""

    @property
    def index(self) -> NDArray[np.int64]:
        """(n_checked,) index of each within the population."""
        return self.neurons.astype(np.int64) - self.population.start

    @property
    def model(self) -> str | None:
        """The neuron model's name; None for the modeller's own equations."""
        return getattr(self.network.spec.neuron[self.population.neuron], "model", None)

    @property
    def tau_m(self) -> Floats:
        """(n_checked,) membrane time constant, seconds."""
        return self.parameter("tau_m")

    def parameter(self, key: str, purpose: str = "parameter") -> Floats:
        """Return a key of the `[neuron]` table, or of its parameters: (n_checked,) in SI units."""
        table = self.network.spec.neuron[self.population.neuron]
        own = table.parameters if isinstance(table, EquationsNeuron) else {}
        value: Value = own[key] if key in own else getattr(table, key)
        seed = self.seed if purpose == "initial" else self.network.spec.network.seed
        of_table, folder = {self.population.neuron: value}, self.network.spec.folder
        return sample_parameter(key, of_table, [self.population], seed, purpose, folder)[self.index]

    @property
    def kick(self) -> Floats:
        """(n_checked,) what a spike adds to v_ap of `after_potential`, volts: w_ap with its sign."""
        table = self.network.spec.neuron[self.population.neuron]
        sign = 1.0 if getattr(table, "direction", "") == "depolarizing" else -1.0
        return sign * self.parameter("w_ap")

    def events(self) -> dict[int, list[tuple[str, int, float]]]:
        """Return by step what is set: variable, position among the checked neurons, value in SI units."""
        dt_s, found = self.network.spec.network.dt.value, dict[int, list[tuple[str, int, float]]]()
        place = {int(index): position for position, index in enumerate(self.index)}
        for event in self.network.spec.event:
            if event.population == self.population.name and event.index in place and event.set in _EVENT_TARGETS:
                assert isinstance(event.value, Quantity)
                item = event.set, place[event.index], event.value.value
                found.setdefault(count_steps(event.time.value, dt_s), []).append(item)
        return found


def event_on(network: Expanded, channel: str) -> str | None:
    """Return the variable of a channel that an event sets, after which its current is not what its input made it."""
    names = [event.set for event in network.spec.event if event.set not in _EVENT_TARGETS]
    return next((name for name in names if f"_{channel}" in name), None)
