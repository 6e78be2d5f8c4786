// Threads that work off the same jobs again and again, each job once a round.
//
// A round is some hundred microseconds, so who waits looks again and again for a while, then lets others have the processor
// between two looks, and sleeps only then: waking takes as long as a good part of a round. A thread begins with jobs of its own, whose data are in its cache, and then takes what others have
// not begun; so on a busy machine, where one may be stopped for milliseconds, the others do its work.

#ifndef CURRENTS_CREW_H
#define CURRENTS_CREW_H

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace currents {

class Crew {
  public:
    // job(i) for i from 0 to n_jobs - 1 is what a round consists of; it may not throw. n_threads includes that which calls.
    // Throws std::system_error when there cannot be so many.
    Crew(std::size_t n_threads, std::size_t n_jobs, std::function<void(std::size_t)> job);
    ~Crew();
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    // Do all jobs once.
    void run_round();

  private:
    // Something that grows, and that threads wait for.
    class Counter {
      public:
        std::uint64_t get() const { return value_.load(std::memory_order_acquire); }
        void add() {
            value_.fetch_add(1);
            if (n_asleep_.load() > 0) {
                const std::lock_guard<std::mutex> lock(mutex_);
                changed_.notify_all();
            }
        }
        // Return when the value is at least `wanted`.
        void wait(std::uint64_t wanted);

      private:
        std::atomic<std::uint64_t> value_{0};
        std::atomic<int> n_asleep_{0};
        std::mutex mutex_;
        std::condition_variable changed_;
    };

    void end_helpers();
    void help(std::size_t i_thread);
    void work(std::size_t i_thread, std::uint64_t round);

    std::size_t n_threads_;
    std::function<void(std::size_t)> job_;
    std::vector<std::atomic<std::uint64_t>> round_begun_;  // of each job, the last round in which somebody took it
    Counter rounds_;
    Counter jobs_done_;
    std::atomic<bool> ending_{false};
    std::vector<std::thread> helpers_;
};

}  // namespace currents

#endif  // CURRENTS_CREW_H
