// What arrives at the neurons of a group through one channel in a step, and its sums over the bins of recorders.
//
// Where every event that can reach a neuron has the same weight, events are counted, in two bytes instead of eight: the
// counts of a group stay in the first cache while spikes are delivered at random places. Sums of weights are exact (weights
// are float32, sums float64), so the number of events times the weight is the same bits as their sum.

#ifndef CURRENTS_ARRIVALS_H
#define CURRENTS_ARRIVALS_H

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "blocks.h"
#include "group.h"
#include "row_table.h"

namespace currents {

// Neurons [begin, end) of a group, whose events all have one weight.
struct WeightRange {
    std::int64_t begin;
    std::int64_t end;
    double weight;
};

// What has arrived since the first step of a bin: numbers of events, or sums of weights.
struct BinSums {
    std::int64_t steps_per_bin = 1;
    LineVector<std::uint32_t> counts;
    LineVector<double> sums;

    bool are_counted() const { return sums.empty(); }
};

// Weighed arrivals of a block. Whole lines of the cache: half of the wide stores would go to two of them otherwise.
struct alignas(64) WeighedBlock : std::array<double, n_neurons_per_block> {};

class Arrivals {
  public:
    // variable: the group's, by which its loops read what arrives.
    Arrivals(Array& variable, std::int64_t n_neurons)
        : variable_(variable),
          n_neurons_(n_neurons),
          weights_(static_cast<std::size_t>(n_neurons), std::numeric_limits<double>::quiet_NaN()),
          most_(static_cast<std::size_t>(n_neurons), 0) {}

    const Array& variable() const { return variable_; }

    // Before anything arrives, say all that can: edges, ...
    void expect(const RowTable& table) {
        can_count_ = can_count_ && table.has_one_weight();
        if (can_count_) {
            std::vector<std::uint32_t> in_degrees(most_.size(), 0);
            table.add_in_degrees(in_degrees);
            for (std::size_t i = 0; i < most_.size(); ++i) {
                expect_events(i, in_degrees[i], static_cast<double>(table.one_weight()));
            }
        }
    }

    // ... up to `most` events in a step at each of the neurons [begin, end), ...
    void expect(std::int64_t begin, std::int64_t end, std::int64_t most, double weight) {
        for (std::int64_t i = begin; i < end; ++i) {
            expect_events(static_cast<std::size_t>(i), static_cast<std::uint64_t>(most), weight);
        }
    }

    // ... or weights that differ from event to event.
    void expect_any_weight() { can_count_ = false; }

    // Choose between counts and sums; nothing is expected any more.
    void settle() {
        if (can_count_) {
            gather_ranges();
            can_count_ = ranges_.size() <= 1 + most_.size() / n_neurons_per_block;
        }
        if (can_count_) {
            counts_.assign(most_.size(), 0);
            find_reached_blocks();
            most_at_once_ = most_.empty() ? 0 : *std::max_element(most_.begin(), most_.end());
        }
        std::vector<double>().swap(weights_);
        std::vector<std::uint64_t>().swap(most_);
    }

    bool are_counted() const { return can_count_; }
    std::uint16_t* counts() { return counts_.data(); }
    double* sums() { return variable_.values<double>(); }
    const std::vector<WeightRange>& ranges() const { return ranges_; }

    // Sums for one recorder, which stay valid as long as the arrivals. They are counts where arrivals are, unless there could
    // be more events in a bin than 32 bits count.
    BinSums* add_bin_sums(std::int64_t steps_per_bin) {
        bins_.push_back(std::make_unique<BinSums>());
        BinSums& bin = *bins_.back();
        bin.steps_per_bin = steps_per_bin;
        const std::uint64_t most_steps = std::numeric_limits<std::uint32_t>::max() / std::max<std::uint64_t>(1, most_at_once_);
        if (can_count_ && static_cast<std::uint64_t>(steps_per_bin) <= most_steps) {
            bin.counts.assign(counts_.size(), 0);
        } else {
            bin.sums.assign(static_cast<std::size_t>(n_neurons_), 0.0);
        }
        return &bin;
    }

    // Put what has arrived in a step at a block of neurons where the loops will read it, which know it as `variable`. Blocks
    // may be handed over at the same time, each with other scratch.
    void hand_over(std::int64_t step, std::int64_t begin, std::int64_t end, Array& variable, WeighedBlock& scratch) {
        if (!can_count_) {
            add_to_bins(step, begin, end, sums() + begin);
            return;  // the loops read the sums where they are
        }
        if (!is_reached(begin)) {
            variable.lend(nothing_->data(), begin);
            return;
        }
        for (const WeightRange& range : ranges_) {
            const std::int64_t first = std::max(begin, range.begin);
            const std::int64_t last = std::min(end, range.end);
            if (first < last) {
                weigh(counts_.data() + first, scratch.data() + (first - begin), last - first, range.weight);
            }
        }
        add_to_bins(step, begin, end, scratch.data());
        variable.lend(scratch.data(), begin);
    }

    // Start from 0 again, once the loops have passed.
    void clear(std::int64_t begin, std::int64_t end) {
        if (!can_count_) {
            std::fill(sums() + begin, sums() + end, 0.0);
        } else if (is_reached(begin)) {
            std::fill(counts_.begin() + begin, counts_.begin() + end, std::uint16_t{0});
        }
    }

  private:
    void expect_events(std::size_t i, std::uint64_t most, double weight) {
        if (most == 0) {
            return;
        }
        most_[i] += most;
        const bool same = weights_[i] == weight || weights_[i] != weights_[i];
        can_count_ = can_count_ && same && most_[i] <= std::numeric_limits<std::uint16_t>::max();
        weights_[i] = weight;
    }

    bool is_reached(std::int64_t begin) const { return is_reached_[static_cast<std::size_t>(begin / n_neurons_per_block)]; }

    void find_reached_blocks() {
        is_reached_.assign(static_cast<std::size_t>(count_blocks(n_neurons_)), 0);
        for (std::size_t i = 0; i < most_.size(); ++i) {
            if (most_[i] > 0) {
                is_reached_[i / static_cast<std::size_t>(n_neurons_per_block)] = 1;
            }
        }
    }

    // Neurons that nothing can reach go with those before them.
    void gather_ranges() {
        for (std::int64_t i = 0; i < n_neurons_; ++i) {
            const double weight = weights_[static_cast<std::size_t>(i)];
            if (ranges_.empty()) {
                ranges_.push_back({0, 1, weight});
            } else if (weight != weight || weight == ranges_.back().weight) {
                ranges_.back().end = i + 1;
            } else if (ranges_.back().weight != ranges_.back().weight) {
                ranges_.back() = {0, i + 1, weight};  // nothing can reach the first neurons
            } else {
                ranges_.push_back({i, i + 1, weight});
            }
        }
        if (!ranges_.empty() && ranges_.back().weight != ranges_.back().weight) {
            ranges_.back().weight = 0.0;  // nothing can reach any neuron; no event times NaN would be NaN
        }
    }

    // weighed: what has arrived at the block that begins with neuron `begin`.
    void add_to_bins(std::int64_t step, std::int64_t begin, std::int64_t end, const double* weighed) {
        for (std::unique_ptr<BinSums>& bin : bins_) {
            const bool starts_bin = step % bin->steps_per_bin == 0;
            if (bin->are_counted()) {
                add_to_bin(counts_.data() + begin, bin->counts.data() + begin, end - begin, starts_bin);
            } else {
                add_to_bin(weighed, bin->sums.data() + begin, end - begin, starts_bin);
            }
        }
    }

    template <class From, class To>
    static void add_to_bin(const From* __restrict from, To* __restrict to, std::int64_t n, bool starts_bin) {
        if (starts_bin) {
            for (std::int64_t i = 0; i < n; ++i) {
                to[i] = from[i];
            }
        } else {
            for (std::int64_t i = 0; i < n; ++i) {
                to[i] += from[i];
            }
        }
    }

    static void weigh(const std::uint16_t* __restrict counts, double* __restrict to, std::int64_t n, double weight) {
        for (std::int64_t i = 0; i < n; ++i) {
            to[i] = weight * static_cast<double>(static_cast<std::int32_t>(counts[i]));
        }
    }

    Array& variable_;
    std::int64_t n_neurons_;
    bool can_count_ = true;
    // Until settled: the weight of the events that can reach each neuron, and how many there can be in a step.
    std::vector<double> weights_;
    std::vector<std::uint64_t> most_;
    std::vector<WeightRange> ranges_;
    LineVector<std::uint16_t> counts_;
    std::uint64_t most_at_once_ = 0;  // events at a neuron in a step
    // Of each block, whether any event can reach it: a population is seldom the target of all channels.
    std::vector<char> is_reached_;
    std::unique_ptr<WeighedBlock> nothing_ = std::make_unique<WeighedBlock>();
    std::vector<std::unique_ptr<BinSums>> bins_;
};

}  // namespace currents

#endif  // CURRENTS_ARRIVALS_H
