// A part of the network: the neurons that one thread at a time takes through a window of steps.
//
// A part has the same segments of every group, or all of them. It writes to its own neurons alone, and reads the spikes of others
// from before the window, which is no longer than the shortest delay. So parts may run one after another or side by side, and
// the results are the same bits. Where there are several threads, each part has its neurons' values in memory of its own: segments
// that go to another part are copied.

#ifndef CURRENTS_PART_H
#define CURRENTS_PART_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrivals.h"
#include "group.h"
#include "own_memory.h"
#include "recorders.h"
#include "segments.h"

namespace currents {

class Projection;
class Simulation;
struct Members;

// A state variable that has become NaN or infinite.
class NumericFailure : public std::exception {
  public:
    NumericFailure(std::string group_name, std::int64_t neuron_in_group, std::int64_t failed_step)
        : group(std::move(group_name)), local(neuron_in_group), step(failed_step) {}
    const char* what() const noexcept override { return "v is not finite"; }

    std::string group;
    std::int64_t local;
    std::int64_t step;
};

// Parts begin with lines of their own, two of which are fetched together: what one writes lies beside nothing that another reads.
class alignas(128) Part {
  public:
    // most: the segments that it can ever have. owns: whether it copies what it can need of the arrays of the simulation's
    // groups; else it shares them.
    Part(Simulation& simulation, SegmentRange most, bool owns);
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

    // Have these segments from the next window on.
    void take(SegmentRange segments);
    SegmentRange segments() const { return segments_; }

    // Copy all that another part, whose it has been, knows of a segment.
    void take_over(const Part& other, std::size_t segment);

    // Take the part's neurons through the steps from `begin` to `end` - 1. A failure is kept.
    void run(std::int64_t begin, std::int64_t end) noexcept;

    // The failure, if there was one; and where the part has ended: in which step, and with how many of the groups updated.
    const std::exception_ptr& failure() const { return failure_; }
    std::pair<std::int64_t, std::size_t> end() const { return {step_, i_updated_}; }

    // The spikes of a step of the window: neurons of a group, ascending. Of a part that is alone they are in the ring instead.
    const std::vector<std::int32_t>& spikes(std::size_t i_group, std::int64_t step) const;

    // How long each step of the last window has taken.
    double seconds_per_step() const { return seconds_per_step_; }

    // So far.
    std::int64_t n_spikes = 0;
    std::int64_t n_events = 0;

  private:
    // The part's neurons of one group.
    struct Share {
        Members* members;
        Group* loops;
        std::int64_t begin;
        std::int64_t end;
        // In the order of the members' arrivals; and those that their inputs go to.
        std::vector<std::unique_ptr<Inlet>> inlets;
        std::vector<Inlet*> input_inlets;
        // nullptr when no neuron of the group is ever refractory.
        std::int64_t* ready_step;
        char* not_refractory;
        // Time of the last spike; nullptr when no equation asks for it.
        double* lastspike;
        // What is checked to be finite; nullptr when the group has no v.
        const double* v;
        // By recorder.
        std::vector<std::vector<ValueSource>> sources;
        // By step of the window.
        std::vector<std::vector<std::int32_t>> spikes;
    };

    // What is 0 in the first step of a recorder's bin and 1 in the others.
    struct KeptSum {
        std::size_t i_recorder;
        double* keep;
    };

    std::size_t count_bytes(SegmentRange most) const;
    Share make_share(std::size_t i_group, SegmentRange most);
    static void find_state(Share& share);
    static Inlet* find_inlet(const Share& share, const Arrivals* arrivals);
    Inlet* find_inlet(const Projection& projection) const;
    static ValueSource find_source(const Share& share, const RecordedVariable& variable);
    void find_keeps();
    void advance();
    void start_step();
    void apply_events();
    std::vector<std::int32_t>& start_spikes(Share& share);
    void update(Share& share);
    void take_spikes(const Share& share, std::int64_t begin, std::int64_t end, char* crossed,
                     std::vector<std::int32_t>& spikes);
    void start_refractoriness(const Share& share, std::int32_t local);
    void check_finite(const Share& share, std::int64_t begin, std::int64_t end) const;
    void deliver();
    void finish(std::size_t i_group);

    Simulation& simulation_;
    SegmentRange segments_{0, 0};
    bool owns_;
    bool is_alone_ = false;
    Clock clock_;
    OwnMemory memory_;
    // The loops over the part's neurons.
    std::vector<std::unique_ptr<Group>> loops_;
    std::vector<Share> shares_;
    std::vector<Inlet*> projection_inlets_;
    std::vector<KeptSum> keeps_;
    std::size_t i_event_ = 0;
    std::size_t i_updated_ = 0;
    bool is_first_step_ = true;
    std::int64_t window_begin_ = 0;
    std::int64_t step_ = 0;
    double seconds_per_step_ = 0.0;
    std::exception_ptr failure_;
};

}  // namespace currents

#endif  // CURRENTS_PART_H
