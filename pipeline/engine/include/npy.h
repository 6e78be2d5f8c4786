// NumPy's .npy files of one dimension, read whole or in blocks.
//
// What is read comes from outside: nothing in a file is believed before it has been compared with the size of the file,
// and whatever is wrong is an InputFailure that names the file.
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

#ifndef CURRENTS_NPY_H
#define CURRENTS_NPY_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "failures.h"

namespace currents {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little endian and are read as they are");

// NumPy's name of a type.
template <class T>
struct NpyType;
template <>
struct NpyType<double> {
    static const char* name() { return "<f8"; }
};
template <>
struct NpyType<float> {
    static const char* name() { return "<f4"; }
};
template <>
struct NpyType<std::int64_t> {
    static const char* name() { return "<i8"; }
};
template <>
struct NpyType<std::int32_t> {
    static const char* name() { return "<i4"; }
};
template <>
struct NpyType<std::uint64_t> {
    static const char* name() { return "<u8"; }
};
template <>
struct NpyType<std::uint32_t> {
    static const char* name() { return "<u4"; }
};
template <>
struct NpyType<std::uint8_t> {
    static const char* name() { return "|u1"; }
};

// A regular file that is open for reading.
class ReadFile {
  public:
    explicit ReadFile(std::string path) : path_(std::move(path)) {
        // O_NONBLOCK: to open a pipe without a writer would otherwise wait for ever. It does nothing to regular files.
        descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (descriptor_ < 0) throw InputFailure(path_, std::string("cannot be opened: ") + std::strerror(errno));
        try {
            measure();
        } catch (...) {
            close();
            throw;
        }
    }
    ReadFile(ReadFile&& other) noexcept
        : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), n_bytes_(other.n_bytes_) {}
    ReadFile& operator=(ReadFile&& other) noexcept {
        if (this != &other) {
            close();
            path_ = std::move(other.path_);
            descriptor_ = std::exchange(other.descriptor_, -1);
            n_bytes_ = other.n_bytes_;
        }
        return *this;
    }
    ReadFile(const ReadFile&) = delete;
    ReadFile& operator=(const ReadFile&) = delete;
    ~ReadFile() { close(); }

    const std::string& path() const { return path_; }
    std::uint64_t n_bytes() const { return n_bytes_; }

    // Read n bytes from an offset; fewer is a failure, since the size was known.
    void read(void* to, std::uint64_t offset, std::uint64_t n) const {
        const std::uint64_t most_at_once = std::uint64_t{1} << 30;  // the kernel reads at most 2 GiB in one call
        char* next = static_cast<char*>(to);
        while (n > 0) {
            const auto n_wanted = static_cast<std::size_t>(std::min(n, most_at_once));
            const ssize_t n_read = ::pread(descriptor_, next, n_wanted, static_cast<off_t>(offset));
            if (n_read < 0 && errno == EINTR) continue;
            if (n_read < 0) throw InputFailure(path_, std::string("cannot be read: ") + std::strerror(errno));
            if (n_read == 0) throw InputFailure(path_, "has become shorter while it was read");
            next += n_read;
            offset += static_cast<std::uint64_t>(n_read);
            n -= static_cast<std::uint64_t>(n_read);
        }
    }

  private:
    void measure() {
        struct stat status;
        if (::fstat(descriptor_, &status) != 0) {
            throw InputFailure(path_, std::string("cannot be examined: ") + std::strerror(errno));
        }
        if (S_ISDIR(status.st_mode)) throw InputFailure(path_, "is not a file", "a .npy file", "a folder");
        if (!S_ISREG(status.st_mode)) throw InputFailure(path_, "is not a regular file");
        n_bytes_ = static_cast<std::uint64_t>(status.st_size);
    }

    void close() {
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = -1;
    }

    std::string path_;
    int descriptor_ = -1;
    std::uint64_t n_bytes_ = 0;
};

// What a header says.
struct NpyHeader {
    std::string type;
    bool is_fortran = false;
    std::vector<std::uint64_t> shape;
};

// Reads the header, the text of a Python dictionary with the keys descr, fortran_order and shape in any order.
class NpyHeaderParser {
  public:
    NpyHeaderParser(const std::string& path, const std::string& text) : path_(path), text_(text) {}

    NpyHeader parse() {
        NpyHeader header;
        bool has_type = false, has_order = false, has_shape = false;
        expect('{');
        while (!take('}')) {
            const std::string key = take_string();
            expect(':');
            bool& has_key = key == "descr" ? has_type : key == "fortran_order" ? has_order : has_shape;
            if (has_key || (&has_key == &has_shape && key != "shape")) refuse();
            has_key = true;
            if (key == "descr") header.type = take_type();
            if (key == "fortran_order") header.is_fortran = take_bool();
            if (key == "shape") header.shape = take_shape();
            if (!take(',') && peek() != '}') refuse();
        }
        peek();
        if (at_ != text_.size() || !has_type || !has_order || !has_shape) refuse();
        return header;
    }

  private:
    [[noreturn]] void refuse() const { throw InputFailure(path_, "has a header that NumPy did not write"); }

    // The next character that is no white space; a NUL, which no header holds, at the end.
    char peek() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
        return at_ < text_.size() ? text_[at_] : '\0';
    }
    bool take(char wanted) {
        const bool is_there = peek() == wanted;
        at_ += is_there ? 1 : 0;
        return is_there;
    }
    void expect(char wanted) {
        if (!take(wanted)) refuse();
    }
    std::string take_string() {
        const char quote = peek();
        if (quote != '\'' && quote != '"') refuse();
        const std::size_t end = text_.find(quote, ++at_);
        if (end == std::string::npos) refuse();
        const std::string content = text_.substr(at_, end - at_);
        at_ = end + 1;
        return content;
    }
    std::string take_type() {
        if (peek() == '[') {
            throw InputFailure(path_, "has the wrong type", "plain numbers", "records of several fields");
        }
        return take_string();
    }
    bool take_bool() {
        peek();
        for (const bool value : {false, true}) {
            const std::string word = value ? "True" : "False";
            if (text_.compare(at_, word.size(), word) == 0) {
                at_ += word.size();
                return value;
            }
        }
        refuse();
    }
    std::vector<std::uint64_t> take_shape() {
        std::vector<std::uint64_t> shape;
        expect('(');
        while (!take(')')) {
            shape.push_back(take_number());
            if (!take(',') && peek() != ')') refuse();
        }
        return shape;
    }
    std::uint64_t take_number() {
        if (peek() < '0' || peek() > '9') refuse();
        std::uint64_t value = 0;
        for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
            const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
            // Saturates: a length that large is refused by the size of the file.
            const bool fits = value <= (std::numeric_limits<std::uint64_t>::max() - digit) / 10;
            value = fits ? 10 * value + digit : std::numeric_limits<std::uint64_t>::max();
        }
        return value;
    }

    const std::string& path_;
    const std::string& text_;
    std::size_t at_ = 0;
};

// A one-dimensional array in a file, whatever its type.
class NpyFile {
  public:
    // Open a file and check that it is as long as an array of its length and type must be.
    NpyFile(const std::string& path, const char* type, std::size_t item_bytes) : file_(path), item_bytes_(item_bytes) {
        const NpyHeader header = read_header();
        check(header, type);
        size_ = static_cast<std::int64_t>(header.shape[0]);
    }

    const std::string& path() const { return file_.path(); }
    // Number of values in the file.
    std::int64_t size() const { return size_; }
    // Number of the value that is read next.
    std::int64_t position() const { return position_; }
    void seek(std::int64_t position) { position_ = std::max<std::int64_t>(0, std::min(position, size_)); }

  protected:
    // Read the next n values, or as many as are left; return how many.
    std::int64_t read_items(void* to, std::int64_t n) {
        n = std::min(n, size_ - position_);
        if (n <= 0) return 0;
        const std::uint64_t offset = start_ + static_cast<std::uint64_t>(position_) * item_bytes_;
        file_.read(to, offset, static_cast<std::uint64_t>(n) * item_bytes_);
        position_ += n;
        return n;
    }

  private:
    NpyHeader read_header() {
        const std::uint64_t longest = 1 << 16;  // NumPy itself refuses more than 10,000
        unsigned char intro[12] = {};
        file_.read(intro, 0, std::min<std::uint64_t>(sizeof intro, file_.n_bytes()));
        if (file_.n_bytes() < 10 || std::memcmp(intro, "\x93NUMPY", 6) != 0) {
            throw InputFailure(path(), "is not a .npy file", "the bytes \\x93NUMPY at its start");
        }
        if ((intro[6] != 1 && intro[6] != 2) || intro[7] != 0) {
            const std::string version = std::to_string(intro[6]) + "." + std::to_string(intro[7]);
            throw InputFailure(path(), "has an unknown version of the .npy format", "1.0 or 2.0", version);
        }
        std::uint64_t length = intro[8] | (static_cast<std::uint64_t>(intro[9]) << 8);
        if (intro[6] == 2) {
            length |= (static_cast<std::uint64_t>(intro[10]) << 16) | (static_cast<std::uint64_t>(intro[11]) << 24);
        }
        const std::uint64_t begin = intro[6] == 1 ? 10 : 12;
        if (begin > file_.n_bytes() || length > file_.n_bytes() - begin) {
            throw InputFailure(path(), "ends within its header");
        }
        if (length > longest) {
            throw InputFailure(path(), "has a header that NumPy did not write", "up to 65536 bytes",
                               std::to_string(length));
        }
        start_ = begin + length;
        std::string text(static_cast<std::size_t>(length), '\0');
        file_.read(&text[0], begin, length);
        return NpyHeaderParser(path(), text).parse();
    }

    void check(const NpyHeader& header, const char* type) const {
        if (header.type != type) {
            throw InputFailure(path(), "has the wrong type", type, header.type.substr(0, 40));
        }
        if (header.shape.size() != 1) {
            const std::string n_dimensions = std::to_string(header.shape.size());
            throw InputFailure(path(), "has the wrong number of dimensions", "1", n_dimensions);
        }
        if (header.is_fortran) throw InputFailure(path(), "has its values in Fortran's order", "C's order");
        const std::uint64_t n_data = file_.n_bytes() - start_;
        // Divided, not multiplied: a huge length must not overflow into one that fits.
        if (header.shape[0] != n_data / item_bytes_ || n_data % item_bytes_ != 0) {
            const bool is_short = header.shape[0] > n_data / item_bytes_;
            throw InputFailure(path(), std::string("is ") + (is_short ? "shorter" : "longer") + " than its header says",
                               std::to_string(header.shape[0]) + " values of " + std::to_string(item_bytes_) + " bytes",
                               std::to_string(n_data) + " bytes");
        }
    }

    ReadFile file_;
    std::size_t item_bytes_;
    std::uint64_t start_ = 0;
    std::int64_t size_ = 0;
    std::int64_t position_ = 0;
};

// The values of an array, in blocks: one of any length takes no memory here.
template <class T>
class NpyStream : public NpyFile {
  public:
    explicit NpyStream(const std::string& path) : NpyFile(path, NpyType<T>::name(), sizeof(T)) {}

    // Read the next n values, or as many as are left; return how many.
    std::int64_t read(T* to, std::int64_t n) { return read_items(to, n); }
};

// Read a whole one-dimensional array.
template <class T>
std::vector<T> read_npy(const std::string& path) {
    NpyStream<T> stream(path);
    try {
        std::vector<T> values(static_cast<std::size_t>(stream.size()));
        stream.read(values.data(), stream.size());
        return values;
    } catch (const std::bad_alloc&) {
        throw InputFailure(path, "does not fit into memory", "", std::to_string(stream.size()) + " values");
    } catch (const std::length_error&) {
        throw InputFailure(path, "does not fit into memory", "", std::to_string(stream.size()) + " values");
    }
}

}  // namespace currents

#endif  // CURRENTS_NPY_H
