// The edges of a pathway as they are in its files, checked, and read in blocks.

#ifndef CURRENTS_EDGE_FILES_H
#define CURRENTS_EDGE_FILES_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
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

}  // namespace currents

#endif  // CURRENTS_EDGE_FILES_H
