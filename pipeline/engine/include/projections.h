// Pathways: the spikes of a group or of a drive's sources, delivered to a group when their delays have passed.

#ifndef CURRENTS_PROJECTIONS_H
#define CURRENTS_PROJECTIONS_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "arrivals.h"
#include "row_table.h"
#include "spike_ring.h"

namespace currents {

// All edges of one channel from one group of sources to one group of neurons.
class Projection {
  public:
    // from_drive: whether the sources are those of a drive. arrivals: of the targets. trace: of each source, by which a spike's
    // weight is multiplied when it is delivered; nullptr when it is not.
    Projection(const SpikeRing* spikes, bool from_drive, Arrivals* arrivals, const double* trace)
        : spikes_(spikes), from_drive_(from_drive), arrivals_(arrivals), trace_(trace) {}

    void add(RowTable table) {
        if (trace_) {
            arrivals_->expect_any_weight();
        } else {
            arrivals_->expect(table);
        }
        tables_.push_back(std::move(table));
    }

    bool has_traces() const { return trace_ != nullptr; }

    // For how many steps targets need not know of spikes of neurons; as many as can be where these are no sources.
    std::int64_t shortest_delay() const {
        std::int64_t shortest = std::numeric_limits<std::int64_t>::max();
        for (const RowTable& table : tables_) {
            const bool counts = !from_drive_ && !table.delays().empty();
            shortest = counts ? std::min<std::int64_t>(shortest, table.delays().front()) : shortest;
        }
        return shortest;
    }

    const Arrivals* arrivals() const { return arrivals_; }

    // Add what arrives in a step at the targets in a range of segments, whose inlet it is. Return the number of events.
    std::size_t deliver(std::int64_t step, SegmentRange range, Inlet& inlet) const {
        if (trace_) {
            return deliver_traced(step, range, inlet.sums());
        }
        std::size_t n = 0;
        for (const RowTable& table : tables_) {
            for (std::size_t i_delay = 0; i_delay < table.delays().size(); ++i_delay) {
                const std::vector<std::int32_t>& spikes = spikes_->at(step - table.delays()[i_delay]);
                if (inlet.are_counted()) {
                    std::uint16_t* counts = inlet.counts();
                    const auto count = [&](std::int32_t source) { n += table.count(source, i_delay, range, counts); };
                    for_each_spike(table, i_delay, range, spikes, count);
                } else {
                    double* sums = inlet.sums();
                    const auto add = [&](std::int32_t source) { n += table.deliver(source, i_delay, range, sums); };
                    for_each_spike(table, i_delay, range, spikes, add);
                }
            }
        }
        return n;
    }

  private:
    // Rows lie all over memory: each is called into the cache while some before it are delivered.
    template <class Deliver>
    static void for_each_spike(const RowTable& table, std::size_t i_delay, SegmentRange range,
                               const std::vector<std::int32_t>& spikes, Deliver deliver) {
        constexpr std::size_t n_ahead = 4;
        for (std::size_t i = 0; i < std::min(n_ahead, spikes.size()); ++i) {
            table.prefetch(spikes[i], i_delay, range);
        }
        for (std::size_t i = 0; i < spikes.size(); ++i) {
            if (i + n_ahead < spikes.size()) {
                table.prefetch(spikes[i + n_ahead], i_delay, range);
            }
            deliver(spikes[i]);
        }
    }

    // Products are not exact, so the order of their sum matters: it is Brian2's, spike by spike through all tables. All
    // tables have one and the same delay.
    std::size_t deliver_traced(std::int64_t step, SegmentRange range, double* sums) const {
        const RowTable* first = nullptr;
        for (const RowTable& table : tables_) {
            first = !first && table.n_edges() > 0 ? &table : first;
        }
        std::size_t n = 0;
        if (!first) {
            return n;
        }
        for (const std::int32_t source : spikes_->at(step - first->delays()[0])) {
            for (const RowTable& table : tables_) {
                if (table.n_edges() > 0) {
                    n += table.deliver_scaled(source, 0, range, trace_[source], sums);
                }
            }
        }
        return n;
    }

    const SpikeRing* spikes_;
    bool from_drive_;
    Arrivals* arrivals_;
    const double* trace_;
    std::vector<RowTable> tables_;
};

// A trace of each neuron of a group, which grows by 1 as often as its spikes are delivered.
class TraceUpdate {
  public:
    TraceUpdate(const SpikeRing* spikes, double* trace, std::int64_t delay)
        : spikes_(spikes), trace_(trace), delay_(delay) {}

    void apply(std::int64_t step) const {
        for (const std::int32_t source : spikes_->at(step - delay_)) {
            trace_[source] += 1.0;
        }
    }

  private:
    const SpikeRing* spikes_;
    double* trace_;
    std::int64_t delay_;
};

}  // namespace currents

#endif  // CURRENTS_PROJECTIONS_H
