// Segments of a group: consecutive neurons, in whole blocks, that one thread at a time takes through a step.

#ifndef CURRENTS_SEGMENTS_H
#define CURRENTS_SEGMENTS_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "blocks.h"

namespace currents {

// Segments first … last - 1.
struct SegmentRange {
    std::size_t first;
    std::size_t last;
};

class Segments {
  public:
    // An offset within a segment takes 16 bits.
    static constexpr std::int64_t n_most_neurons = std::int64_t{1} << 16;

    Segments() = default;
    // At least n_wanted segments, or as many as 16 bits demand; of a small group, some are empty.
    explicit Segments(std::int64_t n_neurons, std::size_t n_wanted = 1) {
        const std::int64_t n_blocks = count_blocks(n_neurons);
        const auto n = static_cast<std::int64_t>(std::max(n_wanted, count_needed(n_neurons)));
        starts_.resize(static_cast<std::size_t>(n) + 1);
        segment_of_block_.resize(static_cast<std::size_t>(n_blocks));
        for (std::int64_t i = 0; i <= n; ++i) {
            starts_[static_cast<std::size_t>(i)] = std::min(n_neurons, n_blocks * i / n * n_neurons_per_block);
        }
        for (std::int64_t i = 0; i < n; ++i) {
            const auto first = segment_of_block_.begin() + n_blocks * i / n;
            std::fill(first, segment_of_block_.begin() + n_blocks * (i + 1) / n, static_cast<std::uint32_t>(i));
        }
    }

    static std::size_t count_needed(std::int64_t n_neurons) {
        return static_cast<std::size_t>(std::max<std::int64_t>(1, (n_neurons + n_most_neurons - 1) / n_most_neurons));
    }

    std::size_t size() const { return starts_.size() - 1; }
    SegmentRange all() const { return {0, size()}; }
    // Where segment i begins; that of size() is where the last one ends.
    std::int64_t start(std::size_t i) const { return starts_[i]; }
    std::size_t find(std::int64_t neuron) const {
        return segment_of_block_[static_cast<std::size_t>(neuron / n_neurons_per_block)];
    }

    // The segment of one neuron after another, quickly where most are in the same one as that before.
    class Cursor {
      public:
        explicit Cursor(const Segments& segments) : segments_(segments) {}
        void move_to(std::int64_t neuron) {
            if (neuron < start_ || neuron >= end_) {
                index_ = segments_.find(neuron);
                start_ = segments_.start(index_);
                end_ = segments_.start(index_ + 1);
            }
        }
        std::size_t index() const { return index_; }
        std::int64_t start() const { return start_; }

      private:
        const Segments& segments_;
        std::size_t index_ = 0;
        std::int64_t start_ = 0;
        std::int64_t end_ = 0;
    };

  private:
    std::vector<std::int64_t> starts_{0, 0};
    std::vector<std::uint32_t> segment_of_block_;
};

}  // namespace currents

#endif  // CURRENTS_SEGMENTS_H
