"""Spikes that are on disk, sorted by step, and read a window of steps at a time."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.errors import Problem
from pipeline.errors import RecordingError
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
        _, step, source = self.window(start, stop)
        return step, source

    def window(self, start: int, stop: int) -> tuple[slice, NDArray[np.int64], NDArray[np.int32]]:
        """Return where the spikes with start ≤ step < stop are, and their steps and sources.

        Raises
        ------
        RecordingError
            If the spikes are not sorted by step.
        """
        first, last = np.searchsorted(self.step, [start, stop])
        rows = slice(int(first), int(last))
        step, source = np.asarray(self.step[rows]), np.asarray(self.source[rows])
        if step.size and not (start <= step[0] and step[-1] < stop and (step[1:] >= step[:-1]).all()):
            raise RecordingError(Problem("the recording of spikes", "is damaged: it is not sorted by time"))
        return rows, step, source


def refuse_unknown(source: NDArray[np.int32], n_sources: int) -> None:
    """Raise `RecordingError` where there are spikes of a number that no neuron, or source, has."""
    if source.size and not (source.min() >= 0 and source.max() < n_sources):
        what, wanted = "has spikes of nothing that exists", f"numbers from 0 to {n_sources - 1}"
        raise RecordingError(Problem("the recording of spikes", what, wanted, f"{source.min()} to {source.max()}"))


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
