// Spikes to targets: the edges of a pathway between two groups, kept so that a spike is delivered row by row.
//
// A target takes two bytes: it is an offset within a region of up to 65,536 targets. The edges of a source are ordered by
// delay, then segment, and otherwise as in the file, so that neither a delay nor a region is stored per edge. Segments also
// are what threads share a delivery by: each takes the edges into its own, which are one run of edges in each region.

#ifndef CURRENTS_ROW_TABLE_H
#define CURRENTS_ROW_TABLE_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "segments.h"

namespace currents {

// Ascending positions in an array, in 4 bytes each where the last one allows it, else in 8.
class Offsets {
  public:
    Offsets() = default;
    Offsets(std::size_t n, std::uint64_t last) {
        if (last <= std::numeric_limits<std::uint32_t>::max()) narrow_.resize(n);
        else wide_.resize(n);
    }
    std::uint64_t operator[](std::size_t i) const { return wide_.empty() ? narrow_[i] : wide_[i]; }
    void set(std::size_t i, std::uint64_t position) {
        if (wide_.empty()) narrow_[i] = static_cast<std::uint32_t>(position);
        else wide_[i] = position;
    }
    std::size_t size() const { return narrow_.size() + wide_.size(); }
    std::size_t n_bytes() const { return 4 * narrow_.size() + 8 * wide_.size(); }

  private:
    std::vector<std::uint32_t> narrow_;
    std::vector<std::uint64_t> wide_;
};

static inline void prefetch_line(const void* address) {
    __builtin_prefetch(address);
    // GCC takes a function that only prefetches for one without effect, and leaves calls of it out. This is an effect.
    __asm__ volatile("");
}

// Call f(i, targets[i]) for i from 0 to n - 1. Four targets are one load, which leaves the processor's load units to
// the sums.
template <class F>
static inline void for_each_target(const std::uint16_t* targets, std::size_t n, F f) {
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        std::uint64_t four;
        std::memcpy(&four, targets + i, sizeof four);
        f(i, four & 0xFFFF);
        f(i + 1, (four >> 16) & 0xFFFF);
        f(i + 2, (four >> 32) & 0xFFFF);
        f(i + 3, four >> 48);
    }
    for (; i < n; ++i) f(i, targets[i]);
}

// The edges of one pathway from one group to another.
class RowTable {
  public:
    RowTable() = default;

    // Read a pathway's edges, in memory that does not grow with them beyond what the table itself takes.
    // source_local[s]: index in the source group of the s-th source of the file, ascending, or -1 when it belongs to
    // another group; target_local[g]: index in the target group of global neuron g, or -1; segments: of the target group.
    static RowTable load(const std::string& folder, const std::vector<std::int32_t>& source_local,
                         std::int32_t n_sources, const std::vector<std::int32_t>& target_local,
                         const Segments& segments);

    std::int64_t n_edges() const { return static_cast<std::int64_t>(n_edges_); }
    std::int64_t n_bytes() const {
        return static_cast<std::int64_t>(2 * targets_.size() + 4 * weights_.size() + 4 * cells_.size() +
                                         starts_.n_bytes() + rows_.n_bytes());
    }
    // The distinct delays in steps, ascending; none when there are no edges.
    const std::vector<std::int32_t>& delays() const { return delays_; }

    // in[target] += weight for all edges of a source whose delay is delays()[i_delay] and whose target is in the segments.
    // Return how many these are.
    std::size_t deliver(std::int32_t source, std::size_t i_delay, SegmentRange range, double* __restrict in) const {
        return deliver_scaled(source, i_delay, range, 1.0, in);  // a product with 1 is exact
    }

    // in[target] += weight * factor, likewise. The product is rounded once, in double.
    std::size_t deliver_scaled(std::int32_t source, std::size_t i_delay, SegmentRange range, double factor,
                               double* __restrict in) const {
        return for_each_run(source, i_delay, range, [&](std::int64_t start, std::size_t from, std::size_t to) {
            double* __restrict region = in + start;
            const std::uint16_t* targets = targets_.data() + from;
            if (weights_.empty()) {
                const double product = static_cast<double>(weight_) * factor;
                for_each_target(targets, to - from, [&](std::size_t, std::size_t t) { region[t] += product; });
            } else {
                const float* weights = weights_.data() + from;
                for_each_target(targets, to - from, [&](std::size_t i, std::size_t t) {
                    region[t] += static_cast<double>(weights[i]) * factor;
                });
            }
        });
    }

    // Whether all edges have the same weight, and which.
    bool has_one_weight() const { return weights_.empty(); }
    float one_weight() const { return weight_; }

    // counts[target] += 1, likewise, for whoever knows that the counts stay below 2^16. A quarter of the memory of sums: the
    // counts of 12,000 targets fit into the first cache.
    std::size_t count(std::int32_t source, std::size_t i_delay, SegmentRange range, std::uint16_t* __restrict counts) const {
        return for_each_run(source, i_delay, range, [&](std::int64_t start, std::size_t from, std::size_t to) {
            std::uint16_t* __restrict region = counts + start;
            for_each_target(targets_.data() + from, to - from, [&](std::size_t, std::size_t t) { ++region[t]; });
        });
    }

    // n[target] += number of edges to it.
    void add_in_degrees(std::vector<std::uint32_t>& n) const {
        const std::size_t n_cells = delays_.size() * segments_.size();
        if (n_cells == 0) return;
        const std::size_t n_rows = cells_.empty() ? (starts_.size() - 1) / n_cells : rows_.size() - 1;
        for (std::size_t row = 0; row < n_rows; ++row) {
            for (std::size_t i_delay = 0; i_delay < delays_.size(); ++i_delay) {
                const auto source = static_cast<std::int32_t>(row);
                for_each_run(source, i_delay, segments_.all(), [&](std::int64_t start, std::size_t from, std::size_t to) {
                    for (std::size_t e = from; e < to; ++e) ++n[static_cast<std::size_t>(start) + targets_[e]];
                });
            }
        }
    }

    // Call a row into the cache that will be delivered soon, while another one is delivered.
    void prefetch(std::int32_t source, std::size_t i_delay, SegmentRange range) const {
        for_each_run(source, i_delay, range, [&](std::int64_t, std::size_t from, std::size_t to) {
            const std::size_t end = std::min(to, from + n_prefetched);
            for (std::size_t e = from; e < end; e += 32) prefetch_line(targets_.data() + e);
            if (weights_.empty()) return;
            for (std::size_t e = from; e < end; e += 16) prefetch_line(weights_.data() + e);
        });
    }

  private:
    friend class RowTableBuilder;
    static constexpr std::size_t n_prefetched = 512;  // the processor itself prefetches what follows

    // Call f(start, from, to) for every region that a range of segments touches: edges from … to - 1 of a source and a delay have
    // targets in both, counted from neuron `start` of the group. Return the number of their edges.
    template <class F>
    std::size_t for_each_run(std::int32_t source, std::size_t i_delay, SegmentRange range, F f) const {
        const std::size_t row = static_cast<std::size_t>(source), first = i_delay * segments_.size();
        std::size_t n = 0;
        const auto visit = [&](std::size_t segment, std::uint64_t from, std::uint64_t to) {
            f(segments_.region_start(segment), from, to);
            n += to - from;
        };
        if (cells_.empty()) {
            const std::size_t cell = row * delays_.size() * segments_.size() + first;
            if (segments_.is_one_region()) {  // as nearly always, and worth it where rows are short
                visit(0, starts_[cell + range.first], starts_[cell + range.last]);
                return n;
            }
            for (std::size_t g = range.first; g < range.last;) {
                const std::size_t last = std::min(range.last, segments_.region_last(g));
                visit(g, starts_[cell + g], starts_[cell + last]);
                g = last;
            }
            return n;
        }
        const std::uint32_t* begin = cells_.data() + rows_[row];
        const std::uint32_t* end = cells_.data() + rows_[row + 1];
        for (const auto* at = std::lower_bound(begin, end, first + range.first); at != end && *at < first + range.last;) {
            const std::size_t g = *at - first;
            const std::size_t last = std::min(range.last, segments_.region_last(g));
            const auto* stop = std::lower_bound(at, end, first + last);
            visit(g, starts_[static_cast<std::size_t>(at - cells_.data())],
                  starts_[static_cast<std::size_t>(stop - cells_.data())]);
            at = stop;
        }
        return n;
    }

    std::vector<std::int32_t> delays_;
    Segments segments_;
    std::size_t n_edges_ = 0;
    std::vector<std::uint16_t> targets_;
    std::vector<float> weights_;  // empty when all edges have the same
    float weight_ = 0.0f;
    // Where cells begin, and the last one ends. A cell is one delay and segment of one source; its number is i_delay *
    // segments_.size() + segment. Dense: all cells of all sources. Sparse, when that is smaller: those that have edges, whose
    // numbers are cells_, and those of source s are entries rows_[s] to rows_[s + 1] - 1.
    Offsets starts_;
    std::vector<std::uint32_t> cells_;
    Offsets rows_;
};

}  // namespace currents

#endif  // CURRENTS_ROW_TABLE_H
