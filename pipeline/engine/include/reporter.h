// What the program tells whoever started it: lines of JSON on a descriptor.

#ifndef CURRENTS_REPORTER_H
#define CURRENTS_REPORTER_H

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <string>

#include "json.h"

namespace currents {

class Reporter {
  public:
    // stop: not 0 once the program shall stop, and not wait for a reader; nullptr when it never is.
    explicit Reporter(int descriptor, const volatile std::sig_atomic_t* stop = nullptr)
        : descriptor_(descriptor), stop_(stop) {}

    // Whether somebody still reads them.
    bool has_reader() const { return has_reader_; }

    void write(const JsonObject& report) {
        const std::string text = report.text() + "\n";
        std::size_t n_written = 0;
        while (has_reader_ && n_written < text.size()) {
            const ssize_t n = ::write(descriptor_, text.data() + n_written, text.size() - n_written);
            if (n > 0) {
                n_written += static_cast<std::size_t>(n);
            } else if (n < 0 && errno == EAGAIN) {
                wait_for_room();
            } else if (n == 0 || errno != EINTR) {
                has_reader_ = false;
            }
            if (n < 0 && stop_ && *stop_ != 0) {
                return;
            }
        }
    }

  private:
    // A pipe that does not block is full: its reader is slow, not gone.
    void wait_for_room() const {
        constexpr int most_ms = 200;
        pollfd pipe{descriptor_, POLLOUT, 0};
        poll(&pipe, 1, most_ms);
    }

    int descriptor_;
    const volatile std::sig_atomic_t* stop_;
    bool has_reader_ = true;
};

}  // namespace currents

#endif  // CURRENTS_REPORTER_H
