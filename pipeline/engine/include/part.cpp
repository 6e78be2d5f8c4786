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

Part::Part(Simulation& simulation, SegmentRange most, bool owns)
    : simulation_(simulation), owns_(owns), memory_(count_bytes(most)), loops_(make_groups(clock_)) {
    clock_.dt = simulation.dt;
    for (std::size_t i = 0; i < loops_.size(); ++i) {
        shares_.push_back(make_share(i, most));
    }
    for (const Projection& projection : simulation.projections) {
        projection_inlets_.push_back(find_inlet(projection));
    }
    find_keeps();
}

std::size_t Part::count_bytes(SegmentRange most) const {
    std::size_t n_bytes = 0;
    for (const Members& members : simulation_.groups) {
        std::size_t n_bytes_per_neuron = owns_ ? members.group->n_bytes_per_neuron() : 0;
        for (const std::unique_ptr<Arrivals>& arrivals : members.arrivals) {
            n_bytes_per_neuron += arrivals->n_bytes_per_neuron();
        }
        const std::int64_t n = members.segments.start(most.last) - members.segments.start(most.first);
        n_bytes += static_cast<std::size_t>(n) * n_bytes_per_neuron;
    }
    return n_bytes;
}

Part::Share Part::make_share(std::size_t i_group, SegmentRange most) {
    Members& members = simulation_.groups[i_group];
    Group& loops = *loops_[i_group];
    const std::int64_t begin = members.segments.start(most.first), end = members.segments.start(most.last);
    if (owns_) {
        loops.copy(*members.group, begin, end, memory_);
    } else {
        loops.share(*members.group);
    }
    Share share{};
    share.members = &members;
    share.loops = &loops;
    for (const std::unique_ptr<Arrivals>& arrivals : members.arrivals) {
        Array& variable = *loops.find(arrivals->variable());
        share.inlets.push_back(std::make_unique<Inlet>(*arrivals, variable, begin, end, memory_));
    }
    for (const PoissonInput& input : members.inputs) {
        share.input_inlets.push_back(find_inlet(share, input.arrivals));
    }
    find_state(share);
    for (const std::unique_ptr<ValueRecorder>& recorder : simulation_.value_recorders) {
        std::vector<ValueSource>& sources = share.sources.emplace_back();
        for (const RecordedPart& part : recorder->parts(i_group)) {
            sources.push_back(find_source(share, part.variable()));
        }
    }
    share.spikes.resize(static_cast<std::size_t>(Simulation::n_most_steps));
    return share;
}

void Part::find_state(Share& share) {
    if (Array* ready = share.loops->find("_ready_step")) {
        share.ready_step = ready->values<std::int64_t>();
        share.not_refractory = share.loops->find("not_refractory")->values<char>();
    }
    if (Array* last = share.loops->find("lastspike")) {
        share.lastspike = last->values<double>();
    }
    Array* v = share.loops->find("v");
    share.v = v && v->type() == ItemType::float64 && !v->shared() ? v->values<double>() : nullptr;
}

// nullptr when they are of another group.
Inlet* Part::find_inlet(const Share& share, const Arrivals* arrivals) {
    for (std::size_t i = 0; i < share.inlets.size(); ++i) {
        if (share.members->arrivals[i].get() == arrivals) {
            return share.inlets[i].get();
        }
    }
    return nullptr;
}

Inlet* Part::find_inlet(const Projection& projection) const {
    Inlet* inlet = nullptr;
    for (const Share& share : shares_) {
        inlet = inlet ? inlet : find_inlet(share, projection.arrivals());
    }
    return inlet;
}

ValueSource Part::find_source(const Share& share, const RecordedVariable& variable) {
    ValueSource source;
    if (const Inlet* inlet = variable.arrivals ? find_inlet(share, variable.arrivals) : nullptr) {
        source.values = inlet->bin_weights(variable.i_bin);
        source.counts = inlet->bin_counts(variable.i_bin);
    } else {
        source.values = share.loops->find(variable.name)->values<double>();
    }
    if (!variable.scale.empty()) {
        Array& scale = *share.loops->find(variable.scale);
        source.scale = scale.values<double>();
        source.scale_is_shared = scale.shared();
    }
    return source;
}

void Part::find_keeps() {
    for (std::size_t i = 0; i < simulation_.value_recorders.size(); ++i) {
        for (const Keep& keep : simulation_.value_recorders[i]->keeps()) {
            keeps_.push_back({i, loops_[keep.i_group]->find(keep.variable)->values<double>()});
        }
    }
}

void Part::take(SegmentRange segments) {
    segments_ = segments;
    is_alone_ = segments.first == 0 && segments.last == simulation_.n_segments();
    for (Share& share : shares_) {
        share.begin = share.members->segments.start(segments.first);
        share.end = share.members->segments.start(segments.last);
    }
}

void Part::take_over(const Part& other, std::size_t segment) {
    for (std::size_t i_group = 0; i_group < shares_.size(); ++i_group) {
        Share& share = shares_[i_group];
        const std::int64_t begin = share.members->segments.start(segment), end = share.members->segments.start(segment + 1);
        loops_[i_group]->take_over(*other.loops_[i_group], begin, end);
        for (std::size_t i = 0; i < share.inlets.size(); ++i) {
            share.inlets[i]->take_over(*other.shares_[i_group].inlets[i], begin, end);
        }
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
        double* values = share.loops->arrays()[current.i_array].values<double>();
        current.set(step_, is_first_step_, share.begin, share.end, values);
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
            share.loops->arrays()[event.i_array].set(event.local, event.value);
        }
    }
}

std::vector<std::int32_t>& Part::start_spikes(Share& share) {
    if (is_alone_) {
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
        check_finite(share, begin, end);
        loops.find_crossings(begin, end, crossed.data());
        take_spikes(share, begin, end, crossed.data(), spikes);
    }
    n_spikes += static_cast<std::int64_t>(spikes.size());
}

void Part::take_spikes(const Share& share, std::int64_t begin, std::int64_t end, char* crossed,
                       std::vector<std::int32_t>& spikes) {
    const std::int64_t n = end - begin;
    if (share.not_refractory) {
        const char* ready = share.not_refractory + begin;
        for (std::int64_t i = 0; i < n; ++i) {
            crossed[i] = static_cast<char>(crossed[i] & ready[i]);
        }
    }
    for (const char* at = crossed; (at = find_set(at, crossed + n)) != crossed + n; ++at) {
        const auto local = static_cast<std::int32_t>(begin + (at - crossed));
        spikes.push_back(local);
        start_refractoriness(share, local);
    }
}

void Part::start_refractoriness(const Share& share, std::int32_t local) {
    if (share.not_refractory) {
        const std::vector<std::int64_t>& steps = share.members->refractory_steps;
        share.not_refractory[local] = 0;
        share.ready_step[local] = step_ + steps[steps.size() == 1 ? 0 : static_cast<std::size_t>(local)];
    }
    if (share.lastspike) {
        share.lastspike[local] = clock_.t;
    }
}

void Part::check_finite(const Share& share, std::int64_t begin, std::int64_t end) const {
    if (!share.v) {
        return;
    }
    const double* v = share.v;
    std::int64_t n_bad = 0;
    for (std::int64_t i = begin; i < end; ++i) {
        n_bad += !(v[i] - v[i] == 0.0);
    }
    if (n_bad) {
        const double* bad = std::find_if(v + begin, v + end, [](double x) { return !std::isfinite(x); });
        throw NumericFailure(share.members->name(), bad - v, step_);
    }
}

void Part::deliver() {
    std::size_t n = 0;
    if (is_alone_) {
        for (std::unique_ptr<SummedTraces>& traces : simulation_.summed_traces) {
            traces->decay();
        }
    }
    for (std::size_t i = 0; i < projection_inlets_.size(); ++i) {
        n += simulation_.projections[i].deliver(step_, segments_, *projection_inlets_[i]);
    }
    n_events += static_cast<std::int64_t>(n);
    if (is_alone_) {
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
    const std::vector<std::int32_t>& spikes = is_alone_ ? share.members->ring.at(step_) : this->spikes(i_group, step_);
    const std::int32_t* spike = spikes.data();
    const std::int32_t* last_spike = spike + spikes.size();
    for (std::int64_t begin = share.begin; begin < share.end; begin += n_neurons_per_block) {
        const std::int64_t end = std::min(begin + n_neurons_per_block, share.end);
        current_phase = Phase::drive;
        for (std::size_t i = 0; i < share.input_inlets.size(); ++i) {
            share.members->inputs[i].add(step_, begin, end, *share.input_inlets[i]);
        }
        current_phase = Phase::arrivals;
        for (const std::unique_ptr<Inlet>& inlet : share.inlets) {
            inlet->hand_over(step_, begin, end);
        }
        loops.enter_arrivals(begin, end);
        for (const std::unique_ptr<Inlet>& inlet : share.inlets) {
            inlet->clear(begin, end);
        }
        const std::int32_t* next = std::find_if(spike, last_spike, [end](std::int32_t local) { return local >= end; });
        loops.reset_neurons(spike, static_cast<std::size_t>(next - spike));
        spike = next;
        loops.finish_step(begin, end);
        current_phase = Phase::recording;
        for (std::size_t i = 0; i < share.sources.size(); ++i) {
            ValueRecorder& recorder = *simulation_.value_recorders[i];
            if (recorder.ends_bin(step_)) {
                recorder.write_block(step_, i_group, begin / n_neurons_per_block, share.sources[i]);
            }
        }
    }
}

}  // namespace currents
