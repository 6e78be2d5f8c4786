// Streams of rows written to disk in checksummed chunks, beside the simulation.
//
// The format is described in docs/recording-format.md and read by pipeline/chunks.py. A ChunkStream lends the simulation
// a buffer that is the image of the next chunk's file; a full one goes to the DiskThread, which checksums, writes and
// renames it while the next is filled. Where the disk thread does not keep up, the simulation's thread helps it. Memory
// is n_buffers chunks per stream, however long the run. What cannot be written is thrown as StorageFailure on the
// simulation's thread, and every chunk that was finished before stays; what other streams have in memory can be salvaged.

#ifndef CURRENTS_CHUNK_WRITER_H
#define CURRENTS_CHUNK_WRITER_H

#include "chunk_folder.h"
#include "chunk_format.h"
#include "disk_thread.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace currents {

// Where a stream goes on: at the beginning, or after the chunks that a checkpoint vouches for.
struct StreamPosition {
    std::uint64_t chunk_index = 0;
    std::int64_t first_row = 0;
};

// The stream as the simulation sees it. Not for several threads; the disk thread must outlive it.
class ChunkStream {
  public:
    // The folder must exist. A stream that a checkpoint continues is given where; its later chunks must be gone.
    ChunkStream(DiskThread& disk, std::string folder, std::vector<Section> sections, std::int64_t chunk_rows,
                int n_buffers = 3, StreamPosition start = {})
        : disk_(disk), sections_(checked(std::move(sections))), chunk_rows_(at_least_one(chunk_rows, "chunk_rows")),
          n_buffers_(static_cast<std::size_t>(at_least_one(n_buffers, "n_buffers"))), position_(start),
          layout_(sections_, static_cast<std::size_t>(chunk_rows)), files_(std::move(folder), sections_, start.chunk_index) {
        files_.refuse_existing(start.chunk_index);
        take_buffer();
    }
    // Rows that were neither flushed nor fill a chunk are lost.
    ~ChunkStream() { disk_.wait(last_ticket_); }
    ChunkStream(const ChunkStream&) = delete;
    ChunkStream& operator=(const ChunkStream&) = delete;

    // Start of section i in the chunk that is being filled; a tile has chunk_rows() * tile_columns items, and
    // item (row(), c) is in tile c / tile_columns. Valid until a chunk is full (row() is 0 again), flushed or closed.
    template <class T> T* section(std::size_t i) {
        return reinterpret_cast<T*>(buffer_->image() + layout_.parts[i].offset);
    }
    std::int64_t row() const { return row_; }
    std::int64_t chunk_rows() const { return chunk_rows_; }
    // Rows finished since the stream began, those before `start` included.
    std::int64_t n_rows() const { return position_.first_row + row_; }
    // What a checkpoint keeps, right after flush().
    StreamPosition position() const { return position_; }

    // Row row() is complete. Waits for the disk when all buffers are on their way there.
    void finish_row() {
        if (++row_ == chunk_rows_) {
            send(0);
            take_buffer();
        } else {
            disk_.check();
        }
    }

    // The rows of the unfinished chunk become a chunk. Returns when all rows are written and synced.
    void flush() {
        disk_.check();
        if (row_ > 0) {
            send(0);
        }
        sync();
        take_buffer();
    }

    // Flush, with the mark that nothing follows: the stream is complete. Does nothing the second time.
    void close() {
        if (!closed_) {
            disk_.check();
            send(LAST_CHUNK);
            sync();
            closed_ = true;
        }
    }

    // After a failure, on the simulation's thread: save what is still in memory, chunks that the disk thread has dropped and
    // the unfinished one, as far as there is room for them and nothing before them is missing. The stream ends here.
    void salvage() noexcept {
        disk_.wait_for_all();
        if (closed_) {
            return;
        }
        closed_ = true;
        if (row_ > 0) {
            buffer_->unwritten = make_header(0);
        }
        try {
            write_unwritten();
        } catch (const std::exception&) {
            // There is no room; what was there before still is.
        }
        try {
            files_.sync();
        } catch (const std::exception&) {
            // Checksums will tell what is not on disk.
        }
    }

  private:
    static constexpr std::uint32_t LAST_CHUNK = 1;

    static std::int64_t at_least_one(std::int64_t value, const char* name) {
        if (value < 1) {
            throw std::invalid_argument(std::string(name) + " is below 1");
        }
        return value;
    }

    static std::vector<Section> checked(std::vector<Section> sections) {
        for (const Section& section : sections) {
            at_least_one(section.tile_columns, "tile_columns");
            at_least_one(section.item_bytes, "item_bytes");
            at_least_one(section.n_columns + 1, "n_columns + 1");
        }
        return sections;
    }

    // Of the chunk that is being filled.
    ChunkHeader make_header(std::uint32_t flags) const {
        ChunkHeader header;
        header.flags = flags;
        header.chunk_index = position_.chunk_index;
        header.first_row = static_cast<std::uint64_t>(position_.first_row);
        header.n_rows = static_cast<std::uint64_t>(row_);
        return header;
    }

    // Chunks that were handed over and are not on disk, in their order, up to a gap.
    void write_unwritten() {
        const auto earlier = [](const auto& a, const auto& b) {
            return a->unwritten && (!b->unwritten || a->unwritten->chunk_index < b->unwritten->chunk_index);
        };
        std::sort(buffers_.begin(), buffers_.end(), earlier);
        for (const std::unique_ptr<ChunkBuffer>& buffer : buffers_) {
            if (!buffer->unwritten || !files_.expects(buffer->unwritten->chunk_index)) {
                return;
            }
            files_.write(*buffer, static_cast<std::size_t>(chunk_rows_));
        }
    }

    // Hand the rows over to the disk thread. The buffer is not ours until its ticket is done.
    void send(std::uint32_t flags) {
        buffer_->unwritten = make_header(flags);
        last_ticket_ = disk_.post(
            [this, buffer = buffer_] { files_.write(*buffer, static_cast<std::size_t>(chunk_rows_)); });
        buffer_->ticket = last_ticket_;
        position_ = {position_.chunk_index + 1, position_.first_row + row_};
        row_ = 0;
    }

    void sync() {
        last_ticket_ = disk_.post([this] { files_.sync(); }, true);
        disk_.wait(last_ticket_);
        disk_.check();
    }

    // The buffer that has been with the disk for longest, if it is back; else another one, if there may be; else wait.
    void take_buffer() {
        const auto older = [](const auto& a, const auto& b) { return a->ticket < b->ticket; };
        const auto oldest = std::min_element(buffers_.begin(), buffers_.end(), older);
        if (oldest != buffers_.end() && (disk_.is_done((*oldest)->ticket) || buffers_.size() == n_buffers_)) {
            disk_.wait((*oldest)->ticket);
            buffer_ = oldest->get();
        } else {
            buffers_.push_back(std::make_unique<ChunkBuffer>(layout_.file_bytes, chunk_rows_));
            buffer_ = buffers_.back().get();
        }
        disk_.check();
    }

    DiskThread& disk_;
    std::vector<Section> sections_;
    std::int64_t chunk_rows_;
    std::size_t n_buffers_;
    StreamPosition position_;  // of the chunk that is being filled
    ChunkLayout layout_;
    ChunkFolder files_;
    std::vector<std::unique_ptr<ChunkBuffer>> buffers_;
    ChunkBuffer* buffer_ = nullptr;
    std::int64_t row_ = 0;
    std::uint64_t last_ticket_ = 0;
    bool closed_ = false;
};

}  // namespace currents

#endif  // CURRENTS_CHUNK_WRITER_H
