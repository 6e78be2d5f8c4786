// Input from outside: independent Poisson events, sources that neurons share, and injected currents.

#ifndef CURRENTS_DRIVES_H
#define CURRENTS_DRIVES_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrivals.h"
#include "poisson_drive.h"
#include "spike_file.h"
#include "spike_ring.h"

namespace currents {

// Independent Poisson input to the neurons [begin, end) of a group.
struct PoissonInput {
    PoissonTables tables;
    double weight = 0.0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    Arrivals* arrivals = nullptr;

    // Add the events of the neurons in [block_begin, block_end) of the group to what arrives there.
    void add(std::int64_t step, std::int64_t block_begin, std::int64_t block_end, Inlet& inlet) const {
        const std::int64_t first = std::max(begin, block_begin);
        const std::int64_t last = std::min(end, block_end);
        if (first >= last) {
            return;
        }
        const auto now = static_cast<std::uint64_t>(step);
        if (inlet.are_counted()) {
            add_poisson_counts(tables, now, first - begin, last - begin, inlet.counts() + begin);
        } else {
            add_poisson(tables, now, first - begin, last - begin, weight, inlet.sums() + begin);
        }
    }
};

// A current into the neurons [begin, end) of a group: values[k] holds for steps_per_value steps, the last one for ever.
struct InjectedCurrent {
    std::vector<double> values;
    std::int64_t steps_per_value = 1;
    std::size_t i_group = 0;
    std::int64_t begin = 0;
    std::int64_t end = 0;
    std::size_t i_array = 0;  // of the group's arrays, that which it sets

    // Set the current of those of its neurons that are in [part_begin, part_end), when it changes in this step, or when it is
    // set for the first time.
    void set(std::int64_t step, bool first, std::int64_t part_begin, std::int64_t part_end, double* current) const {
        const auto last = static_cast<std::int64_t>(values.size()) - 1;
        if (first || (step % steps_per_value == 0 && step / steps_per_value <= last)) {
            const std::int64_t i_value = std::min(step / steps_per_value, last);
            const std::int64_t from = std::max(begin, part_begin);
            const std::int64_t to = std::max(from, std::min(end, part_end));
            std::fill(current + from, current + to, values[static_cast<std::size_t>(i_value)]);
        }
    }
};

// The sources of one drive: a shared Poisson population, or a file of spikes.
class SourceDrive {
  public:
    SourceDrive(std::string name, std::int32_t n_sources, SourceTables tables)
        : name_(std::move(name)), n_sources_(n_sources), tables_(std::move(tables)) {}
    SourceDrive(std::string name, std::int32_t n_sources, std::unique_ptr<SpikeFile> file)
        : name_(std::move(name)), n_sources_(n_sources), file_(std::move(file)) {}

    const std::string& name() const { return name_; }
    std::int32_t n_sources() const { return n_sources_; }
    SpikeRing& ring() { return ring_; }

    void fire(std::int64_t step) {
        std::vector<std::int32_t>& spikes = ring_.start(step);
        if (file_) {
            file_->take(step, spikes);
        } else {
            fires(tables_, static_cast<std::uint64_t>(step), n_sources_, spikes);
        }
    }

  private:
    std::string name_;
    std::int32_t n_sources_;
    SourceTables tables_;
    std::unique_ptr<SpikeFile> file_;
    SpikeRing ring_;
};

}  // namespace currents

#endif  // CURRENTS_DRIVES_H
