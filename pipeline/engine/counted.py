"""Channels of which numbers of events are recorded, in a byte or two, instead of values in four or eight."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.drives import read_series
from models.expand import Channel, Expanded, PoissonInput, Projection
from models.kinetics import find_kinetics
from models.poisson import poisson_thresholds
from models.quantities import Quantity
from pipeline.recording_index import NumbersType


@dataclass(frozen=True)
class CountedChannel:
    """A channel whose value in a bin follows from how many events arrived in it."""

    weights: dict[str, float]
    """Of an event, volts, by name of the population that it reaches."""
    most: int
    """Events that can reach a neuron in a step."""

    def choose_type(self, steps_per_bin: int) -> NumbersType | None:
        """Return the smallest type that holds the events of a bin; None where none is smaller than a value."""
        most = self.most * steps_per_bin
        return "uint8" if most <= 0xFF else "uint16" if most <= 0xFFFF else None


def find_counted(expanded: Expanded, n_steps: int) -> dict[str, CountedChannel]:
    """Return, by name, the channels of impulses whose events have one weight at each population.

    A source fires at most once in a step, and has one edge at most to a neuron; the counts of a poisson drive end with
    its table.

    Parameters
    ----------
    expanded : Expanded
    n_steps : int
        Of the run, which rates that vary in time must cover.
    """
    found = {channel.name: _find_channel(expanded, n_steps, channel) for channel in expanded.channels}
    return {name: counted for name, counted in found.items() if counted is not None}


def _find_channel(expanded: Expanded, n_steps: int, channel: Channel) -> CountedChannel | None:
    kinetics = find_kinetics().get(channel.kinetics)
    if kinetics is None or kinetics.states or channel.trace != "none":
        return None
    weights: dict[str, float] = {}
    most: Counter[str] = Counter()
    for item, n_events in _list_events(expanded, n_steps, channel):
        if not isinstance(item.weight, Quantity):
            return None
        weight = float(np.float32(item.weight.value))
        if weights.setdefault(item.target.name, weight) != weight:
            return None
        most[item.target.name] += n_events
    return CountedChannel(weights, max(most.values(), default=0))


def _list_events(expanded: Expanded, n_steps: int, channel: Channel) -> Iterator[tuple[Projection | PoissonInput, int]]:
    """Yield what sends events through a channel, and how many it can send to a neuron in a step."""
    for projection in expanded.projections:
        if projection.pathway in channel.members:
            yield projection, projection.source.size
    dt_s, folder = expanded.spec.network.dt.value, expanded.spec.folder
    for item in expanded.poisson_inputs:
        if item.drive in channel.members:
            rates = read_series(item.rate, dt_s, n_steps, folder, f"drive.{item.drive}.rate").values
            yield item, poisson_thresholds(float(np.max(rates)) * (item.sources * dt_s)).size
