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

// One thread that works off jobs in the order in which they came. The first failure is kept and ends all work: later
// jobs are dropped, so that nobody waits for a broken disk.
class DiskThread {
  public:
    using Job = std::function<void()>;  // may throw StorageFailure

    DiskThread() {
        // Signals are the main thread's: a handler that ran here could interrupt nothing but a write.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        try {
            thread_ = std::thread([this] { work(); });
        } catch (...) {
            pthread_sigmask(SIG_SETMASK, &before, nullptr);
            throw;
        }
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
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

    // Queue a job; its number is for `wait`.
    std::uint64_t post(Job job) {
        std::uint64_t ticket;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            jobs_.push_back(std::move(job));
            ticket = ++n_posted_;
        }
        changed_.notify_all();
        return ticket;
    }

    // Return when job number `ticket` has been done or dropped.
    void wait(std::uint64_t ticket) noexcept {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [&] { return n_done_.load() >= ticket; });
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
    void work() {
        std::unique_lock<std::mutex> lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
            if (jobs_.empty()) {
                return;
            }
            const Job job = std::move(jobs_.front());
            jobs_.pop_front();
            lock.unlock();
            attempt(job);
            lock.lock();
            n_done_.fetch_add(1, std::memory_order_release);
            changed_.notify_all();
        }
    }

    void attempt(const Job& job) {
        if (has_failed()) {
            return;
        }
        try {
            job();
        } catch (const StorageFailure& failure) {
            failure_.emplace(failure);
        } catch (const std::bad_alloc&) {
            failure_.emplace("disk thread", ENOMEM, "write");
        }
        failed_.store(failure_.has_value(), std::memory_order_release);  // after it, failure_ never changes
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    std::uint64_t n_posted_ = 0;
    std::atomic<std::uint64_t> n_done_{0};
    bool ending_ = false;
    std::optional<StorageFailure> failure_;
    std::atomic<bool> failed_{false};
    std::thread thread_;
};

}  // namespace currents

#endif  // CURRENTS_DISK_THREAD_H
