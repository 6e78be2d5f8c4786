// Poisson drive: what independent Poisson inputs add to neurons in a step, and which shared sources fire.
//
// The numbers are those of counter_rng.h, element by element; only the order of the work is another. Neurons are taken
// in blocks: the words of a block, then the counts, then what is added, each a loop that the compiler vectorises.

#ifndef CURRENTS_POISSON_DRIVE_H
#define CURRENTS_POISSON_DRIVE_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "counter_rng.h"

namespace currents {

// The independent Poisson input of one population.
struct PoissonTables {
    std::uint32_t key0 = 0;
    std::uint32_t key1 = 0;
    // All tables (models/poisson.py), one after another; table k begins at first[k] and has count[k] thresholds.
    std::vector<std::uint32_t> thresholds;
    std::vector<std::int64_t> first;
    std::vector<std::int64_t> count;
    // Table k holds for these many steps from k * steps_per_table on, the last one for ever.
    std::int64_t steps_per_table = 1;
};

// The shared sources of one drive.
struct SourceTables {
    std::uint32_t key0 = 0;
    std::uint32_t key1 = 0;
    // bernoulli_threshold of the probability per step: one number per value of a rate that varies in time.
    std::vector<std::uint64_t> thresholds;
    std::int64_t steps_per_table = 1;
};

// Neurons that are worked on together: their buffers stay in the first cache, and the largest word of a block is seldom
// far above the others. What is left of a population is done in small blocks.
constexpr std::int64_t n_large_block = 256;
constexpr std::int64_t n_small_block = 64;
// More thresholds than this between the smallest and the largest word of a block are searched, not compared one by one.
constexpr int n_most_compared = 64;

// Index of the table that holds in a step.
static inline std::size_t table_of_step(std::uint64_t step, std::int64_t steps_per_table, std::size_t n_tables) {
    if (n_tables == 1) return 0;
    return std::min<std::size_t>(step / static_cast<std::uint64_t>(steps_per_table), n_tables - 1);
}

// Four rounds, and the key injection after them, of several blocks at once: Threefry is one long chain of dependent
// instructions, and a processor that works on some chains in turn does not wait for any of them.
template <int r0, int r1, int r2, int r3, std::size_t n_chains>
static inline void four_rounds_of_all(Words (&x)[n_chains], std::uint32_t a, std::uint32_t b, std::uint32_t n) {
    for (std::size_t c = 0; c < n_chains; ++c) x[c] = inject(four_rounds(x[c], r0, r1, r2, r3), a, b, n);
}

// The bits of neurons 2 * first_pair … 2 * first_pair + n - 1: pair_bits32 of consecutive pairs.
template <std::size_t n>
static inline void fill_bits(std::uint32_t key0, std::uint32_t key1, std::uint64_t step, std::uint32_t first_pair,
                             std::uint32_t* __restrict bits) {
    constexpr std::uint32_t n_chains = n >= 128 ? 4 : 2;  // of 16 pairs at least: the widest vectors are full
    constexpr std::uint32_t n_in_chain = n / 2 / n_chains;
    std::uint32_t w0[n / 2], w1[n / 2];
    const std::uint32_t k0 = key0, k1 = key1 + static_cast<std::uint32_t>(step >> 32);
    const std::uint32_t k2 = k0 ^ k1 ^ UINT32_C(0x1BD11BDA);
    const std::uint32_t c1 = static_cast<std::uint32_t>(step) + k1;
    for (std::uint32_t p = 0; p < n_in_chain; ++p) {
        Words x[n_chains];
        for (std::uint32_t c = 0; c < n_chains; ++c) x[c] = {first_pair + p + c * n_in_chain + k0, c1};
        four_rounds_of_all<13, 15, 26, 6>(x, k1, k2, 1);
        four_rounds_of_all<17, 29, 16, 24>(x, k2, k0, 2);
        four_rounds_of_all<13, 15, 26, 6>(x, k0, k1, 3);
        four_rounds_of_all<17, 29, 16, 24>(x, k1, k2, 4);
        four_rounds_of_all<13, 15, 26, 6>(x, k2, k0, 5);
        for (std::uint32_t c = 0; c < n_chains; ++c) {
            w0[p + c * n_in_chain] = x[c].w0;
            w1[p + c * n_in_chain] = x[c].w1;
        }
    }
    for (std::size_t p = 0; p < n / 2; ++p) {
        bits[2 * p] = w0[p];
        bits[2 * p + 1] = w1[p];
    }
}

// counts[i] += number of the n_thresholds thresholds that bits[i] reaches. The compiler knows how many there are, so
// that they stay in registers.
template <int n_thresholds, std::size_t n>
static inline void count_reached(const std::uint32_t* thresholds, const std::uint32_t* __restrict bits,
                                 std::int32_t* __restrict counts) {
    std::int32_t limits[n_thresholds];
    // x86 compares signed numbers only: with the top bit flipped, signed order is unsigned order.
    for (int k = 0; k < n_thresholds; ++k) limits[k] = static_cast<std::int32_t>(thresholds[k] ^ UINT32_C(0x80000000));
    for (std::size_t i = 0; i < n; ++i) {
        const std::int32_t word = static_cast<std::int32_t>(bits[i] ^ UINT32_C(0x80000000));
        std::int32_t n_missed = 0;
        for (int k = 0; k < n_thresholds; ++k) n_missed += limits[k] > word;
        counts[i] += n_thresholds - n_missed;
    }
}

// The same for a number of thresholds that is known only now.
template <std::size_t n>
static inline void count_reached_by(int n_thresholds, const std::uint32_t* thresholds, const std::uint32_t* bits,
                                    std::int32_t* counts) {
    for (; n_thresholds >= 8; n_thresholds -= 8, thresholds += 8) count_reached<8, n>(thresholds, bits, counts);
    switch (n_thresholds) {
        case 1: return count_reached<1, n>(thresholds, bits, counts);
        case 2: return count_reached<2, n>(thresholds, bits, counts);
        case 3: return count_reached<3, n>(thresholds, bits, counts);
        case 4: return count_reached<4, n>(thresholds, bits, counts);
        case 5: return count_reached<5, n>(thresholds, bits, counts);
        case 6: return count_reached<6, n>(thresholds, bits, counts);
        case 7: return count_reached<7, n>(thresholds, bits, counts);
        default: return;
    }
}

// counts[i] = poisson_count(thresholds, n_thresholds, bits[i]) for the n neurons of a block.
template <std::size_t n>
static inline void count_events(const std::uint32_t* thresholds, int n_thresholds, const std::uint32_t* bits,
                                std::int32_t* counts) {
    std::uint32_t least = bits[0], most = bits[0];
    for (std::size_t i = 0; i < n; ++i) {
        least = bits[i] < least ? bits[i] : least;
        most = bits[i] > most ? bits[i] : most;
    }
    // Thresholds that every word of the block reaches, or none, need no comparison.
    const int n_always = poisson_count(thresholds, n_thresholds, least);
    const int n_ever = poisson_count(thresholds, n_thresholds, most);
    if (n_ever - n_always > n_most_compared) {
        for (std::size_t i = 0; i < n; ++i) counts[i] = poisson_count(thresholds, n_thresholds, bits[i]);
        return;
    }
    for (std::size_t i = 0; i < n; ++i) counts[i] = n_always;
    count_reached_by<n>(n_ever - n_always, thresholds + n_always, bits, counts);
}

// One table, and the step in which it is used.
struct PoissonStep {
    std::uint32_t key0, key1;
    std::uint64_t step;
    const std::uint32_t* thresholds;
    int n_thresholds;
};

// take(i, events of neuron i) for those of the n neurons of the block at `start` that lie in [begin, end).
template <std::int64_t n, class Take>
static inline void count_block(const PoissonStep& now, std::int64_t start, std::int64_t begin, std::int64_t end,
                               Take take) {
    std::uint32_t bits[n];
    std::int32_t counts[n];
    fill_bits<n>(now.key0, now.key1, now.step, static_cast<std::uint32_t>(start >> 1), bits);
    count_events<n>(now.thresholds, now.n_thresholds, bits, counts);
    const std::int64_t last = std::min(end - start, n);
    for (std::int64_t i = begin > start ? 1 : 0; i < last; ++i) take(start + i, counts[i]);
}

// take(i, events that reach neuron i of the population in this step) for the neurons [begin, end).
template <class Take>
static inline void count_poisson(const PoissonTables& tables, std::uint64_t step, std::int64_t begin, std::int64_t end,
                                 Take take) {
    const std::size_t i_table = table_of_step(step, tables.steps_per_table, tables.first.size());
    const std::uint32_t* thresholds = tables.thresholds.data() + tables.first[i_table];
    const PoissonStep now = {tables.key0, tables.key1, step, thresholds, static_cast<int>(tables.count[i_table])};
    if (now.n_thresholds == 0) return;
    std::int64_t start = begin & ~std::int64_t{1};  // the neuron that shares its words with an odd first one
    for (; end - start >= n_large_block; start += n_large_block) {
        count_block<n_large_block>(now, start, begin, end, take);
    }
    for (; start < end; start += n_small_block) count_block<n_small_block>(now, start, begin, end, take);
}

// in[i] += weight * (events of neuron i).
static inline void add_poisson(const PoissonTables& tables, std::uint64_t step, std::int64_t begin, std::int64_t end,
                               double weight, double* __restrict in) {
    count_poisson(tables, step, begin, end, [=](std::int64_t i, std::int32_t count) { in[i] += weight * count; });
}

// counts[i] += events of neuron i, for whoever knows that they stay below 2^16.
static inline void add_poisson_counts(const PoissonTables& tables, std::uint64_t step, std::int64_t begin,
                                      std::int64_t end, std::uint16_t* __restrict counts) {
    count_poisson(tables, step, begin, end, [=](std::int64_t i, std::int32_t count) {
        counts[i] = static_cast<std::uint16_t>(counts[i] + count);
    });
}

// Append the sources of [0, n_sources) that fire in this step, ascending.
static inline void fires(const SourceTables& tables, std::uint64_t step, std::int32_t n_sources,
                         std::vector<std::int32_t>& fired) {
    const std::size_t i_threshold = table_of_step(step, tables.steps_per_table, tables.thresholds.size());
    const std::uint64_t threshold = tables.thresholds[i_threshold];
    std::uint32_t bits[n_large_block];
    std::int32_t found[n_large_block];
    for (std::int64_t start = 0; start < n_sources; start += n_large_block) {
        fill_bits<n_large_block>(tables.key0, tables.key1, step, static_cast<std::uint32_t>(start >> 1), bits);
        const std::int64_t n = std::min(n_sources - start, n_large_block);
        std::size_t n_found = 0;
        for (std::int64_t i = 0; i < n; ++i) {
            // Overwritten by the next one unless this source fires: there is no branch to mispredict.
            found[n_found] = static_cast<std::int32_t>(start + i);
            n_found += bernoulli(threshold, bits[i]) ? 1 : 0;
        }
        fired.insert(fired.end(), found, found + n_found);
    }
}

}  // namespace currents

#endif  // CURRENTS_POISSON_DRIVE_H
