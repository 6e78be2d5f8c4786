"""Counter-based random numbers: every number is a pure function of a key and a counter, with no state between them.

Threefry-2x32 with 20 rounds (Salmon et al. 2011, doi:10.1145/2063384.2063405). The same definition exists in C++ in
`include/counter_rng.h`; the two agree bit for bit, on every machine, for any split of the work.

- A *key* is 64 bits derived from names (`derive_key`): seed, purpose, pathway or population.
- `bits32(key, index, step)` is what happens to element `index` in time step `step`: word `index & 1` of the block with
  counter `(index >> 1, step mod 2^32)`. Steps beyond 2^32 move on to another key.
- `uniform53(key, index)` is the sampled value number `index`: both words of the block with counter `index`.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Words = NDArray[np.uint32]

_BLOCK = 1 << 15
"""Elements worked on at a time: three arrays of 128 kB stay in a core's second-level cache."""
_SEPARATOR = "\x1f"
_N_ROUNDS = 20
_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
"""Bits by which Threefry-2x32 rotates in rounds 0 to 7, and again from there (Salmon et al. 2011, table 2)."""
_PARITY = 0x1BD11BDA
"""The constant of the key schedule (Skein's C240, low word), so that no key gives a schedule of zeros."""
_MASK32 = 0xFFFFFFFF


class Key(NamedTuple):
    """A 64-bit key as two words."""

    key0: int
    """Low 32 bits."""
    key1: int
    """High 32 bits."""


def derive_key(*parts: object) -> Key:
    """Derive the key that belongs to a seed, a purpose and names.

    Parameters
    ----------
    *parts : object
        Whatever tells this stream of numbers from all others, in order, for example ``1, "edges", "lateral", "L1E"``.
        Only `str(part)` counts: the integer 1 and the text "1" give the same key, 1.0 another.

    Returns
    -------
    Key
        The 8-byte BLAKE2b digest of the parts joined by the unit separator U+001F, read as little-endian.

    Raises
    ------
    ValueError
        When a part contains the separator, since two lists of parts could then share a key.
    """
    texts = [str(part) for part in parts]
    for text in texts:
        if _SEPARATOR in text:
            raise ValueError(f"derive_key: a part must not contain U+001F (got {text!r})")
    digest = blake2b(_SEPARATOR.join(texts).encode(), digest_size=8).digest()
    return Key(int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little"))


def threefry2x32(key0: int | Words, key1: int | Words, c0: ArrayLike, c1: ArrayLike) -> tuple[Words, Words]:
    """Encrypt counters with Threefry-2x32, 20 rounds.

    Parameters
    ----------
    key0, key1 : int or uint32 array
        The words of the key. Arrays are broadcast with the counters; ints are much faster.
    c0, c1 : uint32 array
        The words of the counter, broadcast with each other to some shape.

    Returns
    -------
    w0, w1 : uint32 arrays of the broadcast shape
    """
    keys = [np.asarray(key, np.uint32) for key in (key0, key1)]
    counters = [np.asarray(word, np.uint32) for word in (c0, c1)]
    shape = np.broadcast_shapes(*(array.shape for array in keys + counters))
    w0, w1 = (np.array(np.broadcast_to(word, shape), order="C") for word in counters)
    flat_keys = [key.reshape(1) if key.size == 1 else np.broadcast_to(key, shape).reshape(-1) for key in keys]
    _encrypt_in_place(w0.reshape(-1), w1.reshape(-1), flat_keys[0], flat_keys[1])
    return w0, w1


def bits32(key: tuple[int, int], index: ArrayLike, step: ArrayLike) -> Words:
    """Return the 32 random bits of each element in each step.

    A 1-d `index` of consecutive numbers that starts at an even one is recognised and costs half, because neighbours
    share a block: ``bits32(key, np.arange(n_neurons), steps[:, None])`` is the fast way to fill a table.

    Parameters
    ----------
    key : Key
    index : array of integers, 0 <= index < 2^33
    step : int or array of integers, 0 <= step < 2^64
        Broadcast with `index`.

    Returns
    -------
    uint32 array of the broadcast shape

    Raises
    ------
    ValueError
        When `index` or `step` is not an integer or out of range.
    """
    indices, steps = _whole_numbers("bits32", "index", index, 2**33), _whole_numbers("bits32", "step", step, 2**64)
    if _is_even_range(indices) and (steps.ndim == 0 or steps.shape[-1] == 1):
        return _bits32_of_range(key, indices, steps)
    w0, w1 = _step_blocks(key, indices, steps)
    return np.where((indices & np.uint64(1)).astype(bool), w1, w0)


def uniform53(key: tuple[int, int], index: ArrayLike) -> NDArray[np.float64]:
    """Return random numbers in [0, 1), multiples of 2^-53.

    Parameters
    ----------
    key : Key
    index : array of integers, 0 <= index < 2^64
        Number of the sample.

    Returns
    -------
    float64 array of the shape of `index`

    Raises
    ------
    ValueError
        When `index` is not an integer or out of range.
    """
    indices = _whole_numbers("uniform53", "index", index, 2**64)
    flat = indices.reshape(-1)
    values = np.empty(flat.size)
    for block in _blocks(flat.size):
        values[block] = _uniform53_block(key, flat[block])
    return values.reshape(indices.shape)


def bernoulli_threshold(p: float) -> int:
    """Return the number of 32-bit words, out of 2^32, for which an event of probability `p` happens.

    Raises
    ------
    ValueError
        When `p` is not in [0, 1].
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"bernoulli_threshold: p must be in [0, 1] (got {p!r})")
    return int(p * 2.0**32 + 0.5)


def bernoulli(threshold: int, bits: Words) -> NDArray[np.bool_]:
    """Return, for each word of `bits`, whether the event with this `bernoulli_threshold` happens.

    The comparison is one of 64-bit numbers, so that p = 1 (threshold 2^32) always fires.
    """
    return bits.astype(np.uint64) < np.uint64(threshold)


def _encrypt_in_place(x0: Words, x1: Words, key0: Words, key1: Words) -> None:
    """Replace the flat counters `x0`, `x1` by their encryption; the keys hold one word, or one for each counter."""
    spare = np.empty(min(_BLOCK, x0.size), np.uint32)
    for block in _blocks(x0.size):
        keys = [key if key.size == 1 else key[block] for key in (key0, key1)]
        _encrypt_block(x0[block], x1[block], keys[0], keys[1], spare[: x0[block].size])


def _encrypt_block(x0: Words, x1: Words, key0: Words, key1: Words, spare: Words) -> None:
    """Run the rounds of Threefry on one block; `spare` is scratch space of the same size."""
    schedule = (key0, key1, key0 ^ key1 ^ np.uint32(_PARITY))
    np.add(x0, key0, out=x0)
    np.add(x1, key1, out=x1)
    for i_round in range(_N_ROUNDS):
        np.add(x0, x1, out=x0)
        _rotate_left(x1, _ROTATIONS[i_round % 8], spare)
        np.bitwise_xor(x1, x0, out=x1)
        if i_round % 4 == 3:
            n_injected = i_round // 4 + 1
            np.add(x0, schedule[n_injected % 3], out=x0)
            np.add(x1, schedule[(n_injected + 1) % 3] + np.uint32(n_injected), out=x1)


def _rotate_left(x: Words, n_bits: int, spare: Words) -> None:
    """Rotate the words of `x` in place."""
    np.left_shift(x, n_bits, out=spare)
    np.right_shift(x, 32 - n_bits, out=x)
    np.bitwise_or(x, spare, out=x)


def _step_blocks(key: tuple[int, int], indices: NDArray[np.uint64], steps: NDArray[np.uint64]) -> tuple[Words, Words]:
    """Return both words of the blocks that hold these elements in these steps."""
    c0 = (indices >> np.uint64(1)).astype(np.uint32)
    c1 = (steps & np.uint64(_MASK32)).astype(np.uint32)
    turns = steps >> np.uint64(32)
    if not turns.any():
        return threefry2x32(key[0], key[1], c0, c1)
    key1 = ((np.uint64(key[1]) + turns) & np.uint64(_MASK32)).astype(np.uint32)
    return threefry2x32(key[0], key1, c0, c1)


def _bits32_of_range(key: tuple[int, int], indices: NDArray[np.uint64], steps: NDArray[np.uint64]) -> Words:
    """Return `bits32` of consecutive elements: both words of every block are used."""
    w0, w1 = _step_blocks(key, indices[::2], steps)
    bits = np.empty((*w0.shape[:-1], indices.size), np.uint32)
    bits[..., 0::2] = w0
    bits[..., 1::2] = w1[..., : indices.size // 2]
    return bits


def _is_even_range(indices: NDArray[np.uint64]) -> bool:
    """Tell whether the elements are consecutive and start at an even one."""
    if indices.ndim != 1 or indices.size < 2 or indices[0] % 2:
        return False
    return bool((np.diff(indices) == 1).all())


def _uniform53_block(key: tuple[int, int], indices: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return `uniform53` of at most one block of indices."""
    c0, c1 = (indices & np.uint64(_MASK32)).astype(np.uint32), (indices >> np.uint64(32)).astype(np.uint32)
    w0, w1 = threefry2x32(key[0], key[1], c0, c1)
    values = (w0 >> np.uint32(5)).astype(np.float64)
    values *= 2.0**26
    values += w1 >> np.uint32(6)
    values *= 2.0**-53
    return values


def _blocks(size: int) -> Iterator[slice]:
    """Cut 0 … `size` into slices of at most `_BLOCK`."""
    return (slice(start, min(start + _BLOCK, size)) for start in range(0, size, _BLOCK))


def _whole_numbers(function: str, name: str, values: ArrayLike, limit: int) -> NDArray[np.uint64]:
    """Return `values` as uint64, or raise ValueError when one is no integer or not in [0, limit)."""
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise ValueError(f"{function}: {name} must be integers (got {array.dtype})")
    if array.size and not (int(array.min()) >= 0 and int(array.max()) < limit):
        raise ValueError(
            f"{function}: {name} must be in [0, 2^{limit.bit_length() - 1}) (got {array.min()} to {array.max()})"
        )
    return array.astype(np.uint64, copy=False)
