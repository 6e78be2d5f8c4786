"""What a kinetics multiplies the weights of a spike by, where that is not 1: something that the source carries.

A kinetics whose arrivals are plain Σw needs nothing here. Another adds a class and its name in `SPIKE_GAINS`.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.verification.trains import Train

type Floats = NDArray[np.float64]


class SpikeGains(Protocol):
    """Factors of the spikes of a train."""

    def __init__(self, train: Train, n_sources: int, constants: Mapping[str, float], dt_s: float) -> None:
        """Prepare to read the train from its start."""

    def of(self, rows: slice) -> Floats:
        """Return the factors of the spikes in `rows`; neither end may ever go back."""


class SourceTrace:
    """The source's own trace at emission, before the spike's own increment: dx/dt = -x/tau_trace, x += 1 per spike."""

    def __init__(self, train: Train, n_sources: int, constants: Mapping[str, float], dt_s: float) -> None:
        self.train, self.rate = train, dt_s / constants["tau_trace"]
        self.trace = np.zeros(n_sources)
        """(n_sources,) trace of each source just after its last spike."""
        self.last = np.zeros(n_sources, np.int64)
        self.first, self.kept = 0, np.empty(0)

    def of(self, rows: slice) -> Floats:
        """Return x of the source of each spike."""
        fresh = self._advance(slice(self.first + self.kept.size, rows.stop))
        self.kept = np.concatenate([self.kept[rows.start - self.first :], fresh])
        self.first = rows.start
        return self.kept[: rows.stop - rows.start]

    def _advance(self, rows: slice) -> Floats:
        """Return x of the next spikes: first of the first one of each source, then of each second one, and so on."""
        step, source = np.asarray(self.train.step[rows]), np.asarray(self.train.source[rows])
        before = np.empty(source.size)
        left = np.arange(source.size)
        while left.size:
            _, first = np.unique(source[left], return_index=True)
            now = left[first]
            idle = step[now] - self.last[source[now]]
            before[now] = self.trace[source[now]] * np.exp(-idle * self.rate)
            self.trace[source[now]], self.last[source[now]] = before[now] + 1, step[now]
            left = np.delete(left, first)
        return before


SPIKE_GAINS: dict[str, type[SpikeGains]] = {"two_stage": SourceTrace}
"""By the name of the kinetics."""
