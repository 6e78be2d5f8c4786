// What a run consists of, as lines of words: `inputs/program.txt` in the run's folder, written by pipeline/engine/inputs.py.
//
// The words of a line are separated by blanks; its first one says what it describes. Numbers that are not whole are written
// in hexadecimal, so that no bit is lost. Names of files are relative to the run's folder.

#ifndef CURRENTS_DESCRIPTION_H
#define CURRENTS_DESCRIPTION_H

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "npy.h"

namespace currents {

// One line; its words are taken one after another.
class Line {
  public:
    Line(std::string path, std::size_t number, std::vector<std::string> words)
        : path_(std::move(path)), number_(number), words_(std::move(words)) {}

    bool is_empty() const { return words_.empty(); }
    bool at_end() const { return i_word_ >= words_.size(); }

    std::string word() {
        if (at_end()) {
            refuse("ends too early");
        }
        return words_[i_word_++];
    }

    // A whole number of at least `least`.
    std::int64_t whole(std::int64_t least = 0) {
        const std::string text = word();
        char* end = nullptr;
        errno = 0;
        const long long value = std::strtoll(text.c_str(), &end, 10);
        if (errno != 0 || end == text.c_str() || *end != '\0' || value < least) {
            refuse("has something else in place of a whole number", "at least " + std::to_string(least), text);
        }
        return value;
    }

    double number() {
        const std::string text = word();
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        if (end == text.c_str() || *end != '\0' || !std::isfinite(value)) {
            refuse("has something else in place of a number", "", text);
        }
        return value;
    }

    std::uint32_t key() {
        const std::int64_t value = whole();
        if (value > 0xFFFFFFFFLL) {
            refuse("has a key that is too large", "less than 2^32", std::to_string(value));
        }
        return static_cast<std::uint32_t>(value);
    }

    void finish() const {
        if (!at_end()) {
            refuse("has words too many", "", words_[i_word_]);
        }
    }

    [[noreturn]] void refuse(const std::string& problem, const std::string& expected = "",
                             const std::string& got = "") const {
        throw InputFailure(path_ + ":" + std::to_string(number_), problem, expected, got);
    }

  private:
    std::string path_;
    std::size_t number_;
    std::vector<std::string> words_;
    std::size_t i_word_ = 0;
};

// Read all lines of a description; its last line must be `end`, so that one that was cut off is not taken for a whole one.
inline std::vector<Line> read_description(const std::string& path) {
    std::ifstream file(path);
    if (!file) {
        throw InputFailure(path, "cannot be read");
    }
    std::vector<Line> lines;
    std::string text;
    for (std::size_t number = 1; std::getline(file, text); ++number) {
        std::istringstream stream(text);
        std::vector<std::string> words;
        for (std::string word; stream >> word;) {
            words.push_back(word);
        }
        if (words.size() == 1 && words[0] == "end") {
            return lines;
        }
        if (!words.empty()) {
            lines.emplace_back(path, number, std::move(words));
        }
    }
    throw InputFailure(path, "is cut off", "a last line `end`");
}

}  // namespace currents

#endif  // CURRENTS_DESCRIPTION_H
