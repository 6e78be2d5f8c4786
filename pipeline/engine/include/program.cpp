// The program: main --run-dir DIR. It prints nothing but JSON lines, one after another, on the descriptor of --progress-fd
// (2, stderr, when not given): {"completed": …, "step": …, "elapsed_s": …} about twice a second, and one line at the end,
// which says how it ended. Its exit code is one of exit_codes.h.

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <new>
#include <string>

#include "builder.h"
#include "exit_codes.h"
#include "npy.h"
#include "simulation.h"

namespace {

using currents::ExitCode;

volatile std::sig_atomic_t stop_signal = 0;

void remember_signal(int number) { stop_signal = number; }

void watch_signals() {
    struct sigaction action = {};
    action.sa_handler = remember_signal;
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        sigaction(number, &action, nullptr);
    }
    // A full file or a closed pipe shall be an error that can be told, not the end of the process.
    action.sa_handler = SIG_IGN;
    sigaction(SIGXFSZ, &action, nullptr);
    sigaction(SIGPIPE, &action, nullptr);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string quote(const std::string& text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            quoted += '\\';
        }
        if (static_cast<unsigned char>(c) >= 0x20) {
            quoted += c;
        }
    }
    return quoted + "\"";
}

// Where reports go.
class Reporter {
  public:
    explicit Reporter(int descriptor) : descriptor_(descriptor) {}

    // Whether somebody still reads them.
    bool has_reader() const { return has_reader_; }

    void write_line(const std::string& line) {
        const std::string text = line + "\n";
        std::size_t n_written = 0;
        while (has_reader_ && n_written < text.size()) {
            const ssize_t n = ::write(descriptor_, text.data() + n_written, text.size() - n_written);
            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n <= 0) {
                has_reader_ = false;
                return;
            }
            n_written += static_cast<std::size_t>(n);
        }
    }

    void report_progress(std::int64_t step, std::int64_t n_steps, double elapsed_s) {
        char line[160];
        std::snprintf(line, sizeof(line), "{\"completed\": %.6f, \"step\": %lld, \"elapsed_s\": %.3f}",
                      static_cast<double>(step) / static_cast<double>(n_steps), static_cast<long long>(step), elapsed_s);
        write_line(line);
    }

    // The last line: how the program ended, and what is wrong if anything is.
    ExitCode report_end(ExitCode code, const std::string& kind, const std::string& fields) {
        write_line("{\"end\": " + quote(kind) + ", \"exit_code\": " + std::to_string(static_cast<int>(code)) +
                   (fields.empty() ? "" : ", ") + fields + "}");
        return code;
    }

  private:
    int descriptor_;
    bool has_reader_ = true;
};

struct Arguments {
    std::string run_folder;
    int progress_descriptor = STDERR_FILENO;
    std::size_t n_threads = 1;
};

const char usage[] =
    "usage: main --run-dir DIR [--progress-fd N]\n"
    "Run the network that DIR/inputs describes, and record into DIR/recording.\n";

// Reads the arguments; returns false when they make no sense.
bool read_arguments(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (i + 1 >= argc) {
            return false;
        }
        const char* value = argv[++i];
        if (name == "--run-dir" && *value != '\0') {
            arguments.run_folder = value;
        } else if (name == "--threads") {
            arguments.n_threads = static_cast<std::size_t>(std::strtol(value, nullptr, 10));
        } else if (name == "--progress-fd") {
            char* end = nullptr;
            const long descriptor = std::strtol(value, &end, 10);
            if (end == value || *end != '\0' || descriptor < 0 || descriptor > 1 << 20) {
                return false;
            }
            arguments.progress_descriptor = static_cast<int>(descriptor);
        } else {
            return false;
        }
    }
    return !arguments.run_folder.empty();
}

// Run all steps; return false when asked to stop before the last one.
bool run_steps(currents::Simulation& simulation, Reporter& reporter, std::chrono::steady_clock::time_point start) {
    constexpr double period_s = 0.5;
    double next_report_s = 0.0;
    while (!simulation.is_finished()) {
        const double elapsed_s = seconds_since(start);
        if (elapsed_s >= next_report_s) {
            reporter.report_progress(simulation.step, simulation.n_steps, elapsed_s);
            next_report_s = elapsed_s + period_s;
        }
        if (stop_signal != 0 || !reporter.has_reader()) {
            return false;
        }
        simulation.advance();
    }
    return true;
}

// The most memory that this program has used, in bytes. Not from getrusage: its figure begins with that of the process
// which started this one.
long long read_peak_memory() {
    std::ifstream status("/proc/self/status");
    std::string word;
    long long kilobytes = 0;
    while (status >> word) {
        if (word == "VmHWM:") {
            status >> kilobytes;
        }
    }
    return 1024 * kilobytes;
}

std::string describe_times(double start_s, double simulation_s, double end_s) {
    char fields[200];
    std::snprintf(fields, sizeof(fields),
                  "\"start_s\": %.6f, \"simulation_s\": %.6f, \"end_s\": %.6f, \"peak_memory_bytes\": %lld", start_s,
                  simulation_s, end_s, read_peak_memory());
    return fields;
}

ExitCode simulate(const Arguments& arguments, Reporter& reporter) {
    const auto start = std::chrono::steady_clock::now();
    currents::DiskThread disk;
    const std::unique_ptr<currents::Simulation> simulation = currents::build_simulation(arguments.run_folder, arguments.n_threads, disk);
    const double start_s = seconds_since(start);
    bool whole = false;
    try {
        whole = run_steps(*simulation, reporter, std::chrono::steady_clock::now());
    } catch (const currents::NumericFailure&) {
        // What led to it is worth seeing.
        simulation->flush();
        throw;
    }
    const double simulation_s = seconds_since(start) - start_s;
    if (!whole) {
        simulation->flush();
        return reporter.report_end(ExitCode::stopped, "stopped", "\"step\": " + std::to_string(simulation->step));
    }
    simulation->close();
    reporter.report_progress(simulation->step, simulation->n_steps, simulation_s);
    const double end_s = seconds_since(start) - start_s - simulation_s;
    return reporter.report_end(ExitCode::finished, "finished", describe_times(start_s, simulation_s, end_s));
}

// The fields of a report about something wrong.
std::string describe(const std::string& place, const std::string& what, const std::string& expected = "",
                     const std::string& got = "") {
    return "\"where\": " + quote(place) + ", \"what\": " + quote(what) + ", \"expected\": " + quote(expected) +
           ", \"got\": " + quote(got);
}

ExitCode run(const Arguments& arguments, Reporter& reporter) {
    try {
        return simulate(arguments, reporter);
    } catch (const currents::InputFailure& failure) {
        return reporter.report_end(ExitCode::input, "input",
                                   describe(failure.path(), failure.problem(), failure.expected(), failure.got()));
    } catch (const currents::StorageFailure& failure) {
        return reporter.report_end(ExitCode::storage, "storage",
                                   describe(failure.path, failure.what()) + ", \"errno\": " + std::to_string(failure.error));
    } catch (const currents::NumericFailure& failure) {
        return reporter.report_end(ExitCode::numeric, "numeric",
                                   describe(failure.group, failure.what()) + ", \"neuron\": " + std::to_string(failure.local) +
                                       ", \"step\": " + std::to_string(failure.step));
    } catch (const std::bad_alloc&) {
        return reporter.report_end(ExitCode::memory, "memory", describe(arguments.run_folder, "there is not enough memory"));
    } catch (const std::exception& error) {
        return reporter.report_end(ExitCode::internal, "internal", describe(arguments.run_folder, error.what()));
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
        std::fputs(usage, stdout);
        return 0;
    }
    Arguments arguments;
    if (!read_arguments(argc, argv, arguments)) {
        std::fputs(usage, stderr);
        return static_cast<int>(ExitCode::usage);
    }
    watch_signals();
    Reporter reporter(arguments.progress_descriptor);
    return static_cast<int>(run(arguments, reporter));
}
