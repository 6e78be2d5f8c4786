"""The edges in a run's folder, which its program has read, against those that the model says, sampled again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.errors import SpecError
from models.expand import Expanded, Projection
from models.quantities import Quantity
from models.sample import EdgeTable, count_sources, group_projections, sample_pathway
from pipeline.run_folder import RunFolder
from pipeline.verification.edges import Edges
from pipeline.verification.report import Row, Verdict, unchecked_row

_EDGES_AT_A_TIME = 1 << 20
"""Edges that are compared at a time: some 20 MB."""
_QUANTITIES = ("edges", "targets", "weights", "delays")
"""How many edges leave each source; and of each edge where it leads, its weight (volts) and its delay (steps)."""
_SPARED = {"weight": "weights", "delay": "delays"}
"""What no other quantity depends on, by its key in the model."""


@dataclass(frozen=True)
class PathwayCheck:
    """What came of comparing the edges of one pathway, or of a drive with sources."""

    name: str
    rows: tuple[Row, ...]
    problem: str = ""
    """Why nothing can be recomputed from the files, if that is so."""


def check_edges(folder: RunFolder, network: Expanded) -> Iterator[PathwayCheck]:
    """Sample every pathway again, one at a time, and compare.

    Raises
    ------
    RecordingError
        If a file of edges is missing or damaged.
    """
    for name, projections in group_projections(network).items():
        files, n_sources = folder.edge_files(name), count_sources(projections[0], network)
        recorded = Edges.open(files)
        found = recorded.find_problem(files, n_sources, network.n_neurons)
        if found is None:
            yield PathwayCheck(name, tuple(_compare_pathway(name, projections, network, recorded)))
        else:
            row = replace(unchecked_row(name, "edges", "", str(found)), verdict="differs", n_values=1, n_different=1)
            yield PathwayCheck(name, (row,), str(found))


def _compare_pathway(name: str, projections: Sequence[Projection], network: Expanded, recorded: Edges) -> Iterator[Row]:
    expected, unknown = _sample_again(name, projections, network)
    tallies = {quantity: _Tally() for quantity in _QUANTITIES}
    if expected is not None:
        _compare(expected, recorded, {key: tally for key, tally in tallies.items() if key not in unknown})
    for quantity, tally in tallies.items():
        reason = unknown.get(quantity)
        yield tally.row(name, quantity) if reason is None else unchecked_row(name, quantity, "", reason)


def _sample_again(
    name: str, projections: Sequence[Projection], network: Expanded
) -> tuple[EdgeTable | None, dict[str, str]]:
    """Return the edges as the model says, and why some of their quantities, or all, are not known.

    A file of the model may be gone by now: without its weights, say, there are still targets and delays.
    """
    unknown: dict[str, str] = {}
    while True:
        try:
            return sample_pathway(name, projections, network), unknown
        except SpecError as error:
            reason, key = str(error.problems[0]), error.problems[0].where.rpartition(".")[2]
        quantity = _SPARED.get(key)
        if quantity is None or quantity in unknown:
            return None, dict.fromkeys(_QUANTITIES, reason)
        unknown[quantity] = reason
        projections = [_spare(projection, key) for projection in projections]


def _spare(projection: Projection, key: str) -> Projection:
    nothing = Quantity("0", 0.0)
    return replace(projection, weight=nothing) if key == "weight" else replace(projection, delay=nothing)


@dataclass
class _Tally:
    """What came of comparing one quantity of a pathway."""

    n_values: int = 0
    n_different: int = 0
    largest: float = 0.0
    source: int | None = None
    """Of the first difference, as are the others."""
    target: int | None = None
    expected: float = np.nan
    recorded: float = np.nan

    def add(self, expected: NDArray[np.generic], recorded: NDArray[np.generic]) -> int | None:
        """Compare; return the place of the first difference where none has been found before."""
        differs = expected != recorded
        n_different = int(np.count_nonzero(differs))
        self.n_values += differs.size
        if not n_different:
            return None
        distance = np.abs(recorded[differs].astype(np.float64) - expected[differs].astype(np.float64))
        self.largest = max(self.largest, float(np.nan_to_num(distance, nan=np.inf).max()))
        is_first, self.n_different = not self.n_different, self.n_different + n_different
        if not is_first:
            return None
        at = int(np.argmax(differs))
        self.expected, self.recorded = float(expected[at]), float(recorded[at])
        return at

    def row(self, pathway: str, quantity: str) -> Row:
        """Return the row of the report."""
        verdict: Verdict = "differs" if self.n_different else "ok" if self.n_values else "not exercised"
        row = Row(pathway, quantity, "", False, self.n_values, self.n_different, self.largest, np.nan, 0.0, verdict)
        return replace(row, source=self.source, neuron=self.target, expected=self.expected, recorded=self.recorded)


def _compare(expected: EdgeTable, recorded: Edges, tallies: dict[str, _Tally]) -> None:
    """Compare how many edges each source has, and the edges of those that have as many as they should."""
    counts = np.diff(expected.row), np.diff(recorded.row)
    alike = counts[0] == counts[1]
    first = tallies["edges"].add(*counts)
    if first is not None:
        tallies["edges"].source = first
    for start, stop in _cut(expected.row):
        places = [_places(table.row, start, stop, alike) for table in (expected, recorded)]
        for key, tally in tallies.items():
            if key != "edges":
                first = tally.add(_pick(expected, key, places[0]), _pick(recorded, key, places[1]))
                if first is not None:
                    edge = int(np.r_[places[0]][first])
                    tally.source = int(np.searchsorted(expected.row, edge, "right")) - 1
                    tally.target = None if key == "targets" else int(expected.target[edge])


def _cut(row: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Cut the sources so that the edges of each part are about as many as are compared at a time."""
    cuts = np.flatnonzero(np.diff(row[1:] // _EDGES_AT_A_TIME)) + 1
    return pairwise([0, *cuts.tolist(), row.size - 1])


def _places(row: NDArray[np.int64], start: int, stop: int, alike: NDArray[np.bool_]) -> slice | NDArray[np.int64]:
    """Return where the edges of those of the sources are that are to be compared."""
    first, last = int(row[start]), int(row[stop])
    if alike[start:stop].all():
        return slice(first, last)
    return first + np.flatnonzero(np.repeat(alike[start:stop], np.diff(row[start : stop + 1])))


def _pick(table: EdgeTable | Edges, key: str, at: slice | NDArray[np.int64]) -> NDArray[np.generic]:
    """Return values of some edges; a single one where all edges share it."""
    if key == "targets":
        return np.asarray(table.target[at])
    values: NDArray[np.generic] = table.weight if key == "weights" else table.delay
    return np.broadcast_to(values, table.target.shape)[at]
