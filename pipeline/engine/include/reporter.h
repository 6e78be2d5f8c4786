// What the program tells whoever started it: lines of JSON on a descriptor.

#ifndef CURRENTS_REPORTER_H
#define CURRENTS_REPORTER_H

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "json.h"

namespace currents {

class Reporter {
  public:
    explicit Reporter(int descriptor) : descriptor_(descriptor) {}

    // Whether somebody still reads them.
    bool has_reader() const { return has_reader_; }

    void write(const JsonObject& report) {
        const std::string text = report.text() + "\n";
        std::size_t n_written = 0;
        while (has_reader_ && n_written < text.size()) {
            const ssize_t n = ::write(descriptor_, text.data() + n_written, text.size() - n_written);
            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n < 0 && errno == EAGAIN) {
                // A pipe that does not block is full: its reader is slow, not gone.
                pollfd pipe{descriptor_, POLLOUT, 0};
                poll(&pipe, 1, -1);
                continue;
            }
            if (n <= 0) {
                has_reader_ = false;
                return;
            }
            n_written += static_cast<std::size_t>(n);
        }
    }

  private:
    int descriptor_;
    bool has_reader_ = true;
};

}  // namespace currents

#endif  // CURRENTS_REPORTER_H
