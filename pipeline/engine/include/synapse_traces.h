// Traces per synapse, and per source, that are added up in every step.
//
// A lowered channel needs none of this; these are for those that keep their traces. Sums are rounded, so their order
// decides the last bits: it is that of the edges in the files, pathway after pathway, as in Brian2's summed variables.

#ifndef CURRENTS_SYNAPSE_TRACES_H
#define CURRENTS_SYNAPSE_TRACES_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "edge_files.h"

namespace currents {

// The edges of one pathway from one group to another, in the order of its files.
class OrderedEdges {
  public:
    OrderedEdges() = default;

    // The arguments are those of RowTable::load.
    static OrderedEdges load(const std::string& folder, const std::vector<std::int32_t>& source_local,
                             std::int32_t n_sources, const std::vector<std::int32_t>& target_local,
                             std::int32_t n_targets) {
        check_groups(source_local, n_sources, target_local, n_targets);
        EdgeFiles files(folder, source_local.size(), target_local.size());
        OrderedEdges edges;
        edges.n_targets_ = static_cast<std::size_t>(n_targets);
        edges.count(files, source_local, static_cast<std::size_t>(n_sources), target_local);
        edges.fill(files, source_local, target_local);
        return edges;
    }

    std::size_t n_sources() const { return rows_.empty() ? 0 : rows_.size() - 1; }
    std::size_t n_targets() const { return n_targets_; }
    std::int64_t n_edges() const { return static_cast<std::int64_t>(targets_.size()); }
    std::int64_t n_bytes() const {
        const std::size_t n_small = targets_.size() + weights_.size() + edge_delays_.size();
        return static_cast<std::int64_t>(4 * n_small + 8 * rows_.size());
    }
    // The distinct delays in steps, ascending; none when there are no edges.
    const std::vector<std::int32_t>& delays() const { return delays_; }

    // The edges of a source are numbers begin(source) to begin(source + 1) - 1.
    std::size_t begin(std::size_t source) const { return rows_[source]; }
    std::size_t target(std::size_t e) const { return static_cast<std::size_t>(targets_[e]); }
    double weight(std::size_t e) const { return static_cast<double>(weights_.empty() ? weight_ : weights_[e]); }
    bool has_delay(std::size_t e, std::size_t i_delay) const {
        return edge_delays_.empty() || edge_delays_[e] == delays_[i_delay];
    }

  private:
    void count(EdgeFiles& files, const std::vector<std::int32_t>& source_local, std::size_t n_sources,
               const std::vector<std::int32_t>& target_local) {
        rows_.assign(n_sources + 1, 0);
        std::set<std::int32_t> delays;
        files.visit_rows(source_local, [&](std::int32_t s, const EdgeBlock& block, std::int64_t from, std::int64_t to) {
            for (std::int64_t e = from; e < to; ++e) {
                if (target_local[static_cast<std::size_t>(block.target[e])] < 0) continue;
                ++rows_[static_cast<std::size_t>(s) + 1];
                delays.insert(block.delay == nullptr ? files.one_delay() : block.delay[e]);
            }
        });
        for (std::size_t s = 0; s < n_sources; ++s) rows_[s + 1] += rows_[s];
        delays_.assign(delays.begin(), delays.end());
    }

    void fill(EdgeFiles& files, const std::vector<std::int32_t>& source_local,
              const std::vector<std::int32_t>& target_local) {
        weight_ = files.one_weight();
        targets_.reserve(rows_.back());
        if (!files.has_one_weight()) weights_.reserve(rows_.back());
        if (delays_.size() > 1) edge_delays_.reserve(rows_.back());
        files.visit_rows(source_local, [&](std::int32_t, const EdgeBlock& block, std::int64_t from, std::int64_t to) {
            for (std::int64_t e = from; e < to; ++e) {
                const std::int32_t target = target_local[static_cast<std::size_t>(block.target[e])];
                if (target < 0) continue;
                targets_.push_back(target);
                if (block.weight != nullptr) weights_.push_back(block.weight[e]);
                if (delays_.size() > 1) edge_delays_.push_back(block.delay[e]);
            }
        });
    }

    std::size_t n_targets_ = 0;
    std::vector<std::size_t> rows_;
    std::vector<std::int32_t> targets_;
    std::vector<float> weights_;  // empty when the file has one weight
    float weight_ = 0.0f;
    std::vector<std::int32_t> delays_;
    std::vector<std::int32_t> edge_delays_;  // empty when all edges have the same
};

// The traces x of all edges of one pathway: dx/dt = -x/tau, x += 1 when a spike arrives, I = sum of w * x.
class SynapseTraces {
  public:
    // propagate_x: factor of a step. initial: what all traces start from.
    SynapseTraces(OrderedEdges edges, double propagate_x, double initial = 0.0)
        : edges_(std::move(edges)),
          propagate_x_(propagate_x),
          x_(static_cast<std::size_t>(edges_.n_edges()), initial) {}

    const OrderedEdges& edges() const { return edges_; }
    // (n_edges,) the state, for checkpoints and recordings.
    std::vector<double>& x() { return x_; }
    const std::vector<double>& x() const { return x_; }

    // One step of the traces.
    void decay() {
        for (double& x : x_) x *= propagate_x_;
    }

    // A spike arrives at all edges of a source whose delay is delays()[i_delay].
    void arrive(std::int32_t source, std::size_t i_delay) {
        const std::size_t s = static_cast<std::size_t>(source);
        for (std::size_t e = edges_.begin(s); e < edges_.begin(s + 1); ++e) {
            if (edges_.has_delay(e, i_delay)) x_[e] += 1.0;
        }
    }

    // I[target] += w * x over the edges in order.
    void add_to(double* __restrict I) const {
        for (std::size_t e = 0; e < x_.size(); ++e) I[edges_.target(e)] += edges_.weight(e) * x_[e];
    }

    // I[target] = sum of w * x.
    void sum_into(double* __restrict I) const {
        std::fill_n(I, edges_.n_targets(), 0.0);
        add_to(I);
    }

  private:
    OrderedEdges edges_;
    double propagate_x_;
    std::vector<double> x_;
};

// The sum over several pathways to one group, in their order.
static inline void sum_traces(const std::vector<SynapseTraces>& pathways, std::size_t n_targets, double* __restrict I) {
    std::fill_n(I, n_targets, 0.0);
    for (const SynapseTraces& traces : pathways) traces.add_to(I);
}

// I[target] += w * x_source[source] over the edges in order: the traces are those of the sources.
static inline void add_source_traces(const OrderedEdges& edges, const double* x_source, double* __restrict I) {
    for (std::size_t s = 0; s < edges.n_sources(); ++s) {
        for (std::size_t e = edges.begin(s); e < edges.begin(s + 1); ++e) {
            I[edges.target(e)] += edges.weight(e) * x_source[s];
        }
    }
}

// I[target] = sum of w * x_source[source] over one pathway, or over several to one group in their order.
static inline void sum_source_traces(const OrderedEdges& edges, const double* x_source, double* __restrict I) {
    std::fill_n(I, edges.n_targets(), 0.0);
    add_source_traces(edges, x_source, I);
}
static inline void sum_source_traces(const std::vector<OrderedEdges>& pathways, std::size_t n_targets,
                                     const double* x_source, double* __restrict I) {
    std::fill_n(I, n_targets, 0.0);
    for (const OrderedEdges& edges : pathways) add_source_traces(edges, x_source, I);
}

}  // namespace currents

#endif  // CURRENTS_SYNAPSE_TRACES_H
