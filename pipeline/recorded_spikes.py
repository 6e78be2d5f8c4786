"""Recorded spikes and counts, and those that lie in chunks, which are read when first asked for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.chunk_reader import Counts, Events


@dataclass(frozen=True, eq=False)
class SpikeTrains:
    """A recorder of spikes, sorted by step, then neuron."""

    name: str
    populations: tuple[str, ...]
    """Names of the populations that it records."""
    step: NDArray[np.int64]
    """(n_spikes,) step in which v crossed the threshold."""
    neuron: NDArray[np.int32]
    """(n_spikes,) global index."""

    @property
    def is_ended(self) -> bool:
        """Whether these are all spikes until the run ended, however it did."""
        return True

    @property
    def n_steps(self) -> int:
        """How many steps the spikes of a run that did not finish are known of for sure, as far as they alone tell."""
        return _count_known(self.step, self.is_ended)


@dataclass(frozen=True, eq=False)
class SpikeCounts:
    """A recorder of rates."""

    name: str
    populations: tuple[str, ...]
    steps_per_bin: int
    counts: NDArray[np.int64]
    """(n_bins, n_populations) spikes."""

    @property
    def n_steps(self) -> int:
        """Steps of all recorded bins."""
        return len(self.counts) * self.steps_per_bin


@dataclass(frozen=True, eq=False)
class SourceSpikes:
    """The spikes of a drive's sources, sorted by step, then source."""

    drive: str
    step: NDArray[np.int64]
    source: NDArray[np.int32]

    @property
    def is_ended(self) -> bool:
        """Whether these are all spikes until the run ended, however it did."""
        return True

    @property
    def n_steps(self) -> int:
        """How many steps the spikes of a run that did not finish are known of for sure, as far as they alone tell."""
        return _count_known(self.step, self.is_ended)


def _count_known(step: NDArray[np.int64], is_ended: bool) -> int:
    """Return the steps up to the last spike; without that of the last one where a chunk that is lost may have more."""
    return int(step[-1]) + is_ended if step.size else 0


class StreamedTrains(SpikeTrains):
    """A recorder of spikes that lie in chunks."""

    _events: Events

    def __init__(self, name: str, populations: tuple[str, ...], events: Events) -> None:
        vars(self).update(name=name, populations=populations, _events=events)

    @property
    def is_ended(self) -> bool:
        """Whether these are all spikes until the run ended, however it did."""
        return self._events.is_ended

    @property
    def step(self) -> NDArray[np.int64]:
        """(n_spikes,) step in which v crossed the threshold."""
        return self._events.step

    @property
    def neuron(self) -> NDArray[np.int32]:
        """(n_spikes,) global index."""
        return self._events.number


class StreamedCounts(SpikeCounts):
    """A recorder of rates that lie in chunks."""

    _counts: Counts

    def __init__(self, name: str, populations: tuple[str, ...], steps_per_bin: int, counts: Counts) -> None:
        vars(self).update(name=name, populations=populations, steps_per_bin=steps_per_bin, _counts=counts)

    @property
    def counts(self) -> NDArray[np.int64]:
        """(n_bins, n_populations) spikes."""
        return self._counts.counts


class StreamedSources(SourceSpikes):
    """The spikes of a drive's sources that lie in chunks."""

    _events: Events

    def __init__(self, drive: str, events: Events) -> None:
        vars(self).update(drive=drive, _events=events)

    @property
    def is_ended(self) -> bool:
        """Whether these are all spikes until the run ended, however it did."""
        return self._events.is_ended

    @property
    def step(self) -> NDArray[np.int64]:
        """(n_spikes,) step in which a source fired."""
        return self._events.step

    @property
    def source(self) -> NDArray[np.int32]:
        """(n_spikes,) number of the source."""
        return self._events.number
