// Which segments each part of the network has: shares that take equal times, as measured, whatever there is in them.
//
// Neurons differ in what they cost: by the channels that reach them, the synapses onto them, and what is recorded. Cores differ
// as well: by what else the machine does, and by how far their caches are from each other's.

#ifndef CURRENTS_SHARES_H
#define CURRENTS_SHARES_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "segments.h"

namespace currents {

// Cut groups for some parts: where equal shares of neurons end, and around there, so that a share can grow or shrink by
// more than a third. Where a row of edges is cut takes memory and is looked up: of many shares, each border has fewer cuts.
inline Cuts make_cuts(std::int64_t n_blocks, std::size_t n_parts) {
    constexpr std::int64_t n_steps_per_share = 32;
    constexpr std::int64_t offsets[] = {-12, -10, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 8, 10, 12};
    constexpr std::size_t n_offsets = std::size(offsets), n_most_cuts = 64;
    std::size_t stride = 1;
    while (stride < n_offsets / 2 && (n_offsets / stride + 1) * (n_parts - 1) > n_most_cuts) {
        stride *= 2;
    }
    const auto n = static_cast<std::int64_t>(n_parts);
    const std::int64_t step = std::max<std::int64_t>(1, n_blocks / n / n_steps_per_share);
    std::set<std::int64_t> places = {0, n_blocks};
    for (std::int64_t i = 1; i < n; ++i) {
        for (std::size_t k = 0; k < n_offsets; k += stride) {
            const std::int64_t place = n_blocks * i / n + offsets[k] * step;
            if (place > 0 && place < n_blocks) {
                places.insert(place);
            }
        }
    }
    Cuts cuts;
    cuts.n_blocks = n_blocks;
    cuts.places = {0};
    for (const std::int64_t place : places) {
        const std::int64_t before = cuts.places.back(), length = place - before;
        const std::int64_t n_pieces = (length + Segments::n_most_blocks - 1) / Segments::n_most_blocks;
        for (std::int64_t k = 1; k <= n_pieces; ++k) {
            cuts.places.push_back(before + length * k / n_pieces);
        }
    }
    if (cuts.n_segments() == 0) {
        cuts.places.push_back(n_blocks);
    }
    return cuts;
}

class Shares {
  public:
    // As many parts as there can be, each of one segment at least: as equal in blocks as the cuts allow.
    Shares(Cuts cuts, std::size_t n_parts) : cuts_(std::move(cuts)) {
        const std::size_t n = std::min(n_parts, cuts_.n_segments());
        bounds_.push_back(0);
        for (std::size_t i = 1; i < n; ++i) {
            const std::int64_t wanted = cuts_.n_blocks * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(n);
            const auto place = std::lower_bound(cuts_.places.begin(), cuts_.places.end(), wanted);
            const auto nearest = static_cast<std::size_t>(place - cuts_.places.begin());
            bounds_.push_back(std::clamp(nearest, bounds_.back() + 1, cuts_.n_segments() - (n - i)));
        }
        bounds_.push_back(cuts_.n_segments());
        for (std::size_t i = 0; i <= n; ++i) {
            lowest_.push_back(find_limit(i, n, -1));
            highest_.push_back(find_limit(i, n, 1));
        }
        forget();
    }

    std::size_t size() const { return bounds_.size() - 1; }
    SegmentRange operator[](std::size_t i) const { return {bounds_[i], bounds_[i + 1]}; }
    // What part i can ever have.
    SegmentRange most(std::size_t i) const { return {lowest_[i], highest_[i + 1]}; }

    // Part i has taken this long for a step of a window. Now and then, a share gives a segment to one beside it, if both are then
    // closer to each other than they were.
    void note(std::size_t i, double seconds) { shortest_[i] = std::min(shortest_[i], seconds); }
    void end_window() {
        if (++n_windows_ == n_windows_per_review) {
            for (std::size_t i = 0; i + 1 < size(); ++i) {
                review(i);
            }
            forget();
        }
    }

  private:
    // The shortest of so many windows was disturbed by nothing that comes and goes.
    static constexpr int n_windows_per_review = 16;
    // How much longer one share must take than another, in times of the segment between: below 1 it would be given back at once.
    static constexpr double n_least_segments = 1.25;

    void forget() {
        shortest_.assign(size(), std::numeric_limits<double>::infinity());
        n_windows_ = 0;
    }

    // The segment at which border i is when it has moved as far as it may, down or up: by half a share at most, so that only
    // two parts beside each other can ever have the same segment.
    std::size_t find_limit(std::size_t i, std::size_t n_parts, std::int64_t direction) const {
        if (i == 0 || i == n_parts) {
            return bounds_[i];
        }
        const auto n = static_cast<std::int64_t>(n_parts);
        const std::int64_t most = cuts_.n_blocks * (2 * static_cast<std::int64_t>(i) + direction) / (2 * n);
        const auto first = cuts_.places.begin();
        if (direction < 0) {
            const auto place = static_cast<std::size_t>(std::lower_bound(first, cuts_.places.end(), most) - first);
            return std::clamp(place, bounds_[i - 1] + 1, bounds_[i]);
        }
        const auto after = static_cast<std::size_t>(std::upper_bound(first, cuts_.places.end(), most) - first);
        return std::clamp(after - 1, bounds_[i], bounds_[i + 1] - 1);
    }

    std::int64_t n_blocks(std::size_t first, std::size_t last) const { return cuts_.places[last] - cuts_.places[first]; }

    // The time of some segments of a part, if all its blocks take the same.
    double time_of(std::size_t i, std::size_t segment) const {
        return shortest_[i] * static_cast<double>(n_blocks(segment, segment + 1)) /
               static_cast<double>(n_blocks(bounds_[i], bounds_[i + 1]));
    }

    void review(std::size_t i) {
        std::size_t& bound = bounds_[i + 1];
        const double difference = shortest_[i] - shortest_[i + 1];
        if (difference > 0.0 && bound > lowest_[i + 1] && bound - bounds_[i] > 1) {
            bound -= difference > n_least_segments * time_of(i, bound - 1) ? 1 : 0;
        } else if (difference < 0.0 && bound < highest_[i + 1] && bounds_[i + 2] - bound > 1) {
            bound += -difference > n_least_segments * time_of(i + 1, bound) ? 1 : 0;
        }
    }

    Cuts cuts_;
    // Part i has the segments from bounds_[i] to bounds_[i + 1] - 1.
    std::vector<std::size_t> bounds_;
    std::vector<std::size_t> lowest_;
    std::vector<std::size_t> highest_;
    std::vector<double> shortest_;
    int n_windows_ = 0;
};

}  // namespace currents

#endif  // CURRENTS_SHARES_H
