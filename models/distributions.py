"""Sampling of values: weights, delays, initial values, parameters."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.counter_rng import uniform53
from models.portable_math import normal_quantile

_GRID_BITS = 28
"""The grid of weights is 2^-28 of the power of two above the largest weight."""


def sample_uniform(key: tuple[int, int], n: int, low: float, high: float) -> NDArray[np.float64]:
    """Sample a uniform distribution.

    Parameters
    ----------
    key : Key
    n : int
        Number of values. The first values do not depend on it.
    low, high : float
        Bounds, in any unit, low <= high.

    Returns
    -------
    (n,) float64, from `low` to `high` in the unit of the bounds
        Value i belongs to element number i.

    Raises
    ------
    ValueError
        When a bound is not finite, or `low` is above `high`.
    """
    if not (-np.inf < low <= high < np.inf):
        raise ValueError(f"sample_uniform: bounds must be finite and ascending (got {low!r} to {high!r})")
    values = uniform53(key, np.arange(n, dtype=np.uint64))
    values *= high - low
    values += low
    return np.minimum(values, high)  # the sum may be rounded up beyond it


def sample_normal(key: tuple[int, int], n: int, mean: float, sd: float) -> NDArray[np.float64]:
    """Sample a normal distribution.

    Parameters
    ----------
    key : Key
    n : int
        Number of values. The first values do not depend on it.
    mean, sd : float
        In any unit, sd >= 0.

    Returns
    -------
    (n,) float64, in the unit of `mean`
        Value i belongs to element number i. None is further than 8.3 sd from the mean: one number in 2^53 is 0, where
        the quantile is infinite, and is taken as 2^-54. Values may be negative, see `clip_at_zero`.

    Raises
    ------
    ValueError
        When `mean` or `sd` is not finite, or `sd` is negative.
    """
    if not (-np.inf < mean < np.inf and 0.0 <= sd < np.inf):
        raise ValueError(f"sample_normal: mean and sd must be finite and sd >= 0 (got mean {mean!r}, sd {sd!r})")
    uniform = np.maximum(uniform53(key, np.arange(n, dtype=np.uint64)), 2.0**-54)
    return mean + sd * normal_quantile(uniform)


def clip_at_zero(values: ArrayLike) -> NDArray[np.float64]:
    """Set the negative values to 0.

    A weight is a magnitude: whether it excites or inhibits is said by the polarity of its pathway. The part of a normal
    distribution of weights that lies below 0 becomes "no effect". It is not redrawn: that would raise the mean more.
    """
    array = np.asarray(values, np.float64)
    return np.where(array <= 0.0, 0.0, array)


def round_weights(values: ArrayLike, scale: float) -> NDArray[np.float32]:
    """Round weights to float32 and to a common grid on which their sums are exact.

    What arrives at a neuron in one step is summed in float64. For the result not to depend on the order of the spikes,
    hence on threads or devices, no addition may round. Float32 alone does not ensure that: the sum of 1 and 2^-60 is
    not exact. So after rounding to float32 each weight is rounded once more, to a multiple of g = 2^(e-28), where 2^e
    is the smallest power of two above `scale`. A weight of 2^(e-5) or more is on that grid already and keeps all its
    24 bits; a smaller one changes by at most 2^-29 of 2^e. Any partial sum of up to 2^24 weights, each below 2^(e+1),
    is then a multiple of g below 2^53·g: a float64 number, reached without rounding.

    Parameters
    ----------
    values : float64 array
        Weights, in volts.
    scale : float
        Largest weight that the distribution gives, in volts: the upper bound of a uniform one, |mean| + 8·sd of a
        normal one (which `sample_normal` may exceed a little, hence the spare factor of two), the largest of explicit
        values. Taken from the distribution and not from the sample, it does not change with the number of edges.

    Returns
    -------
    float32 array of the shape of `values`

    Raises
    ------
    ValueError
        When `scale` is negative or not finite, or a value is NaN or 2^(e+1) or larger in magnitude.
    """
    if not 0.0 <= scale < np.inf:
        raise ValueError(f"round_weights: scale must be finite and not negative (got {scale!r})")
    exponent = int(np.frexp(scale)[1])
    with np.errstate(over="ignore"):  # a value beyond float32 becomes infinite and is refused below
        weights = np.asarray(values, np.float64).astype(np.float32).astype(np.float64)
    limit = float(np.ldexp(1.0, exponent + 1)) if scale > 0.0 else np.nextafter(0.0, 1.0)
    if weights.size and not bool((np.abs(weights) < limit).all()):
        raise ValueError(
            f"round_weights: every weight must be a number up to the scale {scale!r} (got {_worst(values)})"
        )
    return np.ldexp(np.rint(np.ldexp(weights, _GRID_BITS - exponent)), exponent - _GRID_BITS).astype(np.float32)


def _worst(values: ArrayLike) -> float:
    """Return the value of the largest magnitude, or NaN when there is one."""
    array = np.asarray(values, np.float64).reshape(-1)
    return float(array[np.argmax(np.abs(array))])
