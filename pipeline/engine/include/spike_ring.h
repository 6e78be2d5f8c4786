// The spikes of the last steps, kept until the longest delay has passed.

#ifndef CURRENTS_SPIKE_RING_H
#define CURRENTS_SPIKE_RING_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace currents {

class SpikeRing {
  public:
    // Keep spikes for `n_steps` steps after that of their emission, ...
    void reserve(std::int64_t n_steps) { n_kept_ = std::max(n_kept_, n_steps); }

    // ... while those of up to `n_steps` steps are new. Called once, before the first step.
    void start_windows(std::int64_t n_steps) { slots_.resize(static_cast<std::size_t>(n_kept_ + n_steps)); }

    // The list of a step, emptied: what is put into it are the step's spikes, in ascending order.
    std::vector<std::int32_t>& start(std::int64_t step) {
        std::vector<std::int32_t>& spikes = slots_[place(step)];
        spikes.clear();
        return spikes;
    }

    // The spikes of a step that is no further back than has been reserved; none before step 0.
    const std::vector<std::int32_t>& at(std::int64_t step) const { return step < 0 ? none_ : slots_[place(step)]; }

  private:
    std::size_t place(std::int64_t step) const { return static_cast<std::size_t>(step) % slots_.size(); }

    std::int64_t n_kept_ = 0;
    std::vector<std::vector<std::int32_t>> slots_;
    std::vector<std::int32_t> none_;
};

}  // namespace currents

#endif  // CURRENTS_SPIKE_RING_H
