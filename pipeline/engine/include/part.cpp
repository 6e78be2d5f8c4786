// The steps: what is worth the compiler's full effort.

#include "part.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "network.h"
#include "profiler.h"
#include "simulation.h"

namespace currents {

namespace {

// The first byte that is not 0; most blocks of eight have none.
const char* find_set(const char* at, const char* end) {
    std::uint64_t eight;
    for (; end - at >= 8; at += 8) {
        std::memcpy(&eight, at, sizeof(eight));
        if (eight != 0) {
            break;
        }
    }
    return std::find_if(at, end, [](char byte) { return byte != 0; });
}

}  // namespace

Part::Part(Simulation& simulation) : simulation_(simulation), loops_(make_groups(clock_)) {
    clock_.dt = simulation.dt;
    for (std::size_t i = 0; i < loops_.size(); ++i) {
        loops_[i]->share(*simulation.groups[i].group);
        shares_.push_back(make_share(simulation.groups[i], *loops_[i]));
    }
    for (std::size_t i = 0; i < simulation.value_recorders.size(); ++i) {
        for (const Keep& keep : simulation.value_recorders[i]->keeps()) {
            Array& array = *loops_[keep.i_group]->find(keep.variable);
            array.allocate(1);  // one per part: parts are not in the same step
            keeps_.push_back({i, array.values<double>()});
        }
    }
}

Part::Share Part::make_share(Members& members, Group& loops) const {
    Share share;
    share.members = &members;
    share.loops = &loops;
    for (std::unique_ptr<Arrivals>& arrivals : members.arrivals) {
        Array* variable = loops.find(arrivals->variable().variable());
        share.inlets.push_back({arrivals.get(), variable, std::make_unique<WeighedBlock>()});
    }
    share.spikes.resize(static_cast<std::size_t>(Simulation::n_most_steps));
    return share;
}

void Part::take(SegmentRange segments) {
    segments_ = segments;
    is_whole_ = segments.first == 0 && segments.last == simulation_.n_segments();
    for (Share& share : shares_) {
        share.begin = share.members->segments.start(segments.first);
        share.end = share.members->segments.start(segments.last);
    }
}

const std::vector<std::int32_t>& Part::spikes(std::size_t i_group, std::int64_t step) const {
    return shares_[i_group].spikes[static_cast<std::size_t>(step - window_begin_)];
}

void Part::run(std::int64_t begin, std::int64_t end) noexcept {
    using Time = std::chrono::steady_clock;
    const Time::time_point before = Time::now();
    window_begin_ = begin;
    try {
        for (step_ = begin; step_ < end; ++step_) {
            advance();
        }
    } catch (...) {
        failure_ = std::current_exception();
    }
    seconds_per_step_ = std::chrono::duration<double>(Time::now() - before).count() / static_cast<double>(end - begin);
}

void Part::advance() {
    clock_.set(step_);
    start_step();
    current_phase = Phase::update;
    for (i_updated_ = 0; i_updated_ < shares_.size(); ++i_updated_) {
        update(shares_[i_updated_]);
    }
    current_phase = Phase::delivery;
    deliver();
    for (std::size_t i = 0; i < shares_.size(); ++i) {
        finish(i);
    }
    current_phase = Phase::other;
}

void Part::start_step() {
    apply_events();
    for (const InjectedCurrent& current : simulation_.currents) {
        const Share& share = shares_[current.i_group];
        current.set(step_, is_first_step_, share.begin, share.end);
    }
    is_first_step_ = false;
    for (const KeptSum& sum : keeps_) {
        *sum.keep = simulation_.value_recorders[sum.i_recorder]->starts_bin(step_) ? 0.0 : 1.0;
    }
}

void Part::apply_events() {
    const std::vector<Event>& events = simulation_.events;
    for (; i_event_ < events.size() && events[i_event_].step <= step_; ++i_event_) {
        const Event& event = events[i_event_];
        const Share& share = shares_[event.i_group];
        if (event.local >= share.begin && event.local < share.end) {
            event.set();
        }
    }
}

std::vector<std::int32_t>& Part::start_spikes(Share& share) {
    if (is_whole_) {
        return share.members->ring.start(step_);
    }
    std::vector<std::int32_t>& spikes = share.spikes[static_cast<std::size_t>(step_ - window_begin_)];
    spikes.clear();
    return spikes;
}

void Part::update(Share& share) {
    Group& loops = *share.loops;
    std::vector<std::int32_t>& spikes = start_spikes(share);
    std::array<char, n_neurons_per_block> crossed;
    for (std::int64_t begin = share.begin; begin < share.end; begin += n_neurons_per_block) {
        const std::int64_t end = std::min(begin + n_neurons_per_block, share.end);
        loops.update_state(begin, end);
        check_finite(*share.members, begin, end);
        loops.find_crossings(begin, end, crossed.data());
        take_spikes(*share.members, begin, end, crossed.data(), spikes);
    }
    n_spikes += static_cast<std::int64_t>(spikes.size());
}

void Part::take_spikes(Members& members, std::int64_t begin, std::int64_t end, char* crossed,
                       std::vector<std::int32_t>& spikes) {
    const std::int64_t n = end - begin;
    if (members.not_refractory) {
        const char* ready = members.not_refractory + begin;
        for (std::int64_t i = 0; i < n; ++i) {
            crossed[i] = static_cast<char>(crossed[i] & ready[i]);
        }
    }
    for (const char* at = crossed; (at = find_set(at, crossed + n)) != crossed + n; ++at) {
        const auto local = static_cast<std::int32_t>(begin + (at - crossed));
        spikes.push_back(local);
        start_refractoriness(members, local);
    }
}

void Part::start_refractoriness(Members& members, std::int32_t local) {
    if (members.not_refractory) {
        const std::vector<std::int64_t>& steps = members.refractory_steps;
        members.not_refractory[local] = 0;
        members.ready_step[local] = step_ + steps[steps.size() == 1 ? 0 : static_cast<std::size_t>(local)];
    }
    if (members.lastspike) {
        members.lastspike[local] = clock_.t;
    }
}

void Part::check_finite(const Members& members, std::int64_t begin, std::int64_t end) const {
    if (!members.v) {
        return;
    }
    const double* v = members.v;
    std::int64_t n_bad = 0;
    for (std::int64_t i = begin; i < end; ++i) {
        n_bad += !(v[i] - v[i] == 0.0);
    }
    if (n_bad) {
        const double* bad = std::find_if(v + begin, v + end, [](double x) { return !std::isfinite(x); });
        throw NumericFailure(members.name(), bad - v, step_);
    }
}

void Part::deliver() {
    std::size_t n = 0;
    if (is_whole_) {
        for (std::unique_ptr<SummedTraces>& traces : simulation_.summed_traces) {
            traces->decay();
        }
    }
    for (const Projection& projection : simulation_.projections) {
        n += projection.deliver(step_, segments_);
    }
    n_events += static_cast<std::int64_t>(n);
    if (is_whole_) {
        // A spike carries the trace from before its own increment.
        for (const TraceUpdate& update : simulation_.trace_updates) {
            update.apply(step_);
        }
        for (std::unique_ptr<SummedTraces>& traces : simulation_.summed_traces) {
            traces->deliver(step_);
        }
    }
}

void Part::finish(std::size_t i_group) {
    Share& share = shares_[i_group];
    Group& loops = *share.loops;
    const std::vector<std::int32_t>& spikes = is_whole_ ? share.members->ring.at(step_) : this->spikes(i_group, step_);
    const std::int32_t* spike = spikes.data();
    const std::int32_t* last_spike = spike + spikes.size();
    for (std::int64_t begin = share.begin; begin < share.end; begin += n_neurons_per_block) {
        const std::int64_t end = std::min(begin + n_neurons_per_block, share.end);
        current_phase = Phase::drive;
        for (const PoissonInput& input : share.members->inputs) {
            input.add(step_, begin, end);
        }
        current_phase = Phase::arrivals;
        for (Inlet& inlet : share.inlets) {
            inlet.arrivals->hand_over(step_, begin, end, *inlet.variable, *inlet.scratch);
        }
        loops.enter_arrivals(begin, end);
        for (Inlet& inlet : share.inlets) {
            inlet.arrivals->clear(begin, end);
        }
        const std::int32_t* next = std::find_if(spike, last_spike, [end](std::int32_t local) { return local >= end; });
        loops.reset_neurons(spike, static_cast<std::size_t>(next - spike));
        spike = next;
        loops.finish_step(begin, end);
        current_phase = Phase::recording;
        for (std::unique_ptr<ValueRecorder>& recorder : simulation_.value_recorders) {
            if (recorder->ends_bin(step_)) {
                recorder->write_block(step_, i_group, begin / n_neurons_per_block);
            }
        }
    }
}

}  // namespace currents
