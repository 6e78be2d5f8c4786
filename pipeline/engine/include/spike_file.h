// The spikes of a drive from two files, steps and sources, read in blocks as the run goes on.

#ifndef CURRENTS_SPIKE_FILE_H
#define CURRENTS_SPIKE_FILE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "npy.h"

namespace currents {

// Spikes in time order: whatever their number, two blocks of them are in memory.
class SpikeFile {
  public:
    // Files of (n_spikes,) int64 steps, ascending, and (n_spikes,) int32 sources below n_sources.
    SpikeFile(const std::string& steps, const std::string& sources, std::int32_t n_sources)
        : step_(steps), source_(sources), n_sources_(n_sources) {
        if (source_.size() != step_.size()) {
            throw InputFailure(sources, "has another length than " + steps, std::to_string(step_.size()),
                               std::to_string(source_.size()));
        }
    }

    std::int64_t n_spikes() const { return step_.size(); }

    // Append the sources of the spikes of a step, in the order of the file. Steps ascend from call to call; spikes of
    // steps that are not asked for are passed over.
    void take(std::int64_t step, std::vector<std::int32_t>& sources) {
        for (; has_next() && steps_[at_] <= step; ++at_) {
            if (steps_[at_] == step) sources.push_back(sources_[at_]);
        }
    }

    // Go to the first spike of a step or later, without reading what lies before: where a run continues.
    void skip_to(std::int64_t step) {
        std::int64_t low = 0, high = n_spikes();
        while (low < high) {
            const std::int64_t middle = low + (high - low) / 2;
            if (read_step(middle) < step) low = middle + 1;
            else high = middle;
        }
        last_step_ = low > 0 ? read_step(low - 1) : 0;
        step_.seek(low);
        source_.seek(low);
        steps_.clear();
        sources_.clear();
        at_ = 0;
    }

  private:
    static constexpr std::int64_t n_at_once = 1 << 13;

    // Whether steps_[at_] is a spike, after reading the next block if need be.
    bool has_next() {
        if (at_ < steps_.size()) return true;
        const std::int64_t begin = step_.position();
        if (begin == step_.size()) return false;
        steps_.resize(static_cast<std::size_t>(n_at_once));
        sources_.resize(static_cast<std::size_t>(n_at_once));
        const auto n = static_cast<std::size_t>(step_.read(steps_.data(), n_at_once));
        source_.read(sources_.data(), n_at_once);
        steps_.resize(n);
        sources_.resize(n);
        at_ = 0;
        check_block(begin);
        return true;
    }

    void check_block(std::int64_t begin) {
        for (std::size_t i = 0; i < steps_.size(); ++i) {
            const std::int64_t position = begin + static_cast<std::int64_t>(i);
            if (steps_[i] < last_step_) {
                throw InputFailure(step_.path(), "decreases at position " + std::to_string(position),
                                   "at least " + std::to_string(last_step_), std::to_string(steps_[i]));
            }
            if (sources_[i] < 0 || sources_[i] >= n_sources_) {
                throw InputFailure(source_.path(), "names no source at position " + std::to_string(position),
                                   "0 to " + std::to_string(n_sources_) + " - 1", std::to_string(sources_[i]));
            }
            last_step_ = steps_[i];
        }
    }

    std::int64_t read_step(std::int64_t position) {
        std::int64_t step = 0;
        step_.seek(position);
        step_.read(&step, 1);
        return step;
    }

    NpyStream<std::int64_t> step_;
    NpyStream<std::int32_t> source_;
    std::int32_t n_sources_;
    std::vector<std::int64_t> steps_;
    std::vector<std::int32_t> sources_;
    std::size_t at_ = 0;
    std::int64_t last_step_ = 0;
};

}  // namespace currents

#endif  // CURRENTS_SPIKE_FILE_H
