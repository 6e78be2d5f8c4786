// What a run records, as streams of chunks: bins of per-neuron values, spikes, and counts of spikes.

#ifndef CURRENTS_RECORDERS_H
#define CURRENTS_RECORDERS_H

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "arrivals.h"
#include "blocks.h"
#include "chunk_writer.h"
#include "failures.h"

namespace currents {

// Which values of a group are recorded.
struct RecordedVariable {
    std::string name;
    // Where the variable is what arrives, its sums over a bin.
    const Arrivals* arrivals = nullptr;
    std::size_t i_bin = 0;
    // By what sums are multiplied to make currents of them; empty where they are not.
    std::string scale;
    // Where numbers of events are recorded and not values: what an event weighs, by recorded neuron.
    std::vector<double> event_weights;

    // Ranges of neurons whose sums are counts; none where they are not.
    std::vector<WeightRange> weights() const {
        return arrivals && arrivals->bins()[i_bin].is_counted ? arrivals->ranges() : std::vector<WeightRange>();
    }
};

// Where values that are recorded are found, by neuron: numbers, or counts of events of one weight each.
struct ValueSource {
    const double* values = nullptr;
    const std::uint32_t* counts = nullptr;
    // Factors: one for all neurons, one per neuron, or none (nullptr).
    const double* scale = nullptr;
    bool scale_is_shared = true;
};

// The recorded neurons of one variable of one group, as runs of neurons that follow each other both in the group and
// within one tile of the section.
class RecordedPart {
  public:
    // local, columns: for each recorded neuron, ascending, its index in the group and its column in the section.
    RecordedPart(std::size_t i_section, RecordedVariable variable, const std::vector<std::int32_t>& local,
                 const std::vector<std::int32_t>& columns, const Section& section, std::int64_t chunk_rows,
                 std::int64_t n_neurons)
        : i_section_(i_section), row_items_(section.tile_columns), variable_(std::move(variable)) {
        const std::int64_t width = section.tile_columns;
        const std::vector<WeightRange> weights = variable_.weights();
        const std::vector<double>& event_weights = variable_.event_weights;
        const auto weight_of = [&](std::size_t i) {
            if (!event_weights.empty()) {
                return event_weights[i];
            }
            const std::int64_t neuron = local[i];
            const auto ends_before = [neuron](const WeightRange& range) { return range.end <= neuron; };
            const auto range = std::partition_point(weights.begin(), weights.end(), ends_before);
            return range == weights.end() ? 0.0 : range->weight;
        };
        for (std::size_t i = 0; i < local.size(); ++i) {
            const std::int64_t column = columns[i];
            const bool follows = i > 0 && local[i] == local[i - 1] + 1 && column == columns[i - 1] + 1 &&
                                 column % width != 0 && local[i] % n_neurons_per_block != 0 &&
                                 weight_of(i) == weight_of(i - 1);
            if (follows) {
                ++runs_.back().length;
            } else {
                runs_.push_back({local[i], column / width * width * chunk_rows + column % width, 1, weight_of(i)});
            }
        }
        first_run_.resize(static_cast<std::size_t>(count_blocks(n_neurons)) + 1);
        for (std::size_t i_block = 0; i_block < first_run_.size(); ++i_block) {
            const auto begin = static_cast<std::int64_t>(i_block) * n_neurons_per_block;
            const auto before = [begin](const Run& run) { return run.local < begin; };
            first_run_[i_block] = std::partition_point(runs_.begin(), runs_.end(), before) - runs_.begin();
        }
    }

    std::size_t i_section() const { return i_section_; }
    const RecordedVariable& variable() const { return variable_; }

    // Write the values of a block of neurons, or numbers of events where T is a whole number, into a row of the section's
    // buffer.
    template <class T>
    void write_block(const ValueSource& source, std::int64_t i_block, T* section, std::int64_t row) const {
        T* place = section + row * row_items_;
        const Run* run = runs_.data() + first_run_[static_cast<std::size_t>(i_block)];
        const Run* end = runs_.data() + first_run_[static_cast<std::size_t>(i_block) + 1];
        if constexpr (std::is_integral_v<T>) {
            for (; run != end; ++run) {
                write_numbers(source, *run, place);
            }
        } else if (source.counts) {
            for (; run != end; ++run) {
                write_scaled(source, *run, source.counts, place, [weight = run->weight](std::uint32_t n) {
                    return weight * static_cast<double>(n);
                });
            }
        } else {
            for (; run != end; ++run) {
                write_scaled(source, *run, source.values, place, [](double x) { return x; });
            }
        }
    }

  private:
    struct Run {
        std::int64_t local;
        // Of its first value, in items from the start of the section, in row 0.
        std::int64_t offset;
        std::int64_t length;
        double weight;
    };

    // From counts, which cannot become too large, or from sums of equal weights: those are exact, and so is their quotient.
    template <class T> void write_numbers(const ValueSource& source, const Run& run, T* place) const {
        if (source.counts) {
            copy(run.length, source.counts + run.local, place + run.offset, [](std::uint32_t n, std::int64_t) { return n; });
            return;
        }
        constexpr double most = std::numeric_limits<T>::max();
        bool are_numbers = true;
        const auto divide = [&are_numbers, most, weight = run.weight](double sum, std::int64_t) {
            const double n = weight > 0.0 ? sum / weight : sum;
            are_numbers = are_numbers && n <= most && n == std::floor(n);
            return std::min(most, n);
        };
        copy(run.length, source.values + run.local, place + run.offset, divide);
        if (!are_numbers) {
            throw InputFailure("the recorder of " + variable_.name,
                               "has weights that are not those of the events, or numbers that are too small for them");
        }
    }

    template <class From, class T, class Weigh>
    static void write_scaled(const ValueSource& source, const Run& run, const From* from, T* place, Weigh weigh) {
        const From* first = from + run.local;
        if (!source.scale) {
            copy(run.length, first, place + run.offset, [=](From x, std::int64_t) { return weigh(x); });
        } else if (source.scale_is_shared) {
            // + 0: no input is 0 and not -0.
            copy(run.length, first, place + run.offset,
                 [weigh, scale = *source.scale](From x, std::int64_t) { return weigh(x) * scale + 0.0; });
        } else {
            copy(run.length, first, place + run.offset,
                 [weigh, scale = source.scale + run.local](From x, std::int64_t i) { return weigh(x) * scale[i] + 0.0; });
        }
    }

    template <class From, class T, class Convert>
    static void copy(std::int64_t length, const From* __restrict from, T* __restrict to, Convert convert) {
        // Whole tiles are the usual case: a constant length lets the compiler do without a loop.
        constexpr std::int64_t n_usual = 32;
        if (length == n_usual) {
            for (std::int64_t i = 0; i < n_usual; ++i) {
                to[i] = static_cast<T>(convert(from[i], i));
            }
            return;
        }
        for (std::int64_t i = 0; i < length; ++i) {
            to[i] = static_cast<T>(convert(from[i], i));
        }
    }

    std::size_t i_section_;
    std::int64_t row_items_;
    RecordedVariable variable_;
    std::vector<Run> runs_;
    std::vector<std::ptrdiff_t> first_run_;
};

// A group's variable that is 0 in the first step of a bin and 1 in the others, by which its sums are multiplied.
struct Keep {
    std::size_t i_group;
    std::string variable;
};

// A recorder of currents or states: one row per bin.
class ValueRecorder {
  public:
    ValueRecorder(DiskThread& disk, const std::string& folder, std::int64_t steps_per_bin, std::vector<Section> sections,
                  std::int64_t chunk_rows, std::size_t n_groups)
        : sections_(std::move(sections)), steps_per_bin_(steps_per_bin), parts_(n_groups) {
        stream_ = std::make_unique<ChunkStream>(disk, folder, sections_, chunk_rows);
    }

    const Section& section(std::size_t i) const { return sections_[i]; }
    ChunkStream& stream() { return *stream_; }
    void add_part(std::size_t i_group, RecordedPart part) { parts_[i_group].push_back(std::move(part)); }
    const std::vector<RecordedPart>& parts(std::size_t i_group) const { return parts_[i_group]; }
    void add_keep(std::size_t i_group, std::string variable) { keeps_.push_back({i_group, std::move(variable)}); }
    const std::vector<Keep>& keeps() const { return keeps_; }

    std::int64_t steps_per_bin() const { return steps_per_bin_; }
    bool starts_bin(std::int64_t step) const { return step % steps_per_bin_ == 0; }
    bool ends_bin(std::int64_t step) const { return (step + 1) % steps_per_bin_ == 0; }

    // The steps from `step` to `end_of_window` - 1 can be written, by several threads in any order, before finish_window.
    void start_window(std::int64_t step) { i_first_bin_ = step / steps_per_bin_; }
    std::int64_t end_of_window() const {
        const std::int64_t n_rows = std::min(stream_->chunk_rows() - stream_->row(), n_most_rows);
        return (i_first_bin_ + n_rows) * steps_per_bin_;
    }

    // Write the values of a block of neurons in the last step of a bin. sources: of parts(i_group).
    void write_block(std::int64_t step, std::size_t i_group, std::int64_t i_block, const std::vector<ValueSource>& sources) {
        const std::int64_t row = stream_->row() + step / steps_per_bin_ - i_first_bin_;
        for (std::size_t i = 0; i < sources.size(); ++i) {
            const RecordedPart& part = parts_[i_group][i];
            const std::size_t i_section = part.i_section();
            switch (sections_[i_section].item_bytes) {
                case sizeof(std::uint8_t):
                    part.write_block(sources[i], i_block, stream_->section<std::uint8_t>(i_section), row);
                    break;
                case sizeof(std::uint16_t):
                    part.write_block(sources[i], i_block, stream_->section<std::uint16_t>(i_section), row);
                    break;
                case sizeof(float):
                    part.write_block(sources[i], i_block, stream_->section<float>(i_section), row);
                    break;
                default:
                    part.write_block(sources[i], i_block, stream_->section<double>(i_section), row);
            }
        }
    }

    // All steps before `end` have been written.
    void finish_window(std::int64_t end) {
        for (; i_first_bin_ < end / steps_per_bin_; ++i_first_bin_) {
            stream_->finish_row();
        }
    }

  private:
    // More than a window has steps: that many bins of any length are beyond its end, and their product is still a number.
    static constexpr std::int64_t n_most_rows = 1024;

    std::vector<Section> sections_;
    std::int64_t steps_per_bin_;
    std::int64_t i_first_bin_ = 0;  // of the window
    std::unique_ptr<ChunkStream> stream_;
    std::vector<std::vector<RecordedPart>> parts_;
    std::vector<Keep> keeps_;
};

// Some neurons, by what they are called where they are recorded.
class NeuronMap {
  public:
    // numbers: for each neuron of a group, or source of a drive, its number in the record; -1 when it is not recorded.
    explicit NeuronMap(std::vector<std::int32_t> numbers) : numbers_(std::move(numbers)) {}

    std::int32_t operator[](std::int32_t local) const { return numbers_[static_cast<std::size_t>(local)]; }

  private:
    std::vector<std::int32_t> numbers_;
};

// A recorder of spikes: one row per spike, by step, then neuron.
class SpikeRecorder {
  public:
    SpikeRecorder(DiskThread& disk, const std::string& folder, std::int64_t chunk_rows)
        : stream_(std::make_unique<ChunkStream>(
              disk, folder, std::vector<Section>{{sizeof(std::int64_t), 1, 1}, {sizeof(std::int32_t), 1, 1}}, chunk_rows)) {}

    ChunkStream& stream() { return *stream_; }
    void add_map(NeuronMap map) { maps_.push_back(std::move(map)); }

    // Take the spikes of a step: of each group, in the order of the maps.
    void record(std::int64_t step, const std::vector<const std::vector<std::int32_t>*>& spikes) {
        gathered_.clear();
        for (std::size_t i = 0; i < maps_.size(); ++i) {
            for (const std::int32_t local : *spikes[i]) {
                if (maps_[i][local] >= 0) {
                    gathered_.push_back(maps_[i][local]);
                }
            }
        }
        // The neurons of several groups may alternate, layer by layer.
        if (maps_.size() > 1) {
            std::sort(gathered_.begin(), gathered_.end());
        }
        for (const std::int32_t neuron : gathered_) {
            stream_->section<std::int64_t>(0)[stream_->row()] = step;
            stream_->section<std::int32_t>(1)[stream_->row()] = neuron;
            stream_->finish_row();
        }
    }

  private:
    std::unique_ptr<ChunkStream> stream_;
    std::vector<NeuronMap> maps_;
    std::vector<std::int32_t> gathered_;
};

// A recorder of rates: one row per bin, of the spikes of each population.
class RateRecorder {
  public:
    RateRecorder(DiskThread& disk, const std::string& folder, std::int64_t steps_per_bin, std::int64_t n_populations,
                 std::int64_t chunk_rows)
        : stream_(std::make_unique<ChunkStream>(
              disk, folder, std::vector<Section>{{sizeof(std::int64_t), n_populations, n_populations}}, chunk_rows)),
          steps_per_bin_(steps_per_bin),
          counts_(static_cast<std::size_t>(n_populations)) {}

    ChunkStream& stream() { return *stream_; }
    // By map, a neuron's number is that of its population in the record.
    void add_map(NeuronMap map) { maps_.push_back(std::move(map)); }

    void record(std::int64_t step, const std::vector<const std::vector<std::int32_t>*>& spikes) {
        for (std::size_t i = 0; i < maps_.size(); ++i) {
            for (const std::int32_t local : *spikes[i]) {
                const std::int32_t i_population = maps_[i][local];
                if (i_population >= 0) {
                    ++counts_[static_cast<std::size_t>(i_population)];
                }
            }
        }
        if ((step + 1) % steps_per_bin_ == 0) {
            const auto width = static_cast<std::int64_t>(counts_.size());
            std::copy(counts_.begin(), counts_.end(), stream_->section<std::int64_t>(0) + stream_->row() * width);
            std::fill(counts_.begin(), counts_.end(), 0);
            stream_->finish_row();
        }
    }

  private:
    std::unique_ptr<ChunkStream> stream_;
    std::int64_t steps_per_bin_;
    std::vector<std::int64_t> counts_;
    std::vector<NeuronMap> maps_;
};

}  // namespace currents

#endif  // CURRENTS_RECORDERS_H
