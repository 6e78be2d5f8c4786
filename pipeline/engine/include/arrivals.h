// What arrives at the neurons of a group through one channel in a step, and its sums over the bins of recorders.
//
// Where every event that can reach a neuron has the same weight, events are counted, in two bytes instead of eight: the
// counts of a part stay in the first cache while spikes are delivered at random places. Sums of weights are exact (weights
// are float32, sums float64), so the number of events times the weight is the same bits as their sum.

#ifndef CURRENTS_ARRIVALS_H
#define CURRENTS_ARRIVALS_H

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "blocks.h"
#include "group.h"
#include "own_memory.h"
#include "row_table.h"

namespace currents {

// Neurons [begin, end) of a group, whose events all have one weight.
struct WeightRange {
    std::int64_t begin;
    std::int64_t end;
    double weight;
};

// What arrives is added up over bins: as numbers of events, or as sums of weights.
struct Bin {
    std::int64_t steps_per_bin;
    bool is_counted;
};

// Weighed arrivals of a block. Whole lines of the cache: half of the wide stores would go to two of them otherwise.
struct alignas(64) WeighedBlock : std::array<double, n_neurons_per_block> {};

// What can arrive at the neurons of a group through a channel, and how it is kept.
class Arrivals {
  public:
    // variable: the group's, by which its loops read what arrives.
    Arrivals(std::string variable, std::int64_t n_neurons)
        : variable_(std::move(variable)),
          n_neurons_(n_neurons),
          weights_(static_cast<std::size_t>(n_neurons), std::numeric_limits<double>::quiet_NaN()),
          most_(static_cast<std::size_t>(n_neurons), 0) {}

    const std::string& variable() const { return variable_; }

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
            find_reached_blocks();
            most_at_once_ = most_.empty() ? 0 : *std::max_element(most_.begin(), most_.end());
        }
        std::vector<double>().swap(weights_);
        std::vector<std::uint64_t>().swap(most_);
    }

    bool are_counted() const { return can_count_; }
    const std::vector<WeightRange>& ranges() const { return ranges_; }
    bool is_reached(std::int64_t begin) const { return is_reached_[static_cast<std::size_t>(begin / n_neurons_per_block)]; }

    // Bins of one recorder. They are counted where arrivals are, unless there could be more events in a bin than 32 bits count.
    // Return their place among all bins of these arrivals.
    std::size_t add_bin(std::int64_t steps_per_bin) {
        const std::uint64_t most_steps = std::numeric_limits<std::uint32_t>::max() / std::max<std::uint64_t>(1, most_at_once_);
        bins_.push_back({steps_per_bin, can_count_ && static_cast<std::uint64_t>(steps_per_bin) <= most_steps});
        return bins_.size() - 1;
    }
    const std::vector<Bin>& bins() const { return bins_; }

    // Events that can reach a neuron in a bin, where they are counted.
    std::uint64_t most_in_bin(std::size_t i_bin) const {
        return most_at_once_ * static_cast<std::uint64_t>(bins_[i_bin].steps_per_bin);
    }

    // Bytes that a neuron takes in an inlet, besides its variable.
    std::size_t n_bytes_per_neuron() const {
        std::size_t n_bytes = can_count_ ? sizeof(std::uint16_t) : 0;
        for (const Bin& bin : bins_) {
            n_bytes += bin.is_counted ? sizeof(std::uint32_t) : sizeof(double);
        }
        return n_bytes;
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

    std::string variable_;
    std::int64_t n_neurons_;
    bool can_count_ = true;
    // Until settled: the weight of the events that can reach each neuron, and how many there can be in a step.
    std::vector<double> weights_;
    std::vector<std::uint64_t> most_;
    std::vector<WeightRange> ranges_;
    std::uint64_t most_at_once_ = 0;  // events at a neuron in a step
    // Of each block, whether any event can reach it: a population is seldom the target of all channels.
    std::vector<char> is_reached_;
    std::vector<Bin> bins_;
};

// What arrives at the neurons [begin, end) of a group, those of one part, and its sums over the bins of recorders.
class Inlet {
  public:
    // variable: that of the part's loops.
    Inlet(const Arrivals& arrivals, Array& variable, std::int64_t begin, std::int64_t end, OwnMemory& memory)
        : arrivals_(arrivals), variable_(variable) {
        const std::int64_t n = end - begin;
        counts_ = arrivals.are_counted() ? place_before(memory.allocate<std::uint16_t>(n), begin) : nullptr;
        for (const Bin& bin : arrivals.bins()) {
            Sums sums = {bin.steps_per_bin, nullptr, nullptr};
            if (bin.is_counted) {
                sums.counts = place_before(memory.allocate<std::uint32_t>(n), begin);
            } else {
                sums.weights = place_before(memory.allocate<double>(n), begin);
            }
            sums_.push_back(sums);
        }
    }
    Inlet(const Inlet&) = delete;
    Inlet& operator=(const Inlet&) = delete;

    // All of these by neuron.
    bool are_counted() const { return counts_ != nullptr; }
    std::uint16_t* counts() { return counts_; }
    double* sums() { return variable_.values<double>(); }
    // Of a bin: one of them is nullptr.
    const std::uint32_t* bin_counts(std::size_t i_bin) const { return sums_[i_bin].counts; }
    const double* bin_weights(std::size_t i_bin) const { return sums_[i_bin].weights; }

    // Put what has arrived in a step at a block of neurons where the loops will read it.
    void hand_over(std::int64_t step, std::int64_t begin, std::int64_t end) {
        if (!are_counted()) {
            add_to_bins(step, begin, end, sums() + begin);
            return;  // the loops read the sums where they are
        }
        if (!arrivals_.is_reached(begin)) {
            variable_.lend(nothing_.data(), begin);
            return;
        }
        for (const WeightRange& range : arrivals_.ranges()) {
            const std::int64_t first = std::max(begin, range.begin);
            const std::int64_t last = std::min(end, range.end);
            if (first < last) {
                weigh(counts_ + first, weighed_.data() + (first - begin), last - first, range.weight);
            }
        }
        add_to_bins(step, begin, end, weighed_.data());
        variable_.lend(weighed_.data(), begin);
    }

    // Start from 0 again, once the loops have passed.
    void clear(std::int64_t begin, std::int64_t end) {
        if (!are_counted()) {
            std::fill(sums() + begin, sums() + end, 0.0);
        } else if (arrivals_.is_reached(begin)) {
            std::fill(counts_ + begin, counts_ + end, std::uint16_t{0});
        }
    }

    // Take over neurons [begin, end) of another part, between two steps: of what arrives in a step, nothing is left.
    void take_over(const Inlet& other, std::int64_t begin, std::int64_t end) {
        for (std::size_t i = 0; i < sums_.size(); ++i) {
            if (sums_[i].counts) {
                std::copy(other.sums_[i].counts + begin, other.sums_[i].counts + end, sums_[i].counts + begin);
            } else {
                std::copy(other.sums_[i].weights + begin, other.sums_[i].weights + end, sums_[i].weights + begin);
            }
        }
    }

  private:
    // Since the first step of a bin.
    struct Sums {
        std::int64_t steps_per_bin;
        std::uint32_t* counts;
        double* weights;
    };

    // weighed: what has arrived at the block that begins with neuron `begin`.
    void add_to_bins(std::int64_t step, std::int64_t begin, std::int64_t end, const double* weighed) {
        for (const Sums& bin : sums_) {
            const bool starts_bin = step % bin.steps_per_bin == 0;
            if (bin.counts) {
                add_to_bin(counts_ + begin, bin.counts + begin, end - begin, starts_bin);
            } else {
                add_to_bin(weighed, bin.weights + begin, end - begin, starts_bin);
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

    const Arrivals& arrivals_;
    Array& variable_;
    std::uint16_t* counts_;
    std::vector<Sums> sums_;
    WeighedBlock weighed_{};
    WeighedBlock nothing_{};
};

}  // namespace currents

#endif  // CURRENTS_ARRIVALS_H
