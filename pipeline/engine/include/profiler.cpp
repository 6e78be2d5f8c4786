#include "profiler.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace currents {

namespace {

constexpr long period_ns = 1'000'000;
constexpr std::array<const char*, n_phases> names = {"other", "update", "delivery", "drive", "arrivals", "recording"};

// Written by the handler alone, in the thread that reads it afterwards.
volatile long samples[n_phases];

void take_sample(int) {
    const auto i = static_cast<std::size_t>(current_phase);
    samples[i] = samples[i] + 1;
}

}  // namespace

Profiler::Profiler(bool is_wanted) : is_wanted_(is_wanted) {
    if (!is_wanted_) {
        return;
    }
    std::fill(std::begin(samples), std::end(samples), 0);
    struct sigaction action = {};
    action.sa_handler = take_sample;
    action.sa_flags = SA_RESTART;
    sigaction(SIGPROF, &action, nullptr);
    struct sigevent event = {};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGPROF;
    event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer_) != 0) {
        throw std::system_error(errno, std::generic_category(), "a timer for --profile");
    }
    struct itimerspec every = {};
    every.it_interval.tv_nsec = every.it_value.tv_nsec = period_ns;
    timer_settime(timer_, 0, &every, nullptr);
}

Profiler::~Profiler() {
    if (is_wanted_) {
        timer_delete(timer_);
    }
}

JsonObject Profiler::describe() const {
    long n = 0;
    for (const long count : samples) {
        n += count;
    }
    JsonObject shares;
    for (std::size_t i = 0; i < n_phases; ++i) {
        shares.add(names[i], n > 0 ? static_cast<double>(samples[i]) / static_cast<double>(n) : 0.0, "%.4f");
    }
    return shares;
}

}  // namespace currents
