// The files of a stream of chunks, and the memory that they are written from.
//
// The program has to ignore SIGXFSZ: only then is a file-size limit an error (EFBIG) and not the end of the process.

#ifndef CURRENTS_CHUNK_FOLDER_H
#define CURRENTS_CHUNK_FOLDER_H

#include "chunk_format.h"
#include "crc32c.h"
#include "disk_thread.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <limits>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace currents {

// The memory of one chunk: zero at first, on large pages where the system has them.
class ChunkBuffer {
  public:
    ChunkBuffer(std::size_t n_bytes, std::int64_t n_rows)
        : layout_rows(static_cast<std::size_t>(n_rows)), n_mapped_(n_bytes + LARGE_PAGE) {
        base_ = mmap(nullptr, n_mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (base_ == MAP_FAILED) {
            throw std::bad_alloc();
        }
        // Only what begins at a multiple of a large page can lie on one; what is never touched takes no memory.
        const auto address = reinterpret_cast<std::uintptr_t>(base_);
        image_ = static_cast<unsigned char*>(base_) + (align_up(address, LARGE_PAGE) - address);
        if (n_bytes >= LARGE_PAGE) {
            madvise(image_, n_bytes, MADV_HUGEPAGE);  // a wish: where it is not granted, small pages do
        }
    }
    ~ChunkBuffer() { munmap(base_, n_mapped_); }
    ChunkBuffer(const ChunkBuffer&) = delete;
    ChunkBuffer& operator=(const ChunkBuffer&) = delete;

    unsigned char* image() const { return image_; }
    std::uint64_t ticket = 0;  // of the disk thread's last job on this buffer
    std::size_t layout_rows;   // for how many rows the image is laid out: fewer where it was compacted
    // Of the chunk that was handed over, until it is on disk.
    std::optional<ChunkHeader> unwritten;

  private:
    static constexpr std::size_t LARGE_PAGE = std::size_t{1} << 21;
    void* base_;
    std::size_t n_mapped_;
    unsigned char* image_;
};

// An open file or folder.
class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return number_; }

    // File systems over a network may report what did not fit only now. The number is free again even after EINTR.
    int close() { return ::close(std::exchange(number_, -1)); }

  private:
    int number_;
};

// The files of one stream. Two chunks may be written at a time; they get their names in their order, so that whatever ends
// the program leaves no gap.
class ChunkFolder {
  public:
    ChunkFolder(std::string folder, std::vector<Section> sections, std::uint64_t first_chunk)
        : sections_(std::move(sections)), shape_crc_(checksum_shape(sections_)), path_(std::move(folder)),
          folder_(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), next_(first_chunk) {
        check(folder_.get(), path_, "open folder");
    }

    static std::string name_chunk(std::uint64_t chunk_index) {
        char name[40];
        std::snprintf(name, sizeof(name), "chunk-%08llu.cur", static_cast<unsigned long long>(chunk_index));
        return name;
    }

    // Rows that a stream is about to write must not be there: a checkpoint's later chunks are to be removed first.
    void refuse_existing(std::uint64_t chunk_index) const {
        const std::string name = name_chunk(chunk_index);
        if (faccessat(folder_.get(), name.c_str(), F_OK, 0) == 0) {
            throw StorageFailure(locate(name), EEXIST, "begin stream");
        }
    }

    // Write the chunk that was handed over in a buffer of `chunk_rows` rows.
    void write(ChunkBuffer& buffer, std::size_t chunk_rows) {
        ChunkHeader header = *buffer.unwritten;
        unsigned char* image = buffer.image();
        const auto n_rows = static_cast<std::size_t>(header.n_rows);
        const ChunkLayout layout(sections_, n_rows);
        if (n_rows != buffer.layout_rows) {
            compact(image, layout, ChunkLayout(sections_, buffer.layout_rows));
            buffer.layout_rows = n_rows;
        }
        header.shape_crc = shape_crc_;
        const std::string name = name_chunk(header.chunk_index);
        const std::string partial = name + ".partial";
        try {
            write_file(partial, image, header, layout);
            if (!finish_file(partial, name, header.chunk_index, layout.file_bytes)) {
                return;
            }
        } catch (...) {
            unlinkat(folder_.get(), partial.c_str(), 0);  // its space is wanted; where that fails it does no harm
            const std::lock_guard<std::mutex> lock(mutex_);
            first_lost_ = std::min(first_lost_, header.chunk_index);
            turn_.notify_all();
            throw;
        }
        buffer.unwritten.reset();
        if (n_rows != chunk_rows) {
            std::memset(image, 0, ChunkLayout(sections_, chunk_rows).file_bytes);  // padding is zero again
            buffer.layout_rows = chunk_rows;
        }
    }

    // Whether all chunks before this one have their names.
    bool expects(std::uint64_t chunk_index) {
        const std::lock_guard<std::mutex> lock(mutex_);
        return next_ == chunk_index;
    }

    // Return when every chunk will survive a power failure.
    void sync() {
        while (!unsynced_.empty()) {
            sync_oldest();
        }
        check(fsync(folder_.get()), path_, "sync folder");
    }

  private:
    struct Unsynced {
        std::string name;
        std::size_t n_bytes;
    };

    // Write-back begins with each chunk and is waited for only when the disk is this far behind: else the kernel
    // would collect a fifth of the memory before it stops the program for as long as that takes to write.
    static constexpr std::size_t MOST_UNSYNCED_BYTES = std::size_t{1} << 30;
    // Checksums of this much are computed, then it is written: it is still in the cache.
    static constexpr std::size_t PIECE_BYTES = std::size_t{1} << 18;
    static constexpr std::size_t PAGE_BYTES = 4096;
    static constexpr std::uint64_t NONE = std::numeric_limits<std::uint64_t>::max();

    std::string locate(const std::string& name) const { return path_ + "/" + name; }

    static void check(int result, const std::string& path, const char* action) {
        if (result < 0) {
            throw StorageFailure(path, errno, action);
        }
    }

    // Close the gaps that the missing rows leave. What moves, moves down, and in order: nothing is overwritten unread.
    static void compact(unsigned char* image, const ChunkLayout& to, const ChunkLayout& from) {
        std::size_t end = CHUNK_HEADER_BYTES;
        for (std::size_t i = 0; i < to.parts.size(); ++i) {
            const ChunkLayout::Part &target = to.parts[i], &source = from.parts[i];
            std::memset(image + end, 0, target.offset - end);
            for (std::size_t tile = 0; tile < target.n_tiles; ++tile) {
                std::memmove(image + target.offset + tile * target.tile_bytes,
                             image + source.offset + tile * source.tile_bytes, target.tile_bytes);
            }
            end = target.offset + target.n_tiles * target.tile_bytes;
        }
        std::memset(image + end, 0, to.table_offset - end);
    }

    // Give a file its name when all before it have theirs; return false, and remove it, when one of them has failed.
    bool finish_file(const std::string& partial, const std::string& name, std::uint64_t chunk_index, std::size_t n_bytes) {
        std::unique_lock<std::mutex> lock(mutex_);
        turn_.wait(lock, [&] { return next_ == chunk_index || first_lost_ < chunk_index; });
        if (first_lost_ < chunk_index) {
            unlinkat(folder_.get(), partial.c_str(), 0);
            return false;
        }
        check(renameat(folder_.get(), partial.c_str(), folder_.get(), name.c_str()), locate(name), "rename");
        unsynced_.push_back({name, n_bytes});
        n_unsynced_bytes_ += n_bytes;
        while (n_unsynced_bytes_ > MOST_UNSYNCED_BYTES) {
            sync_oldest();
        }
        ++next_;
        if (first_lost_ == chunk_index) {
            first_lost_ = NONE;  // there was room the second time
        }
        turn_.notify_all();
        return true;
    }

    void write_file(const std::string& name, unsigned char* image, ChunkHeader& header, const ChunkLayout& layout) {
        const std::string path = locate(name);
        const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
        Descriptor file(openat(folder_.get(), name.c_str(), flags, 0666));
        check(file.get(), path, "create");
        // The first page is written last: it has the header, which has a checksum of all the others.
        std::size_t written = std::min(PAGE_BYTES, layout.file_bytes);
        std::vector<std::uint32_t> table(layout.n_tiles);
        std::uint32_t* crcs = table.data();
        for (const ChunkLayout::Part& part : layout.parts) {
            const std::size_t n_at_once = 4 * std::max<std::size_t>(1, PIECE_BYTES / 4 / (part.tile_bytes + 1));
            for (std::size_t i = 0; i < part.n_tiles; i += n_at_once) {
                const std::size_t n = std::min(n_at_once, part.n_tiles - i);
                const std::size_t start = part.offset + i * part.tile_bytes;
                crc32c_of_tiles(image + start, part.tile_bytes, n, crcs);
                crcs += n;
                const std::size_t stop = (start + n * part.tile_bytes) & ~(PAGE_BYTES - 1);
                if (stop >= written + PIECE_BYTES) {
                    write_bytes(file.get(), path, image, written, stop);
                    written = stop;
                }
            }
        }
        if (layout.n_tiles > 0) {
            std::memcpy(image + layout.table_offset, table.data(), layout.n_tiles * sizeof(std::uint32_t));
        }
        write_bytes(file.get(), path, image, written, layout.file_bytes);
        header.file_bytes = layout.file_bytes;
        header.n_tiles = static_cast<std::uint32_t>(layout.n_tiles);
        header.table_crc = crc32c(0, image + layout.table_offset, layout.n_tiles * sizeof(std::uint32_t));
        header.header_crc = crc32c(0, &header, CHUNK_HEADER_BYTES - sizeof(header.header_crc));
        std::memcpy(image, &header, CHUNK_HEADER_BYTES);
        write_bytes(file.get(), path, image, 0, std::min(PAGE_BYTES, layout.file_bytes));
        start_write_back(file.get());
        check(file.close(), path, "close");
    }

    static void write_bytes(int file, const std::string& path, const unsigned char* image, std::size_t start,
                            std::size_t stop) {
        while (start < stop) {
            const ssize_t n = pwrite(file, image + start, stop - start, static_cast<off_t>(start));
            if (n > 0) {
                start += static_cast<std::size_t>(n);
            } else if (n == 0 || errno != EINTR) {
                throw StorageFailure(path, n == 0 ? ENOSPC : errno, "write");
            }
        }
    }

    // A hint; whether the bytes arrive is asked by `sync_oldest`.
    static void start_write_back(int file) {
#if defined(SYNC_FILE_RANGE_WRITE)
        sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
        (void)file;
#endif
    }

    void sync_oldest() {
        const Unsynced& oldest = unsynced_.front();
        const std::string path = locate(oldest.name);
        Descriptor file(openat(folder_.get(), oldest.name.c_str(), O_RDONLY | O_CLOEXEC));
        check(file.get(), path, "open");
        check(fsync(file.get()), path, "sync");
        n_unsynced_bytes_ -= oldest.n_bytes;
        unsynced_.pop_front();
    }

    std::vector<Section> sections_;
    std::uint32_t shape_crc_;
    std::string path_;
    Descriptor folder_;
    std::mutex mutex_;
    std::condition_variable turn_;
    std::uint64_t next_;  // chunk to get its name
    std::uint64_t first_lost_ = NONE;  // chunk that could not be written
    std::deque<Unsynced> unsynced_;
    std::size_t n_unsynced_bytes_ = 0;
};

}  // namespace currents

#endif  // CURRENTS_CHUNK_FOLDER_H
