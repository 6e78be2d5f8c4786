// The network, and its way through time in windows of steps.
//
// Order within a step (docs/numbers.md): events, state update, threshold, delivery of the spikes whose delay has passed,
// arrivals, resets, end of the step, recording.

#ifndef CURRENTS_SIMULATION_H
#define CURRENTS_SIMULATION_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arrivals.h"
#include "crew.h"
#include "drives.h"
#include "group.h"
#include "part.h"
#include "projections.h"
#include "recorders.h"
#include "segments.h"
#include "shares.h"
#include "spike_ring.h"
#include "summed_traces.h"

namespace currents {

// A variable of one neuron, or shared by its group, that is set before a step.
struct Event {
    std::int64_t step;
    std::size_t i_group;
    std::size_t i_array;  // of the group's arrays, that which it sets
    std::int64_t local;
    bool is_shared;
    double value;
};

// A group, with what belongs to its neurons' spikes. Where there are several threads, their parts have its arrays from the start on.
struct Members {
    std::unique_ptr<Group> group;
    Segments segments;
    SpikeRing ring;
    // Steps that a neuron stays refractory: one number for all, or one per neuron.
    std::vector<std::int64_t> refractory_steps;
    std::vector<PoissonInput> inputs;
    std::vector<std::unique_ptr<Arrivals>> arrivals;

    const std::string& name() const { return group->name(); }
};

class Simulation {
  public:
    // No window is longer: between windows, the program reports and looks whether it shall stop.
    static constexpr std::int64_t n_most_steps = 64;

    Simulation(std::int64_t steps, std::size_t threads) : n_steps(steps), n_threads(threads) {}

    // Cut all groups into segments, for the threads: once their sizes are known, and before edges are read.
    void cut_groups();
    std::size_t n_segments() const { return groups.empty() ? 1 : groups.front().segments.size(); }

    // Once everything is there, before the first window.
    void start();

    // Run a window of steps.
    void advance();

    bool is_finished() const { return step >= n_steps; }

    // End all recordings; they are whole when this returns.
    void close();

    // Put all that has been recorded on disk.
    void flush();

    // After one recording could not be written: of the others, put on disk what fits.
    void salvage();

    // So far: of all neurons, and arrivals of their spikes and of drives' at synapses.
    std::int64_t n_spikes() const;
    std::int64_t n_events() const;

    double dt = 0.0;
    std::int64_t step = 0;
    std::int64_t n_steps;
    std::size_t n_threads;
    std::vector<Members> groups;
    std::vector<std::unique_ptr<SourceDrive>> drives;
    std::vector<InjectedCurrent> currents;
    std::vector<Event> events;
    std::vector<Projection> projections;
    std::vector<TraceUpdate> trace_updates;
    std::vector<std::unique_ptr<SummedTraces>> summed_traces;
    std::vector<std::unique_ptr<ValueRecorder>> value_recorders;
    std::vector<std::unique_ptr<SpikeRecorder>> spike_recorders;
    std::vector<std::unique_ptr<RateRecorder>> rate_recorders;
    // Records of the sources of each drive, in the order of `drives`.
    std::vector<std::unique_ptr<SpikeRecorder>> source_recorders;

  private:
    bool can_be_split() const;
    std::int64_t find_window_end();
    void fire_drives(std::int64_t end);
    // The step before which all parts have ended, and the failure of that step if there was one.
    std::int64_t find_end(const Part*& failed) const;
    void gather_spikes(std::int64_t end);
    void share_out();
    void record(std::int64_t end);
    void record_step(std::int64_t at);
    std::vector<ChunkStream*> streams();

    std::int64_t window_steps_ = n_most_steps;
    std::int64_t window_end_ = 0;
    Cuts cuts_;
    std::vector<std::unique_ptr<Part>> parts_;
    std::unique_ptr<Shares> shares_;
    std::unique_ptr<Crew> crew_;
    std::vector<const std::vector<std::int32_t>*> spikes_;
};

}  // namespace currents

#endif  // CURRENTS_SIMULATION_H
