// The lines of a description about edges: which spikes go where.

#ifndef CURRENTS_PATHWAY_READER_H
#define CURRENTS_PATHWAY_READER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "group_reader.h"
#include "input_folder.h"
#include "lookup.h"
#include "row_table_builder.h"

namespace currents {

class PathwayReader {
  public:
    PathwayReader(Simulation& simulation, InputFolder& inputs, const GroupReader& groups)
        : simulation_(simulation), inputs_(inputs), groups_(groups) {}

    // projection SOURCE TARGET N_EDGES VARIABLE TRACE, with TRACE `-` or a variable of the source group; as many lines
    // `edges` follow.
    void read_projection(Line& line) {
        begin_pathway(line);
        Arrivals& arrivals = find_arrivals(line, *target_, line.word());
        const std::string trace = line.word();
        is_traced_ = trace != "-";
        const double* source_trace = is_traced_ ? find_trace(line, trace) : nullptr;
        simulation_.projections.emplace_back(ring_, drive_ != nullptr, &arrivals, source_trace);
        sum_ = nullptr;
    }

    // summed SOURCE TARGET N_EDGES VARIABLE per_source TRACE | summed … per_synapse FACTOR; as many lines `edges`
    // follow.
    void read_summed(Line& line) {
        begin_pathway(line);
        double* sums = find_reals(line, *target_, line.word());
        take(line, summed_, sums);
        const std::string kind = line.word();
        const std::int64_t n = target_->group->n_neurons();
        if (kind == "per_source") {
            const double* trace = find_trace(line, line.word());
            simulation_.summed_traces.push_back(std::make_unique<SourceSums>(trace, sums, n));
        } else if (kind == "per_synapse") {
            simulation_.summed_traces.push_back(std::make_unique<SynapseSums>(ring_, sums, n, line.number()));
        } else {
            line.refuse("has another kind of traces", "per_source or per_synapse", kind);
        }
        sum_ = simulation_.summed_traces.back().get();
    }

    // edges FOLDER INITIAL_TRACE: of the projection or sum before.
    void read_edges(Line& line) {
        if (n_left_ == 0) {
            line.refuse("belongs to no projection");
        }
        --n_left_;
        const std::string folder = inputs_.use_edges(line, line.word());
        take(line, folders_, folder);
        const double initial = line.number();
        find_source_indices(folder);
        if (sum_) {
            const auto n_targets = static_cast<std::int32_t>(target_->group->n_neurons());
            sum_->add(load<OrderedEdges>(line, folder, n_targets), initial);
        } else {
            simulation_.projections.back().add(load<RowTable>(line, folder, target_->segments));
        }
    }

    // trace GROUP VARIABLE DELAY: grows by 1 when a neuron's spike is delivered, after it has been.
    void read_trace(Line& line) {
        Members& members = find_members(simulation_, line, line.word());
        double* trace = find_reals(line, members, line.word());
        const std::int64_t delay = line.whole(0, most_delay);
        take(line, traces_, trace);
        keep_spikes(members.ring, delay);
        simulation_.trace_updates.emplace_back(&members.ring, trace, delay);
    }

    // All edges must have been named, and what lets traces grow; the number of sources of a drive without edges would
    // have been compared with nothing.
    void finish(const Line& line, const std::string& place) const {
        check_whole(line);
        for (double* trace : used_traces_) {
            if (std::find(traces_.begin(), traces_.end(), trace) == traces_.end()) {
                throw InputFailure(place, "has traces that nothing lets grow");
            }
        }
        for (const std::unique_ptr<SourceDrive>& drive : simulation_.drives) {
            if (std::find(checked_drives_.begin(), checked_drives_.end(), drive.get()) == checked_drives_.end()) {
                throw InputFailure(place, "has no edges of the drive " + drive->name());
            }
        }
    }

  private:
    // Steps; spikes are kept for as long as that, a list of them for each step.
    static constexpr std::int64_t most_delay = std::int64_t{1} << 24;

    // Take something for one line alone.
    template <class Item>
    static void take(const Line& line, std::vector<Item>& taken, const Item& item) {
        if (std::find(taken.begin(), taken.end(), item) != taken.end()) {
            line.refuse("says what another line says");
        }
        taken.push_back(item);
    }

    void check_whole(const Line& line) const {
        if (n_left_ > 0) {
            line.refuse("comes before all edges of the projection before it", "",
                        std::to_string(n_left_) + " are missing");
        }
    }

    // SOURCE TARGET N_EDGES: a group of neurons, or a drive, and a group.
    void begin_pathway(Line& line) {
        check_whole(line);
        const std::string name = line.word();
        drive_ = nullptr;
        source_ = nullptr;
        source_local_.clear();
        for (std::unique_ptr<SourceDrive>& drive : simulation_.drives) {
            drive_ = drive->name() == name ? drive.get() : drive_;
        }
        source_ = drive_ ? nullptr : &find_members(simulation_, line, name);
        ring_ = drive_ ? &drive_->ring() : &source_->ring;
        target_ = &find_members(simulation_, line, line.word());
        target_local_ = groups_.local_indices(*target_);
        n_left_ = line.whole(1);
        folders_.clear();
        delays_.clear();
        is_traced_ = false;
    }

    // A trace of the sources, which must be neurons.
    const double* find_trace(const Line& line, const std::string& variable) {
        if (!source_) {
            line.refuse("asks for a trace of the sources of a drive");
        }
        used_traces_.push_back(find_reals(line, *source_, variable));
        return used_traces_.back();
    }

    // Memory for as many sources as a drive says that it has is taken only when the edges have rows for as many.
    void find_source_indices(const std::string& folder) {
        if (!source_local_.empty()) {
            return;
        }
        if (source_) {
            source_local_ = groups_.local_indices(*source_);
            return;
        }
        const NpyStream<std::int64_t> row(folder + "/row.npy");
        const std::int64_t n = drive_->n_sources();
        if (row.size() != n + 1) {
            throw InputFailure(row.path(), "has the wrong length", std::to_string(n + 1), std::to_string(row.size()));
        }
        source_local_.resize(static_cast<std::size_t>(n));
        std::iota(source_local_.begin(), source_local_.end(), 0);
        checked_drives_.push_back(drive_);
    }

    // Edges from the current source to the current target.
    template <class Edges, class Targets>
    Edges load(const Line& line, const std::string& folder, const Targets& targets) {
        const auto n_sources = static_cast<std::int32_t>(source_ ? source_->group->n_neurons() : drive_->n_sources());
        Edges edges = Edges::load(folder, source_local_, n_sources, target_local_, targets);
        for (const std::int32_t delay : edges.delays()) {
            if (delay > most_delay) {
                line.refuse("has a delay that is too long", std::to_string(most_delay) + " steps at most",
                            std::to_string(delay));
            }
            keep_spikes(*ring_, delay);
            delays_.push_back(delay);
        }
        if (is_traced_ && std::count(delays_.begin(), delays_.end(), delays_.empty() ? 0 : delays_[0]) !=
                              static_cast<std::ptrdiff_t>(delays_.size())) {
            line.refuse("has several delays, though its spikes carry a trace");
        }
        return edges;
    }

    // What is delivered after the end need not be kept.
    void keep_spikes(SpikeRing& ring, std::int64_t delay) const { ring.reserve(std::min(delay, simulation_.n_steps)); }

    Simulation& simulation_;
    InputFolder& inputs_;
    const GroupReader& groups_;
    std::vector<const SourceDrive*> checked_drives_;
    std::vector<double*> summed_;
    std::vector<double*> traces_;
    std::vector<double*> used_traces_;

    // Of the projection or sum whose edges are read.
    SourceDrive* drive_ = nullptr;
    Members* source_ = nullptr;
    Members* target_ = nullptr;
    SpikeRing* ring_ = nullptr;
    SummedTraces* sum_ = nullptr;
    bool is_traced_ = false;
    std::int64_t n_left_ = 0;
    std::vector<std::string> folders_;
    std::vector<std::int32_t> source_local_;
    std::vector<std::int32_t> target_local_;
    std::vector<std::int32_t> delays_;
};

}  // namespace currents

#endif  // CURRENTS_PATHWAY_READER_H
