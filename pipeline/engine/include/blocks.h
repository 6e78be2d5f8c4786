// The blocks of neurons that a step works through.

#ifndef CURRENTS_BLOCKS_H
#define CURRENTS_BLOCKS_H

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace currents {

// Neurons that all loops of a step pass together, so that what the loops share stays in the first cache.
constexpr std::int64_t n_neurons_per_block = 256;

inline std::int64_t count_blocks(std::int64_t n_neurons) {
    return (n_neurons + n_neurons_per_block - 1) / n_neurons_per_block;
}

// Values that begin with a line of the cache: blocks then share none, and neither do the threads that write to them.
template <class T>
struct LineAllocator {
    using value_type = T;
    static constexpr std::align_val_t n_line_bytes{64};

    LineAllocator() = default;
    template <class Other>
    LineAllocator(const LineAllocator<Other>&) {}
    T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), n_line_bytes)); }
    void deallocate(T* values, std::size_t) { ::operator delete(values, n_line_bytes); }
    bool operator==(const LineAllocator&) const { return true; }
    bool operator!=(const LineAllocator&) const { return false; }
};

template <class T>
using LineVector = std::vector<T, LineAllocator<T>>;

}  // namespace currents

#endif  // CURRENTS_BLOCKS_H
