// The network and its steps.
//
// Order within a step (docs/numbers.md): events, state update, threshold, delivery of the spikes whose delay has passed,
// arrivals, resets, end of the step, recording.

#ifndef CURRENTS_SIMULATION_H
#define CURRENTS_SIMULATION_H

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrivals.h"
#include "drives.h"
#include "group.h"
#include "projections.h"
#include "recorders.h"
#include "spike_ring.h"
#include "summed_traces.h"

namespace currents {

// A state variable that has become NaN or infinite.
class NumericFailure : public std::exception {
  public:
    NumericFailure(std::string group_name, std::int64_t neuron_in_group, std::int64_t failed_step, double t)
        : group(std::move(group_name)), local(neuron_in_group), step(failed_step), time_s(t) {}
    const char* what() const noexcept override { return "v is not finite"; }

    std::string group;
    std::int64_t local;
    std::int64_t step;
    double time_s;
};

// A variable of one neuron that is set before a step.
struct Event {
    std::int64_t step;
    std::function<void()> set;
};

// A group, with what belongs to its neurons' spikes.
struct Members {
    std::unique_ptr<Group> group;
    SpikeRing ring;
    // nullptr when no neuron of the group is ever refractory.
    std::int64_t* ready_step = nullptr;
    char* not_refractory = nullptr;
    // Steps that a neuron stays refractory: one number for all, or one per neuron.
    std::vector<std::int64_t> refractory_steps;
    // Time of the last spike; nullptr when no equation asks for it.
    double* lastspike = nullptr;
    // What is checked to be finite; nullptr when the group has no v.
    const double* v = nullptr;
    std::vector<PoissonInput> inputs;
    std::vector<std::unique_ptr<Arrivals>> arrivals;

    const std::string& name() const { return group->name(); }
};

class Simulation {
  public:
    explicit Simulation(std::int64_t steps) : n_steps(steps) {}

    // Advance by one step.
    void advance();

    bool is_finished() const { return step >= n_steps; }

    // End all recordings; they are whole when this returns.
    void close();

    // Put all that has been recorded on disk.
    void flush();

    Clock clock;
    std::int64_t step = 0;
    std::int64_t n_steps;
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
    void start_step();
    void update_group(Members& members);
    void take_spikes(Members& members, std::int64_t begin, std::int64_t end, char* crossed,
                     std::vector<std::int32_t>& spikes);
    void start_refractoriness(Members& members, std::int32_t local);
    void check_finite(const Members& members, std::int64_t begin, std::int64_t end) const;
    void deliver();
    void finish_group(std::size_t i_group);
    void record();
    std::vector<ChunkStream*> streams();

    std::int64_t first_step_ = 0;
    std::size_t i_event_ = 0;
    std::vector<const std::vector<std::int32_t>*> spikes_;
};

}  // namespace currents

#endif  // CURRENTS_SIMULATION_H
