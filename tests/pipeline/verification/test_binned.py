"""Folding steps into bins, and comparing numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.verification.binned import MeanFold, SampleFold
from pipeline.verification.tolerance import current_tolerance, voltage_tolerance


@given(st.integers(1, 9), st.lists(st.integers(1, 12), min_size=1, max_size=12))
def test_folds_do_not_depend_on_chunks(steps_per_bin: int, sizes: list[int]) -> None:
    """Means and samples of bins are the same for any cut of the steps."""
    rows = np.random.default_rng(4).random((sum(sizes), 3))
    n_bins = len(rows) // steps_per_bin
    bins = rows[: n_bins * steps_per_bin].reshape(n_bins, steps_per_bin, 3)
    mean, sample = MeanFold(steps_per_bin, 3), SampleFold(steps_per_bin, 3)
    chunks = np.split(rows, np.cumsum(sizes)[:-1])
    np.testing.assert_allclose(np.concatenate([mean(chunk) for chunk in chunks]), bins.mean(axis=1), rtol=1e-14)
    np.testing.assert_array_equal(np.concatenate([sample(chunk) for chunk in chunks]), bins[:, -1])


@pytest.mark.parametrize("value", [1e-3, 1e-20, 1e-37, 1e-42, 1e-50, 0.0])
def test_float32_rounding_is_allowed(value: float) -> None:
    """A value that was rounded to float32 is within tolerance, however small it is."""
    assert abs(float(np.float32(value)) - value) <= current_tolerance(np.dtype(np.float32)).allowed(np.array(value))


def test_small_values_are_not_hidden() -> None:
    """The tolerance of a current is relative to the value itself, and that of v has a floor of its own scale."""
    single, double = np.dtype(np.float32), np.dtype(np.float64)
    assert current_tolerance(single).allowed(np.array(1e-9)) == pytest.approx(1e-15)
    assert current_tolerance(double).allowed(np.array(1e-9)) == pytest.approx(1e-18)
    assert voltage_tolerance(double, 0.02).allowed(np.array(0.0)) == pytest.approx(2e-11)
