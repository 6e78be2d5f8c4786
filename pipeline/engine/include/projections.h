// Pathways: the spikes of a group or of a drive's sources, delivered to a group when their delays have passed.

#ifndef CURRENTS_PROJECTIONS_H
#define CURRENTS_PROJECTIONS_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "arrivals.h"
#include "delivery.h"
#include "spike_ring.h"

namespace currents {

// All edges of one channel from one group of sources to one group of neurons.
class Projection {
  public:
    // arrivals: of the targets. trace: of each source, by which a spike's weight is multiplied when
    // it is delivered; nullptr when it is not.
    Projection(const SpikeRing* spikes, Arrivals* arrivals, const double* trace)
        : spikes_(spikes), arrivals_(arrivals), trace_(trace) {}

    void add(RowTable table) {
        if (trace_) {
            arrivals_->expect_any_weight();
        } else {
            arrivals_->expect(table);
        }
        tables_.push_back(std::move(table));
    }

    // Add what arrives in a step.
    void deliver(std::int64_t step) const {
        if (trace_) {
            deliver_traced(step);
            return;
        }
        for (const RowTable& table : tables_) {
            for (std::size_t i_delay = 0; i_delay < table.delays().size(); ++i_delay) {
                const std::vector<std::int32_t>& spikes = spikes_->at(step - table.delays()[i_delay]);
                if (arrivals_->are_counted()) {
                    std::uint16_t* counts = arrivals_->counts();
                    for_each_spike(table, i_delay, spikes, [&](std::int32_t s) { table.count(s, i_delay, counts); });
                } else {
                    double* sums = arrivals_->sums();
                    for_each_spike(table, i_delay, spikes, [&](std::int32_t s) { table.deliver(s, i_delay, sums); });
                }
            }
        }
    }

  private:
    // Rows lie all over memory: each is called into the cache while some before it are delivered.
    template <class Deliver>
    static void for_each_spike(const RowTable& table, std::size_t i_delay, const std::vector<std::int32_t>& spikes,
                               Deliver deliver) {
        constexpr std::size_t n_ahead = 4;
        for (std::size_t i = 0; i < std::min(n_ahead, spikes.size()); ++i) {
            table.prefetch(spikes[i], i_delay);
        }
        for (std::size_t i = 0; i < spikes.size(); ++i) {
            if (i + n_ahead < spikes.size()) {
                table.prefetch(spikes[i + n_ahead], i_delay);
            }
            deliver(spikes[i]);
        }
    }

    // Products are not exact, so the order of their sum matters: it is Brian2's, spike by spike through all tables. All
    // tables have one and the same delay.
    void deliver_traced(std::int64_t step) const {
        const RowTable* first = nullptr;
        for (const RowTable& table : tables_) {
            first = !first && table.n_edges() > 0 ? &table : first;
        }
        if (!first) {
            return;
        }
        for (const std::int32_t source : spikes_->at(step - first->delays()[0])) {
            for (const RowTable& table : tables_) {
                if (table.n_edges() > 0) {
                    table.deliver_scaled(source, 0, trace_[source], arrivals_->sums());
                }
            }
        }
    }

    const SpikeRing* spikes_;
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
