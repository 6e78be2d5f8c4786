// The lines of a description about input from outside: drives, injected currents, events.

#ifndef CURRENTS_DRIVE_READER_H
#define CURRENTS_DRIVE_READER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "input_folder.h"
#include "lookup.h"
#include "sampling.h"
#include "steps.h"

namespace currents {

class DriveReader {
  public:
    DriveReader(Simulation& simulation, InputFolder& inputs, std::int64_t seed)
        : simulation_(simulation), inputs_(inputs), seed_(seed) {}

    // poisson GROUP VARIABLE BEGIN END WEIGHT STREAM STEPS_PER_TABLE FIRST COUNT THRESHOLDS
    void read_poisson(Line& line) {
        Members& members = find_members(simulation_, line, line.word());
        PoissonInput input;
        input.arrivals = &find_arrivals(line, members, line.word());
        read_range(line, members, input.begin, input.end);
        input.weight = line.number();
        const Key key = derive_key(seed_, line.word());
        input.tables.key0 = key.key0;
        input.tables.key1 = key.key1;
        input.tables.steps_per_table = line.whole(1);
        const std::string file = inputs_.use(line, line.word());
        input.tables.first = read_npy<std::int64_t>(file);
        input.tables.count = read_npy<std::int64_t>(inputs_.use(line, line.word()));
        input.tables.thresholds = read_npy<std::uint32_t>(inputs_.use(line, line.word()));
        check_tables(line, input.tables);
        check_length(file, input.tables.first.size(), input.tables.steps_per_table);
        const auto most = *std::max_element(input.tables.count.begin(), input.tables.count.end());
        input.arrivals->expect(input.begin, input.end, most, input.weight);
        members.inputs.push_back(std::move(input));
    }

    // injected GROUP VARIABLE BEGIN END STEPS_PER_VALUE VALUES
    void read_injected(Line& line) {
        Members& members = find_members(simulation_, line, line.word());
        InjectedCurrent current;
        current.i_group = index_of(simulation_, members);
        const std::string variable = line.word();
        find_reals(line, members, variable);
        current.i_array = index_of(members, find_array(line, members, variable));
        read_range(line, members, current.begin, current.end);
        current.steps_per_value = line.whole(1);
        const std::string file = inputs_.use(line, line.word());
        current.values = read_npy<double>(file);
        for (const double value : current.values) {
            if (value - value != 0.0) {
                throw InputFailure(file, "has a current that is not finite");
            }
        }
        check_length(file, current.values.size(), current.steps_per_value);
        simulation_.currents.push_back(std::move(current));
    }

    // shared DRIVE N_SOURCES STREAM STEPS_PER_VALUE THRESHOLDS
    void read_shared(Line& line) {
        const std::string name = read_new_name(line);
        const auto n_sources = static_cast<std::int32_t>(line.whole(1, most_int32));
        SourceTables tables;
        const Key key = derive_key(seed_, line.word());
        tables.key0 = key.key0;
        tables.key1 = key.key1;
        tables.steps_per_table = line.whole(1);
        const std::string file = inputs_.use(line, line.word());
        tables.thresholds = read_npy<std::uint64_t>(file);
        check_length(file, tables.thresholds.size(), tables.steps_per_table);
        simulation_.drives.push_back(std::make_unique<SourceDrive>(name, n_sources, std::move(tables)));
    }

    // spike_file DRIVE N_SOURCES STEPS SOURCES
    void read_spike_file(Line& line) {
        const std::string name = read_new_name(line);
        const auto n_sources = static_cast<std::int32_t>(line.whole(1, most_int32));
        const std::string steps = inputs_.use(line, line.word());
        auto file = std::make_unique<SpikeFile>(steps, inputs_.use(line, line.word()), n_sources);
        simulation_.drives.push_back(std::make_unique<SourceDrive>(name, n_sources, std::move(file)));
    }

    // events N: as many lines `event` follow.
    void read_events(Line& line) { n_events_ += line.whole(0, most_int32); }

    void finish_events(const std::string& place) const {
        if (simulation_.events.size() != static_cast<std::size_t>(n_events_)) {
            throw InputFailure(place, "has another number of events than it says", std::to_string(n_events_),
                               std::to_string(simulation_.events.size()));
        }
    }

    // event STEP GROUP VARIABLE LOCAL VALUE
    void read_event(Line& line) {
        const std::int64_t step = line.whole();
        Members& members = find_members(simulation_, line, line.word());
        Array& array = find_array(line, members, line.word());
        const std::int64_t local = line.whole();
        const double value = line.number();
        check_value(line, array, value);
        if (local >= array.size() || (!simulation_.events.empty() && step < simulation_.events.back().step)) {
            line.refuse("is an event of no neuron, or out of order");
        }
        for (const std::unique_ptr<Arrivals>& arrivals : members.arrivals) {
            if (arrivals->variable() == array.variable()) {
                line.refuse("sets what arrives in a step", "", array.variable());
            }
        }
        const std::size_t i_group = index_of(simulation_, members), i_array = index_of(members, array);
        simulation_.events.push_back({step, i_group, i_array, local, array.shared(), value});
    }

  private:
    static void check_tables(const Line& line, const PoissonTables& tables) {
        bool fits = !tables.first.empty() && tables.first.size() == tables.count.size();
        const auto n = static_cast<std::int64_t>(tables.thresholds.size());
        for (std::size_t i = 0; fits && i < tables.first.size(); ++i) {
            const std::int64_t first = tables.first[i], count = tables.count[i];
            fits = first >= 0 && count >= 0 && first <= n && count <= n - first && count <= most_int32 &&
                   std::is_sorted(tables.thresholds.begin() + first, tables.thresholds.begin() + first + count);
        }
        if (!fits) {
            line.refuse("has tables of thresholds that do not fit together");
        }
    }

    // Refuse values over time that end before the run does.
    void check_length(const std::string& file, std::size_t n_values, std::int64_t steps_per_value) const {
        const auto n = static_cast<std::int64_t>(n_values);
        if (n > 0 && (simulation_.n_steps - 1) / steps_per_value < n) {
            return;
        }
        const double dt = simulation_.dt;
        const double covered = static_cast<double>(n) * static_cast<double>(steps_per_value);
        throw InputFailure(file, "ends before the run does",
                           "values for " + format_time(static_cast<double>(simulation_.n_steps) * dt),
                           "values for " + format_time(covered * dt));
    }

    std::string read_new_name(Line& line) const {
        std::string name = line.word();
        for (const std::unique_ptr<SourceDrive>& drive : simulation_.drives) {
            if (drive->name() == name) {
                line.refuse("describes a drive a second time", "", name);
            }
        }
        return name;
    }

    Simulation& simulation_;
    InputFolder& inputs_;
    std::int64_t seed_;
    std::int64_t n_events_ = 0;
};

}  // namespace currents

#endif  // CURRENTS_DRIVE_READER_H
