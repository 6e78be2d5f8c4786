"""Tests of sampled values and of the rounding that makes sums of weights exact."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import kstest

from models.counter_rng import derive_key
from models.distributions import clip_at_zero, round_weights, sample_normal, sample_uniform

KEY = derive_key(1, "weights")
SCALE = st.floats(1e-9, 1e3)


def test_uniform_values_are_uniform() -> None:
    """Kolmogorov-Smirnov, and every value within the bounds."""
    values = sample_uniform(KEY, 100_000, -0.07, -0.05)
    assert values.dtype == np.float64
    assert values.min() >= -0.07
    assert values.max() <= -0.05
    assert kstest(values, "uniform", (-0.07, 0.02)).pvalue > 1e-3


def test_normal_values_are_normal() -> None:
    """Kolmogorov-Smirnov, and mean and standard deviation within five standard errors."""
    n, mean, sd = 100_000, 0.2e-3, 0.05e-3
    values = sample_normal(KEY, n, mean, sd)
    assert kstest((values - mean) / sd, "norm").pvalue > 1e-3
    assert abs(values.mean() - mean) < 5 * sd / math.sqrt(n)
    assert abs(values.std() - sd) < 5 * sd / math.sqrt(2 * n)


@pytest.mark.parametrize("sample", [sample_uniform, sample_normal])
def test_values_belong_to_key_and_element(sample: type) -> None:
    """Equal for an equal key, different for another; more values leave the first ones as they were."""
    short, long = sample(KEY, 100, 0.0, 1.0), sample(KEY, 50_000, 0.0, 1.0)
    assert np.array_equal(short, long[:100])
    assert not np.isin(sample(derive_key(2, "weights"), 100, 0.0, 1.0), long).any()


def test_degenerate_distributions_are_constants() -> None:
    """Equal bounds, or no spread; and no values at all."""
    assert sample_uniform(KEY, 3, 0.5, 0.5).tolist() == [0.5, 0.5, 0.5]
    assert sample_normal(KEY, 3, 0.5, 0.0).tolist() == [0.5, 0.5, 0.5]
    assert sample_uniform(KEY, 0, 0.0, 1.0).shape == sample_normal(KEY, 0, 0.0, 1.0).shape == (0,)


@pytest.mark.parametrize(
    ("sample", "a", "b", "message"),
    [
        (sample_uniform, 1.0, 0.0, "sample_uniform: bounds must be finite and ascending (got 1.0 to 0.0)"),
        (sample_uniform, 0.0, math.inf, "sample_uniform: bounds must be finite and ascending (got 0.0 to inf)"),
        (sample_normal, 0.0, -1.0, "sample_normal: mean and sd must be finite and sd >= 0 (got mean 0.0, sd -1.0)"),
        (sample_normal, math.nan, 1.0, "sample_normal: mean and sd must be finite and sd >= 0 (got mean nan, sd 1.0)"),
    ],
)
def test_parameters_out_of_range_are_refused(sample: type, a: float, b: float, message: str) -> None:
    """Bounds in the wrong order, a negative spread, numbers that are not finite."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        sample(KEY, 3, a, b)


def test_the_uniform_number_zero_gives_a_finite_normal_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the quantile would be infinite the value is the one of 2^-54, 8.3 sd below the mean."""
    monkeypatch.setattr("models.distributions.uniform53", lambda key, index: np.array([0.0, 1.0 - 2.0**-53]))
    values = sample_normal(KEY, 2, 0.0, 1.0)
    assert values == pytest.approx([-8.2924, 8.2095], abs=1e-4)


def test_clip_at_zero_touches_negative_values_only() -> None:
    """Negative becomes plain 0, the rest is kept, NaN too."""
    clipped = clip_at_zero([-1e-3, -0.0, 0.0, 2e-3, np.nan])
    assert np.array_equal(clipped, [0.0, 0.0, 0.0, 2e-3, np.nan], equal_nan=True)
    assert not np.signbit(clipped[:3]).any()


def spread_weights(scale: float, n: int) -> NDArray[np.float32]:
    """Weights over nine orders of magnitude below `scale`, rounded."""
    rng = np.random.default_rng(8)
    return round_weights(scale * 10.0 ** -rng.uniform(0, 9, n), scale)


@given(scale=SCALE)
@settings(max_examples=30, deadline=None)
def test_sums_of_rounded_weights_are_exact_in_any_order(scale: float) -> None:
    """Any permutation adds up to the correctly rounded sum, which is the exact one."""
    weights = spread_weights(scale, 5000).astype(np.float64)
    exact = math.fsum(weights)
    assert exact > 0
    assert Fraction(exact) == sum(map(Fraction, weights.tolist()))
    for seed in range(3):
        assert np.add.accumulate(np.random.default_rng(seed).permutation(weights))[-1] == exact


def test_sums_of_unrounded_weights_do_depend_on_the_order() -> None:
    """Float32 alone is not enough: the same weights without the grid give several sums."""
    rng = np.random.default_rng(8)
    weights = (10.0 ** -rng.uniform(0, 9, 5000)).astype(np.float32).astype(np.float64)
    assert len({float(np.add.accumulate(rng.permutation(weights))[-1]) for _ in range(10)}) > 1


def test_the_largest_sums_are_exact() -> None:
    """2^24 weights just below twice the power of two reach the last bit of float64 and no further."""
    weight = round_weights([np.nextafter(np.float32(2.0), np.float32(0.0))], 0.75)[0]
    odd = round_weights([1.0 + 2.0**-23], 0.75)[0]
    total = float(weight) * (2**24 - 1)
    assert Fraction(total) == Fraction(float(weight)) * (2**24 - 1)
    assert Fraction(total + float(odd)) == Fraction(total) + Fraction(float(odd))
    assert Fraction(total + 2.0**-28) == Fraction(total) + Fraction(1, 2**28)


@given(scale=SCALE, part=st.floats(0.0, 1.0))
@settings(max_examples=100, deadline=None)
def test_rounding_is_to_the_nearest_grid_point_of_float32(scale: float, part: float) -> None:
    """Multiples of 2^(e-28) near float32(value); from 2^(e-5) on the float32 value itself; twice changes nothing."""
    value = scale * part
    power = 2.0 ** math.frexp(scale)[1]
    rounded = round_weights([value], scale)
    assert rounded.dtype == np.float32
    assert (float(rounded[0]) / power * 2**28).is_integer()
    assert abs(float(rounded[0]) - float(np.float32(value))) <= power * 2.0**-29
    assert value < power / 32 or rounded[0] == np.float32(value)
    assert np.array_equal(round_weights(rounded, scale), rounded)


def test_normal_weights_beyond_eight_sd_still_fit() -> None:
    """The most extreme sample is within the spare factor of two, for scales just below a power of two."""
    mean, sd = 1e-9, (1.0 - 2.0**-30) / 8
    assert round_weights([mean + 8.2924 * sd], mean + 8 * sd)[0] > 1.0


def test_weights_of_zero_need_no_scale() -> None:
    """A pathway whose weights are all 0, and one without weights."""
    assert round_weights([0.0, 0.0], 0.0).tolist() == [0.0, 0.0]
    assert round_weights(np.empty((0, 2)), 1.0).shape == (0, 2)


@pytest.mark.parametrize(
    ("values", "scale", "message"),
    [
        ([0.1], -1.0, "round_weights: scale must be finite and not negative (got -1.0)"),
        ([0.1], math.inf, "round_weights: scale must be finite and not negative (got inf)"),
        ([0.1, 8.0], 1.0, "round_weights: every weight must be a number up to the scale 1.0 (got 8.0)"),
        ([0.1, math.nan], 1.0, "round_weights: every weight must be a number up to the scale 1.0 (got nan)"),
        ([1e-30], 0.0, "round_weights: every weight must be a number up to the scale 0.0 (got 1e-30)"),
        ([1e300], 1e300, "round_weights: every weight must be a number up to the scale 1e+300 (got 1e+300)"),
    ],
)
def test_weights_that_would_not_add_exactly_are_refused(values: list[float], scale: float, message: str) -> None:
    """Beyond the scale, NaN, beyond float32."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        round_weights(values, scale)
