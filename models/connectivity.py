"""Edges between one source and one target population, sampled by a key.

An edge is a pair (source, target) of indices within the two populations; edges are sorted by source, then target. Equal
arguments give equal edges on every machine: the numbers are counter-based (`counter_rng`), and no step depends on a
math library or on how the work is cut into blocks.

`autapses=False` leaves out the edges of a neuron to itself. It means something only where source and target are the
same population, and is refused where the sizes show that they are not.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.counter_rng import uniform53
from models.portable_math import log1p_portable, log_portable

type Indices = NDArray[np.int32]

_BLOCK = 1 << 15
"""Numbers drawn at a time when skipping from edge to edge: what is computed on them stays in the cache."""
_TABLE_SIZE = 1 << 20
"""Cells of the largest table of neurons × partners that is held at a time."""
_ROUND_SHIFT = 44
"""Draw number i of round r has the counter r·2^44 + i; a population pair has fewer edges than 2^44."""
_MAX_SIZE = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges of one pathway between two populations, sorted by source, then target; no edge occurs twice."""

    source: Indices
    """(n_edges,) index in the source population."""
    target: Indices
    """(n_edges,) index in the target population."""

    def __len__(self) -> int:
        return self.source.size


def all_to_all(n_source: int, n_target: int, *, autapses: bool = True) -> Edges:
    """Connect every source with every target."""
    _check_populations("all_to_all", n_source, n_target, autapses)
    source = np.repeat(np.arange(n_source, dtype=np.int32), n_target)
    return _finish(source, np.tile(np.arange(n_target, dtype=np.int32), n_source), autapses)


def one_to_one(n_source: int, n_target: int) -> Edges:
    """Connect source i with target i.

    Raises
    ------
    ValueError
        When the sizes differ.
    """
    _check_populations("one_to_one", n_source, n_target, autapses=True)
    if n_source != n_target:
        raise ValueError(
            f"one_to_one: both populations must have one size (got {n_source} sources, {n_target} targets)"
        )
    index = np.arange(n_source, dtype=np.int32)
    return Edges(index, index.copy())


def fixed_probability(key: tuple[int, int], n_source: int, n_target: int, p: float, *, autapses: bool = True) -> Edges:
    """Connect each pair independently with one probability.

    The number of pairs skipped before the next edge is geometric, floor(log(u)/log(1 - p)); so the work is
    proportional to the number of edges and not to that of pairs (Batagelj & Brandes 2005,
    doi:10.1103/PhysRevE.71.036113). Without autapses the edges are those with autapses less the autapses.

    Parameters
    ----------
    key : Key
    n_source, n_target : int
        Sizes of the populations.
    p : float
        Probability of an edge, 0 to 1.
    autapses : bool

    Returns
    -------
    Edges

    Raises
    ------
    ValueError
        When `p` is not in [0, 1] or a size is out of range.
    """
    _check_populations("fixed_probability", n_source, n_target, autapses)
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"fixed_probability: p must be in [0, 1] (got {p!r})")
    if p == 1.0:
        return all_to_all(n_source, n_target, autapses=autapses)
    n_pairs = n_source * n_target
    blocks = [] if p == 0.0 or n_pairs == 0 else [_unravel(pairs, n_target) for pairs in _skip(key, n_pairs, p)]
    return _finish(_join([source for source, _ in blocks]), _join([target for _, target in blocks]), autapses)


def fixed_in_degree(key: tuple[int, int], n_source: int, n_target: int, n: int, *, autapses: bool = True) -> Edges:
    """Give every target exactly `n` different sources, all sets of them equally likely.

    Parameters
    ----------
    key : Key
    n_source, n_target : int
        Sizes of the populations.
    n : int
        Sources of each target, 0 to `n_source`, or to `n_source` - 1 without autapses.
    autapses : bool
        When False, a neuron is no candidate for itself; the degree is still exactly `n`.

    Returns
    -------
    Edges, n·n_target of them

    Raises
    ------
    ValueError
        When there are fewer than `n` candidates.
    """
    _check_populations("fixed_in_degree", n_source, n_target, autapses)
    target, source = _fixed_degree("fixed_in_degree", key, (n_target, n_source), n, autapses)
    # One sort of 64-bit pair numbers is several times faster than an indirect sort by source.
    source, target = _unravel(np.sort(source.astype(np.int64) * n_target + target), n_target)
    return Edges(source, target)


def fixed_out_degree(key: tuple[int, int], n_source: int, n_target: int, n: int, *, autapses: bool = True) -> Edges:
    """Give every source exactly `n` different targets, all sets of them equally likely.

    The counterpart of `fixed_in_degree`, with the same parameters; n·n_source edges.
    """
    _check_populations("fixed_out_degree", n_source, n_target, autapses)
    source, target = _fixed_degree("fixed_out_degree", key, (n_source, n_target), n, autapses)
    return Edges(source, target)


def from_pairs(pairs: ArrayLike, n_source: int, n_target: int, *, autapses: bool = True) -> Edges:
    """Take edges from a list of pairs.

    Parameters
    ----------
    pairs : (n_pairs, 2) array of integers
        Source and target index in each row, in any order.
    n_source, n_target : int
        Sizes of the populations.
    autapses : bool
        When False, pairs of a neuron with itself are left out.

    Returns
    -------
    Edges
        Sorted; `pair_order` tells which row became which edge.

    Raises
    ------
    ValueError
        When the array has another shape or type, an index is out of range, or a pair occurs twice.
    """
    _check_populations("from_pairs", n_source, n_target, autapses)
    array = _checked_pairs(pairs, n_source, n_target)
    array = array[pair_order(array)]
    repeats = np.flatnonzero((array[1:] == array[:-1]).all(axis=1))
    if repeats.size:
        source, target = array[repeats[0]]
        raise ValueError(f"from_pairs: each pair may occur once (got {source}, {target} again)")
    return _finish(array[:, 0].astype(np.int32), array[:, 1].astype(np.int32), autapses)


def pair_order(pairs: ArrayLike) -> NDArray[np.intp]:
    """Return the (n_pairs,) row numbers of `pairs` in the order of edges: by source, then target."""
    array = np.asarray(pairs)
    return np.lexsort((array[:, 1], array[:, 0]))


def from_matrix(matrix: ArrayLike, n_source: int, n_target: int, *, autapses: bool = True) -> Edges:
    """Take an edge wherever a matrix is not 0.

    Parameters
    ----------
    matrix : (n_source, n_target) array
        Row = source, column = target.
    n_source, n_target : int
        Sizes of the populations.
    autapses : bool
        When False, the diagonal is left out.

    Returns
    -------
    Edges

    Raises
    ------
    ValueError
        When the matrix has another shape or an entry is not finite.
    """
    _check_populations("from_matrix", n_source, n_target, autapses)
    array = np.asarray(matrix)
    if array.shape != (n_source, n_target):
        raise ValueError(
            f"from_matrix: the shape must be (n_source, n_target) = ({n_source}, {n_target}) (got {array.shape})"
        )
    if not np.isfinite(array).all():
        raise ValueError("from_matrix: every entry must be finite")
    source, target = np.nonzero(array)
    return _finish(source.astype(np.int32), target.astype(np.int32), autapses)


def _skip(key: tuple[int, int], n_pairs: int, p: float) -> Iterator[NDArray[np.int64]]:
    """Yield the ascending numbers of the connected pairs, block by block; 0 < p < 1."""
    log_miss = float(log1p_portable(-p))
    max_draws = min(_BLOCK, max(1, 2**62 // (n_pairs + 1)))  # so that the sum of gaps, each about n_pairs at most, fits
    i_draw, last = 0, -1
    while last < n_pairs:
        n_draws = min(max_draws, 64 + int(1.1 * p * (n_pairs - last)))
        positions = last + np.cumsum(1 + _geometric_gaps(key, i_draw, n_draws, log_miss, n_pairs))
        yield positions[: np.searchsorted(positions, n_pairs)]
        i_draw, last = i_draw + n_draws, int(positions[-1])


def _geometric_gaps(
    key: tuple[int, int], i_draw: int, n_draws: int, log_miss: float, n_pairs: int
) -> NDArray[np.int64]:
    """Return the numbers of pairs skipped by these draws, cut off just above `n_pairs`."""
    uniform = 1.0 - uniform53(key, np.arange(i_draw, i_draw + n_draws, dtype=np.uint64))  # in (0, 1], exact
    with np.errstate(over="ignore"):  # for a tiny p the gap is beyond float64, and past the last pair
        gaps = log_portable(uniform) / log_miss
    # Past the last pair also where n_pairs, above 2^53, is rounded. Truncation is floor: gaps are not negative.
    return np.minimum(gaps, np.nextafter(float(n_pairs), np.inf)).astype(np.int64)


def _unravel(pairs: NDArray[np.int64], n_target: int) -> tuple[Indices, Indices]:
    """Split row-major pair numbers into source and target."""
    source = pairs // max(n_target, 1)
    return source.astype(np.int32), (pairs - source * n_target).astype(np.int32)


def _fixed_degree(
    function: str, key: tuple[int, int], shape: tuple[int, int], n: int, autapses: bool
) -> tuple[Indices, Indices]:
    """Give each of shape[0] neurons `n` of shape[1] partners; return neurons and partners, sorted by both."""
    n_neurons, n_partners = shape
    n_candidates = n_partners if autapses else n_partners - 1
    if n_neurons and not 0 <= n <= n_candidates:
        raise ValueError(f"{function}: n must be from 0 to the number of candidates, {n_candidates} (got {n})")
    if n == 0 or n_neurons == 0:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    blocks = [_choose(key, first, last, n, n_candidates) for first, last in _neuron_blocks(n_neurons, n, n_candidates)]
    neuron, partner = np.repeat(np.arange(n_neurons, dtype=np.int32), n), _join(blocks)
    if not autapses:
        partner += partner >= neuron  # candidates are numbered with the neuron itself left out
    return neuron, partner


def _neuron_blocks(n_neurons: int, n: int, n_candidates: int) -> Iterator[tuple[int, int]]:
    """Cut the neurons into ranges whose tables hold at most `_TABLE_SIZE` cells (or are one neuron)."""
    n_columns = n_candidates if 2 * n > n_candidates else n
    n_rows = max(1, _TABLE_SIZE // n_columns)
    return ((first, min(first + n_rows, n_neurons)) for first in range(0, n_neurons, n_rows))


def _choose(key: tuple[int, int], first: int, last: int, n: int, n_candidates: int) -> Indices:
    """Return, flat, `n` ascending different candidates for each of the neurons first … last - 1."""
    if 2 * n <= n_candidates:
        return _distinct(key, first, last, n, n_candidates).reshape(-1)
    chosen = np.ones((last - first, n_candidates), np.bool_)
    np.put_along_axis(chosen, _distinct(key, first, last, n_candidates - n, n_candidates), False, axis=1)
    return np.nonzero(chosen)[1].astype(np.int32)


def _distinct(key: tuple[int, int], first: int, last: int, n: int, n_candidates: int) -> Indices:
    """Return `n` ascending different candidates for each neuron, (last - first, n), n at most half of them.

    Repeated candidates are redrawn until none is left. No candidate is treated differently from another, so every set
    is equally likely.
    """
    counters = np.arange(first * n, last * n, dtype=np.uint64).reshape(last - first, n)
    picks = np.sort(_draw(key, counters, n_candidates), axis=1)
    rows, i_round = np.arange(last - first), 0
    while True:
        repeated = _repeats(picks[rows])
        unfinished = repeated.any(axis=1)
        if not unfinished.any():
            return picks
        rows, repeated, i_round = rows[unfinished], repeated[unfinished], i_round + 1
        part = picks[rows]
        part[repeated] = _draw(key, counters[rows][repeated] + np.uint64(i_round << _ROUND_SHIFT), n_candidates)
        picks[rows] = np.sort(part, axis=1)


def _draw(key: tuple[int, int], counters: NDArray[np.uint64], n_candidates: int) -> Indices:
    """Return a candidate for each counter; the product is below `n_candidates` before rounding, not always after."""
    return np.minimum(uniform53(key, counters) * n_candidates, n_candidates - 1).astype(np.int32)


def _repeats(sorted_rows: Indices) -> NDArray[np.bool_]:
    """Mark the entries that equal their left neighbour."""
    repeated = np.zeros(sorted_rows.shape, np.bool_)
    np.equal(sorted_rows[:, 1:], sorted_rows[:, :-1], out=repeated[:, 1:])
    return repeated


def _join(blocks: list[Indices]) -> Indices:
    """Concatenate index arrays, of which there may be none."""
    return np.concatenate(blocks) if blocks else np.empty(0, np.int32)


def _finish(source: Indices, target: Indices, autapses: bool) -> Edges:
    """Make sorted edges, leaving out the autapses when they are not wanted."""
    if autapses:
        return Edges(source, target)
    kept = source != target
    return Edges(source[kept], target[kept])


def _checked_pairs(pairs: ArrayLike, n_source: int, n_target: int) -> NDArray[np.integer]:
    """Return the pairs as an (n, 2) array of integers within the populations."""
    array = np.asarray(pairs)
    if array.size == 0:
        return np.empty((0, 2), np.int64)
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise ValueError(f"from_pairs: pairs must be an (n, 2) array of integers (got {array.shape} {array.dtype})")
    for name, column, size in (("source", array[:, 0], n_source), ("target", array[:, 1], n_target)):
        if not (column.min() >= 0 and column.max() < size):
            raise ValueError(
                f"from_pairs: {name} must be in [0, {size}) (got {int(column.min())} to {int(column.max())})"
            )
    return array


def _check_populations(function: str, n_source: int, n_target: int, autapses: bool) -> None:
    """Raise ValueError when a size is out of range, or autapses are excluded between different populations."""
    for name, size in (("n_source", n_source), ("n_target", n_target)):
        if not 0 <= size <= _MAX_SIZE:
            raise ValueError(f"{function}: {name} must be from 0 to 2^31 - 1 (got {size})")
    if not autapses and n_source != n_target:
        raise ValueError(
            f"{function}: autapses=False needs one population as source and target "
            f"(got sizes {n_source} and {n_target})"
        )
