// Memory of one part of the network (part.h).
//
// A core fetches ahead what lies behind the values that it works through. Behind those of a part lie others of its own: in
// arrays of the whole group it would be those of the next part, which it would take from the core that works on them, step by
// step. Two cores that share no cache lost a fifth of their time with that (docs/decisions/0011).

#ifndef CURRENTS_OWN_MEMORY_H
#define CURRENTS_OWN_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory_resource>

namespace currents {

// Where the value of neuron 0 would be, if that of neuron `begin` is at `first`. It may lie outside of all memory, and is not
// followed: so it is made as a number.
template <class T>
T* place_before(T* first, std::int64_t begin) {
    return reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(first) - static_cast<std::uintptr_t>(begin) * sizeof(T));
}

class OwnMemory {
  public:
    // n_bytes: about what will be asked for. What is asked for beyond comes from elsewhere.
    explicit OwnMemory(std::size_t n_bytes) : memory_(n_bytes + n_bytes_behind) {}

    // Room for n values, all 0, that begins with a line of the cache.
    template <class T>
    T* allocate(std::int64_t n) {
        const std::size_t n_bytes = static_cast<std::size_t>(n) * sizeof(T);
        // One line more: arrays of 4 KiB and multiples would otherwise all have their places in the same part of a cache.
        void* values = memory_.allocate(n_bytes + line_bytes, line_bytes);
        return static_cast<T*>(std::memset(values, 0, n_bytes));
    }

  private:
    static constexpr std::size_t line_bytes = 64;
    // What is fetched ahead behind the last array is nobody's. The lines between arrays come out of this.
    static constexpr std::size_t n_bytes_behind = std::size_t{1} << 17;

    std::pmr::monotonic_buffer_resource memory_;
};

}  // namespace currents

#endif  // CURRENTS_OWN_MEMORY_H
