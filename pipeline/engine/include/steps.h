// Time as a whole number of steps, rounded once, as in models/steps.py; what does not divide is refused.

#ifndef CURRENTS_STEPS_H
#define CURRENTS_STEPS_H

#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "failures.h"

namespace currents {

// Step numbers up to here are exact in float64 too.
constexpr std::int64_t most_steps = std::int64_t{1} << 53;

// Seconds as text: in s from one second on, in ms below.
inline std::string format_time(double time_s) {
    char text[40];
    const bool is_long = time_s >= 1.0 || time_s == 0.0;
    std::snprintf(text, sizeof text, "%.12g %s", is_long ? time_s : time_s / 1e-3, is_long ? "s" : "ms");
    return text;
}

// A duration as it was written, and in seconds.
class Duration {
  public:
    // A number and a unit, such as "10 s"; the decimal number is rounded once, with its unit.
    explicit Duration(const std::string& text) : text_(text) {
        std::size_t at = 0;
        const std::string digits = take_number(at);
        const int exponent = take_exponent(at);
        for (; text_[at] == ' '; ++at) {
        }
        const std::string unit = text_.substr(at);
        if (digits.empty()) {
            refuse("is not a number with a unit", "a duration such as \"10 s\"");
        } else if (unit == "s" || unit == "ms" || unit == "us") {
            const int shift = unit == "s" ? 0 : unit == "ms" ? -3 : -6;
            seconds_ = std::strtod((digits + "e" + std::to_string(exponent + shift)).c_str(), nullptr);
        } else if (unit == "min" || unit == "h") {
            const long double value = std::strtold((digits + "e" + std::to_string(exponent)).c_str(), nullptr);
            seconds_ = static_cast<double>(value * (unit == "min" ? 60.0L : 3600.0L));
        } else {
            refuse(unit.empty() ? "has no unit" : "has an unknown unit", "s, ms, us, min or h");
        }
    }

    // The duration in steps of `step_s` seconds, which are called `name`.
    std::int64_t count_steps(double step_s, const std::string& name) const {
        const double ratio = seconds_ / step_s;
        if (!(ratio > 0.0)) {
            refuse("is not above 0", quote(format_time(step_s)));
        }
        if (ratio > static_cast<double>(most_steps)) {
            refuse("has too many steps of " + name + " = " + format_time(step_s),
                   "at most " + std::to_string(most_steps));
        }
        const double whole = std::nearbyint(ratio);
        // What a float such as 0.3 / 0.1 may be off its whole number, and the rounding of the floats and of their
        // ratio.
        if (std::fabs(ratio - whole) > 1e-9 + 1e-15 * ratio || whole < 1.0) {
            refuse("is not a multiple of " + name + " = " + format_time(step_s), name_nearest(ratio, step_s));
        }
        return static_cast<std::int64_t>(whole);
    }

  private:
    [[noreturn]] void refuse(const std::string& problem, const std::string& expected) const {
        throw UsageFailure("--duration", problem, expected, quote(text_));
    }

    static std::string quote(const std::string& text) { return "\"" + text + "\""; }

    bool is_digit(std::size_t at) const { return std::isdigit(static_cast<unsigned char>(text_[at])) != 0; }

    // Digits with or without a point, and a sign; nothing when there is no digit.
    std::string take_number(std::size_t& at) const {
        std::size_t n_digits = 0;
        at += text_[at] == '+' || text_[at] == '-' ? 1 : 0;
        for (; is_digit(at); ++at) ++n_digits;
        at += text_[at] == '.' ? 1 : 0;
        for (; is_digit(at); ++at) ++n_digits;
        return n_digits > 0 ? text_.substr(0, at) : "";
    }

    int take_exponent(std::size_t& at) const {
        std::size_t next = at + 1;
        if (text_[at] != 'e' && text_[at] != 'E') {
            return 0;
        }
        next += text_[next] == '+' || text_[next] == '-' ? 1 : 0;
        if (!is_digit(next)) {
            return 0;
        }
        // Whatever has more digits is 0 or infinite.
        const long exponent = std::strtol(text_.c_str() + at + 1, nullptr, 10);
        for (at = next; is_digit(at); ++at) {
        }
        return static_cast<int>(exponent > 9999 ? 9999 : exponent < -9999 ? -9999 : exponent);
    }

    static std::string name_nearest(double ratio, double step_s) {
        const double below = std::floor(ratio);
        const std::string above = quote(format_time((below + 1.0) * step_s));
        return below > 0.0 ? quote(format_time(below * step_s)) + " or " + above : above;
    }

    std::string text_;
    double seconds_ = 0.0;
};

}  // namespace currents

#endif  // CURRENTS_STEPS_H
