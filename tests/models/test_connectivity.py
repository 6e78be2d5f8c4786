"""Tests of sampled edges: exact properties for any sizes, and distributions with fixed seeds."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chi2, chisquare

from models.connectivity import (
    Edges,
    all_to_all,
    fixed_in_degree,
    fixed_out_degree,
    fixed_probability,
    from_matrix,
    from_pairs,
    one_to_one,
    pair_order,
)
from models.counter_rng import derive_key

KEY, OTHER_KEY = derive_key(1, "edges"), derive_key(2, "edges")
SIZE = st.integers(1, 40)
SAMPLERS: dict[str, Callable[..., Edges]] = {
    "probability": lambda key: fixed_probability(key, 300, 200, 0.1),
    "in-degree": lambda key: fixed_in_degree(key, 300, 200, 20),
    "out-degree": lambda key: fixed_out_degree(key, 300, 200, 20),
    "high in-degree": lambda key: fixed_in_degree(key, 300, 200, 280),
}


def pairs_of(edges: Edges) -> list[tuple[int, int]]:
    """Return the edges as a list of tuples."""
    return list(zip(edges.source.tolist(), edges.target.tolist(), strict=True))


def check_edges(edges: Edges, n_source: int, n_target: int) -> None:
    """Assert what holds for all edges: type, range, order, no duplicates."""
    pairs = pairs_of(edges)
    assert edges.source.dtype == edges.target.dtype == np.int32
    assert len(edges) == len(pairs)
    assert all(0 <= source < n_source and 0 <= target < n_target for source, target in pairs)
    assert pairs == sorted(set(pairs))


@pytest.mark.parametrize("sample", SAMPLERS.values(), ids=SAMPLERS)
def test_edges_belong_to_the_key(sample: Callable[..., Edges]) -> None:
    """Equal for an equal key; for another key about as many coincide as chance has it."""
    edges, again, other = sample(KEY), sample(KEY), sample(OTHER_KEY)
    check_edges(edges, 300, 200)
    assert pairs_of(edges) == pairs_of(again)
    density = len(edges) / 60_000
    common = len(set(pairs_of(edges)) & set(pairs_of(other)))
    assert abs(common - len(edges) * density) < 6 * np.sqrt(len(edges) * density * (1 - density))


def test_edges_are_these_for_good() -> None:
    """A digest of three samples: whoever changes it changes every network."""
    edges = [fixed_probability(KEY, 320, 80, 0.1), fixed_in_degree(KEY, 60, 50, 9), fixed_out_degree(KEY, 60, 50, 40)]
    data = b"".join(array.tobytes() for sample in edges for array in (sample.source, sample.target))
    assert hashlib.blake2b(data, digest_size=8).hexdigest() == "4b5a1b8382f267d9"


@given(n_source=SIZE, n_target=SIZE, p=st.floats(0.0, 1.0), seed=st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_probability_gives_valid_edges(n_source: int, n_target: int, p: float, seed: int) -> None:
    """Any sizes and any p, tiny ones included."""
    check_edges(fixed_probability(derive_key(seed), n_source, n_target, p), n_source, n_target)


@given(n=SIZE, p=st.floats(0.0, 1.0), seed=st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_probability_without_autapses_loses_the_autapses_alone(n: int, p: float, seed: int) -> None:
    """The other edges are those with autapses."""
    key = derive_key(seed)
    expected = [pair for pair in pairs_of(fixed_probability(key, n, n, p)) if pair[0] != pair[1]]
    assert pairs_of(fixed_probability(key, n, n, p, autapses=False)) == expected


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_probability_does_not_depend_on_the_block(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """The numbers are drawn in blocks; how large they are shows nowhere."""
    expected = pairs_of(fixed_probability(KEY, 100, 90, 0.2))
    monkeypatch.setattr("models.connectivity._BLOCK", block)
    assert pairs_of(fixed_probability(KEY, 100, 90, 0.2)) == expected


def test_probability_at_its_ends() -> None:
    """Nothing at 0 and at the smallest number there is, every pair at 1, nearly every one just below."""
    assert len(fixed_probability(KEY, 100, 100, 0.0)) == 0
    assert len(fixed_probability(KEY, 100, 100, 5e-324)) == 0
    assert pairs_of(fixed_probability(KEY, 30, 20, 1.0)) == pairs_of(all_to_all(30, 20))
    assert pairs_of(fixed_probability(KEY, 30, 20, 1.0 - 2.0**-53)) == pairs_of(all_to_all(30, 20))
    assert len(fixed_probability(KEY, 0, 20, 0.5)) == len(fixed_probability(KEY, 20, 0, 0.5)) == 0


def test_probability_reaches_pairs_beyond_32_bits() -> None:
    """4·10^12 pairs cost as much as their edges, which lie all over the populations."""
    n = 2_000_000
    edges = fixed_probability(KEY, n, n, 1e-9)
    check_edges(edges, n, n)
    assert abs(len(edges) - 4000) < 5 * np.sqrt(4000)
    for indices in (edges.source, edges.target):
        assert chisquare(np.histogram(indices, 20, (0, n))[0]).pvalue > 1e-3


def test_probability_of_two_largest_populations() -> None:
    """The sums of gaps do not overflow where pair numbers need 62 bits."""
    n = 2**31 - 1
    assert len(fixed_probability(KEY, n, n, 1e-25)) == 0
    edges = fixed_probability(KEY, n, n, 1e-17)
    assert 15 <= len(edges) <= 90
    check_edges(edges, n, n)


@pytest.mark.parametrize("p", [0.01, 0.1, 0.5, 0.9])
def test_probability_degrees_are_binomial(p: float) -> None:
    """Chi-square of in- and out-degrees of 2000 neurons against the binomial distribution."""
    n = 2000
    edges = fixed_probability(derive_key(9, p), n, n, p)
    for indices in (edges.source, edges.target):
        degrees = np.bincount(indices, minlength=n)
        cuts = np.unique(binom.ppf(np.linspace(0, 1, 12)[1:-1], n, p))
        expected = n * np.diff(np.concatenate([[0.0], binom.cdf(cuts, n, p), [1.0]]))
        observed = np.bincount(np.searchsorted(cuts, degrees), minlength=cuts.size + 1)
        assert chisquare(observed, expected).pvalue > 1e-3


def test_probability_is_that_of_every_pair() -> None:
    """Over 2000 keys each of 12 pairs occurs as often as the others, and pairs of them independently."""
    p, n_keys = 0.3, 2000
    table = np.zeros((n_keys, 12))
    for i in range(n_keys):
        edges = fixed_probability(derive_key(i, "pairs"), 3, 4, p)
        table[i, edges.source * 4 + edges.target] = 1
    statistic = ((table.sum(axis=0) - n_keys * p) ** 2 / (n_keys * p * (1 - p))).sum()
    assert 1e-3 < chi2.sf(statistic, 12) < 1 - 1e-3
    correlations = np.asarray(np.corrcoef(table.T))[np.triu_indices(12, 1)]
    assert np.abs(correlations).max() < 4.5 / np.sqrt(n_keys)


@given(n_source=SIZE, n_target=SIZE, data=st.data())
@settings(max_examples=100, deadline=None)
def test_in_degree_is_exact(n_source: int, n_target: int, data: st.DataObject) -> None:
    """Every target has n different sources, from none to all of them."""
    n, key = data.draw(st.integers(0, n_source)), derive_key(data.draw(st.integers(0, 2**32)))
    edges = fixed_in_degree(key, n_source, n_target, n)
    check_edges(edges, n_source, n_target)
    assert np.bincount(edges.target, minlength=n_target).tolist() == [n] * n_target


@given(n_source=SIZE, n_target=SIZE, data=st.data())
@settings(max_examples=100, deadline=None)
def test_out_degree_is_exact(n_source: int, n_target: int, data: st.DataObject) -> None:
    """Every source has n different targets, from none to all of them."""
    n, key = data.draw(st.integers(0, n_target)), derive_key(data.draw(st.integers(0, 2**32)))
    edges = fixed_out_degree(key, n_source, n_target, n)
    check_edges(edges, n_source, n_target)
    assert np.bincount(edges.source, minlength=n_source).tolist() == [n] * n_source


@given(size=st.integers(2, 30), data=st.data())
@settings(max_examples=50, deadline=None)
def test_degrees_without_autapses_are_exact_too(size: int, data: st.DataObject) -> None:
    """The neuron itself is no candidate, so the degree is still n, up to all the others."""
    n, key = data.draw(st.integers(0, size - 1)), derive_key(data.draw(st.integers(0, 2**32)))
    for sample, name in ((fixed_in_degree, "target"), (fixed_out_degree, "source")):
        edges = sample(key, size, size, n, autapses=False)
        check_edges(edges, size, size)
        assert (edges.source != edges.target).all()
        assert np.bincount(getattr(edges, name), minlength=size).tolist() == [n] * size


@pytest.mark.parametrize("n", [30, 50, 51, 80])
@pytest.mark.parametrize("table_size", [1, 777])
def test_degrees_do_not_depend_on_the_block(monkeypatch: pytest.MonkeyPatch, n: int, table_size: int) -> None:
    """Neurons are worked on in blocks; how large they are shows nowhere, below and above half of the candidates."""
    expected = pairs_of(fixed_in_degree(KEY, 100, 70, n))
    monkeypatch.setattr("models.connectivity._TABLE_SIZE", table_size)
    assert pairs_of(fixed_in_degree(KEY, 100, 70, n)) == expected


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_every_set_of_sources_is_equally_likely(n: int) -> None:
    """Chi-square over all subsets of 5 candidates, by redrawing (n <= 2) and by the complement (n > 2)."""
    n_target = 20_000
    edges = fixed_in_degree(derive_key(3, n), 5, n_target, n)
    masks = np.bincount(edges.target, weights=2.0**edges.source, minlength=n_target).astype(int)
    sets, counts = np.unique(masks, return_counts=True)
    assert sets.size == [5, 10, 10, 5][n - 1]
    assert chisquare(counts).pvalue > 1e-3


def test_every_set_of_others_is_equally_likely() -> None:
    """Without autapses: over 1200 keys, neuron 1 of 5 has each pair of the four others equally often."""
    edges = [fixed_out_degree(derive_key(i, "sets"), 5, 5, 2, autapses=False) for i in range(1200)]
    sets = [tuple(sample.target[sample.source == 1].tolist()) for sample in edges]
    found, counts = np.unique(sets, axis=0, return_counts=True)
    assert found.tolist() == [[0, 2], [0, 3], [0, 4], [2, 3], [2, 4], [3, 4]]
    assert chisquare(counts).pvalue > 1e-3


def test_the_free_degree_is_uniform_over_neurons() -> None:
    """With a fixed in-degree the out-degrees vary as draws without preference: chi-square over the sources."""
    edges = fixed_in_degree(KEY, 1000, 2000, 50)
    counts = np.bincount(edges.source, minlength=1000)
    statistic = ((counts - 100.0) ** 2 / (100.0 * (1 - 50 / 1000))).sum()
    assert abs(statistic - 999) < 5 * np.sqrt(2 * 999)


def test_all_to_all_is_every_pair() -> None:
    """Row by row; without the diagonal if so asked."""
    assert pairs_of(all_to_all(2, 3)) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert pairs_of(all_to_all(3, 3, autapses=False)) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert len(all_to_all(0, 3)) == 0
    check_edges(all_to_all(7, 9), 7, 9)


def test_one_to_one_is_the_diagonal() -> None:
    """Source i to target i."""
    assert pairs_of(one_to_one(3, 3)) == [(0, 0), (1, 1), (2, 2)]
    check_edges(one_to_one(3, 3), 3, 3)


@given(n_source=SIZE, n_target=SIZE, p=st.floats(0.0, 1.0), seed=st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_pairs_in_any_order_give_the_edges_back(n_source: int, n_target: int, p: float, seed: int) -> None:
    """Shuffled edges are sorted again, and `pair_order` carries values along."""
    edges = fixed_probability(derive_key(seed), n_source, n_target, p)
    pairs = np.random.default_rng(seed).permutation(np.column_stack([edges.source, edges.target]))
    assert pairs_of(from_pairs(pairs, n_source, n_target)) == pairs_of(edges)
    assert np.array_equal(pairs[pair_order(pairs)][:, 1], edges.target)


@given(n_source=SIZE, n_target=SIZE, seed=st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_matrix_gives_the_edges_back(n_source: int, n_target: int, seed: int) -> None:
    """Row = source, column = target; an entry of any sign is an edge."""
    edges = fixed_probability(derive_key(seed), n_source, n_target, 0.4)
    matrix = np.zeros((n_source, n_target))
    matrix[edges.source, edges.target] = np.random.default_rng(seed).uniform(-2, -1, len(edges))
    found = from_matrix(matrix, n_source, n_target)
    check_edges(found, n_source, n_target)
    assert pairs_of(found) == pairs_of(edges)


def test_pairs_and_matrix_leave_autapses_out() -> None:
    """Pairs of a neuron with itself, and the diagonal; an empty list is no edges."""
    assert pairs_of(from_pairs([(1, 1), (1, 0), (0, 0)], 2, 2, autapses=False)) == [(1, 0)]
    assert pairs_of(from_matrix([[1, 2], [3, 4]], 2, 2, autapses=False)) == [(0, 1), (1, 0)]
    assert len(from_pairs([], 2, 2)) == 0


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (all_to_all, (-1, 3), "all_to_all: n_source must be from 0 to 2^31 - 1 (got -1)"),
        (all_to_all, (1, 2**31), "all_to_all: n_target must be from 0 to 2^31 - 1 (got 2147483648)"),
        (one_to_one, (2, 3), "one_to_one: both populations must have one size (got 2 sources, 3 targets)"),
        (fixed_probability, (KEY, 2, 3, 1.5), "fixed_probability: p must be in [0, 1] (got 1.5)"),
        (fixed_probability, (KEY, 2, 3, float("nan")), "fixed_probability: p must be in [0, 1] (got nan)"),
        (
            fixed_in_degree,
            (KEY, 4, 9, 5),
            "fixed_in_degree: n must be from 0 to the number of candidates, 4 (got 5)",
        ),
        (
            fixed_out_degree,
            (KEY, 9, 4, -1),
            "fixed_out_degree: n must be from 0 to the number of candidates, 4 (got -1)",
        ),
        (
            from_pairs,
            ([1, 2, 3], 9, 9),
            "from_pairs: pairs must be an (n, 2) array of integers (got (3,) int64)",
        ),
        (
            from_pairs,
            ([(0.0, 1.0)], 9, 9),
            "from_pairs: pairs must be an (n, 2) array of integers (got (1, 2) float64)",
        ),
        (from_pairs, ([(0, 1), (9, 2)], 9, 9), "from_pairs: source must be in [0, 9) (got 0 to 9)"),
        (from_pairs, ([(0, 1), (2, -3)], 9, 9), "from_pairs: target must be in [0, 9) (got -3 to 1)"),
        (from_pairs, ([(0, 1), (2, 3), (0, 1)], 9, 9), "from_pairs: each pair may occur once (got 0, 1 again)"),
        (
            from_matrix,
            ([[1, 2, 3], [4, 5, 6]], 3, 2),
            "from_matrix: the shape must be (n_source, n_target) = (3, 2) (got (2, 3))",
        ),
        (from_matrix, ([[1.0, float("nan")]], 1, 2), "from_matrix: every entry must be finite"),
    ],
)
def test_what_cannot_be_connected_is_refused(function: Callable[..., Edges], arguments: Any, message: str) -> None:
    """Sizes, probabilities, degrees and files out of range."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        function(*arguments)


@pytest.mark.parametrize("function", [all_to_all, fixed_probability, fixed_in_degree, fixed_out_degree])
def test_autapses_are_excluded_only_within_a_population(function: Callable[..., Edges]) -> None:
    """Different sizes show that there is nothing to exclude."""
    message = "autapses=False needs one population as source and target (got sizes 3 and 4)"
    arguments = (3, 4) if function is all_to_all else (KEY, 3, 4, 1)
    with pytest.raises(ValueError, match=f"^{function.__name__}: {re.escape(message)}$"):
        function(*arguments, autapses=False)


def test_degree_without_autapses_has_one_candidate_less() -> None:
    """All of a population but oneself is the largest degree."""
    message = "fixed_in_degree: n must be from 0 to the number of candidates, 3 (got 4)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fixed_in_degree(KEY, 4, 4, 4, autapses=False)
