"""What a hand-written script leaves: samples of every step, and what they come to in the words of the tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from brian2 import Network, SpikeMonitor, StateMonitor, second
from numpy.typing import NDArray

from tests.networks.plain.given import DT_S, Floats, Given

type Reading = Callable[[Floats], Floats]
"""From the samples of a channel's variable, after each step, to its mean current in the step."""


@dataclass(frozen=True, eq=False)
class PlainRun:
    """A finished script; neurons by global index."""

    spikes: NDArray[np.int64]
    """(n_spikes, 2) step and neuron, sorted."""
    v: Floats
    """(n_steps, n_neurons) at the end of each step, volts."""
    currents: dict[str, Floats]
    """(n_steps, n_neurons) by channel: its mean current in each step, signed, volts."""
    states: dict[str, Floats] = field(default_factory=dict)
    """(n_steps, n_neurons) other variables at the end of each step, SI units."""
    inputs: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    """(n_spikes, 2) step and source by drive, sorted."""


def jumps(tau: Any) -> Reading:
    """Return the reading of the sum of a step's jumps: the current of equal charge, Σw·tau/dt."""
    return lambda values: values * float(tau / second) / DT_S


def decays(tau: Any) -> Reading:
    """Return the reading of a current that decays."""
    return partial(np.multiply, step_mean(tau))


def step_mean(tau: Any) -> float:
    """Return the mean over a step of exp(-t/tau)."""
    ratio = DT_S / float(tau / second)
    return float(-np.expm1(-ratio) / ratio)


def sort_spikes(monitor: Any, neurons: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return (n_spikes, 2) step and neuron of a SpikeMonitor, given what its indices stand for; sorted."""
    steps = np.rint(np.asarray(monitor.t / second) / DT_S).astype(np.int64)
    pairs = np.stack([steps, neurons[np.asarray(monitor.i)].astype(np.int64)], axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


@dataclass(frozen=True, eq=False)
class Monitors:
    """Monitors of everything in every step; groups by the name of their population, or by its label for all layers."""

    given: Given
    groups: dict[str, Any]
    spiked: dict[str, Any]
    sampled: dict[str, Any]

    def read(
        self, channels: Mapping[str, Reading], states: tuple[str, ...] = (), inputs: Mapping[str, Any] | None = None
    ) -> PlainRun:
        """Return what they hold, and the spikes of drives' sources from monitors of their own."""
        parts = [sort_spikes(monitor, self.given.neurons(name)) for name, monitor in self.spiked.items()]
        pairs = np.concatenate(parts)
        currents = {channel: read(self.gather(channel)) for channel, read in channels.items()}
        return PlainRun(
            pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))],
            self.gather("v"),
            currents,
            {name: self.gather(name) for name in states},
            {drive: sort_spikes(monitor, np.arange(10**6)) for drive, monitor in (inputs or {}).items()},
        )

    def gather(self, variable: str) -> Floats:
        """Return (n_steps, n_neurons) samples of a variable; 0 where a group lacks it."""
        result = np.zeros((self.given.n_steps, self.given.expanded.n_neurons))
        for name, monitor in self.sampled.items():
            if variable in monitor.record_variables:
                result[:, self.given.neurons(name)] = np.asarray(getattr(monitor, variable), np.float64).T
        return result


def monitor_all(given: Given, network: Network, groups: dict[str, Any], variables: tuple[str, ...]) -> Monitors:
    """Add monitors of spikes, v and variables to a network."""
    spiked = {name: SpikeMonitor(group) for name, group in groups.items()}
    sampled = {
        name: StateMonitor(
            group, ["v", *(v for v in variables if v in group.variables)], record=True, when="end", order=1
        )
        for name, group in groups.items()
    }
    network.add(*groups.values(), *spiked.values(), *sampled.values())
    return Monitors(given, groups, spiked, sampled)
