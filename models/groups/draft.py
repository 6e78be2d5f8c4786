"""The draft of a GroupPlan: what those who plan its parts write into."""

import numpy as np

from models.expand import Channel, Expanded, InjectedCurrent, PoissonInput, Population
from models.groups.plan import Device, Numbers, Parameter, Start, make_parameter
from models.kinetics import Kinetics, find_kinetics
from models.sample import sample_parameter
from models.values import Value


class Draft:
    """The lines and numbers of one group while they are collected."""

    def __init__(
        self, expanded: Expanded, name: str, populations: tuple[Population, ...], seed: int, device: Device
    ) -> None:
        self.expanded, self.name, self.populations, self.seed = expanded, name, populations, seed
        self.engine = device == "engine"
        """Whether drives are variables that the program sets, instead of functions that the neurons call."""
        self.spec = expanded.spec
        self.dt_s = self.spec.network.dt.value
        names = {population.name for population in populations}
        self.channels = tuple(channel for channel in expanded.channels if names.intersection(channel.reach))
        self.neuron = self.spec.neuron[populations[0].neuron]
        self.equations: list[str] = []
        self.update: list[str] = []
        self.arrivals: list[str] = []
        self.end_of_step: list[str] = []
        self.parameters: dict[str, Parameter] = {}
        self.initial: dict[str, Numbers] = {}
        self.starts: list[Start] = []
        self.sums: dict[str, list[str]] = {}

    @property
    def entered_channels(self) -> tuple[Channel, ...]:
        """Channels that arrivals enter."""
        return tuple(channel for channel in self.channels if channel.is_entered)

    @property
    def injected_channels(self) -> tuple[Channel, ...]:
        """Channels of injected currents."""
        return tuple(channel for channel in self.channels if channel.kinetics == "current")

    @property
    def filtered_channels(self) -> tuple[tuple[Channel, type[Kinetics]], ...]:
        """Channels with states, with their kinetics."""
        synaptic = [channel for channel in self.channels if channel.kinetics != "current"]
        kinetics = [(channel, find_kinetics()[channel.kinetics]) for channel in synaptic]
        return tuple((channel, kind) for channel, kind in kinetics if kind.states)

    def sample(self, name: str, value_of: dict[str, Value]) -> Numbers:
        """Return (n_neurons,) numbers by the `[neuron]` tables' values."""
        seed, folder = self.spec.network.seed, self.spec.folder
        return sample_parameter(name, value_of, self.populations, seed, "parameter", folder)

    def sample_key(self, key: str) -> Numbers:
        """Return the numbers of a key that every `[neuron]` table of this group has."""
        return self.sample(key, self.values_of(key))

    def values_of(self, key: str) -> dict[str, Value]:
        """Return the values of a key by `[neuron]` table."""
        return {population.neuron: getattr(self.spec.neuron[population.neuron], key) for population in self.populations}

    def start(self, variable: str, name: str, value_of: dict[str, Value]) -> None:
        """Plan what a variable starts from, by the run's seed; `name` is that of the value in the spec."""
        self.initial[variable] = sample_parameter(
            name, value_of, self.populations, self.seed, "initial", self.spec.folder
        )
        self.starts += [Start(variable, p, value_of[p.neuron], ("initial", name, p.name)) for p in self.populations]

    def coefficient(self, name: str, values: Numbers) -> str:
        """Add a number without unit and return its name."""
        self.parameters[name] = make_parameter("1", np.atleast_1d(values))
        return name

    def plan_rows(self, drive: str) -> None:
        """Add which row of a drive's tables each neuron has, -1 for none."""
        rows = {name: float(i_row) for i_row, name in enumerate(self._reached_by(drive))}
        values = np.concatenate([np.full(p.size, rows.get(p.name, -1.0)) for p in self.populations])
        self.parameters[f"row_{drive}"] = make_parameter("integer", values)

    def _reached_by(self, drive: str) -> list[str]:
        items: list[PoissonInput | InjectedCurrent] = [
            *self.expanded.poisson_inputs,
            *self.expanded.injected_currents,
        ]
        return [item.target.name for item in items if item.drive == drive]
