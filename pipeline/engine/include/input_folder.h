// The folder of a run's inputs: the files that `program.txt` lists, none of which is read before its size and its
// checksum have been found right.

#ifndef CURRENTS_INPUT_FOLDER_H
#define CURRENTS_INPUT_FOLDER_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "crc32c.h"
#include "description.h"
#include "npy.h"

namespace currents {

class InputFolder {
  public:
    explicit InputFolder(const std::string& path) : path_(resolve(path)) {}

    const std::string& path() const { return path_; }

    // file PATH BYTES CHECKSUM, with a path that is relative to the folder.
    void list(Line& line) {
        File file;
        file.name = line.word();
        file.n_bytes = static_cast<std::uint64_t>(line.whole());
        file.checksum = static_cast<std::uint32_t>(line.whole(0, 0xFFFFFFFFLL));
        if (find(file.name)) {
            line.refuse("lists a file twice", "", file.name);
        }
        files_.push_back(std::move(file));
    }

    // Read all files, and compare them with what is listed.
    void check() const {
        const std::unique_ptr<unsigned char[]> buffer(new unsigned char[n_buffer_bytes]);
        for (const File& file : files_) {
            check(file, buffer.get());
        }
    }

    // The path of a file that is about to be read; none is read for two lines.
    std::string use(const Line& line, const std::string& name) {
        if (mark_used(line, name)) {
            line.refuse("uses a file that another line uses", "", name);
        }
        return locate(name);
    }

    // The path of a folder with the files of a pathway's edges, which may lead from and to several groups.
    std::string use_edges(const Line& line, const std::string& folder) {
        for (const char* name : {"row.npy", "target.npy", "weight.npy", "delay.npy"}) {
            mark_used(line, folder + "/" + name);
        }
        return locate(folder);
    }

    // A file that nothing reads is what is left of a line that is missing.
    void check_use(const std::string& description) const {
        for (const File& file : files_) {
            if (!file.is_used) {
                throw InputFailure(description, "lists a file that no line uses", "", file.name);
            }
        }
    }

  private:
    struct File {
        std::string name;
        std::uint64_t n_bytes = 0;
        std::uint32_t checksum = 0;
        bool is_used = false;
    };

    static constexpr std::size_t n_buffer_bytes = std::size_t{1} << 18;

    // The path without links, so that `..` means the folder that holds this one.
    static std::string resolve(const std::string& path) {
        const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
        return real ? real.get() : path;
    }

    std::string locate(const std::string& name) const {
        if (name[0] == '/') {
            return name;
        }
        std::size_t begin = 0, end = path_.size();
        for (; name.compare(begin, 3, "../") == 0 && end > 0 && end != std::string::npos; begin += 3) {
            end = path_.rfind('/', end - 1);
        }
        return path_.substr(0, end == std::string::npos ? 0 : end) + "/" + name.substr(begin);
    }

    File* find(const std::string& name) {
        for (File& file : files_) {
            if (file.name == name) {
                return &file;
            }
        }
        return nullptr;
    }

    // Return whether the file has been used before.
    bool mark_used(const Line& line, const std::string& name) {
        File* file = find(name);
        if (!file) {
            line.refuse("uses a file that is not listed", "", name);
        }
        const bool is_used = file->is_used;
        file->is_used = true;
        return is_used;
    }

    void check(const File& file, unsigned char* buffer) const {
        const ReadFile opened(locate(file.name));
        if (opened.n_bytes() != file.n_bytes) {
            throw InputFailure(opened.path(), "is of another size than it was written",
                               std::to_string(file.n_bytes) + " bytes", std::to_string(opened.n_bytes()) + " bytes");
        }
        std::uint32_t checksum = 0;
        for (std::uint64_t at = 0; at < file.n_bytes; at += n_buffer_bytes) {
            const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(n_buffer_bytes, file.n_bytes - at));
            opened.read(buffer, at, n);
            checksum = crc32c(checksum, buffer, n);
        }
        if (checksum != file.checksum) {
            throw InputFailure(opened.path(), "has been changed after it was written",
                               "checksum " + std::to_string(file.checksum), std::to_string(checksum));
        }
    }

    std::string path_;
    std::vector<File> files_;
};

}  // namespace currents

#endif  // CURRENTS_INPUT_FOLDER_H
