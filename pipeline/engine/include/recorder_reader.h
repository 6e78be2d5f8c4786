// The lines of a description about what is recorded.

#ifndef CURRENTS_RECORDER_READER_H
#define CURRENTS_RECORDER_READER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "input_folder.h"
#include "lookup.h"
#include "run_folder.h"
#include "steps.h"

namespace currents {

class RecorderReader {
  public:
    // duration: what was asked for on the command line; nullptr when the description's own is run.
    RecorderReader(Simulation& simulation, InputFolder& inputs, RunFolder& run, DiskThread& disk, std::size_t n_neurons,
                   const Duration* duration)
        : simulation_(simulation),
          inputs_(inputs),
          run_(run),
          disk_(disk),
          n_neurons_(static_cast<std::int64_t>(n_neurons)),
          duration_(duration) {}

    // recorder FOLDER STEPS_PER_BIN CHUNK_ROWS TILE_COLUMNS N_SECTIONS; as many lines `section N_COLUMNS ITEM_BYTES`, then
    // the lines `part` and `keep`.
    void read_recorder(Line& line) {
        finish_record(line);
        folder_ = run_.make_stream(line, line.word());
        steps_per_bin_ = read_bin(line, folder_);
        chunk_rows_ = line.whole(1);
        tile_columns_ = line.whole(1, most_int32);
        n_sections_ = static_cast<std::size_t>(line.whole(1));
        sections_.clear();
        is_recorded_.clear();
        kind_ = Kind::values;
    }

    void read_section(Line& line) {
        if (kind_ != Kind::values || sections_.size() == n_sections_) {
            line.refuse("belongs to no recorder");
        }
        const std::int64_t n_columns = line.whole(1, n_neurons_);
        const auto item_bytes = static_cast<std::uint32_t>(line.whole(1, 8));
        if ((item_bytes & (item_bytes - 1)) != 0) {
            line.refuse("has neither values of 4 or 8 bytes nor numbers of 1 or 2");
        }
        sections_.push_back({item_bytes, n_columns, tile_columns_});
        is_recorded_.emplace_back(static_cast<std::size_t>(sections_.back().n_columns), false);
        if (sections_.size() == n_sections_) {
            check_chunk(line, sections_, chunk_rows_);
            simulation_.value_recorders.push_back(std::make_unique<ValueRecorder>(
                disk_, folder_, steps_per_bin_, sections_, chunk_rows_, simulation_.groups.size()));
        }
    }

    // part SECTION GROUP VARIABLE SCALE LOCAL COLUMNS [WEIGHTS], with SCALE `-` or a variable of the group; WEIGHTS of a
    // section of numbers of events: of the events at each recorded neuron
    void read_part(Line& line) {
        ValueRecorder& recorder = find_recorder(line);
        const auto i_section = static_cast<std::size_t>(line.whole(0, static_cast<std::int64_t>(n_sections_) - 1));
        Members& members = find_members(simulation_, line, line.word());
        RecordedVariable variable = find_variable(line, members, recorder);
        const std::string scale = line.word();
        if (scale != "-") {
            find_reals(line, members, scale, find_array(line, members, scale).shared());
            variable.scale = scale;
        }
        const auto local = read_npy<std::int32_t>(inputs_.use(line, line.word()));
        const auto columns = read_npy<std::int32_t>(inputs_.use(line, line.word()));
        const Section& section = recorder.section(i_section);
        check_ascending(line, local, members.group->n_neurons());
        check_ascending(line, columns, section.n_columns);
        if (local.size() != columns.size()) {
            line.refuse("has lists of unlike lengths");
        }
        if (section.item_bytes < sizeof(float)) {
            read_weights(line, variable, local.size(), section.item_bytes);
        } else if (variable.arrivals && variable.scale.empty()) {
            line.refuse("records what arrives in a step as a state");
        }
        mark_recorded(line, is_recorded_[i_section], columns);
        recorder.add_part(index_of(simulation_, members),
                          {i_section, std::move(variable), local, columns, section, chunk_rows_, members.group->n_neurons()});
    }

    // keep GROUP VARIABLE
    void read_keep(Line& line) {
        ValueRecorder& recorder = find_recorder(line);
        Members& members = find_members(simulation_, line, line.word());
        const std::string variable = line.word();
        double* keep = find_reals(line, members, variable, true);
        if (std::find(keeps_.begin(), keeps_.end(), keep) != keeps_.end()) {
            line.refuse("keeps what another line keeps", "", variable);
        }
        keeps_.push_back(keep);
        recorder.add_keep(index_of(simulation_, members), variable);
    }

    // spikes FOLDER CHUNK_ROWS; its maps follow.
    void read_spikes(Line& line) {
        finish_record(line);
        const std::string folder = run_.make_stream(line, line.word());
        const std::int64_t chunk_rows = line.whole(1);
        check_chunk(line, {{sizeof(std::int64_t), 1, 1}, {sizeof(std::int32_t), 1, 1}}, chunk_rows);
        simulation_.spike_recorders.push_back(std::make_unique<SpikeRecorder>(disk_, folder, chunk_rows));
        begin_maps(Kind::spikes, n_neurons_);
    }

    // rates FOLDER STEPS_PER_BIN N_POPULATIONS CHUNK_ROWS; its maps follow.
    void read_rates(Line& line) {
        finish_record(line);
        const std::string folder = run_.make_stream(line, line.word());
        const std::int64_t steps = read_bin(line, folder);
        const std::int64_t n_populations = line.whole(1, n_neurons_);
        const std::int64_t chunk_rows = line.whole(1);
        check_chunk(line, {{sizeof(std::int64_t), n_populations, n_populations}}, chunk_rows);
        simulation_.rate_recorders.push_back(
            std::make_unique<RateRecorder>(disk_, folder, steps, n_populations, chunk_rows));
        begin_maps(Kind::rates, n_populations);
    }

    // map GROUP FILE: the number of each of the group's neurons in the record before; one per group, in their order.
    void read_map(Line& line) {
        Members& members = find_members(simulation_, line, line.word());
        const std::string file = inputs_.use(line, line.word());
        std::vector<std::int32_t> numbers = read_npy<std::int32_t>(file);
        if (kind_ != Kind::spikes && kind_ != Kind::rates) {
            line.refuse("belongs to no record of spikes");
        }
        if (static_cast<std::int64_t>(numbers.size()) != members.group->n_neurons()) {
            throw InputFailure(file, "does not fit the group " + members.name());
        }
        if (i_map_ != index_of(simulation_, members)) {
            line.refuse("is not of the next group");
        }
        check_numbers(file, numbers, n_numbers_);
        ++i_map_;
        if (kind_ == Kind::spikes) {
            simulation_.spike_recorders.back()->add_map(NeuronMap(std::move(numbers)));
        } else {
            simulation_.rate_recorders.back()->add_map(NeuronMap(std::move(numbers)));
        }
    }

    // sources DRIVE FOLDER CHUNK_ROWS: the record of the spikes of the next drive.
    void read_sources(Line& line) {
        finish_record(line);
        const std::string drive = line.word();
        const std::string folder = run_.make_stream(line, line.word());
        const std::int64_t chunk_rows = line.whole(1);
        check_chunk(line, {{sizeof(std::int64_t), 1, 1}, {sizeof(std::int32_t), 1, 1}}, chunk_rows);
        const std::size_t i_drive = simulation_.source_recorders.size();
        if (i_drive >= simulation_.drives.size() || simulation_.drives[i_drive]->name() != drive) {
            line.refuse("is not of the next drive", "", drive);
        }
        auto recorder = std::make_unique<SpikeRecorder>(disk_, folder, chunk_rows);
        std::vector<std::int32_t> numbers(static_cast<std::size_t>(simulation_.drives[i_drive]->n_sources()));
        std::iota(numbers.begin(), numbers.end(), 0);
        recorder->add_map(NeuronMap(std::move(numbers)));
        simulation_.source_recorders.push_back(std::move(recorder));
    }

    // All that has been begun must be whole.
    void finish(const Line& line) {
        finish_record(line);
        if (simulation_.source_recorders.size() != simulation_.drives.size()) {
            line.refuse("comes though not all drives have a record of their sources");
        }
        // The sums of a bin would otherwise be lost in every step.
        for (Members& members : simulation_.groups) {
            for (Array& array : members.group->arrays()) {
                const bool is_kept = std::find(keeps_.begin(), keeps_.end(), array.values<double>()) != keeps_.end();
                if (array.variable().compare(0, 5, "keep_") == 0 && array.shared() && !is_kept) {
                    line.refuse("comes though nothing keeps the sums of a recorder", "", array.variable());
                }
            }
        }
    }

    // copy FILE NAME: a file that belongs to the recording.
    void read_copy(Line& line) {
        const std::string file = inputs_.use(line, line.word());
        run_.write(line, line.word(), read_text(file));
    }

    // index FILE: `recording.json`, with the run's own length.
    void read_index(Line& line) {
        const std::string file = inputs_.use(line, line.word());
        run_.write(line, "recording.json", set_length(line, read_text(file)));
    }

  private:
    enum class Kind { none, values, spikes, rates };

    static constexpr std::uint64_t most_chunk_bytes = std::uint64_t{1} << 30;

    // The steps of a bin, a whole number of which must make up the run.
    std::int64_t read_bin(Line& line, const std::string& folder) const {
        const std::int64_t steps = line.whole(1);
        if (simulation_.n_steps % steps == 0) {
            return steps;
        }
        if (duration_) {
            const std::string name = folder.substr(folder.rfind('/') + 1);
            duration_->count_steps(static_cast<double>(steps) * simulation_.dt, "the interval of " + name);
        }
        line.refuse("has bins that do not divide the run", "", std::to_string(steps) + " steps");
    }

    // No product is made that could be too large for its type.
    static void check_chunk(const Line& line, const std::vector<Section>& sections, std::int64_t chunk_rows) {
        std::uint64_t row_bytes = 0;
        for (const Section& section : sections) {
            const auto width = static_cast<std::uint64_t>(section.tile_columns);
            const auto n_tiles = (static_cast<std::uint64_t>(section.n_columns) + width - 1) / width;
            row_bytes += n_tiles * width * section.item_bytes;
        }
        if (static_cast<std::uint64_t>(chunk_rows) > std::max<std::uint64_t>(1, most_chunk_bytes / row_bytes) ||
            row_bytes > 4 * most_chunk_bytes) {
            line.refuse("has chunks that are too large", std::to_string(most_chunk_bytes) + " bytes at most",
                        std::to_string(chunk_rows) + " rows of " + std::to_string(row_bytes) + " bytes");
        }
    }

    ValueRecorder& find_recorder(const Line& line) {
        if (kind_ != Kind::values || sections_.size() != n_sections_) {
            line.refuse("belongs to no recorder");
        }
        return *simulation_.value_recorders.back();
    }

    void read_weights(Line& line, RecordedVariable& variable, std::size_t n_recorded, std::uint32_t item_bytes) {
        if (!variable.arrivals || !variable.scale.empty()) {
            line.refuse("has numbers of what does not arrive");
        }
        const std::uint64_t most = (std::uint64_t{1} << (8 * item_bytes)) - 1;
        if (variable.arrivals->bins()[variable.i_bin].is_counted && variable.arrivals->most_in_bin(variable.i_bin) > most) {
            line.refuse("has numbers that are too small for the events of a bin", std::to_string(most) + " at most",
                        std::to_string(variable.arrivals->most_in_bin(variable.i_bin)));
        }
        const std::string file = inputs_.use(line, line.word());
        variable.event_weights = read_npy<double>(file);
        if (variable.event_weights.size() != n_recorded) {
            throw InputFailure(file, "is of the wrong length", std::to_string(n_recorded),
                               std::to_string(variable.event_weights.size()));
        }
        for (const double weight : variable.event_weights) {
            if (!(weight >= 0.0 && weight <= std::numeric_limits<float>::max())) {
                throw InputFailure(file, "has a weight that is none", "", std::to_string(weight));
            }
        }
    }

    static void check_ascending(const Line& line, const std::vector<std::int32_t>& list, std::int64_t end) {
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (list[i] < 0 || list[i] >= end || (i > 0 && list[i] <= list[i - 1])) {
                line.refuse("has a list that is not ascending from 0 to less than " + std::to_string(end));
            }
        }
    }

    static void mark_recorded(const Line& line, std::vector<bool>& is_recorded,
                              const std::vector<std::int32_t>& columns) {
        for (const std::int32_t column : columns) {
            if (is_recorded[static_cast<std::size_t>(column)]) {
                line.refuse("records a column that another part records", "", std::to_string(column));
            }
            is_recorded[static_cast<std::size_t>(column)] = true;
        }
    }

    void begin_maps(Kind kind, std::int64_t n_numbers) {
        kind_ = kind;
        n_numbers_ = n_numbers;
        i_map_ = 0;
    }

    // The record before must have all that it needs.
    void finish_record(const Line& line) {
        bool is_whole = (kind_ != Kind::spikes && kind_ != Kind::rates) || i_map_ == simulation_.groups.size();
        if (kind_ == Kind::values) {
            is_whole = sections_.size() == n_sections_;
            for (const std::vector<bool>& columns : is_recorded_) {
                for (const bool is_recorded : columns) {
                    is_whole = is_whole && is_recorded;
                }
            }
        }
        if (!is_whole) {
            line.refuse("comes before all of the record before it is described");
        }
        kind_ = Kind::none;
    }

    static void check_numbers(const std::string& file, const std::vector<std::int32_t>& numbers, std::int64_t end) {
        for (const std::int32_t number : numbers) {
            if (number < -1 || number >= end) {
                throw InputFailure(file, "has a number of nothing that is recorded", "-1 to " + std::to_string(end - 1),
                                   std::to_string(number));
            }
        }
    }

    // What a part of a recorder reads: a variable, or the bin's sum of what arrives, when the variable is that.
    RecordedVariable find_variable(Line& line, Members& members, ValueRecorder& recorder) {
        RecordedVariable variable;
        variable.name = line.word();
        find_reals(line, members, variable.name);
        for (std::unique_ptr<Arrivals>& arrivals : members.arrivals) {
            if (arrivals->variable() == variable.name) {
                variable.arrivals = arrivals.get();
                variable.i_bin = arrivals->add_bin(recorder.steps_per_bin());
            }
        }
        return variable;
    }

    static std::string read_text(const std::string& path) {
        const ReadFile file(path);
        std::string text(static_cast<std::size_t>(file.n_bytes()), '\0');
        file.read(&text[0], 0, text.size());
        return text;
    }

    // Where a number follows a key of the index from `at` on; npos when none does. Tables may be called the same.
    static std::size_t find_number(const std::string& text, const std::string& key, std::size_t at) {
        const std::string wanted = "\"" + key + "\": ";
        for (at = text.find(wanted, at); at != std::string::npos; at = text.find(wanted, at)) {
            at += wanted.size();
            if (text[at] >= '0' && text[at] <= '9') {
                break;
            }
        }
        return at;
    }

    static void replace_number(std::string& text, std::size_t at, std::int64_t value) {
        text.replace(at, text.find_first_not_of("0123456789", at) - at, std::to_string(value));
    }

    // Set "n_steps", and the "n_bins" that follow a "steps_per_bin" each, to those of the run.
    std::string set_length(const Line& line, std::string text) const {
        const std::size_t at = find_number(text, "n_steps", 0);
        if (at == std::string::npos) {
            line.refuse("names an index without a length");
        }
        replace_number(text, at, simulation_.n_steps);
        for (std::size_t bin = find_number(text, "steps_per_bin", at); bin != std::string::npos;
             bin = find_number(text, "steps_per_bin", bin)) {
            const std::int64_t steps = std::strtoll(text.c_str() + bin, nullptr, 10);
            const std::size_t n_bins = find_number(text, "n_bins", bin);
            if (n_bins == std::string::npos || steps < 1) {
                line.refuse("names an index with a record without a length");
            }
            replace_number(text, n_bins, simulation_.n_steps / steps);
        }
        return text;
    }

    Simulation& simulation_;
    InputFolder& inputs_;
    RunFolder& run_;
    DiskThread& disk_;
    std::int64_t n_neurons_;
    const Duration* duration_;
    Kind kind_ = Kind::none;

    // Of the recorder whose sections and parts are read.
    std::string folder_;
    std::int64_t steps_per_bin_ = 1;
    std::int64_t chunk_rows_ = 1;
    std::int64_t tile_columns_ = 1;
    std::size_t n_sections_ = 0;
    std::vector<Section> sections_;
    std::vector<std::vector<bool>> is_recorded_;
    std::vector<double*> keeps_;

    // Of the record of spikes whose maps are read.
    std::int64_t n_numbers_ = 0;
    std::size_t i_map_ = 0;
};

}  // namespace currents

#endif  // CURRENTS_RECORDER_READER_H
