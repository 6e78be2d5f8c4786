// Currents that are sums of traces in every step: those of channels whose traces are not lowered.

#ifndef CURRENTS_SUMMED_TRACES_H
#define CURRENTS_SUMMED_TRACES_H

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "spike_ring.h"
#include "synapse_traces.h"

namespace currents {

// The current of one channel from one group of sources to one group of neurons, I = Σ w x.
class SummedTraces {
  public:
    virtual ~SummedTraces() = default;
    virtual void add(OrderedEdges edges, double initial) = 0;
    // What happens to the traces in every step, before spikes are delivered.
    virtual void decay() = 0;
    // Deliver the spikes of a step and set the current.
    virtual void deliver(std::int64_t step) = 0;
};

// One trace per synapse.
class SynapseSums : public SummedTraces {
  public:
    SynapseSums(const SpikeRing* spikes, double* current, std::int64_t n_targets, double propagate_x)
        : spikes_(spikes), current_(current), n_targets_(static_cast<std::size_t>(n_targets)), propagate_x_(propagate_x) {}

    void add(OrderedEdges edges, double initial) override {
        traces_.emplace_back(std::move(edges), propagate_x_, initial);
    }

    void decay() override {
        for (SynapseTraces& traces : traces_) {
            traces.decay();
        }
    }

    void deliver(std::int64_t step) override {
        for (SynapseTraces& traces : traces_) {
            const std::vector<std::int32_t>& delays = traces.edges().delays();
            for (std::size_t i_delay = 0; i_delay < delays.size(); ++i_delay) {
                for (const std::int32_t source : spikes_->at(step - delays[i_delay])) {
                    traces.arrive(source, i_delay);
                }
            }
        }
        sum_traces(traces_, n_targets_, current_);
    }

  private:
    const SpikeRing* spikes_;
    double* current_;
    std::size_t n_targets_;
    double propagate_x_;
    std::vector<SynapseTraces> traces_;
};

// One trace per source, which its group keeps.
class SourceSums : public SummedTraces {
  public:
    SourceSums(const double* trace, double* current, std::int64_t n_targets)
        : trace_(trace), current_(current), n_targets_(static_cast<std::size_t>(n_targets)) {}

    void add(OrderedEdges edges, double) override { edges_.push_back(std::move(edges)); }
    void decay() override {}

    void deliver(std::int64_t) override {
        std::fill_n(current_, n_targets_, 0.0);
        for (const OrderedEdges& edges : edges_) {
            add_source_traces(edges, trace_, current_);
        }
    }

  private:
    const double* trace_;
    double* current_;
    std::size_t n_targets_;
    std::vector<OrderedEdges> edges_;
};

}  // namespace currents

#endif  // CURRENTS_SUMMED_TRACES_H
