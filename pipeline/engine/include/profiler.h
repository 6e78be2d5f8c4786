// Where the time of the steps goes: samples of what the simulating thread is doing.
//
// A clock around every loop would take as long as some of the loops do. Instead each phase of a step notes that it has begun,
// which costs nothing, and a signal looks a thousand times per second of processor time which one it is.

#ifndef CURRENTS_PROFILER_H
#define CURRENTS_PROFILER_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>

#include "json.h"

namespace currents {

enum class Phase : std::uint8_t { other, update, delivery, drive, arrivals, recording };
constexpr std::size_t n_phases = 6;

// What this thread is doing.
inline thread_local volatile Phase current_phase = Phase::other;

// Counts samples of the thread that makes it, for as long as it lives; there is one at a time.
class Profiler {
  public:
    explicit Profiler(bool is_wanted);
    ~Profiler();
    Profiler(const Profiler&) = delete;
    Profiler& operator=(const Profiler&) = delete;

    // The share of each phase.
    JsonObject describe() const;

  private:
    bool is_wanted_;
    timer_t timer_{};
};

}  // namespace currents

#endif  // CURRENTS_PROFILER_H
