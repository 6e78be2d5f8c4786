// JSON that any reader accepts, whatever bytes the names of files have.

#ifndef CURRENTS_JSON_H
#define CURRENTS_JSON_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

namespace currents {

// Number of bytes of the UTF-8 sequence that begins at text[at]; 0 when there is none that is valid.
inline std::size_t utf8_length(const std::string& text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const unsigned first = byte(at), second = byte(at + 1);
    const std::size_t n =
        first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    for (std::size_t i = 1; i < n; ++i) {
        if ((byte(at + i) & 0xC0) != 0x80) return 0;
    }
    // Longer than need be, one half of a surrogate pair, or beyond the last code point.
    const bool is_wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                          (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
    return is_wrong ? 0 : n;
}

// A string; a byte that is no UTF-8 becomes U+FFFD.
inline std::string quote(const std::string& text) {
    std::string quoted = "\"";
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t n = utf8_length(text, at);
        const auto byte = static_cast<unsigned char>(text[at]);
        if (n == 0) {
            quoted += "\\ufffd";
        } else if (byte < 0x20 || byte == 0x7F) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(byte));
            quoted += escape;
        } else {
            quoted += byte == '"' || byte == '\\' ? "\\" : "";
            quoted.append(text, at, n);
        }
        at += n == 0 ? 1 : n;
    }
    return quoted + "\"";
}

// An object, as its fields are added one after another.
class JsonObject {
  public:
    JsonObject& add(const char* name, const std::string& text) { return add_raw(name, quote(text)); }
    JsonObject& add(const char* name, std::int64_t value) { return add_raw(name, std::to_string(value)); }
    // format: as in printf.
    JsonObject& add(const char* name, double value, const char* format) {
        char text[400];
        std::snprintf(text, sizeof text, format, value);
        return add_raw(name, text);
    }
    JsonObject& add(const char* name, const JsonObject& object) { return add_raw(name, object.text()); }
    JsonObject& add(const JsonObject& other) {
        fields_ += (fields_.empty() || other.fields_.empty() ? "" : ", ") + other.fields_;
        return *this;
    }

    std::string text() const { return "{" + fields_ + "}"; }

  private:
    JsonObject& add_raw(const char* name, const std::string& value) {
        fields_ += (fields_.empty() ? "\"" : ", \"") + std::string(name) + "\": " + value;
        return *this;
    }

    std::string fields_;
};

}  // namespace currents

#endif  // CURRENTS_JSON_H
