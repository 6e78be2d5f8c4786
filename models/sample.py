"""Everything in a network that is sampled: edges with weights and delays, per-neuron parameters, initial values.

Each sample has a key of its own, made of the seed, its purpose and the names that it belongs to, so that adding a layer
or a pathway leaves all others as they were.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import connectivity
from models.connectivity import Edges
from models.counter_rng import Key, derive_key
from models.distributions import clip_at_zero, round_weights, sample_normal, sample_uniform
from models.errors import Problem, SpecError
from models.expand import Expanded, Population, Projection
from models.quantities import Quantity
from models.values import ArrayFile, Normal, Uniform, Value, Values


@dataclass(frozen=True, eq=False)
class EdgeTable:
    """All edges of one pathway, or of a drive with sources, sorted by source, then target."""

    name: str
    row: NDArray[np.int64]
    """(n_sources + 1,) where each source's edges start, and the end of the last one's. Sources are all neurons of the
    network for a pathway, its own sources for a drive."""
    target: NDArray[np.int32]
    """(n_edges,) global index of the target neuron."""
    weight: NDArray[np.float32]
    """(n_edges,) magnitudes in volts, or (1,) when all are equal."""
    delay: NDArray[np.int32]
    """(n_edges,) in steps, or (1,) when all are equal."""

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return self.target.size

    @property
    def n_sources(self) -> int:
        """Number of neurons of the network for a pathway, of sources for a drive."""
        return self.row.size - 1

    @cached_property
    def source(self) -> NDArray[np.int32]:
        """(n_edges,) global index of the source neuron, or number of the drive's source."""
        return np.repeat(np.arange(self.n_sources, dtype=np.int32), np.diff(self.row))


def sample_edges(expanded: Expanded) -> dict[str, EdgeTable]:
    """Sample the edges of every pathway and of every drive with sources.

    Returns
    -------
    dict of str to EdgeTable
        By the name of the pathway or drive, in the order of the spec.
    """
    return {
        name: sample_pathway(name, projections, expanded) for name, projections in group_projections(expanded).items()
    }


def group_projections(expanded: Expanded) -> dict[str, list[Projection]]:
    """Return what belongs to each pathway, and to each drive with sources, in the order of the spec."""
    grouped: dict[str, list[Projection]] = {}
    for projection in expanded.projections:
        grouped.setdefault(projection.pathway, []).append(projection)
    return grouped


def count_sources(projection: Projection, expanded: Expanded) -> int:
    """Return how many sources a pathway's edges are numbered by: all neurons, or the sources of a drive."""
    return projection.source.size if projection.pathway in expanded.spec.drive else expanded.n_neurons


@dataclass(frozen=True, eq=False)
class _Part:
    """The sampled edges of one projection, in global indices."""

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    weight: NDArray[np.float32]
    delay: NDArray[np.int32]


def sample_pathway(name: str, projections: Sequence[Projection], expanded: Expanded) -> EdgeTable:
    """Sample the edges of a pathway, or of a drive with sources, from all that belongs to it (`group_projections`)."""
    n_sources = count_sources(projections[0], expanded)
    # Those of one source then come in the order of their targets, part by part.
    ordered = sorted(projections, key=lambda projection: projection.target.start)
    parts = [_sample_projection(projection, expanded) for projection in ordered]
    sizes = [part.source.size for part in parts]
    counts = [np.bincount(part.source, minlength=n_sources) for part in parts]
    row = np.zeros(n_sources + 1, np.int64)
    np.cumsum(np.sum(counts, axis=0), out=row[1:])
    places = _merge_places(row, counts)
    return EdgeTable(
        name,
        row,
        _scatter([part.target for part in parts], places),
        _scatter(_broadcast([part.weight for part in parts], sizes), places),
        _scatter(_broadcast([part.delay for part in parts], sizes), places),
    )


def _broadcast[T: np.generic](values: list[NDArray[T]], sizes: list[int]) -> list[NDArray[T]]:
    """Return one value when all parts have the same single one, else one per edge of each part."""
    if all(part.size == 1 and part[0] == values[0][0] for part in values):
        return values[:1]
    return [np.broadcast_to(part, size) for part, size in zip(values, sizes, strict=True)]


def _merge_places(row: NDArray[np.int64], counts: list[NDArray[np.intp]]) -> list[NDArray[np.int64]]:
    """Return where the edges of each part belong among all: by source, and within one part by part.

    Parameters
    ----------
    row : (n_sources + 1,) array
        Where each source's edges start.
    counts : list of (n_sources,) arrays
        Edges of each source by part.
    """
    if len(counts) == 1:
        return []
    places, free = [], row[:-1].copy()
    for count in counts:
        # Edge number k of the part is number k - (edges of the sources before) of its source.
        shift = np.repeat(free - (np.cumsum(count) - count), count)
        places.append(np.arange(shift.size) + shift)
        free += count
    return places


def _scatter[T: np.generic](parts: list[NDArray[T]], places: list[NDArray[np.int64]]) -> NDArray[T]:
    """Return one array with the values of each part at their places; a single part is in order already."""
    if len(parts) == 1:
        return parts[0]
    merged = np.empty(sum(part.size for part in parts), parts[0].dtype)
    for part, place in zip(parts, places, strict=True):
        merged[place] = part
    return merged


def _sample_projection(projection: Projection, expanded: Expanded) -> _Part:
    seed, folder = expanded.spec.network.seed, expanded.spec.folder
    names = (projection.pathway, projection.source.name, projection.target.name)
    edges, order = _sample_rule(projection, derive_key(seed, "edges", *names), folder)
    weight = _sample_weights(projection, edges, order, derive_key(seed, "weight", *names), folder)
    delay = _sample_delays(projection, edges, order, derive_key(seed, "delay", *names), expanded)
    return _Part(
        edges.source + np.int32(projection.source.start),
        edges.target + np.int32(projection.target.start),
        weight,
        delay,
    )


def _sample_rule(projection: Projection, key: Key, folder: Path) -> tuple[Edges, NDArray[np.intp] | None]:
    """Return the edges, and for pairs the order of the file's lines within them."""
    connect, n_source, n_target = projection.connect, projection.source.size, projection.target.size
    autapses = projection.autapses or projection.source.name != projection.target.name
    if connect.rule == "one_to_one":
        return connectivity.one_to_one(n_source, n_target), None
    if connect.rule == "probability":
        assert connect.probability is not None
        return connectivity.fixed_probability(key, n_source, n_target, connect.probability, autapses=autapses), None
    if connect.rule in ("in_degree", "out_degree"):
        assert connect.degree is not None
        sample = connectivity.fixed_in_degree if connect.rule == "in_degree" else connectivity.fixed_out_degree
        return sample(key, n_source, n_target, connect.degree, autapses=autapses), None
    if connect.rule == "matrix":
        assert connect.file is not None
        matrix = load_array(folder / connect.file, f"pathway.{projection.pathway}.connect")
        return connectivity.from_matrix(matrix, n_source, n_target, autapses=autapses), None
    if connect.rule == "pairs":
        assert connect.file is not None
        pairs = load_pairs(folder / connect.file, f"pathway.{projection.pathway}.connect")
        kept = pairs if autapses else pairs[pairs[:, 0] != pairs[:, 1]]
        return connectivity.from_pairs(kept, n_source, n_target), connectivity.pair_order(kept)
    return connectivity.all_to_all(n_source, n_target, autapses=autapses), None


def load_array(path: Path, place: str) -> NDArray[np.float64]:
    """Return the numbers of a `.npy` file; raise `SpecError` naming the file when that is not what it is."""
    try:
        array = np.load(path, allow_pickle=False)
        return np.asarray(array, np.float64)
    except (OSError, ValueError) as error:
        raise SpecError(Problem(place, f"needs the file {path}, which cannot be read", evidence=str(error))) from None


def load_pairs(path: Path, place: str) -> NDArray[np.int64]:
    """Return (n_pairs, 2) source and target numbers from a `.npy` or a `.csv` file without header."""
    try:
        array = np.load(path, allow_pickle=False) if path.suffix == ".npy" else np.loadtxt(path, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise SpecError(Problem(place, f"needs the file {path}, which cannot be read", evidence=str(error))) from None
    return np.asarray(array, np.int64).reshape(-1, 2)


def _sample_weights(
    projection: Projection, edges: Edges, order: NDArray[np.intp] | None, key: Key, folder: Path
) -> NDArray[np.float32]:
    weight, n_edges = projection.weight, edges.source.size
    if isinstance(weight, Quantity):
        return constant_weight(weight)
    if isinstance(weight, Uniform):
        sampled = sample_uniform(key, n_edges, weight.low.value, weight.high.value)
        return round_weights(sampled, weight.high.value)
    if isinstance(weight, Normal):
        sampled = clip_at_zero(sample_normal(key, n_edges, weight.mean.value, weight.sd.value))
        return round_weights(sampled, abs(weight.mean.value) + 8 * weight.sd.value)
    given = load_values(weight, folder, f"pathway.{projection.pathway}.weight")
    return _take_given(given, edges, order).astype(np.float32)


def constant_weight(weight: Quantity) -> NDArray[np.float32]:
    """Return the (1,) weight that all edges share, volts."""
    return np.array([weight.value], np.float32)


def constant_delay(delay: Quantity, dt_s: float) -> NDArray[np.int32]:
    """Return the (1,) delay that all edges share, steps."""
    return np.array([round(delay.value / dt_s)], np.int32)


def _take_given(given: NDArray[np.float64], edges: Edges, order: NDArray[np.intp] | None) -> NDArray[np.float64]:
    """Return one value per edge from a matrix (row = source), or from a list in the order of the file of pairs."""
    if given.ndim == 2:
        return given[edges.source, edges.target]
    return given if order is None else given[order]


def load_values(value: Values | ArrayFile, folder: Path, place: str) -> NDArray[np.float64]:
    """Return numbers that are written out or in a file, in SI units."""
    if isinstance(value, Values):
        return np.array(value.si, np.float64)
    return load_array(folder / value.file, place) * value.scale


def _sample_delays(
    projection: Projection, edges: Edges, order: NDArray[np.intp] | None, key: Key, expanded: Expanded
) -> NDArray[np.int32]:
    """Return delays in steps; sampled and given ones are rounded to the nearest step and are not below 0."""
    delay, dt_s = projection.delay, expanded.spec.network.dt.value
    if isinstance(delay, Quantity):
        return constant_delay(delay, dt_s)
    place = f"pathway.{projection.pathway}.delay"
    if isinstance(delay, (Values, ArrayFile)):
        given = load_values(delay, expanded.spec.folder, place)
        seconds = _take_given(given, edges, order)
    else:
        seconds = sample_value(delay, edges.source.size, key, expanded.spec.folder, place)
    return np.maximum(np.rint(seconds / dt_s), 0).astype(np.int32)


def sample_value(value: Value, n: int, key: Key, folder: Path, place: str) -> NDArray[np.float64]:
    """Return one value per neuron (or edge).

    Parameters
    ----------
    value : Value
    n : int
    key : Key
    folder : Path
        What file names are relative to.
    place : str
        Path in the spec, for errors.

    Returns
    -------
    (n,) float64, in SI units

    Raises
    ------
    SpecError
        If a list or file does not hold n numbers.
    """
    if isinstance(value, Quantity):
        return np.full(n, value.value)
    if isinstance(value, Uniform):
        return sample_uniform(key, n, value.low.value, value.high.value)
    if isinstance(value, Normal):
        return sample_normal(key, n, value.mean.value, value.sd.value)
    given = load_values(value, folder, place)
    if given.shape != (n,):
        shape = " by ".join(str(length) for length in given.shape)
        raise SpecError(Problem(place, "has the wrong number of values", f"{n}, one per neuron", shape))
    return given


def sample_parameter(
    name: str, value_of: dict[str, Value], populations: Iterable[Population], seed: int, purpose: str, folder: Path
) -> NDArray[np.float64]:
    """Return one parameter of consecutive populations.

    Parameters
    ----------
    name : str
        The parameter's name, part of its key.
    value_of : dict of str to Value
        By the name of a `[neuron.<name>]` table.
    populations : iterable of Population
    seed : int
    purpose : str
        `parameter` (from the network's seed) or `initial` (from the run's).
    folder : Path

    Returns
    -------
    (n_neurons,) float64, in SI units, in the order of `populations`
    """
    return np.concatenate(
        [
            sample_value(
                value_of[population.neuron],
                population.size,
                derive_key(seed, purpose, name, population.name),
                folder,
                f"neuron.{population.neuron}.{name}",
            )
            for population in populations
        ]
    )
