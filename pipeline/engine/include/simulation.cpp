// The steps: what is worth the compiler's full effort.

#include "simulation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

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

void Simulation::advance() {
    clock.set(step);
    start_step();
    for (Members& members : groups) {
        update_group(members);
    }
    deliver();
    for (std::size_t i = 0; i < groups.size(); ++i) {
        finish_group(i);
    }
    record();
    ++step;
}

void Simulation::start_step() {
    for (; i_event_ < events.size() && events[i_event_].step == step; ++i_event_) {
        events[i_event_].set();
    }
    for (InjectedCurrent& current : currents) {
        current.set(step, step == first_step_);
    }
    for (std::unique_ptr<ValueRecorder>& recorder : value_recorders) {
        recorder->start_step(step);
    }
}

void Simulation::update_group(Members& members) {
    Group& group = *members.group;
    std::vector<std::int32_t>& spikes = members.ring.start(step);
    std::array<char, n_neurons_per_block> crossed;
    for (std::int64_t begin = 0; begin < group.n_neurons(); begin += n_neurons_per_block) {
        const std::int64_t end = std::min(begin + n_neurons_per_block, group.n_neurons());
        group.update_state(begin, end);
        check_finite(members, begin, end);
        group.find_crossings(begin, end, crossed.data());
        take_spikes(members, begin, end, crossed.data(), spikes);
    }
}

void Simulation::take_spikes(Members& members, std::int64_t begin, std::int64_t end, char* crossed,
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

void Simulation::start_refractoriness(Members& members, std::int32_t local) {
    if (members.not_refractory) {
        const std::vector<std::int64_t>& steps = members.refractory_steps;
        members.not_refractory[local] = 0;
        members.ready_step[local] = step + steps[steps.size() == 1 ? 0 : static_cast<std::size_t>(local)];
    }
    if (members.lastspike) {
        members.lastspike[local] = clock.t;
    }
}

void Simulation::check_finite(const Members& members, std::int64_t begin, std::int64_t end) const {
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
        throw NumericFailure(members.name(), bad - v, step, clock.t);
    }
}

void Simulation::deliver() {
    for (std::unique_ptr<SourceDrive>& drive : drives) {
        drive->fire(step);
    }
    for (std::unique_ptr<SummedTraces>& traces : summed_traces) {
        traces->decay();
    }
    for (const Projection& projection : projections) {
        projection.deliver(step);
    }
    // A spike carries the trace from before its own increment.
    for (const TraceUpdate& update : trace_updates) {
        update.apply(step);
    }
    for (std::unique_ptr<SummedTraces>& traces : summed_traces) {
        traces->deliver(step);
    }
}

void Simulation::finish_group(std::size_t i_group) {
    Members& members = groups[i_group];
    Group& group = *members.group;
    const std::vector<std::int32_t>& spikes = members.ring.at(step);
    const std::int32_t* spike = spikes.data();
    const std::int32_t* last_spike = spike + spikes.size();
    for (std::int64_t begin = 0; begin < group.n_neurons(); begin += n_neurons_per_block) {
        const std::int64_t end = std::min(begin + n_neurons_per_block, group.n_neurons());
        for (const PoissonInput& input : members.inputs) {
            input.add(step, begin, end);
        }
        for (std::unique_ptr<Arrivals>& arrivals : members.arrivals) {
            arrivals->hand_over(begin, end);
        }
        group.enter_arrivals(begin, end);
        for (std::unique_ptr<Arrivals>& arrivals : members.arrivals) {
            arrivals->clear(begin, end);
        }
        const std::int32_t* next = std::find_if(spike, last_spike, [end](std::int32_t local) { return local >= end; });
        group.reset_neurons(spike, static_cast<std::size_t>(next - spike));
        spike = next;
        group.finish_step(begin, end);
        for (std::unique_ptr<ValueRecorder>& recorder : value_recorders) {
            if (recorder->ends_bin()) {
                recorder->write_block(i_group, begin / n_neurons_per_block);
            }
        }
    }
}

void Simulation::record() {
    spikes_.clear();
    for (const Members& members : groups) {
        spikes_.push_back(&members.ring.at(step));
    }
    for (std::unique_ptr<ValueRecorder>& recorder : value_recorders) {
        recorder->finish_step();
    }
    for (std::unique_ptr<SpikeRecorder>& recorder : spike_recorders) {
        recorder->record(step, spikes_);
    }
    for (std::unique_ptr<RateRecorder>& recorder : rate_recorders) {
        recorder->record(step, spikes_);
    }
    for (std::size_t i = 0; i < source_recorders.size(); ++i) {
        source_recorders[i]->record(step, {&drives[i]->ring().at(step)});
    }
}

void Simulation::close() {
    for (ChunkStream* stream : streams()) {
        stream->close();
    }
}

void Simulation::flush() {
    for (ChunkStream* stream : streams()) {
        stream->flush();
    }
}

std::vector<ChunkStream*> Simulation::streams() {
    std::vector<ChunkStream*> all;
    const auto gather = [&all](auto& recorders) {
        for (auto& recorder : recorders) {
            all.push_back(&recorder->stream());
        }
    };
    gather(value_recorders);
    gather(spike_recorders);
    gather(rate_recorders);
    gather(source_recorders);
    return all;
}

}  // namespace currents
