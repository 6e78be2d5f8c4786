// The thread that writes beside the simulation, and the failure that it hands back to it.

#ifndef CURRENTS_DISK_THREAD_H
#define CURRENTS_DISK_THREAD_H

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace currents {

// The disk is full, gone or broken.
class StorageFailure : public std::exception {
  public:
    StorageFailure(std::string file, int number, const std::string& action)
        : path(std::move(file)), error(number),
          message_(path + ": " + action + ": " + std::generic_category().message(number)) {}
    const char* what() const noexcept override { return message_.c_str(); }

    std::string path;
    int error;  // an errno: ENOSPC, EFBIG, EDQUOT, EIO, ENOENT, …

  private:
    std::string message_;
};

// No signal reaches this thread for as long as this lives: a handler could interrupt nothing but a write.
class WithoutSignals {
  public:
    WithoutSignals() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~WithoutSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    WithoutSignals(const WithoutSignals&) = delete;
    WithoutSignals& operator=(const WithoutSignals&) = delete;

  private:
    sigset_t before_;
};

// One thread that works off jobs in the order in which they came; whoever waits for one helps it. The first failure is kept
// and ends all work: later jobs are dropped, so that nobody waits for a broken disk.
class DiskThread {
  public:
    using Job = std::function<void()>;  // may throw StorageFailure

    DiskThread() {
        const WithoutSignals inherited;
        thread_ = std::thread([this] { work(); });
    }
    // Finishes the jobs that it has.
    ~DiskThread() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            ending_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    DiskThread(const DiskThread&) = delete;
    DiskThread& operator=(const DiskThread&) = delete;

    // Queue a job; its number is for `wait`. Two may be done at a time, unless one is to be done alone: then all that came
    // before it are done, and none that came later has begun.
    std::uint64_t post(Job job, bool alone = false) {
        std::uint64_t ticket;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            ticket = ++n_posted_;
            jobs_.push_back({std::move(job), ticket, alone});
        }
        changed_.notify_all();
        return ticket;
    }

    // Return when job number `ticket`, and all before it, have been done or dropped.
    void wait(std::uint64_t ticket) noexcept {
        std::unique_lock<std::mutex> lock(mutex_);
        while (!is_done(ticket)) {
            if (can_begin()) {
                const WithoutSignals here;
                do_next(lock);
            } else {
                changed_.wait(lock);
            }
        }
    }

    // Return when nothing is being done, and nothing is to be done.
    void wait_for_all() noexcept {
        std::unique_lock<std::mutex> lock(mutex_);
        const std::uint64_t last = n_posted_;
        lock.unlock();
        wait(last);
    }

    bool is_done(std::uint64_t ticket) const { return n_done_.load(std::memory_order_acquire) >= ticket; }

    bool has_failed() const { return failed_.load(std::memory_order_acquire); }

    // Throw the failure if there was one.
    void check() const {
        if (has_failed()) {
            throw StorageFailure(*failure_);
        }
    }

  private:
    struct Queued {
        Job job;
        std::uint64_t ticket;
        bool alone;
    };

    void work() {
        std::unique_lock<std::mutex> lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return can_begin() || (ending_ && jobs_.empty()); });
            if (!can_begin()) {
                return;
            }
            do_next(lock);
        }
    }

    bool can_begin() const {
        return !jobs_.empty() && !(n_running_ > 0 && (runs_alone_ || jobs_.front().alone));
    }

    // Do the job that is next, without the lock.
    void do_next(std::unique_lock<std::mutex>& lock) {
        const Queued next = std::move(jobs_.front());
        jobs_.pop_front();
        ++n_running_;
        runs_alone_ = next.alone;
        lock.unlock();
        attempt(next.job);
        lock.lock();
        --n_running_;
        runs_alone_ = false;
        ended_.insert(next.ticket);
        // Counted in their order: of two that run side by side, the later one may end first.
        while (!ended_.empty() && *ended_.begin() == n_done_.load() + 1) {
            ended_.erase(ended_.begin());
            n_done_.fetch_add(1, std::memory_order_release);
        }
        changed_.notify_all();
    }

    void attempt(const Job& job) {
        if (has_failed()) {
            return;
        }
        try {
            job();
        } catch (const StorageFailure& failure) {
            keep(failure);
        } catch (const std::bad_alloc&) {
            keep(StorageFailure("disk thread", ENOMEM, "write"));
        }
    }

    void keep(const StorageFailure& failure) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!failure_) {
            failure_.emplace(failure);
        }
        failed_.store(true, std::memory_order_release);  // after it, failure_ never changes
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Queued> jobs_;
    std::uint64_t n_posted_ = 0;
    std::atomic<std::uint64_t> n_done_{0};
    std::set<std::uint64_t> ended_;  // that others before have not
    int n_running_ = 0;
    bool runs_alone_ = false;
    bool ending_ = false;
    std::optional<StorageFailure> failure_;
    std::atomic<bool> failed_{false};
    std::thread thread_;
};

}  // namespace currents

#endif  // CURRENTS_DISK_THREAD_H
