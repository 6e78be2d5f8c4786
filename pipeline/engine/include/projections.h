// Pathways: the spikes of a group or of a drive's sources, delivered to a group when their delays have passed.

#ifndef CURRENTS_PROJECTIONS_H
#define CURRENTS_PROJECTIONS_H

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "delivery.h"
#include "spike_ring.h"

namespace currents {

// All edges of one channel from one group of sources to one group of neurons.
class Projection {
  public:
    // arrivals: what arrives at each target in the step. trace: of each source, by which a spike's weight is multiplied when
    // it is delivered; nullptr when it is not.
    Projection(const SpikeRing* spikes, double* arrivals, const double* trace)
        : spikes_(spikes), arrivals_(arrivals), trace_(trace) {}

    void add(RowTable table) { tables_.push_back(std::move(table)); }

    // Add what arrives in a step.
    void deliver(std::int64_t step) const {
        if (trace_) {
            deliver_traced(step);
            return;
        }
        for (const RowTable& table : tables_) {
            for (std::size_t i_delay = 0; i_delay < table.delays().size(); ++i_delay) {
                deliver_plain(table, i_delay, spikes_->at(step - table.delays()[i_delay]));
            }
        }
    }

  private:
    void deliver_plain(const RowTable& table, std::size_t i_delay, const std::vector<std::int32_t>& spikes) const {
        for (std::size_t i = 0; i < spikes.size(); ++i) {
            if (i + 1 < spikes.size()) {
                table.prefetch(spikes[i + 1], i_delay);
            }
            table.deliver(spikes[i], i_delay, arrivals_);
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
                    table.deliver_scaled(source, 0, trace_[source], arrivals_);
                }
            }
        }
    }

    const SpikeRing* spikes_;
    double* arrivals_;
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
