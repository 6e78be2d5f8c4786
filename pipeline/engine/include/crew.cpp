#include "crew.h"

#include <algorithm>
#include <csignal>

namespace currents {

namespace {

// Some 20 µs: more than parts of equal shares end apart, and a small part of a round.
constexpr int n_looks = 1000;
// Some 150 µs, if nobody else wants the processor: waking takes 30, in which nothing is done.
constexpr int n_yields = 400;

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

}  // namespace

void Crew::Counter::wait(std::uint64_t wanted) {
    for (int i = 0; i < n_looks; ++i) {
        if (get() >= wanted) {
            return;
        }
        pause();
    }
    for (int i = 0; i < n_yields; ++i) {
        if (get() >= wanted) {
            return;
        }
        std::this_thread::yield();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    ++n_asleep_;
    changed_.wait(lock, [&] { return value_.load() >= wanted; });
    --n_asleep_;
}

Crew::Crew(std::size_t n_threads, std::size_t n_jobs, std::function<void(std::size_t)> job)
    : n_threads_(n_threads), job_(std::move(job)), round_begun_(n_jobs) {
    // Signals are the main thread's.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        for (std::size_t i = 1; i < n_threads; ++i) {
            helpers_.emplace_back([this, i] { help(i); });
        }
    } catch (...) {
        // The machine has no thread left, say. Those that there are must not outlive the crew.
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        end_helpers();
        throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Crew::~Crew() { end_helpers(); }

void Crew::end_helpers() {
    ending_ = true;
    rounds_.add();
    for (std::thread& helper : helpers_) {
        helper.join();
    }
}

void Crew::run_round() {
    const std::uint64_t round = rounds_.get() + 1;
    rounds_.add();
    work(0, round);
    jobs_done_.wait(round * round_begun_.size());
}

void Crew::help(std::size_t i_thread) {
    for (std::uint64_t round = 1;; round = std::max(round + 1, rounds_.get())) {
        rounds_.wait(round);
        if (ending_) {
            return;
        }
        work(i_thread, round);
    }
}

void Crew::work(std::size_t i_thread, std::uint64_t round) {
    const std::size_t n_jobs = round_begun_.size();
    const std::size_t first = n_jobs * i_thread / n_threads_;
    for (std::size_t k = 0; k < n_jobs; ++k) {
        const std::size_t i_job = (first + k) % n_jobs;
        // Whoever is late finds that the next round has begun, or that nothing is left of his own.
        std::uint64_t before = round - 1;
        if (round_begun_[i_job].compare_exchange_strong(before, round)) {
            job_(i_job);
            jobs_done_.add();
        }
    }
}

}  // namespace currents
