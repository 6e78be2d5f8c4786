"""Poisson counts by a table of thresholds on 32 random bits.

A table holds T_k = floor(cdf(k)·2^32); the count that belongs to a word is the number of k with word >= T_k. The same
comparison is `poisson_count` of `include/counter_rng.h`. The cdf is computed with + * / alone, so that a table is the
same on every x86-64 machine.
"""

import numpy as np
from numpy.typing import NDArray

_MAX_MEAN = 1e6
"""Largest mean for which a table is made; at 1e6 it has 4 MB."""
_N_LINEAR = 32
"""Tables up to this length are compared threshold by threshold, which vectorises; longer ones are searched."""
_BLOCK = 1 << 15


def poisson_thresholds(mean: float) -> NDArray[np.uint32]:
    """Make the table for one mean.

    The pmf is built by recursion from its mode outwards, p(k+1) = p(k)·mean/(k+1), and divided by its sum. The table
    ends where the tail 1 - cdf(k) falls below 2^-32, what one word can resolve; a mean below 2^-32 therefore never
    fires, and rarely firing drives have a rate that is a multiple of 2^-32 per step.

    Parameters
    ----------
    mean : float
        Expected count, 0 to 1e6.

    Returns
    -------
    (n_thresholds,) uint32, ascending
        Not strictly: for a large mean the first thresholds are 0 (a count that low never happens) and the last ones may
        repeat. Empty for mean 0.

    Raises
    ------
    ValueError
        When `mean` is negative, not finite, or above 1e6.
    """
    if not 0.0 <= mean <= _MAX_MEAN:
        raise ValueError(f"poisson_thresholds: mean must be a number from 0 to 1e6 (got {mean!r})")
    if mean == 0.0:
        return np.empty(0, np.uint32)
    # The cdf is at most 1 and 2^32 times it is exact, so the only rounding is that of the extended-precision sum.
    scaled = _poisson_cdf(mean) * np.longdouble(2.0**32)
    return np.floor(scaled[scaled <= np.longdouble(2.0**32 - 1.0)]).astype(np.uint32)


def poisson_counts(thresholds: NDArray[np.uint32], bits: NDArray[np.uint32]) -> NDArray[np.int32]:
    """Turn random words into counts.

    Parameters
    ----------
    thresholds : (n_thresholds,) uint32
        From `poisson_thresholds`.
    bits : uint32 array

    Returns
    -------
    int32 array of the shape of `bits`
    """
    if thresholds.size > _N_LINEAR:
        return np.searchsorted(thresholds, bits, side="right").astype(np.int32)
    flat = bits.reshape(-1)
    counts = np.empty(flat.size, np.int32)
    for start in range(0, flat.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        counts[block] = _count_reached(thresholds, flat[block])
    return counts.reshape(bits.shape)


def _poisson_cdf(mean: float) -> NDArray[np.longdouble]:
    """Return cdf(0), cdf(1), … up to where the tail is far below 2^-32, in extended precision."""
    rate = np.longdouble(mean)
    mode = int(mean)
    n_above = 40 + 12 * int(np.sqrt(mean))  # twelve standard deviations; 40 more for the slower tail of small means
    ratios_up = rate / np.arange(mode + 1, mode + n_above + 1, dtype=np.longdouble)
    ratios_down = np.arange(mode, 0, -1, dtype=np.longdouble) / rate
    above = np.multiply.accumulate(ratios_up)
    with np.errstate(under="ignore"):  # below about 1e-4932 of the mode the pmf is 0
        below = np.multiply.accumulate(ratios_down)[::-1]
    # Summed in a fixed order, from the small terms of the lower tail upwards.
    sums = np.add.accumulate(np.concatenate([below, [np.longdouble(1.0)], above]))
    return np.asarray(sums / sums[-1], np.longdouble)


def _count_reached(thresholds: NDArray[np.uint32], bits: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Count, for each word of one block, the thresholds that it reaches."""
    counts = np.zeros(bits.size, np.uint8)
    for threshold in thresholds:
        counts += (bits >= threshold).view(np.uint8)
    return counts
