"""One NeuronGroup as text and numbers, before there is any Brian2 object."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.expand import Channel, Population
from models.values import Value

type Numbers = NDArray[np.float64]
type Device = Literal["engine", "reference"]
"""What runs the network: our device, or Brian2's stock `cpp_standalone` with stock objects."""


@dataclass(frozen=True, eq=False)
class Parameter:
    """A constant of the group's neurons."""

    unit: str
    """Name of a Brian2 unit, or `1`."""
    values: Numbers
    """(n_neurons,) in SI units, or (1,) when all are equal."""

    def declare(self, name: str) -> str:
        """Return its line of Brian2 equations."""
        kind = "integer" if self.unit == "integer" else self.unit
        return f"{name} : {kind} ({'shared, ' if self.values.size == 1 else ''}constant)"


def make_parameter(unit: str, values: Numbers) -> Parameter:
    """Return a parameter with one value where all are equal."""
    same = values.size > 0 and bool((values == values.flat[0]).all())
    return Parameter(unit, values.ravel()[:1] if same else values)


@dataclass(frozen=True)
class Start:
    """What a variable of one population starts from: a value of the spec, and the stream of its random numbers."""

    variable: str
    population: Population
    value: Value
    stream: tuple[str, ...]
    """What the key is derived from, after the seed (`counter_rng.derive_key`)."""


@dataclass(frozen=True, eq=False)
class GroupPlan:
    """One NeuronGroup, as text and numbers."""

    name: str
    populations: tuple[Population, ...]
    channels: tuple[Channel, ...]
    """The channels that reach any of its populations, in the order of the spec."""
    equations: str
    threshold: str
    reset: str
    refractory: str | None
    """Name of the parameter that holds the refractory period; None when there is none."""
    method: str | None
    """Brian2's method for the modeller's own equations; None when `update` does all."""
    update: str
    """Abstract code of the exact state update of the channels and, for `lif`, of v."""
    arrivals: str
    """Abstract code that runs after the synapses: every channel enters the dynamics once and is added up."""
    end_of_step: str
    """Abstract code that runs last in a step: what is averaged over the bin."""
    parameters: dict[str, Parameter]
    initial: dict[str, Numbers]
    """(n_neurons,) per variable, in SI units."""
    starts: tuple[Start, ...]
    """Where the numbers of `initial` came from, those that are values of the spec."""
    sums: dict[str, tuple[str, ...]]
    """Variables that add up a bin, by recorder."""

    @property
    def n_neurons(self) -> int:
        """Number of neurons of the group."""
        return sum(population.size for population in self.populations)

    @property
    def neurons(self) -> NDArray[np.int32]:
        """(n_neurons,) global index of each of the group's neurons."""
        return np.concatenate([np.arange(p.start, p.stop, dtype=np.int32) for p in self.populations])
