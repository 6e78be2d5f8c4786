// The program's arguments.

#ifndef CURRENTS_ARGUMENTS_H
#define CURRENTS_ARGUMENTS_H

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "failures.h"
#include "steps.h"

namespace currents {

struct Arguments {
    std::string run_folder;
    // The folder of program.txt; that of the run when it is empty.
    std::string inputs;
    bool has_seed = false;
    std::int64_t seed = 0;
    std::unique_ptr<Duration> duration;
    int progress_descriptor = STDERR_FILENO;
    std::int64_t n_threads = 1;
    bool is_profiled = false;
    // What is printed instead of running anything.
    bool wants_help = false;
    bool wants_version = false;
};

// An option that takes a value.
struct Option {
    const char* name;
    const char* value;
    const char* help;
    void (*take)(Arguments& arguments, const std::string& value);
};

inline std::string take_folder(const char* name, const std::string& value) {
    if (value.empty()) {
        throw UsageFailure(name, "names no folder", "a path", "\"\"");
    }
    return value;
}

// A whole number of digits alone, from `least` to `most`.
inline std::int64_t take_whole(const char* name, const std::string& value, std::int64_t least, std::int64_t most) {
    errno = 0;
    const bool has_digits = !value.empty() && value.find_first_not_of("0123456789") == std::string::npos;
    const long long number = has_digits ? std::strtoll(value.c_str(), nullptr, 10) : 0;
    if (!has_digits || errno != 0 || number < least || number > most) {
        throw UsageFailure(name, "is no whole number in range", std::to_string(least) + " to " + std::to_string(most),
                           "\"" + value + "\"");
    }
    return number;
}

inline int take_descriptor(const char* name, const std::string& value) {
    constexpr std::int64_t most = 1 << 20;
    const int descriptor = static_cast<int>(take_whole(name, value, 0, most));
    const int flags = ::fcntl(descriptor, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
        throw UsageFailure(name, "is no descriptor that is open for writing", "", value);
    }
    return descriptor;
}

constexpr Option options[] = {
    {"--run-dir", "DIR", "record into DIR/recording; required",
     [](Arguments& a, const std::string& v) { a.run_folder = take_folder("--run-dir", v); }},
    {"--inputs", "DIR", "read this folder's program.txt, and what it names; DIR/inputs of --run-dir when not given",
     [](Arguments& a, const std::string& v) { a.inputs = take_folder("--inputs", v); }},
    {"--seed", "N", "of initial values and drive, 0 to 2^63-1; that of program.txt when not given",
     [](Arguments& a, const std::string& v) {
         a.seed = take_whole("--seed", v, 0, INT64_MAX);
         a.has_seed = true;
     }},
    {"--duration", "TIME", "such as \"10 s\", in s, ms, us, min or h; that of program.txt when not given",
     [](Arguments& a, const std::string& v) { a.duration = std::make_unique<Duration>(v); }},
    {"--threads", "N", "that share the steps, 1 to 1024; 1 when not given, and the same bits with any number",
     [](Arguments& a, const std::string& v) { a.n_threads = take_whole("--threads", v, 1, 1024); }},
    {"--progress-fd", "N", "report on this descriptor; on 2, stderr, when not given",
     [](Arguments& a, const std::string& v) { a.progress_descriptor = take_descriptor("--progress-fd", v); }},
};
constexpr std::size_t n_options = sizeof options / sizeof options[0];

inline std::size_t find_option(const std::string& name) {
    for (std::size_t i = 0; i < n_options; ++i) {
        if (name == options[i].name) {
            return i;
        }
    }
    throw UsageFailure(name.empty() ? "\"\"" : name, "is no option", "one of those that --help lists");
}

// Read the arguments; throws UsageFailure when they make no sense.
inline Arguments read_arguments(int argc, char** argv) {
    Arguments arguments;
    bool is_given[n_options] = {};
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--help" || name == "--version") {
            (name == "--help" ? arguments.wants_help : arguments.wants_version) = true;
            return arguments;
        }
        if (name == "--profile") {
            arguments.is_profiled = true;
            continue;
        }
        const std::size_t i_option = find_option(name);
        if (is_given[i_option]) {
            throw UsageFailure(name, "is given twice");
        }
        if (++i >= argc) {
            throw UsageFailure(name, "has no value", name + " " + options[i_option].value);
        }
        is_given[i_option] = true;
        options[i_option].take(arguments, argv[i]);
    }
    if (arguments.run_folder.empty()) {
        throw UsageFailure("--run-dir", "is missing", "--run-dir DIR");
    }
    return arguments;
}

}  // namespace currents

#endif  // CURRENTS_ARGUMENTS_H
