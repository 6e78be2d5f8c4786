// Segments of a group: consecutive neurons, in whole blocks. What one thread at a time takes through a window is some of them.

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

// Where groups are cut: the same way for all, in blocks of the largest. Segment i lies between places[i] and places[i + 1].
struct Cuts {
    std::int64_t n_blocks = 0;
    std::vector<std::int64_t> places{0, 0};

    std::size_t n_segments() const { return places.size() - 1; }
};

class Segments {
  public:
    // A target within a region takes 16 bits.
    static constexpr std::int64_t n_most_neurons = std::int64_t{1} << 16;
    static constexpr std::int64_t n_most_blocks = n_most_neurons / n_neurons_per_block;

    Segments() = default;
    // Of a group that is smaller than the largest, some segments may be empty.
    Segments(std::int64_t n_neurons, const Cuts& cuts) {
        const std::int64_t n_blocks = count_blocks(n_neurons);
        starts_.clear();
        for (const std::int64_t place : cuts.places) {
            const std::int64_t block = cuts.n_blocks == 0 ? 0 : n_blocks * place / cuts.n_blocks;
            starts_.push_back(std::min(n_neurons, block * n_neurons_per_block));
        }
        segment_of_block_.resize(static_cast<std::size_t>(n_blocks));
        for (std::size_t i = 0; i < size(); ++i) {
            const auto first = segment_of_block_.begin() + count_blocks(starts_[i]);
            std::fill(first, segment_of_block_.begin() + count_blocks(starts_[i + 1]), static_cast<std::uint32_t>(i));
        }
        join_regions();
    }

    std::size_t size() const { return starts_.size() - 1; }
    SegmentRange all() const { return {0, size()}; }
    // Where segment i begins; that of size() is where the last one ends.
    std::int64_t start(std::size_t i) const { return starts_[i]; }
    std::size_t find(std::int64_t neuron) const {
        return segment_of_block_[static_cast<std::size_t>(neuron / n_neurons_per_block)];
    }

    // A region is as many segments in a row as 16 bits can tell the neurons of. Where that of segment i begins, and the first
    // segment after it.
    std::int64_t region_start(std::size_t i) const { return starts_[region_first_[i]]; }
    std::size_t region_last(std::size_t i) const { return region_last_[i]; }
    bool is_one_region() const { return region_last_.front() == size(); }

    // The segment of one neuron after another, quickly where most are in the same one as that before.
    class Cursor {
      public:
        explicit Cursor(const Segments& segments) : segments_(segments) {}
        bool holds(std::int64_t neuron) const { return neuron >= start_ && neuron < end_; }
        void move_to(std::int64_t neuron) {
            if (!holds(neuron)) {
                index_ = segments_.find(neuron);
                start_ = segments_.start(index_);
                end_ = segments_.start(index_ + 1);
            }
        }
        std::size_t index() const { return index_; }

      private:
        const Segments& segments_;
        std::size_t index_ = 0;
        std::int64_t start_ = 0;
        std::int64_t end_ = 0;
    };

  private:
    void join_regions() {
        region_first_.assign(size(), 0);
        region_last_.assign(size(), size());
        std::size_t first = 0;
        for (std::size_t i = 0; i < size(); ++i) {
            if (starts_[i + 1] - starts_[first] > n_most_neurons) {
                std::fill(region_last_.begin() + static_cast<std::ptrdiff_t>(first),
                          region_last_.begin() + static_cast<std::ptrdiff_t>(i), i);
                first = i;
            }
            region_first_[i] = first;
        }
    }

    std::vector<std::int64_t> starts_{0, 0};
    std::vector<std::uint32_t> segment_of_block_;
    std::vector<std::size_t> region_first_{0};
    std::vector<std::size_t> region_last_{1};
};

}  // namespace currents

#endif  // CURRENTS_SEGMENTS_H
