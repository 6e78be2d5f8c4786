"""Spikes that are on disk, sorted by step, and read a window of steps at a time."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipeline.recording import Recording, SpikeTrains
from pipeline.tabulate import find_spikes


@dataclass(frozen=True, eq=False)
class Train:
    """Spikes of numbered sources (neurons, or sources of a drive), sorted by step."""

    step: NDArray[np.int64]
    """(n_spikes,) step of the spike."""
    source: NDArray[np.int32]
    """(n_spikes,) global index of the neuron, or number of the source."""

    def between(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return steps and sources of the spikes with start ≤ step < stop."""
        rows = self.rows(start, stop)
        return np.asarray(self.step[rows]), np.asarray(self.source[rows])

    def rows(self, start: int, stop: int) -> slice:
        """Return where the spikes with start ≤ step < stop are."""
        first, last = np.searchsorted(self.step, [start, stop])
        return slice(int(first), int(last))


@dataclass(frozen=True, eq=False)
class NetworkSpikes:
    """The recorded spikes of the network's neurons."""

    name: str
    """Names of its recorders."""
    train: Train
    populations: frozenset[str]
    """Names of the populations whose spikes were recorded."""

    @classmethod
    def of(cls, recording: Recording) -> Self:
        """Return the spikes of one recorder that has all populations, or of all recorders together."""
        if not recording.spikes:
            return cls("", Train(np.empty(0, np.int64), np.empty(0, np.int32)), frozenset())
        largest = max(recording.spikes.values(), key=lambda trains: len(trains.populations))
        complete = len(largest.populations) == len(recording.network.populations)
        trains: SpikeTrains = largest if complete else find_spikes(recording)
        return cls(trains.name, Train(trains.step, trains.neuron), frozenset(trains.populations))
