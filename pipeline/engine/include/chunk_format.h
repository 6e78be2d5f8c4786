// What a chunk of a recording is, byte by byte (docs/recording-format.md).

#ifndef CURRENTS_CHUNK_FORMAT_H
#define CURRENTS_CHUNK_FORMAT_H

#include "crc32c.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace currents {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "chunks are written as they lie in memory: little endian");

// One recorded variable: n_columns items per row, stored in tiles of tile_columns columns.
struct Section {
    std::uint32_t item_bytes;
    std::int64_t n_columns;
    std::int64_t tile_columns;
};

constexpr std::size_t CHUNK_HEADER_BYTES = 64;
constexpr std::size_t CHUNK_ALIGNMENT = 64;  // of every section, and of the checksum table

inline std::size_t align_up(std::size_t n_bytes, std::size_t alignment) {
    return (n_bytes + alignment - 1) / alignment * alignment;
}

// Where everything is in the file of a chunk of so many rows.
class ChunkLayout {
  public:
    struct Part {
        std::size_t offset;
        std::size_t tile_bytes;
        std::size_t n_tiles;
    };

    ChunkLayout(const std::vector<Section>& sections, std::size_t n_rows) {
        std::size_t end = CHUNK_HEADER_BYTES;
        for (const Section& section : sections) {
            const auto n_columns = static_cast<std::size_t>(section.n_columns);
            const auto width = static_cast<std::size_t>(section.tile_columns);
            const std::size_t n_section_tiles = (n_columns + width - 1) / width;
            const std::size_t row_bytes = width * section.item_bytes;
            parts.push_back({align_up(end, CHUNK_ALIGNMENT), n_rows * row_bytes, n_section_tiles});
            end = parts.back().offset + n_section_tiles * parts.back().tile_bytes;
            n_tiles += n_section_tiles;
        }
        table_offset = align_up(end, CHUNK_ALIGNMENT);
        file_bytes = table_offset + n_tiles * sizeof(std::uint32_t);
    }

    std::vector<Part> parts;
    std::size_t n_tiles = 0;
    std::size_t table_offset = 0;
    std::size_t file_bytes = 0;
};

// Checksum of the shape of a stream's rows; in every header, so that a chunk of another stream is not taken for ours.
inline std::uint32_t checksum_shape(const std::vector<Section>& sections) {
    std::uint32_t crc = 0;
    for (const Section& section : sections) {
        const std::uint64_t words[3] = {section.item_bytes, static_cast<std::uint64_t>(section.n_columns),
                                        static_cast<std::uint64_t>(section.tile_columns)};
        crc = crc32c(crc, words, sizeof(words));
    }
    return crc;
}

// The first 64 bytes of a file.
struct ChunkHeader {
    char magic[8] = {'C', 'U', 'R', 'C', 'H', 'U', 'N', 'K'};
    std::uint32_t version = 1;
    std::uint32_t flags = 0;  // bit 0: the last chunk of its stream
    std::uint64_t chunk_index = 0;
    std::uint64_t first_row = 0;
    std::uint64_t n_rows = 0;
    std::uint64_t file_bytes = 0;
    std::uint32_t n_tiles = 0;
    std::uint32_t table_crc = 0;
    std::uint32_t shape_crc = 0;
    std::uint32_t header_crc = 0;  // of the 60 bytes before it
};
static_assert(sizeof(ChunkHeader) == CHUNK_HEADER_BYTES, "no padding");

}  // namespace currents

#endif  // CURRENTS_CHUNK_FORMAT_H
