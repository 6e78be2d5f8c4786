// Spikes to targets: the edges of a pathway between two groups, kept so that a spike is delivered row by row.
//
// A target takes two bytes: it is an offset within a segment of 65,536 targets. The edges of a source are ordered by
// delay, then segment, and otherwise as in the file, so that neither a delay nor a segment is stored per edge.

#ifndef CURRENTS_DELIVERY_H
#define CURRENTS_DELIVERY_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "npy.h"

namespace currents {

// Consecutive edges of a pathway as they are in its files.
struct EdgeBlock {
    std::int64_t begin;            // number of the first one in the file
    std::int64_t n;                // how many
    const std::int32_t* target;    // (n,) global indices
    const float* weight;           // (n,), or null when all edges of the file have one
    const std::int32_t* delay;     // (n,) steps, or null when all edges of the file have one
};

// The files of a pathway's edges (EdgeFiles in pipeline/run_folder.py), checked, and read in blocks.
class EdgeFiles {
  public:
    EdgeFiles(const std::string& folder, std::size_t n_sources, std::size_t n_neurons)
        : n_neurons_(n_neurons),
          target_(folder + "/target.npy"),
          weight_(folder + "/weight.npy"),
          delay_(folder + "/delay.npy"),
          row_(read_npy<std::int64_t>(folder + "/row.npy")) {
        check_rows(folder + "/row.npy", n_sources);
        check_size(weight_);
        check_size(delay_);
        if (has_one_weight() && weight_.size() == 1) weight_.read(&one_weight_, 1);
        if (has_one_delay() && delay_.size() == 1) delay_.read(&one_delay_, 1);
        check_weights(&one_weight_, 1, 0);
        check_delays(&one_delay_, 1, 0);
        weight_.seek(0);
        delay_.seek(0);
    }

    std::int64_t n_edges() const { return target_.size(); }
    bool has_one_weight() const { return weight_.size() <= 1; }
    bool has_one_delay() const { return delay_.size() <= 1; }
    float one_weight() const { return one_weight_; }
    std::int32_t one_delay() const { return one_delay_; }

    // Call visit(local source, block, from, to) for every run of edges block[from … to) that belong to one source of
    // the group: in the order of the file, a source's edges in several calls when they lie in several blocks.
    template <class Visit>
    void visit_rows(const std::vector<std::int32_t>& source_local, Visit visit) {
        std::vector<std::int32_t> targets(n_at_once), delays(has_one_delay() ? 0 : n_at_once);
        std::vector<float> weights(has_one_weight() ? 0 : n_at_once);
        target_.seek(0);
        weight_.seek(0);
        delay_.seek(0);
        std::size_t source = 0;
        for (std::int64_t begin = 0; begin < n_edges();) {
            const EdgeBlock block = read_block(begin, targets, weights, delays);
            const std::int64_t end = begin + block.n;
            for (; source < source_local.size() && row_[source] < end; ++source) {
                const std::int32_t local = source_local[source];
                const std::int64_t from = std::max(row_[source], begin), to = std::min(row_[source + 1], end);
                if (from < to && local >= 0) visit(local, block, from - begin, to - begin);
                if (row_[source + 1] > end) break;  // the rest of this source's edges is in the next block
            }
            begin = end;
        }
    }

  private:
    static constexpr std::size_t n_at_once = std::size_t{1} << 15;

    EdgeBlock read_block(std::int64_t begin, std::vector<std::int32_t>& targets, std::vector<float>& weights,
                         std::vector<std::int32_t>& delays) {
        const std::int64_t n = target_.read(targets.data(), static_cast<std::int64_t>(targets.size()));
        check_targets(targets.data(), n, begin);
        if (!weights.empty()) weight_.read(weights.data(), n);
        if (!delays.empty()) delay_.read(delays.data(), n);
        if (!weights.empty()) check_weights(weights.data(), n, begin);
        if (!delays.empty()) check_delays(delays.data(), n, begin);
        return {begin, n, targets.data(), weights.empty() ? nullptr : weights.data(),
                delays.empty() ? nullptr : delays.data()};
    }

    void check_rows(const std::string& path, std::size_t n_sources) const {
        if (row_.size() != n_sources + 1) {
            throw InputFailure(path, "has the wrong length", std::to_string(n_sources + 1),
                               std::to_string(row_.size()));
        }
        if (row_[0] != 0) throw InputFailure(path, "does not begin at edge 0", "0", std::to_string(row_[0]));
        for (std::size_t s = 0; s < n_sources; ++s) {
            if (row_[s + 1] < row_[s]) {
                throw InputFailure(path, "decreases at position " + std::to_string(s + 1),
                                   "at least " + std::to_string(row_[s]), std::to_string(row_[s + 1]));
            }
        }
        if (row_[n_sources] != n_edges()) {
            throw InputFailure(path, "does not end at the number of edges", std::to_string(n_edges()),
                               std::to_string(row_[n_sources]));
        }
    }

    template <class T>
    void check_size(const NpyStream<T>& stream) const {
        if (stream.size() != 1 && stream.size() != n_edges()) {
            throw InputFailure(stream.path(), "has the wrong length", "1 or " + std::to_string(n_edges()),
                               std::to_string(stream.size()));
        }
    }

    // The checks look at a whole block without a branch, which vectorises, and search only when something is wrong.

    void check_targets(const std::int32_t* target, std::int64_t n, std::int64_t begin) const {
        std::uint32_t most = 0;
        for (std::int64_t e = 0; e < n; ++e) {
            const std::uint32_t index = static_cast<std::uint32_t>(target[e]);  // a negative one becomes large
            most = index > most ? index : most;
        }
        for (std::int64_t e = 0; n > 0 && most >= n_neurons_ && e < n; ++e) {
            if (static_cast<std::uint32_t>(target[e]) >= n_neurons_) {
                throw InputFailure(target_.path(), "names no neuron at position " + std::to_string(begin + e),
                                   "0 to " + std::to_string(n_neurons_) + " - 1", std::to_string(target[e]));
            }
        }
    }

    void check_weights(const float* weight, std::int64_t n, std::int64_t begin) const {
        const std::uint32_t exponent = UINT32_C(0x7F800000);  // all ones in infinities and NaNs alone
        std::uint32_t most = 0;
        for (std::int64_t e = 0; e < n; ++e) {
            std::uint32_t bits;
            std::memcpy(&bits, weight + e, sizeof bits);
            bits &= exponent;
            most = bits > most ? bits : most;
        }
        for (std::int64_t e = 0; most == exponent && e < n; ++e) {
            if (weight[e] - weight[e] != 0.0f) {
                throw InputFailure(weight_.path(), "is not finite at position " + std::to_string(begin + e),
                                   "a number", std::to_string(weight[e]));
            }
        }
    }

    void check_delays(const std::int32_t* delay, std::int64_t n, std::int64_t begin) const {
        std::int32_t least = 0;
        for (std::int64_t e = 0; e < n; ++e) least = delay[e] < least ? delay[e] : least;
        for (std::int64_t e = 0; least < 0 && e < n; ++e) {
            if (delay[e] < 0) {
                throw InputFailure(delay_.path(), "is negative at position " + std::to_string(begin + e),
                                   "a number of steps", std::to_string(delay[e]));
            }
        }
    }

    std::size_t n_neurons_;
    NpyStream<std::int32_t> target_;
    NpyStream<float> weight_;
    NpyStream<std::int32_t> delay_;
    std::vector<std::int64_t> row_;
    float one_weight_ = 0.0f;
    std::int32_t one_delay_ = 0;
};

// Check the indices that an engine gives to the members of two groups. Sources ascend, as rows are in the order of the
// file.
static inline void check_groups(const std::vector<std::int32_t>& source_local, std::int32_t n_sources,
                                const std::vector<std::int32_t>& target_local, std::int32_t n_targets) {
    std::int32_t last = -1;
    for (const std::int32_t index : source_local) {
        if (index >= n_sources) throw std::invalid_argument("a source's index is not below the size of its group");
        if (index >= 0 && index <= last) throw std::invalid_argument("the indices of sources do not ascend");
        last = index >= 0 ? index : last;
    }
    for (const std::int32_t index : target_local) {
        if (index >= n_targets) throw std::invalid_argument("a target's index is not below the size of its group");
    }
}

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

// The distinct delays of a table, and the index of each.
class DelayIndex {
  public:
    DelayIndex() = default;
    explicit DelayIndex(const std::set<std::int32_t>& delays) : delays_(delays.begin(), delays.end()) {
        for (std::size_t i = 0; i < delays_.size() && delays_[i] < n_looked_up; ++i) {
            index_.resize(static_cast<std::size_t>(delays_[i]) + 1);
            index_.back() = static_cast<std::uint32_t>(i);
        }
    }
    const std::vector<std::int32_t>& delays() const { return delays_; }
    std::uint32_t operator[](std::int32_t delay) const {
        if (delay < n_looked_up) return index_[static_cast<std::size_t>(delay)];
        return static_cast<std::uint32_t>(std::lower_bound(delays_.begin(), delays_.end(), delay) - delays_.begin());
    }
    static constexpr std::int32_t n_looked_up = 1 << 16;  // longer delays are rare; a table as long as they are is not

  private:
    std::vector<std::int32_t> delays_;
    std::vector<std::uint32_t> index_;
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
    // another group; target_local[g]: index in the target group of global neuron g, or -1.
    static RowTable load(const std::string& folder, const std::vector<std::int32_t>& source_local,
                         std::int32_t n_sources, const std::vector<std::int32_t>& target_local,
                         std::int32_t n_targets);

    std::int64_t n_edges() const { return static_cast<std::int64_t>(n_edges_); }
    std::int64_t n_bytes() const {
        return static_cast<std::int64_t>(2 * targets_.size() + 4 * weights_.size() + 4 * cells_.size() +
                                         starts_.n_bytes() + rows_.n_bytes());
    }
    // The distinct delays in steps, ascending; none when there are no edges.
    const std::vector<std::int32_t>& delays() const { return delays_; }

    // in[target] += weight for all edges of a source whose delay is delays()[i_delay].
    void deliver(std::int32_t source, std::size_t i_delay, double* __restrict in) const {
        deliver_scaled(source, i_delay, 1.0, in);  // a product with 1 is exact
    }

    // in[target] += weight * factor, likewise. The product is rounded once, in double.
    void deliver_scaled(std::int32_t source, std::size_t i_delay, double factor, double* __restrict in) const {
        for_each_cell(source, i_delay, [&](std::size_t i_segment, std::size_t from, std::size_t to) {
            double* __restrict segment = in + i_segment * n_in_segment;
            const std::uint16_t* targets = targets_.data() + from;
            if (weights_.empty()) {
                const double product = static_cast<double>(weight_) * factor;
                for_each_target(targets, to - from, [&](std::size_t, std::size_t t) { segment[t] += product; });
            } else {
                const float* weights = weights_.data() + from;
                for_each_target(targets, to - from, [&](std::size_t i, std::size_t t) {
                    segment[t] += static_cast<double>(weights[i]) * factor;
                });
            }
        });
    }

    // Whether all edges have the same weight, and which.
    bool has_one_weight() const { return weights_.empty(); }
    float one_weight() const { return weight_; }

    // counts[target] += 1 for all edges of a source whose delay is delays()[i_delay], for whoever knows that the counts stay
    // below 2^16. A quarter of the memory of sums: the counts of 12,000 targets fit into the first cache.
    void count(std::int32_t source, std::size_t i_delay, std::uint16_t* __restrict counts) const {
        for_each_cell(source, i_delay, [&](std::size_t i_segment, std::size_t from, std::size_t to) {
            std::uint16_t* __restrict segment = counts + i_segment * n_in_segment;
            for_each_target(targets_.data() + from, to - from, [&](std::size_t, std::size_t t) { ++segment[t]; });
        });
    }

    // n[target] += number of edges to it.
    void add_in_degrees(std::vector<std::uint32_t>& n) const {
        const std::size_t n_cells = delays_.size() * n_segments_;
        if (n_cells == 0) return;
        const std::size_t n_rows = cells_.empty() ? (starts_.size() - 1) / n_cells : rows_.size() - 1;
        for (std::size_t row = 0; row < n_rows; ++row) {
            for (std::size_t i_delay = 0; i_delay < delays_.size(); ++i_delay) {
                for_each_cell(static_cast<std::int32_t>(row), i_delay, [&](std::size_t g, std::size_t from, std::size_t to) {
                    for (std::size_t e = from; e < to; ++e) ++n[g * n_in_segment + targets_[e]];
                });
            }
        }
    }

    // Call a row into the cache that will be delivered soon, while another one is delivered.
    void prefetch(std::int32_t source, std::size_t i_delay) const {
        for_each_cell(source, i_delay, [&](std::size_t, std::size_t from, std::size_t to) {
            const std::size_t end = std::min(to, from + n_prefetched);
            for (std::size_t e = from; e < end; e += 32) prefetch_line(targets_.data() + e);
            if (weights_.empty()) return;
            for (std::size_t e = from; e < end; e += 16) prefetch_line(weights_.data() + e);
        });
    }

  private:
    friend class RowTableBuilder;
    static constexpr std::size_t n_in_segment = std::size_t{1} << 16;
    static constexpr std::size_t n_prefetched = 512;  // the processor itself prefetches what follows

    // Call f(segment, from, to) for the cells of a source and a delay: edges from … to - 1 have targets in the segment.
    template <class F>
    void for_each_cell(std::int32_t source, std::size_t i_delay, F f) const {
        const std::size_t row = static_cast<std::size_t>(source), first = i_delay * n_segments_;
        if (cells_.empty()) {
            const std::size_t cell = row * delays_.size() * n_segments_ + first;
            for (std::size_t g = 0; g < n_segments_; ++g) f(g, starts_[cell + g], starts_[cell + g + 1]);
            return;
        }
        const auto begin = cells_.begin() + static_cast<std::ptrdiff_t>(rows_[row]);
        const auto end = cells_.begin() + static_cast<std::ptrdiff_t>(rows_[row + 1]);
        for (auto at = std::lower_bound(begin, end, first); at != end && *at < first + n_segments_; ++at) {
            const std::size_t entry = static_cast<std::size_t>(at - cells_.begin());
            f(*at - first, starts_[entry], starts_[entry + 1]);
        }
    }

    std::vector<std::int32_t> delays_;
    std::size_t n_segments_ = 1;
    std::size_t n_edges_ = 0;
    std::vector<std::uint16_t> targets_;
    std::vector<float> weights_;  // empty when all edges have the same
    float weight_ = 0.0f;
    // Where cells begin, and the last one ends. A cell is one delay and segment of one source; its number is i_delay *
    // n_segments + segment. Dense: all cells of all sources. Sparse, when that is smaller: those that have edges, whose
    // numbers are cells_, and those of source s are entries rows_[s] to rows_[s + 1] - 1.
    Offsets starts_;
    std::vector<std::uint32_t> cells_;
    Offsets rows_;
};

// Makes a table in passes over the files: which delays there are, how many edges each cell has, and the edges.
class RowTableBuilder {
  public:
    RowTableBuilder(const std::string& folder, const std::vector<std::int32_t>& source_local, std::int32_t n_sources,
                    const std::vector<std::int32_t>& target_local, std::int32_t n_targets)
        : folder_(folder),
          source_local_(source_local),
          target_local_(target_local),
          n_sources_(static_cast<std::size_t>(n_sources)),
          files_(folder, source_local.size(), target_local.size()) {
        check_groups(source_local, n_sources, target_local, n_targets);
        const std::size_t n_in_segment = RowTable::n_in_segment;
        const std::size_t n_rounded_up = static_cast<std::size_t>(n_targets) + n_in_segment - 1;
        table_.n_segments_ = std::max<std::size_t>(1, n_rounded_up / n_in_segment);
    }

    RowTable build() {
        find_delays();
        count_cells();
        index_cells();
        table_.targets_.resize(table_.n_edges_ + 1);  // one more: a loop without branches writes before it decides
        if (!has_one_weight_) table_.weights_.resize(table_.n_edges_ + 1);
        if (n_cells() == 1) fill_in_order();
        else fill_cells();
        return std::move(table_);
    }

  private:
    // The number of edges of a cell.
    struct Cell {
        std::uint32_t number;
        std::uint32_t n_edges;
    };

    // Number of cells of a source.
    std::size_t n_cells() const { return table_.delays_.size() * table_.n_segments_; }

    template <class Visit>
    void visit_edges(Visit visit) {
        files_.visit_rows(source_local_, visit);
    }

    // Index of an edge's target in its group, or a negative number when it belongs to another one.
    std::int32_t local_target(const EdgeBlock& block, std::int64_t e) const {
        return target_local_[static_cast<std::size_t>(block.target[e])];
    }

    std::size_t cell_of(const EdgeBlock& block, std::int64_t e, std::int32_t target) const {
        const std::size_t i_delay = block.delay == nullptr ? 0 : index_[block.delay[e]];
        return i_delay * table_.n_segments_ + (static_cast<std::size_t>(target) >> 16);
    }

    void find_delays() {
        std::set<std::int32_t> delays;
        if (files_.has_one_delay()) {
            delays.insert(files_.one_delay());
        } else {
            std::vector<bool> is_used(static_cast<std::size_t>(DelayIndex::n_looked_up), false);
            visit_edges([&](std::int32_t, const EdgeBlock& block, std::int64_t from, std::int64_t to) {
                for (std::int64_t e = from; e < to; ++e) {
                    const std::int32_t delay = block.delay[e];
                    if (local_target(block, e) < 0) continue;
                    if (delay < DelayIndex::n_looked_up) is_used[static_cast<std::size_t>(delay)] = true;
                    else delays.insert(delay);
                }
            });
            for (std::size_t d = 0; d < is_used.size(); ++d) {
                if (is_used[d]) delays.insert(static_cast<std::int32_t>(d));
            }
        }
        index_ = DelayIndex(delays);
        table_.delays_ = index_.delays();
        if (n_cells() > std::numeric_limits<std::uint32_t>::max()) {
            throw InputFailure(folder_, "has too many different delays for this many targets");
        }
    }

    void count_cells() {
        std::vector<std::uint32_t> counts(n_cells(), 0);
        std::vector<std::uint32_t> used;
        std::int32_t current = -1;
        n_entries_.assign(n_sources_, 0);
        const auto finish_row = [&] {
            std::sort(used.begin(), used.end());
            for (const std::uint32_t number : used) {
                entries_.push_back({number, counts[number]});
                table_.n_edges_ += counts[number];
                counts[number] = 0;
            }
            if (current >= 0) n_entries_[static_cast<std::size_t>(current)] = static_cast<std::uint32_t>(used.size());
            used.clear();
        };
        visit_edges([&](std::int32_t source, const EdgeBlock& block, std::int64_t from, std::int64_t to) {
            if (source != current) finish_row();
            current = source;
            compare_weights(block, from, to);
            if (n_cells() == 1) {
                const std::uint32_t n_kept = count_kept(block, from, to);
                if (n_kept > 0 && counts[0] == 0) used.push_back(0);
                counts[0] += n_kept;
                return;
            }
            for (std::int64_t e = from; e < to; ++e) {
                const std::int32_t target = local_target(block, e);
                if (target < 0) continue;
                const std::size_t cell = cell_of(block, e, target);
                if (counts[cell]++ == 0) used.push_back(static_cast<std::uint32_t>(cell));
            }
        });
        finish_row();
    }

    std::uint32_t count_kept(const EdgeBlock& block, std::int64_t from, std::int64_t to) const {
        std::uint32_t n_kept = 0;
        for (std::int64_t e = from; e < to; ++e) n_kept += local_target(block, e) >= 0 ? 1 : 0;
        return n_kept;
    }

    // Find out whether the weights of all edges of the table are one, to the bit.
    void compare_weights(const EdgeBlock& block, std::int64_t from, std::int64_t to) {
        if (block.weight == nullptr) table_.weight_ = files_.one_weight();
        if (block.weight == nullptr || !has_one_weight_) return;
        for (std::int64_t e = from; e < to; ++e) {
            if (local_target(block, e) < 0) continue;
            if (!has_weight_) table_.weight_ = block.weight[e];
            has_weight_ = true;
            if (std::memcmp(&table_.weight_, block.weight + e, sizeof(float)) != 0) has_one_weight_ = false;
        }
    }

    void index_cells() {
        if (table_.n_edges_ == 0) table_.delays_.clear();
        const double n_bytes = table_.n_edges_ <= std::numeric_limits<std::uint32_t>::max() ? 4.0 : 8.0;
        const double dense = n_bytes * static_cast<double>(n_sources_) * static_cast<double>(n_cells());
        const double sparse =
            (n_bytes + 4.0) * static_cast<double>(entries_.size()) + 4.0 * static_cast<double>(n_sources_);
        if (dense <= sparse || entries_.empty()) index_densely();
        else index_sparsely();
    }

    void index_densely() {
        table_.starts_ = Offsets(n_sources_ * n_cells() + 1, table_.n_edges_);
        std::uint64_t position = 0;
        std::size_t entry = 0, cell = 0;
        for (std::size_t s = 0; s < n_sources_; ++s) {
            const std::size_t row_end = entry + n_entries_[s];
            for (std::size_t c = 0; c < n_cells(); ++c) {
                table_.starts_.set(cell++, position);
                if (entry < row_end && entries_[entry].number == c) position += entries_[entry++].n_edges;
            }
        }
        table_.starts_.set(cell, position);
    }

    void index_sparsely() {
        table_.starts_ = Offsets(entries_.size() + 1, table_.n_edges_);
        table_.rows_ = Offsets(n_sources_ + 1, entries_.size());
        table_.cells_.resize(entries_.size());
        std::uint64_t position = 0, n_entries = 0;
        for (std::size_t entry = 0; entry < entries_.size(); ++entry) {
            table_.starts_.set(entry, position);
            table_.cells_[entry] = entries_[entry].number;
            position += entries_[entry].n_edges;
        }
        table_.starts_.set(entries_.size(), position);
        for (std::size_t s = 0; s < n_sources_; ++s) {
            table_.rows_.set(s, n_entries);
            n_entries += n_entries_[s];
        }
        table_.rows_.set(n_sources_, n_entries);
    }

    // With one cell per source, the order of the table is that of the file.
    void fill_in_order() {
        std::uint16_t* targets = table_.targets_.data();
        float* weights = table_.weights_.data();
        std::size_t n = 0;
        visit_edges([&](std::int32_t, const EdgeBlock& block, std::int64_t from, std::int64_t to) {
            for (std::int64_t e = from; e < to; ++e) {
                const std::int32_t target = local_target(block, e);
                targets[n] = static_cast<std::uint16_t>(target);
                if (!has_one_weight_) weights[n] = block.weight[e];
                n += target >= 0 ? 1 : 0;
            }
        });
    }

    void fill_cells() {
        std::vector<std::uint64_t> next(n_cells(), 0);  // where the next edge of each cell of the current source goes
        std::int32_t current = -1;
        std::uint64_t position = 0;
        std::size_t entry = 0;
        const auto begin_row = [&](std::int32_t source) {
            current = source;
            for (std::size_t i = 0; i < n_entries_[static_cast<std::size_t>(source)]; ++i, ++entry) {
                next[entries_[entry].number] = position;
                position += entries_[entry].n_edges;
            }
        };
        visit_edges([&](std::int32_t source, const EdgeBlock& block, std::int64_t from, std::int64_t to) {
            if (source != current) begin_row(source);
            for (std::int64_t e = from; e < to; ++e) {
                const std::int32_t target = local_target(block, e);
                if (target < 0) continue;
                const std::size_t at = next[cell_of(block, e, target)]++;
                table_.targets_[at] = static_cast<std::uint16_t>(target);  // the low 16 bits
                if (!has_one_weight_) table_.weights_[at] = block.weight[e];
            }
        });
    }

    const std::string& folder_;
    const std::vector<std::int32_t>& source_local_;
    const std::vector<std::int32_t>& target_local_;
    std::size_t n_sources_;
    EdgeFiles files_;
    DelayIndex index_;
    bool has_one_weight_ = true;  // until two weights differ
    bool has_weight_ = false;
    std::vector<Cell> entries_;             // cells with edges, source by source
    std::vector<std::uint32_t> n_entries_;  // of each source
    RowTable table_;
};

inline RowTable RowTable::load(const std::string& folder, const std::vector<std::int32_t>& source_local,
                               std::int32_t n_sources, const std::vector<std::int32_t>& target_local,
                               std::int32_t n_targets) {
    return RowTableBuilder(folder, source_local, n_sources, target_local, n_targets).build();
}

}  // namespace currents

#endif  // CURRENTS_DELIVERY_H
