"""Tests of Poisson counts by thresholds."""

import re

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, poisson

from models.counter_rng import bits32, derive_key
from models.poisson import poisson_counts, poisson_thresholds

MEANS = [1e-6, 1e-3, 0.01, 0.1, 0.55, 1.0, 3.7, 10.0, 50.0, 333.3, 1e3, 1e4]


@pytest.mark.parametrize("mean", MEANS)
def test_thresholds_are_the_cdf(mean: float) -> None:
    """Every threshold is within 2^-31 of SciPy's cdf, and what the table leaves out is below 2^-31."""
    thresholds = poisson_thresholds(mean)
    cdf = poisson.cdf(np.arange(thresholds.size), mean)
    assert thresholds.size >= 1
    assert np.abs(thresholds / 2.0**32 - cdf).max() <= 2.0**-31
    assert poisson.sf(thresholds.size, mean) <= 2.0**-31
    assert (np.diff(thresholds.astype(np.int64)) >= 0).all()


@given(mean=st.floats(1e-6, 1e4))
@settings(max_examples=50, deadline=None)
def test_thresholds_of_any_mean_are_ascending_and_give_it_back(mean: float) -> None:
    """The expected count over all 2^32 words, the sum of the tails, is the mean but for 2^-32 per threshold."""
    thresholds = poisson_thresholds(mean)
    tails = (2.0**32 - thresholds) / 2.0**32
    assert (np.diff(thresholds.astype(np.int64)) >= 0).all()
    assert abs(tails.sum() - mean) <= (thresholds.size + 100) * 2.0**-32 + 1e-12 * mean


def test_thresholds_are_these_numbers() -> None:
    """The table of the reference workload's drive, 500 × 11 Hz × 0.1 ms, is fixed for good."""
    expected = [2477980567, 3840869878, 4215664439, 4284376775, 4293824721]
    expected += [4294863996, 4294959262, 4294966748, 4294967262, 4294967294]
    assert poisson_thresholds(0.55).tolist() == expected


def test_thresholds_equal_those_of_exact_arithmetic() -> None:
    """The definition floor(cdf·2^32), in mpmath with 60 digits, gives the same table."""
    with mpmath.workdps(60):
        for mean in [0.001, 0.5, 0.55, 7.0, 40.3]:
            rate = mpmath.mpf(mean)
            terms = [rate**k / mpmath.factorial(k) for k in range(int(mean) + 90)]
            cdf = [mpmath.fsum(terms[: k + 1]) * mpmath.exp(-rate) for k in range(len(terms))]
            expected = [int(mpmath.floor(c * 2**32)) for c in cdf if c * 2**32 <= 2**32 - 1]
            assert poisson_thresholds(mean).tolist() == expected


def test_mean_zero_has_no_threshold_and_never_counts() -> None:
    """Nothing happens at rate 0."""
    thresholds = poisson_thresholds(0.0)
    assert thresholds.shape == (0,)
    assert poisson_counts(thresholds, np.array([0, 2**32 - 1], np.uint32)).tolist() == [0, 0]


@pytest.mark.parametrize("mean", [-1e-9, float("inf"), float("nan"), 2e6])
def test_a_mean_that_is_none_is_refused(mean: float) -> None:
    """Negative, not finite, or too large for a table."""
    message = f"poisson_thresholds: mean must be a number from 0 to 1e6 (got {mean!r})"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        poisson_thresholds(mean)


@pytest.mark.parametrize("mean", [0.55, 30.0])
def test_counts_are_the_thresholds_reached(mean: float) -> None:
    """At a threshold the count is one more than just below it, for short and for long tables."""
    thresholds = poisson_thresholds(mean)
    inner = np.unique(thresholds[thresholds > 0])
    bits = np.concatenate([inner - np.uint32(1), inner, np.array([0, 2**32 - 1], np.uint32)])
    expected = (bits[:, None] >= thresholds).sum(axis=1)
    counts = poisson_counts(thresholds, bits)
    assert counts.dtype == np.int32
    assert counts.tolist() == expected.tolist()
    assert counts.max() == thresholds.size


def test_counts_keep_the_shape() -> None:
    """A table of steps by neurons stays one, over several blocks."""
    bits = bits32(derive_key(2), np.arange(400), np.arange(200)[:, None])
    thresholds = poisson_thresholds(1.5)
    counts = poisson_counts(thresholds, bits)
    assert counts.shape == (200, 400)
    assert np.array_equal(counts[150], poisson_counts(thresholds, bits[150]))


@pytest.mark.parametrize("mean", [0.001, 0.01, 0.1, 0.55, 1.0, 5.0, 20.0, 50.0])
def test_counts_are_poisson_distributed(mean: float) -> None:
    """Chi-square over the counts expected at least ten times, and mean and variance within five standard errors."""
    n = 200_000
    bits = bits32(derive_key(5, "poisson", mean), np.arange(n), 0)
    counts = poisson_counts(poisson_thresholds(mean), bits)
    expected = n * poisson.pmf(np.arange(int(mean) + 100), mean)
    first, last = np.flatnonzero(expected >= 10)[[0, -1]]
    inner = np.clip(counts, first, last + 1) - first
    bins = expected[first : last + 1].copy()
    bins[0] += expected[:first].sum()
    observed = np.bincount(inner, minlength=bins.size + 1)
    assert chisquare(observed, np.append(bins, n - bins.sum())).pvalue > 1e-3
    assert abs(counts.mean() - mean) < 5 * np.sqrt(mean / n)
    assert abs(counts.var() - mean) < 5 * np.sqrt((mean + 2 * mean**2) / n)
