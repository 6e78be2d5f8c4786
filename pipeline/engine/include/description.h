// What a run consists of, as lines of words: `program.txt` in a folder of inputs, written by pipeline/engine/inputs.py.
//
// The words of a line are separated by blanks; its first one says what it describes. Numbers that are not whole are
// written in hexadecimal, so that no bit is lost. The first line is `currents VERSION`, the last one `end CHECKSUM`, of
// all bytes before it.

#ifndef CURRENTS_DESCRIPTION_H
#define CURRENTS_DESCRIPTION_H

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crc32c.h"
#include "npy.h"

namespace currents {

constexpr std::int64_t description_version = 4;

constexpr std::int64_t most_whole = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t most_int32 = std::numeric_limits<std::int32_t>::max();

// One line; its words are taken one after another.
class Line {
  public:
    Line(const std::string& path, std::size_t number, std::vector<std::string> words)
        : path_(path), number_(number), words_(std::move(words)) {}

    std::string word() {
        if (i_word_ >= words_.size()) {
            refuse("ends too early");
        }
        return words_[i_word_++];
    }

    // A whole number from `least` to `most`.
    std::int64_t whole(std::int64_t least = 0, std::int64_t most = most_whole) {
        const std::string text = word();
        char* end = nullptr;
        errno = 0;
        const long long value = std::strtoll(text.c_str(), &end, 10);
        if (errno != 0 || end == text.c_str() || *end != '\0' || value < least || value > most) {
            const std::string range = most == most_whole ? "" : ", at most " + std::to_string(most);
            refuse("has something else in place of a whole number", "at least " + std::to_string(least) + range, text);
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

    void finish() const {
        if (i_word_ < words_.size()) {
            refuse("has words too many", "", words_[i_word_]);
        }
    }

    [[noreturn]] void refuse(std::string_view problem, std::string_view expected = {}, std::string_view got = {}) const {
        throw InputFailure(path_ + ":" + std::to_string(number_), problem, expected, got);
    }

  private:
    const std::string& path_;
    std::size_t number_;
    std::vector<std::string> words_;
    std::size_t i_word_ = 0;
};

// All lines of a description but the last, after its version and its checksum have been found right.
class Description {
  public:
    explicit Description(std::string path) : path_(std::move(path)) {
        const ReadFile file(path_);
        if (file.n_bytes() > most_bytes) {
            throw InputFailure(path_, "is too large to describe a run", std::to_string(most_bytes) + " bytes at most",
                               std::to_string(file.n_bytes()) + " bytes");
        }
        std::string text(static_cast<std::size_t>(file.n_bytes()), '\0');
        file.read(&text[0], 0, text.size());
        check_version(text);
        split(text, check_end(text));
    }
    // Lines refer to the path.
    Description(const Description&) = delete;
    Description& operator=(const Description&) = delete;

    const std::string& path() const { return path_; }
    std::vector<Line>& lines() { return lines_; }

  private:
    static constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;

    static std::vector<std::string> split_words(const std::string& text, std::size_t begin, std::size_t end) {
        std::vector<std::string> words;
        for (std::size_t at = begin; at < end;) {
            const std::size_t blank = std::min(text.find(' ', at), end);
            if (blank > at) {
                words.push_back(text.substr(at, blank - at));
            }
            at = blank + 1;
        }
        return words;
    }

    void check_version(const std::string& text) const {
        Line first(path_, 1, split_words(text, 0, std::min(text.find('\n'), text.size())));
        if (text.compare(0, 9, "currents ") != 0) {
            throw InputFailure(path_, "does not describe a run", "a first line `currents VERSION NETWORK`");
        }
        first.word();
        const std::int64_t version = first.whole();
        if (version != description_version) {
            first.refuse("is of another version", std::to_string(description_version), std::to_string(version));
        }
    }

    // Return where the last line begins; what comes before it must be as it was written.
    std::size_t check_end(const std::string& text) const {
        const std::size_t before = text.size() < 2 ? std::string::npos : text.rfind('\n', text.size() - 2);
        const std::size_t begin = before == std::string::npos ? 0 : before + 1;
        if (text.empty() || text.back() != '\n' || text.compare(begin, 4, "end ") != 0) {
            throw InputFailure(path_, "is cut off", "a last line `end CHECKSUM`");
        }
        const std::string expected = text.substr(begin + 4, text.size() - begin - 5);
        const std::string got = std::to_string(crc32c(0, text.data(), begin));
        if (got != expected) {
            throw InputFailure(path_, "has been changed after it was written", "checksum " + expected, got);
        }
        return begin;
    }

    void split(const std::string& text, std::size_t end) {
        std::size_t number = 1;
        for (std::size_t at = 0; at < end; ++number) {
            const std::size_t line_end = text.find('\n', at);
            lines_.emplace_back(path_, number, split_words(text, at, line_end));
            at = line_end + 1;
        }
    }

    std::string path_;
    std::vector<Line> lines_;
};

}  // namespace currents

#endif  // CURRENTS_DESCRIPTION_H
