// The blocks of neurons that a step works through.

#ifndef CURRENTS_BLOCKS_H
#define CURRENTS_BLOCKS_H

#include <cstdint>

namespace currents {

// Neurons that all loops of a step pass together, so that what the loops share stays in the first cache.
constexpr std::int64_t n_neurons_per_block = 256;

inline std::int64_t count_blocks(std::int64_t n_neurons) {
    return (n_neurons + n_neurons_per_block - 1) / n_neurons_per_block;
}

}  // namespace currents

#endif  // CURRENTS_BLOCKS_H
