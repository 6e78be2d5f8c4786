"""Tests of the portable logarithm and normal quantile, against mpmath."""

import statistics

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.portable_math import log1p_portable, log_portable, normal_quantile

TINY = 5e-324


def relative_errors(values: NDArray[np.float64], exact: list[mpmath.mpf]) -> float:
    """Return the largest relative error."""
    return max(
        float(abs((mpmath.mpf(float(v)) - e) / e)) if e else abs(float(v)) for v, e in zip(values, exact, strict=True)
    )


def wide_sample() -> NDArray[np.float64]:
    """Numbers over the whole range, close to 1, at the ends of a binade, and subnormal."""
    rng = np.random.default_rng(4)
    near_one = 1.0 + rng.choice([-1.0, 1.0], 500) * 10.0 ** rng.uniform(-16, -0.3, 500)
    wide = np.ldexp(rng.uniform(0.5, 1.0, 1000), rng.integers(-1073, 1024, 1000))
    ends = np.ldexp(np.nextafter(np.sqrt(0.5), [0.0, 1.0])[:, None], np.arange(-3, 4)).reshape(-1)
    return np.concatenate([near_one, wide, ends, [1.0, 0.5, 2.0, TINY, 2.2e-308, 1.7e308, 1 - 2.0**-53, 1 + 2.0**-52]])


def test_log_is_accurate_everywhere() -> None:
    """Relative error at most 5e-16, next to 1 too."""
    x = wide_sample()
    with mpmath.workdps(40):
        assert relative_errors(log_portable(x), [mpmath.log(mpmath.mpf(float(v))) for v in x]) <= 5e-16


def test_log_of_special_values() -> None:
    """0, infinity, negative numbers and NaN as in `numpy.log`, beside ordinary ones."""
    expected = [-np.inf, -np.inf, np.inf, np.nan, np.nan, np.nan, 0.0]
    x = np.array([0.0, -0.0, np.inf, -1.0, -np.inf, np.nan, 1.0])
    assert np.array_equal(log_portable(x), expected, equal_nan=True)


@given(st.floats(1e-300, 1e300))
@settings(max_examples=100, deadline=None)
def test_log_agrees_with_the_library(x: float) -> None:
    """Two units in the last place of `numpy.log`."""
    assert log_portable(x) == pytest.approx(np.log(x), rel=5e-16, abs=0)


def test_log1p_is_accurate_for_small_numbers() -> None:
    """Relative error at most 1e-15, from 1e-300 to nearly -1."""
    x = np.concatenate([-(10.0 ** np.arange(-300, 0, 7.0)), 10.0 ** np.arange(-20, 3.0), [-0.5, -0.1, -0.9999, 0.0]])
    with mpmath.workdps(400):
        exact = [mpmath.log(1 + mpmath.mpf(float(v))) for v in x]
    assert relative_errors(log1p_portable(x), exact) <= 1e-15


def test_shapes_are_kept() -> None:
    """Scalars, empty arrays and tables come back in their shape."""
    for shape in [(), (0,), (3, 4)]:
        u = np.full(shape, 0.01)
        assert log_portable(u).shape == log1p_portable(u).shape == normal_quantile(u).shape == shape


def test_quantile_inverts_the_distribution() -> None:
    """Relative error at most 2e-15 against mpmath's inverse error function, in all three regions and both tails."""
    u = np.concatenate(
        [10.0 ** np.arange(-16, 0, 0.5), np.linspace(0.01, 0.99, 99), [0.075, 0.925, 1 - 2.0**-53, 2.0**-54]]
    )
    with mpmath.workdps(40):
        exact = [mpmath.sqrt(2) * mpmath.erfinv(2 * mpmath.mpf(float(v)) - 1) for v in u]
    assert relative_errors(normal_quantile(u), exact) <= 2e-15


def test_quantile_agrees_with_the_standard_library() -> None:
    """CPython's own AS 241, from the far tails to the middle: a wrong coefficient would show."""
    rng = np.random.default_rng(6)
    u = np.concatenate([10.0 ** rng.uniform(-300, -2, 500), rng.uniform(0, 1, 2000)])
    expected = np.array([statistics.NormalDist().inv_cdf(float(v)) for v in u])
    assert np.allclose(normal_quantile(u), expected, rtol=2e-15, atol=1e-16)


def test_quantile_is_odd_and_ascending() -> None:
    """q(1 - u) = -q(u) where 1 - u is exact; no step down, also where regions meet."""
    u = np.arange(1, 2**12) / 2**12
    z = normal_quantile(u)
    assert np.array_equal(z, -z[::-1])
    assert (np.diff(z) > 0).all()


def test_quantile_of_special_values() -> None:
    """The ends are infinite, the middle is 0, what is no probability is NaN."""
    expected = [-np.inf, np.inf, 0.0, np.nan, np.nan, np.nan]
    assert np.array_equal(normal_quantile([0.0, 1.0, 0.5, -0.1, 1.1, np.nan]), expected, equal_nan=True)


def test_no_warning_is_raised() -> None:
    """Special values are answers here, not accidents."""
    with np.errstate(all="raise"):
        log_portable([0.0, -1.0, np.nan, np.inf])
        normal_quantile([0.0, 1.0, 0.5, 1e-300])
        log1p_portable([0.0, -0.5])
