// The folder of a run: `recording/`, `program.json`, which says how far the program is or how it ended, and
// `program.lock`, which lets one program at a time record there.
//
// `recording/origin.json` says with what a recording was made, and has the checksums of all files that have none of
// their own: whoever reads the recording need not believe anything outside of it.

#ifndef CURRENTS_RUN_FOLDER_H
#define CURRENTS_RUN_FOLDER_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chunk_folder.h"
#include "crc32c.h"
#include "description.h"
#include "json.h"

namespace currents {

class RunFolder {
  public:
    explicit RunFolder(std::string path) : path_(std::move(path)) {}
    RunFolder(const RunFolder&) = delete;
    RunFolder& operator=(const RunFolder&) = delete;

    const std::string& path() const { return path_; }
    // Whether program.json says that this program has begun.
    bool has_begun() const { return has_begun_; }

    // Take the folder, which is made when it is missing, for this program alone. One that holds a recording is refused.
    void open() {
        make_folder(path_);
        lock();
        if (::access(report_path().c_str(), F_OK) == 0) {
            refuse_recording("program.json");
        }
        make_folder(recording());
    }

    // The path of a new folder for the chunks of a stream.
    std::string make_stream(const Line& line, const std::string& name) {
        if (std::find(streams_.begin(), streams_.end(), name) != streams_.end()) {
            line.refuse("records into a folder that another line records into", "", name);
        }
        streams_.push_back(name);
        const std::string folder = make_parents(line, name + "/");
        refuse_chunks(folder, name);
        return folder;
    }

    // Write a file of the recording, whole or not at all.
    void write(const Line& line, const std::string& name, const std::string& content) {
        make_parents(line, name);
        write_whole(recording() + "/" + name, content);
        written_ += (written_.empty() ? "" : ", ") + quote(name) + ": [" + std::to_string(content.size()) + ", " +
                    std::to_string(crc32c(0, content.data(), content.size())) + "]";
    }

    // Say with what the recording is made, when all that is not recorded has been written.
    void seal(const JsonObject& made_with) const {
        std::string text = made_with.text();
        text.pop_back();  // the brace at its end
        text += ", \"files\": {" + written_ + "}";
        const std::uint32_t checksum = crc32c(0, text.data(), text.size());
        write_whole(recording() + "/origin.json", text + ", \"checksum\": " + std::to_string(checksum) + "}\n");
    }

    // Say that the first step is next.
    void begin(const JsonObject& report) {
        write_whole(report_path(), report.text() + "\n");
        has_begun_ = true;
    }

    // Say how it ended.
    void end(const JsonObject& report) { write_whole(report_path(), report.text() + "\n"); }

  private:
    std::string recording() const { return path_ + "/recording"; }
    std::string report_path() const { return path_ + "/program.json"; }

    void lock() {
        const std::string path = path_ + "/program.lock";
        lock_ = std::make_unique<Descriptor>(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
        if (lock_->get() < 0) {
            throw StorageFailure(path, errno, "create");
        }
        // On a file system without locks nothing is locked.
        if (::flock(lock_->get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            throw InputFailure(path_, "is what another program is recording into");
        }
    }

    [[noreturn]] void refuse_recording(const std::string& what) const {
        throw InputFailure(path_, "holds a recording already", "a folder that has none", what);
    }

    static void make_folder(const std::string& path) {
        struct stat status;
        if (::mkdir(path.c_str(), 0777) == 0) {
            return;
        }
        const int error = errno;
        if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
            throw StorageFailure(path, error, "create folder");
        }
    }

    // Make the folders that a name within the recording begins with, and nothing outside; return the name's path.
    std::string make_parents(const Line& line, const std::string& name) const {
        std::size_t begin = 0;
        for (std::size_t end = name.find('/'); begin < name.size(); end = name.find('/', begin)) {
            const std::string part = name.substr(begin, end == std::string::npos ? end : end - begin);
            if (part.empty() || part == "." || part == "..") {
                line.refuse("names no file or folder of the recording", "", name);
            }
            if (end == std::string::npos) {
                break;
            }
            make_folder(recording() + "/" + name.substr(0, end));
            begin = end + 1;
        }
        return recording() + "/" + (name.back() == '/' ? name.substr(0, name.size() - 1) : name);
    }

    void refuse_chunks(const std::string& folder, const std::string& name) const {
        const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), &::closedir);
        if (!entries) {
            throw StorageFailure(folder, errno, "open folder");
        }
        while (const dirent* entry = ::readdir(entries.get())) {
            if (std::strncmp(entry->d_name, "chunk-", 6) == 0) {
                refuse_recording("recording/" + name + "/" + entry->d_name);
            }
        }
    }

    static void write_whole(const std::string& path, const std::string& content) {
        const std::string temporary = path + ".partial";
        Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
        if (file.get() < 0) {
            throw StorageFailure(temporary, errno, "create");
        }
        std::size_t n_written = 0;
        while (n_written < content.size()) {
            const ssize_t n = ::write(file.get(), content.data() + n_written, content.size() - n_written);
            if (n < 0 && errno == EINTR) {
                continue;
            }
            if (n <= 0) {
                fail(temporary, n == 0 ? ENOSPC : errno, "write");
            }
            n_written += static_cast<std::size_t>(n);
        }
        if (::fsync(file.get()) != 0 || file.close() != 0) {
            fail(temporary, errno, "sync");
        }
        if (::rename(temporary.c_str(), path.c_str()) != 0) {
            fail(temporary, errno, "rename");
        }
    }

    [[noreturn]] static void fail(const std::string& temporary, int error, const char* action) {
        ::unlink(temporary.c_str());  // its space is wanted; where that fails it does no harm
        throw StorageFailure(temporary, error, action);
    }

    std::string path_;
    std::unique_ptr<Descriptor> lock_;
    std::vector<std::string> streams_;
    // Members of a JSON object: size and checksum of each file by its name.
    std::string written_;
    bool has_begun_ = false;
};

}  // namespace currents

#endif  // CURRENTS_RUN_FOLDER_H
