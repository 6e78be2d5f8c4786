"""Tests of the counter-based random numbers: against published vectors, an independent restatement, and statistics."""

import re
from hashlib import blake2b
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from models.counter_rng import Key, bernoulli, bernoulli_threshold, bits32, derive_key, threefry2x32, uniform53

MASK = 0xFFFFFFFF
KEY = derive_key(1, "test")
WORD = st.integers(0, MASK)

# github.com/DEShawResearch/random123, tests/kat_vectors, lines "threefry 2x32 20": key, counter, result.
KNOWN_ANSWERS = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((MASK, MASK), (MASK, MASK), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


def threefry_by_hand(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, int]:
    """Threefry-2x32-20 in plain Python integers."""
    schedule = [*key, key[0] ^ key[1] ^ 0x1BD11BDA]
    x, y = (counter[0] + key[0]) & MASK, (counter[1] + key[1]) & MASK
    for i_round in range(20):
        rotation = (13, 15, 26, 6, 17, 29, 16, 24)[i_round % 8]
        x = (x + y) & MASK
        y = (y << rotation & MASK | y >> 32 - rotation) ^ x
        if i_round % 4 == 3:
            n = i_round // 4 + 1
            x, y = (x + schedule[n % 3]) & MASK, (y + schedule[(n + 1) % 3] + n) & MASK
    return x, y


def bits_by_hand(key: tuple[int, int], index: int, step: int) -> int:
    """`bits32` of one element and step, word by word."""
    turned = (key[0], (key[1] + (step >> 32)) & MASK)
    return threefry_by_hand(turned, (index >> 1, step & MASK))[index & 1]


@pytest.mark.parametrize(("key", "counter", "expected"), KNOWN_ANSWERS)
def test_threefry_gives_the_published_answers(
    key: tuple[int, int], counter: tuple[int, int], expected: tuple[int, int]
) -> None:
    """The generator is Threefry-2x32 with 20 rounds."""
    assert tuple(int(word) for word in threefry2x32(*key, *counter)) == expected


def test_threefry_of_arrays_equals_that_of_each_element() -> None:
    """Arrays that span several blocks, and a key for each counter, change nothing."""
    rng = np.random.default_rng(1)
    c0, c1, key1 = rng.integers(0, 2**32, (3, 70_000), dtype=np.uint32)
    w0, w1 = threefry2x32(5, key1, c0, c1)
    for i in [0, 32_767, 32_768, 65_536, 69_999]:
        assert (w0[i], w1[i]) == threefry_by_hand((5, int(key1[i])), (int(c0[i]), int(c1[i])))


def test_threefry_broadcasts_and_leaves_its_arguments_alone() -> None:
    """Counters of shapes (2, 1) and (3,) give (2, 3) results; the inputs keep their values."""
    c0, c1 = np.array([[1], [2]], np.uint32), np.array([3, 4, 5], np.uint32)
    w0, _ = threefry2x32(1, 2, c0, c1)
    assert w0.shape == (2, 3)
    assert w0[1, 2] == threefry_by_hand((1, 2), (2, 5))[0]
    assert c0.tolist() == [[1], [2]]
    assert c1.tolist() == [3, 4, 5]


def test_derive_key_reads_the_digest_as_little_endian() -> None:
    """The key is the 8-byte BLAKE2b digest of the joined parts."""
    digest = int.from_bytes(blake2b(b"7\x1fedges\x1flateral", digest_size=8).digest(), "little")
    assert derive_key(7, "edges", "lateral") == Key(digest & MASK, digest >> 32)


def test_derive_key_tells_lists_of_parts_apart() -> None:
    """Neither order nor the place of a boundary is lost."""
    lists: list[tuple[object, ...]] = [("ab", "c"), ("a", "bc"), ("abc",), ("c", "ab"), ("ab", "c", "")]
    assert len({derive_key(*parts) for parts in lists}) == len(lists)


def test_derive_key_refuses_the_separator() -> None:
    """A part that holds the separator could imitate two parts."""
    message = r"derive_key: a part must not contain U+001F (got 'a\x1fb')"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        derive_key("a\x1fb")


@given(key=st.tuples(WORD, WORD), index=st.integers(0, 2**33 - 1), step=st.integers(0, 2**64 - 1))
@settings(max_examples=100, deadline=None)
def test_bits32_equals_its_definition(key: tuple[int, int], index: int, step: int) -> None:
    """Parity of the index picks the word; the high half of the step moves the key."""
    assert int(bits32(key, np.array([index]), step)[0]) == bits_by_hand(key, index, step)


@given(first=st.integers(0, 50), n=st.integers(0, 50), steps=st.lists(st.integers(0, 2**34), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_bits32_of_a_range_equals_that_of_its_elements(first: int, n: int, steps: list[int]) -> None:
    """The fast way for consecutive elements, even or odd first, gives the same table."""
    table = bits32(KEY, np.arange(first, first + n), np.array(steps)[:, None])
    expected = [[bits_by_hand(KEY, index, step) for index in range(first, first + n)] for step in steps]
    assert table.shape == (len(steps), n)
    assert table.tolist() == expected


def test_bits32_broadcasts_index_and_step_elementwise() -> None:
    """One step for each element, across the 2^32 boundary, with scattered indices."""
    index, step = np.array([0, 1, 2, 3]), np.array([2**32 - 1, 2**32, 2**32 + 1, 0])
    expected = [bits_by_hand(KEY, int(i), int(n)) for i, n in zip(index, step, strict=True)]
    assert bits32(KEY, index, step).tolist() == expected


def test_uniform53_equals_its_definition() -> None:
    """The high 27 bits of one word and 26 of the other, also for indices beyond 2^32."""
    for index in [0, 1, 2**32 - 1, 2**32, 2**63 + 5]:
        w0, w1 = threefry_by_hand(KEY, (index & MASK, index >> 32))
        assert uniform53(KEY, np.array([index], np.uint64))[0] == ((w0 >> 5) * 2**26 + (w1 >> 6)) / 2**53


def test_uniform53_does_not_depend_on_the_cut() -> None:
    """Two halves computed apart equal the whole, over several blocks; shapes are kept."""
    index = np.arange(70_000)
    whole = uniform53(KEY, index)
    assert np.array_equal(np.concatenate([uniform53(KEY, index[:12_345]), uniform53(KEY, index[12_345:])]), whole)
    assert np.array_equal(uniform53(KEY, index.reshape(70, 1000)), whole.reshape(70, 1000))


def test_uniform53_is_uniform_and_neighbours_are_independent() -> None:
    """Kolmogorov-Smirnov on the values, and the correlation of neighbours within five standard errors."""
    values = uniform53(KEY, np.arange(100_000))
    assert kstest(values, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 5 / np.sqrt(values.size)


@pytest.mark.parametrize("shift", [0, 16, 24])
def test_bits32_bytes_are_uniform(shift: int) -> None:
    """Chi-square on one byte of the words, over elements and steps together."""
    bits = bits32(KEY, np.arange(500), np.arange(400)[:, None])
    counts = np.bincount(((bits >> np.uint32(shift)) & np.uint32(255)).reshape(-1), minlength=256)
    assert chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("p", [0.0, 2.0**-32, 0.001, 0.3, 1.0])
def test_bernoulli_happens_for_its_share_of_all_words(p: float) -> None:
    """The threshold is p·2^32 rounded; words below it and no others fire, at p = 1 every one."""
    threshold = bernoulli_threshold(p)
    edges = [word for word in (0, threshold - 1, threshold, MASK) if 0 <= word <= MASK]
    assert abs(threshold - p * 2**32) <= 0.5
    assert bernoulli(threshold, np.array(edges, np.uint32)).tolist() == [word < threshold for word in edges]


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_bernoulli_refuses_what_is_no_probability(p: float) -> None:
    """Probabilities are in [0, 1]."""
    message = f"bernoulli_threshold: p must be in [0, 1] (got {p!r})"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        bernoulli_threshold(p)


@pytest.mark.parametrize(
    ("index", "step", "message"),
    [
        ([0.5], 0, "bits32: index must be integers (got float64)"),
        ([-1, 3], 0, "bits32: index must be in [0, 2^33) (got -1 to 3)"),
        ([2**33], 0, "bits32: index must be in [0, 2^33) (got 8589934592 to 8589934592)"),
        ([0], -1, "bits32: step must be in [0, 2^64) (got -1 to -1)"),
    ],
)
def test_bits32_refuses_counters_out_of_range(index: Any, step: Any, message: str) -> None:
    """A counter that wrapped would silently repeat the numbers of another element."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        bits32(KEY, index, step)


def test_empty_arrays_give_empty_arrays() -> None:
    """No elements, no numbers, no error."""
    assert bits32(KEY, [], 3).shape == (0,)
    assert uniform53(KEY, np.empty((0, 2), int)).shape == (0, 2)
