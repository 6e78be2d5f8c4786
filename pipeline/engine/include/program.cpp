// The program: main --run-dir DIR (--help tells of its options; docs/engine.md of its contract). It prints nothing but
// JSON lines, one after another: progress about twice a second, and one line at the end, which says how it ended, as
// does DIR/program.json. Its exit code is one of exit_codes.h.

#include <time.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <system_error>

#include "arguments.h"
#include "builder.h"
#include "exit_codes.h"
#include "json.h"
#include "profiler.h"
#include "reporter.h"
#include "run_folder.h"
#include "simulation.h"

namespace {

using currents::ExitCode;
using currents::JsonObject;

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

double read_clock(clockid_t clock = CLOCK_MONOTONIC) {
    timespec now;
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The most memory that this program has used, in bytes. Not from getrusage: its figure begins with that of the process
// which started this one.
long long read_peak_memory() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> status(std::fopen("/proc/self/status", "re"), &std::fclose);
    char line[256];
    while (status && std::fgets(line, sizeof line, status.get())) {
        long long kilobytes = 0;
        if (std::sscanf(line, "VmHWM: %lld kB", &kilobytes) == 1) {
            return 1024 * kilobytes;
        }
    }
    return 0;
}

void print_help() {
    std::printf("usage: main --run-dir DIR [OPTION VALUE]...\n"
                "Run the network that a folder of inputs describes, and record what its neurons do.\n\n");
    for (const currents::Option& option : currents::options) {
        std::printf("  %-14s %-5s %s\n", option.name, option.value, option.help);
    }
    constexpr const char* flags[][2] = {
        {"--profile", "say at the end where the time of the steps went"},
        {"--help", "say this, and end"},
        {"--version", "say which version this is, and end"},
    };
    for (const auto& flag : flags) {
        std::printf("  %-14s %-5s %s\n", flag[0], "", flag[1]);
    }
    std::printf("\n");
    std::printf("Reports are lines of JSON; DIR/program.json says how the run ended. Exit codes:\n");
    for (const currents::ExitCodeMeaning& code : currents::exit_code_meanings) {
        std::printf("  %3d %-9s %s\n", static_cast<int>(code.code), code.name, code.meaning);
    }
}

void print_version() {
    std::printf("currents engine\nformat of inputs %lld\nformat of recordings %u\ncompiler %s\n",
                static_cast<long long>(currents::description_version), currents::ChunkHeader().version, __VERSION__);
}

// Times of a run so far, in seconds on the clock of read_clock.
struct Times {
    double start = 0.0;
    double first_step = 0.0;
    double last_step = 0.0;
    // That this thread has computed between first and last step: the rest it has waited.
    double processor_s = 0.0;
};

// Tells of a run while it goes on, and when it ends.
class Program {
  public:
    explicit Program(currents::Arguments& arguments)
        : arguments_(arguments), reporter_(arguments.progress_descriptor, &stop_signal), run_(arguments.run_folder) {
        times_.start = read_clock();
    }

    ExitCode run() {
        try {
            return simulate();
        } catch (const currents::UsageFailure& failure) {
            return fail(ExitCode::usage, "usage", describe(failure));
        } catch (const currents::InputFailure& failure) {
            return fail(ExitCode::input, "input", describe(failure));
        } catch (const currents::StorageFailure& failure) {
            salvage();
            return fail(ExitCode::storage, "storage",
                        describe(failure.path, failure.what()).add("errno", std::int64_t{failure.error}));
        } catch (const currents::NumericFailure& failure) {
            return fail(ExitCode::numeric, "numeric",
                        describe(failure.group, failure.what()).add("neuron", failure.local).add("step", failure.step));
        } catch (const std::bad_alloc&) {
            return fail(ExitCode::memory, "memory", describe(run_.path(), "there is not enough memory"));
        } catch (const std::system_error& error) {
            // No memory for a thread, say.
            return fail(ExitCode::memory, "memory", describe(run_.path(), error.what()));
        } catch (const std::exception& error) {
            return fail(ExitCode::internal, "internal", describe(run_.path(), error.what()));
        }
    }

    static JsonObject describe(const std::string& place, const std::string& what, const std::string& expected = "",
                               const std::string& got = "") {
        return JsonObject().add("where", place).add("what", what).add("expected", expected).add("got", got);
    }
    static JsonObject describe(const currents::Failure& failure) {
        return describe(failure.place(), failure.problem(), failure.expected(), failure.got());
    }
    // The last line.
    static JsonObject describe_end(ExitCode code, const std::string& kind) {
        return JsonObject().add("end", kind).add(describe_code(code));
    }
    static JsonObject describe_code(ExitCode code) {
        return JsonObject().add("exit_code", std::int64_t{static_cast<int>(code)});
    }

  private:
    ExitCode simulate() {
        currents::Request request;
        request.inputs = arguments_.inputs.empty() ? arguments_.run_folder + "/inputs" : arguments_.inputs;
        request.has_seed = arguments_.has_seed;
        request.seed = arguments_.seed;
        request.duration = arguments_.duration.get();
        request.n_threads = static_cast<std::size_t>(arguments_.n_threads);
        simulation_ = currents::build_simulation(request, run_, disk_);
        describe_begin(request.seed);
        run_.seal(JsonObject().add("version", std::int64_t{1}).add(made_with_));
        run_.begin(JsonObject().add("status", "running").add(begin_));
        times_.first_step = read_clock();
        const double processor_s = read_clock(CLOCK_THREAD_CPUTIME_ID);
        const currents::Profiler profiler(arguments_.is_profiled);
        bool whole = false;
        try {
            whole = run_steps();
        } catch (const currents::NumericFailure&) {
            // What led to it is worth seeing.
            simulation_->flush();
            throw;
        }
        times_.last_step = read_clock();
        times_.processor_s = read_clock(CLOCK_THREAD_CPUTIME_ID) - processor_s;
        if (!whole) {
            simulation_->flush();
            const JsonObject step = JsonObject().add("step", simulation_->step);
            run_.end(JsonObject().add("status", "stopped").add(begin_).add(describe_code(ExitCode::stopped)).add(step));
            reporter_.write(describe_end(ExitCode::stopped, "stopped").add(step));
            return ExitCode::stopped;
        }
        return finish(profiler);
    }

    ExitCode finish(const currents::Profiler& profiler) {
        simulation_->close();
        report_progress(times_.last_step);
        JsonObject totals = describe_totals();
        if (arguments_.is_profiled) {
            totals.add("processor_s", times_.processor_s, "%.6f").add("profile", profiler.describe());
        }
        run_.end(JsonObject().add("status", "finished").add(begin_).add(describe_code(ExitCode::finished)).add(totals));
        reporter_.write(describe_end(ExitCode::finished, "finished").add(totals));
        return ExitCode::finished;
    }

    ExitCode fail(ExitCode code, const std::string& kind, const JsonObject& what) {
        if (run_.has_begun()) {
            try {
                const JsonObject step = JsonObject().add("step", simulation_->step);
                run_.end(JsonObject().add("status", "failed").add(begin_).add(describe_code(code)).add(step).add(what));
            } catch (const std::exception&) {
                // Where this cannot be written, program.json still says "running", of a process that is gone.
            }
        }
        reporter_.write(describe_end(code, kind).add(what));
        return code;
    }

    void salvage() noexcept {
        try {
            if (simulation_) {
                simulation_->salvage();
            }
        } catch (const std::exception&) {
            // What is told is why there is something to be saved.
        }
    }

    // What program.json says from the first step on.
    void describe_begin(std::int64_t seed) {
        made_with_.add("seed", seed).add("dt_s", simulation_->dt, "%.17g").add("n_steps", simulation_->n_steps);
        char host[256] = {};
        gethostname(host, sizeof host - 1);
        begin_.add("version", std::int64_t{1})
            .add("pid", std::int64_t{getpid()})
            .add("host", std::string(host))
            .add("started", static_cast<std::int64_t>(time(nullptr)))
            .add(made_with_);
        for (const currents::Members& members : simulation_->groups) {
            n_neurons_ += members.group->n_neurons();
        }
    }

    JsonObject describe_totals() const {
        const double end = read_clock();
        return JsonObject()
            .add("step", simulation_->step)
            .add("start_s", times_.first_step - times_.start, "%.6f")
            .add("simulation_s", times_.last_step - times_.first_step, "%.6f")
            .add("end_s", end - times_.last_step, "%.6f")
            .add("rate_hz", find_rate(0, 0), "%.6g")
            .add("spikes", simulation_->n_spikes())
            .add("events", simulation_->n_events())
            .add("peak_memory_bytes", std::int64_t{read_peak_memory()});
    }

    // Spikes per neuron and second since a step until which there had been so many.
    double find_rate(std::int64_t step, std::int64_t n_spikes) const {
        const double neuron_s = static_cast<double>(n_neurons_) * static_cast<double>(simulation_->step - step) *
                                simulation_->dt;
        return neuron_s > 0.0 ? static_cast<double>(simulation_->n_spikes() - n_spikes) / neuron_s : 0.0;
    }

    void report_progress(double now) {
        const double completed = static_cast<double>(simulation_->step) / static_cast<double>(simulation_->n_steps);
        reporter_.write(JsonObject()
                            .add("completed", completed, "%.6f")
                            .add("step", simulation_->step)
                            .add("time_s", static_cast<double>(simulation_->step) * simulation_->dt, "%.9g")
                            .add("elapsed_s", now - times_.first_step, "%.3f")
                            .add("rate_hz", find_rate(reported_step_, reported_spikes_), "%.6g")
                            .add("events", simulation_->n_events()));
        reported_step_ = simulation_->step;
        reported_spikes_ = simulation_->n_spikes();
    }

    // Run all steps; return false when asked to stop before the last one.
    bool run_steps() {
        constexpr double period_s = 0.5;
        double next_report = times_.first_step;
        while (!simulation_->is_finished()) {
            const double now = read_clock();
            if (now >= next_report) {
                report_progress(now);
                next_report = now + period_s;
            }
            if (stop_signal != 0 || !reporter_.has_reader()) {
                return false;
            }
            simulation_->advance();
        }
        return true;
    }

    currents::Arguments& arguments_;
    currents::Reporter reporter_;
    currents::RunFolder run_;
    // Outlives the recorders of the simulation.
    currents::DiskThread disk_;
    std::unique_ptr<currents::Simulation> simulation_;
    JsonObject begin_;
    // What the recording says of itself.
    JsonObject made_with_;
    Times times_;
    std::int64_t n_neurons_ = 0;
    std::int64_t reported_step_ = 0;
    std::int64_t reported_spikes_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    watch_signals();
    try {
        currents::Arguments arguments = currents::read_arguments(argc, argv);
        if (arguments.wants_help || arguments.wants_version) {
            arguments.wants_help ? print_help() : print_version();
            return 0;
        }
        return static_cast<int>(Program(arguments).run());
    } catch (const currents::UsageFailure& failure) {
        const JsonObject end = Program::describe_end(ExitCode::usage, "usage").add(Program::describe(failure));
        currents::Reporter(STDERR_FILENO).write(end);
        return static_cast<int>(ExitCode::usage);
    } catch (const std::exception& error) {
        // No memory for a thread, say.
        const JsonObject what = Program::describe("the program", error.what());
        const JsonObject end = Program::describe_end(ExitCode::memory, "memory").add(what);
        currents::Reporter(STDERR_FILENO).write(end);
        return static_cast<int>(ExitCode::memory);
    }
}
