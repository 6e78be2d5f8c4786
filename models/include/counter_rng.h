// Counter-based random numbers: every number is a pure function of a key and a counter.
//
// Threefry-2x32 with 20 rounds (Salmon et al. 2011, doi:10.1145/2063384.2063405). This header and models/counter_rng.py
// (with models/poisson.py) define the same numbers, bit for bit; tests/models/test_counter_rng_header.py compares them.
// Plain C++11, no state, no allocation, no libm: fit for scalar calls and for loops that the compiler vectorises.

#ifndef CURRENTS_COUNTER_RNG_H
#define CURRENTS_COUNTER_RNG_H

#include <cstdint>

namespace currents {

// The two words of one Threefry block.
struct Words {
    std::uint32_t w0;
    std::uint32_t w1;
};

static inline std::uint32_t rotate_left(std::uint32_t x, int n_bits) {
    return (x << n_bits) | (x >> (32 - n_bits));
}

// Four rounds. The rotations are arguments and not a table, so that they are constants once this is inlined.
static inline Words four_rounds(Words x, int r0, int r1, int r2, int r3) {
    x.w0 += x.w1;
    x.w1 = rotate_left(x.w1, r0) ^ x.w0;
    x.w0 += x.w1;
    x.w1 = rotate_left(x.w1, r1) ^ x.w0;
    x.w0 += x.w1;
    x.w1 = rotate_left(x.w1, r2) ^ x.w0;
    x.w0 += x.w1;
    x.w1 = rotate_left(x.w1, r3) ^ x.w0;
    return x;
}

// Key injection number n after every four rounds.
static inline Words inject(Words x, std::uint32_t a, std::uint32_t b, std::uint32_t n) {
    x.w0 += a;
    x.w1 += b + n;
    return x;
}

// Encrypt the counter (c0, c1) with the key (key0, key1).
static inline Words threefry2x32(std::uint32_t key0, std::uint32_t key1, std::uint32_t c0, std::uint32_t c1) {
    const std::uint32_t key2 = key0 ^ key1 ^ UINT32_C(0x1BD11BDA);
    Words x = {c0 + key0, c1 + key1};
    x = inject(four_rounds(x, 13, 15, 26, 6), key1, key2, 1);
    x = inject(four_rounds(x, 17, 29, 16, 24), key2, key0, 2);
    x = inject(four_rounds(x, 13, 15, 26, 6), key0, key1, 3);
    x = inject(four_rounds(x, 17, 29, 16, 24), key1, key2, 4);
    x = inject(four_rounds(x, 13, 15, 26, 6), key2, key0, 5);
    return x;
}

// Both words of the block that elements 2 * i_pair and 2 * i_pair + 1 share in this step: what a loop over pairs uses.
static inline Words pair_bits32(std::uint32_t key0, std::uint32_t key1, std::uint32_t i_pair, std::uint64_t step) {
    return threefry2x32(key0, key1 + static_cast<std::uint32_t>(step >> 32), i_pair, static_cast<std::uint32_t>(step));
}

// The 32 random bits of element `index` (below 2^33) in time step `step`.
static inline std::uint32_t bits32(std::uint32_t key0, std::uint32_t key1, std::uint64_t index, std::uint64_t step) {
    const Words words = pair_bits32(key0, key1, static_cast<std::uint32_t>(index >> 1), step);
    return (index & 1) ? words.w1 : words.w0;
}

// The sampled value number `index`, a multiple of 2^-53 in [0, 1).
static inline double uniform53(std::uint32_t key0, std::uint32_t key1, std::uint64_t index) {
    const Words words =
        threefry2x32(key0, key1, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32));
    // Both terms and their sum are whole numbers below 2^53: nothing is rounded.
    return ((words.w0 >> 5) * 67108864.0 + (words.w1 >> 6)) * (1.0 / 9007199254740992.0);
}

// Poisson count: the number of the n ascending thresholds (models/poisson.py) that `bits` reaches.
static inline int poisson_count(const std::uint32_t* thresholds, int n, std::uint32_t bits) {
    const int n_linear = 32;
    int first = 0;
    int n_left = n;
    while (n_left > n_linear) {
        const int half = n_left / 2;
        if (bits >= thresholds[first + half - 1]) {
            first += half;
            n_left -= half;
        } else {
            n_left = half - 1;
        }
    }
    int count = first;
    for (int k = 0; k < n_left; ++k) {
        count += bits >= thresholds[first + k];
    }
    return count;
}

// Number of words, out of 2^32, for which an event of probability p in [0, 1] happens. Multiplication by 2^32 is exact.
static inline std::uint64_t bernoulli_threshold(double p) {
    return static_cast<std::uint64_t>(p * 4294967296.0 + 0.5);
}

// Whether the event with this threshold happens. The comparison is one of 64-bit numbers: p = 1 always fires.
static inline bool bernoulli(std::uint64_t threshold, std::uint32_t bits) {
    return static_cast<std::uint64_t>(bits) < threshold;
}

}  // namespace currents

#endif  // CURRENTS_COUNTER_RNG_H
