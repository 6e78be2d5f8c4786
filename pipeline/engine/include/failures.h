// What can be wrong with what the program is given, in the words of those who can mend it.

#ifndef CURRENTS_FAILURES_H
#define CURRENTS_FAILURES_H

#include <exception>
#include <string>
#include <string_view>

namespace currents {

// <place>: <what is wrong> (expected …; got …)
class Failure : public std::exception {
  public:
    explicit Failure(std::string_view place, std::string_view problem, std::string_view expected = {},
                     std::string_view got = {})
        : place_(place),
          problem_(problem),
          expected_(expected),
          got_(got),
          message_(place_ + ": " + problem_ + describe(expected_, got_)) {}

    const std::string& place() const { return place_; }
    const std::string& problem() const { return problem_; }
    const std::string& expected() const { return expected_; }
    const std::string& got() const { return got_; }
    const char* what() const noexcept override { return message_.c_str(); }

  private:
    static std::string describe(const std::string& expected, const std::string& got) {
        if (expected.empty() && got.empty()) return "";
        if (got.empty()) return " (expected " + expected + ")";
        if (expected.empty()) return " (got " + got + ")";
        return " (expected " + expected + "; got " + got + ")";
    }

    std::string place_, problem_, expected_, got_, message_;
};

// An input file that cannot be used; the place is its path.
class InputFailure : public Failure {
  public:
    using Failure::Failure;
};

// An argument that makes no sense; the place is the option's name.
class UsageFailure : public Failure {
  public:
    using Failure::Failure;
};

}  // namespace currents

#endif  // CURRENTS_FAILURES_H
