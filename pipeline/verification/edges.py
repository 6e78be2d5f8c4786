"""Edges of a run as arrivals: what each neuron receives in each step, from the spikes and the edges alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.errors import Problem
from pipeline.errors import RecordingError
from pipeline.recording import load_array
from pipeline.run_folder import EdgeFiles
from pipeline.verification.gains import SpikeGains
from pipeline.verification.trains import Train, refuse_unknown

_EDGES_AT_A_TIME = 1 << 21
"""Synaptic events that are worked on at a time: about 80 MB."""


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges of a pathway, or of a drive with sources: those of source s are row[s] to row[s + 1]."""

    row: NDArray[np.int64]
    target: NDArray[np.int32]
    weight: NDArray[np.float32]
    delay: NDArray[np.int32]

    @classmethod
    def open(cls, files: EdgeFiles) -> Self:
        """Open the files, which stay on disk; raise `RecordingError` if one is missing or damaged."""
        row, target = load_array(files.row, np.int64, 1), load_array(files.target, np.int32, 1)
        return cls(row, target, load_array(files.weight, np.float32, 1), load_array(files.delay, np.int32, 1))

    @classmethod
    def load(cls, files: EdgeFiles, n_sources: int, n_neurons: int) -> Self:
        """Open the files, which stay on disk.

        Raises
        ------
        RecordingError
            If a file is missing or damaged, or does not fit the others.
        """
        edges = cls.open(files)
        problem = edges.find_problem(files, n_sources, n_neurons)
        if problem is not None:
            raise RecordingError(problem)
        return edges

    def find_problem(self, files: EdgeFiles, n_sources: int, n_neurons: int) -> Problem | None:
        """Return what contradicts the sizes of the network, or another file; None when all fits."""
        row, target = self.row, self.target
        if row.size != n_sources + 1 or row[0] != 0 or row[-1] != target.size or (np.diff(row) < 0).any():
            return Problem(str(files.row), f"does not divide {target.size} edges among {n_sources} sources")
        if target.size and not (target.min() >= 0 and target.max() < n_neurons):
            return Problem(str(files.target), "names neurons that do not exist", f"0 to {n_neurons - 1}")
        for path, size in ((files.weight, self.weight.size), (files.delay, self.delay.size)):
            if size not in (1, target.size):
                return Problem(str(path), "is not as long as the targets", f"1 or {target.size} values", str(size))
        if self.delay.size and self.delay.min() < 0:
            return Problem(str(files.delay), "has delays below 0", got=str(self.delay.min()))
        return None

    @property
    def n_sources(self) -> int:
        """Number of sources that edges may lead from."""
        return self.row.size - 1

    def sum_weights(self, sums: NDArray[np.float64], column: NDArray[np.int32]) -> None:
        """Add the weights of all edges to the columns of their targets, (n_columns,)."""
        for start in range(0, self.target.size, _EDGES_AT_A_TIME):
            part = slice(start, start + _EDGES_AT_A_TIME)
            place = column[self.target[part]]
            weight = np.broadcast_to(self.weight, self.target.shape)[part].astype(np.float64)
            np.add.at(sums, place[place >= 0], weight[place >= 0])


class Arrivals:
    """What arrives at some neurons through the edges of one pathway, chunk by chunk."""

    def __init__(self, edges: Edges, train: Train, column: NDArray[np.int32], gains: SpikeGains | None) -> None:
        """Prepare.

        Parameters
        ----------
        edges : Edges
        train : Train
            Spikes of the sources.
        column : (n_neurons,) int32
            Column of each neuron in the arrivals, -1 for those that do not matter.
        gains : SpikeGains, optional
            What the weights of each spike are multiplied by; nothing when not given.
        """
        self.edges, self.train, self.column, self.gains = edges, train, column, gains
        self.shortest = int(edges.delay.min()) if edges.delay.size else 0
        self.longest = int(edges.delay.max()) if edges.delay.size else 0

    def add(self, arrivals: NDArray[np.float64], start: int) -> None:
        """Add Σw, in volts, to the rows of steps start … start + n_rows of (n_rows, n_columns)."""
        stop = start + len(arrivals)
        rows, step, source = self.train.window(max(0, start - self.longest), max(0, stop - self.shortest))
        refuse_unknown(source, self.edges.n_sources)
        gain = None if self.gains is None else self.gains.of(rows)
        for part in self._parts(source):
            self._scatter(arrivals, step[part] - start, source[part], None if gain is None else gain[part])

    def _parts(self, source: NDArray[np.int32]) -> Iterator[slice]:
        """Cut spikes into parts of a bounded number of edges."""
        fan_out = self.edges.row[source + np.int64(1)] - self.edges.row[source]
        part = np.cumsum(fan_out) // _EDGES_AT_A_TIME
        cuts = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), source.size]
        return (slice(a, b) for a, b in pairwise(cuts) if b > a)

    def _scatter(
        self,
        arrivals: NDArray[np.float64],
        step: NDArray[np.int64],
        source: NDArray[np.int32],
        gain: NDArray[np.float64] | None,
    ) -> None:
        first = self.edges.row[source]
        fan_out = self.edges.row[source + np.int64(1)] - first
        edge = np.repeat(first - np.cumsum(fan_out) + fan_out, fan_out)
        if not edge.size:
            return
        edge += np.arange(edge.size)
        column, row = self.column[self.edges.target[edge]], np.repeat(step, fan_out)
        row += self.edges.delay[0] if self.edges.delay.size == 1 else self.edges.delay[edge]
        inside = (column >= 0) & (row >= 0) & (row < len(arrivals))
        weight = self.edges.weight[edge] if self.edges.weight.size > 1 else None
        factor = None if gain is None else np.repeat(gain, fan_out)
        if not inside.all():
            column, row = column[inside], row[inside]
            weight = None if weight is None else weight[inside]
            factor = None if factor is None else factor[inside]
        row *= arrivals.shape[1]
        row += column
        self._accumulate(arrivals, row, weight, factor)

    def _accumulate(
        self,
        arrivals: NDArray[np.float64],
        place: NDArray[np.int64],
        weight: NDArray[np.float32] | None,
        factor: NDArray[np.float64] | None,
    ) -> None:
        values = np.float64(self.edges.weight[0]) if weight is None else weight.astype(np.float64)
        # A 1-d view: for it, and only for it, NumPy's `add.at` is as fast as `bincount`, and needs no table of its own.
        np.add.at(arrivals.reshape(-1), place, values if factor is None else values * factor)
