// Windows of steps, and what happens between them.

#include "simulation.h"

#include <algorithm>
#include <exception>
#include <limits>

namespace currents {

void Simulation::cut_groups() {
    std::int64_t n_blocks = 0;
    for (const Members& members : groups) {
        n_blocks = std::max(n_blocks, count_blocks(members.group->n_neurons()));
    }
    n_threads = std::clamp<std::size_t>(n_threads, 1, static_cast<std::size_t>(std::max<std::int64_t>(1, n_blocks)));
    cuts_ = make_cuts(n_blocks, n_threads);
    for (Members& members : groups) {
        members.segments = Segments(members.group->n_neurons(), cuts_);
    }
}

void Simulation::start() {
    n_threads = can_be_split() ? n_threads : 1;
    // One thread, too, takes a large group region by region: there is less that it reads and writes at random places.
    const std::size_t n_parts = n_threads == 1 && can_be_split() ? n_segments() : n_threads;
    shares_ = std::make_unique<Shares>(cuts_, n_parts);
    const bool parts_own = n_threads > 1;
    for (std::size_t i = 0; i < n_parts; ++i) {
        parts_.push_back(std::make_unique<Part>(*this, shares_->most(i), parts_own));
        parts_.back()->take((*shares_)[i]);
    }
    if (parts_own) {
        for (Members& members : groups) {
            members.group->release();
        }
    }
    for (const Projection& projection : projections) {
        window_steps_ = n_parts > 1 ? std::min(window_steps_, projection.shortest_delay()) : window_steps_;
    }
    for (Members& members : groups) {
        members.ring.start_windows(window_steps_);
    }
    for (std::unique_ptr<SourceDrive>& drive : drives) {
        drive->ring().start_windows(window_steps_);
    }
    crew_ = std::make_unique<Crew>(n_threads, n_parts, [this](std::size_t i) { parts_[i]->run(step, window_end_); });
}

// Whether parts may go through a window each on their own: none needs what another one does in the same window.
bool Simulation::can_be_split() const {
    bool can = n_segments() > 1 && trace_updates.empty() && summed_traces.empty();
    for (const Projection& projection : projections) {
        can = can && !projection.has_traces() && projection.shortest_delay() > 0;
    }
    for (const Event& event : events) {
        can = can && !event.is_shared;
    }
    return can;
}

void Simulation::advance() {
    window_end_ = find_window_end();
    fire_drives(window_end_);
    crew_->run_round();
    share_out();
    const Part* failed = nullptr;
    const std::int64_t end = find_end(failed);
    gather_spikes(end);
    record(end);
    step = end;
    if (failed) {
        std::rethrow_exception(failed->failure());
    }
}

// Shares of the next window. What parts have done in the last one they still know.
void Simulation::share_out() {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        shares_->note(i, parts_[i]->seconds_per_step());
    }
    shares_->end_window();
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        const SegmentRange before = parts_[i]->segments(), now = (*shares_)[i];
        for (std::size_t segment = now.first; segment < before.first; ++segment) {
            parts_[i]->take_over(*parts_[i - 1], segment);
        }
        for (std::size_t segment = before.last; segment < now.last; ++segment) {
            parts_[i]->take_over(*parts_[i + 1], segment);
        }
    }
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        parts_[i]->take((*shares_)[i]);
    }
}

std::int64_t Simulation::find_window_end() {
    std::int64_t end = std::min(n_steps, step + window_steps_);
    for (std::unique_ptr<ValueRecorder>& recorder : value_recorders) {
        recorder->start_window(step);
        end = std::min(end, recorder->end_of_window());
    }
    return end;
}

void Simulation::fire_drives(std::int64_t end) {
    for (std::unique_ptr<SourceDrive>& drive : drives) {
        for (std::int64_t at = step; at < end; ++at) {
            drive->fire(at);
        }
    }
}

std::int64_t Simulation::find_end(const Part*& failed) const {
    // The first failure in the order in which a part that is alone would have met them.
    for (const std::unique_ptr<Part>& part : parts_) {
        if (part->failure() && (!failed || part->end() < failed->end())) {
            failed = part.get();
        }
    }
    return failed ? failed->end().first : window_end_;
}

// Put the spikes of all parts together. A part that is alone has done so.
void Simulation::gather_spikes(std::int64_t end) {
    for (std::size_t i_group = 0; i_group < groups.size() && parts_.size() > 1; ++i_group) {
        for (std::int64_t at = step; at < end; ++at) {
            std::vector<std::int32_t>& all = groups[i_group].ring.start(at);
            for (const std::unique_ptr<Part>& part : parts_) {
                const std::vector<std::int32_t>& some = part->spikes(i_group, at);
                all.insert(all.end(), some.begin(), some.end());
            }
        }
    }
}

void Simulation::record(std::int64_t end) {
    for (std::unique_ptr<ValueRecorder>& recorder : value_recorders) {
        recorder->finish_window(end);
    }
    for (std::int64_t at = step; at < end; ++at) {
        record_step(at);
    }
}

void Simulation::record_step(std::int64_t at) {
    spikes_.clear();
    for (const Members& members : groups) {
        spikes_.push_back(&members.ring.at(at));
    }
    for (std::unique_ptr<SpikeRecorder>& recorder : spike_recorders) {
        recorder->record(at, spikes_);
    }
    for (std::unique_ptr<RateRecorder>& recorder : rate_recorders) {
        recorder->record(at, spikes_);
    }
    for (std::size_t i = 0; i < source_recorders.size(); ++i) {
        source_recorders[i]->record(at, {&drives[i]->ring().at(at)});
    }
}

std::int64_t Simulation::n_spikes() const {
    std::int64_t n = 0;
    for (const std::unique_ptr<Part>& part : parts_) {
        n += part->n_spikes;
    }
    return n;
}

std::int64_t Simulation::n_events() const {
    std::int64_t n = 0;
    for (const std::unique_ptr<Part>& part : parts_) {
        n += part->n_events;
    }
    return n;
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

void Simulation::salvage() {
    // Backwards: spikes are few, and there is little room.
    const std::vector<ChunkStream*> all = streams();
    std::for_each(all.rbegin(), all.rend(), [](ChunkStream* stream) { stream->salvage(); });
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
