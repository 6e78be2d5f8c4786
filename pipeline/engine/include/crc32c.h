// CRC-32C (Castagnoli; RFC 3720, appendix B.4): the checksum of the chunks of a recording.
//
// The processor's instruction where there is one (SSE4.2: every x86-64-v2), a table elsewhere: the same numbers.
// The same as Python's package crc32c: crc32c(crc, data, n) here is crc32c.crc32c(data, crc) there.

#ifndef CURRENTS_CRC32C_H
#define CURRENTS_CRC32C_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE4_2__) && defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace currents {

using Crc32cTables = std::array<std::array<std::uint32_t, 256>, 8>;

// Table k gives what a byte does to the checksum when k more bytes follow it: eight bytes are then eight look-ups
// that do not wait for each other.
constexpr Crc32cTables make_crc32c_tables() {
    Crc32cTables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1) ^ ((crc & 1) ? UINT32_C(0x82F63B78) : 0);
        }
        tables[0][byte] = crc;
    }
    for (std::size_t k = 1; k < 8; ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            tables[k][byte] = (tables[k - 1][byte] >> 8) ^ tables[0][tables[k - 1][byte] & 0xFF];
        }
    }
    return tables;
}

// Without any special instruction. Start with crc = 0; go on with the result for the bytes that follow.
inline std::uint32_t crc32c_by_table(std::uint32_t crc, const void* data, std::size_t n_bytes) {
    static constexpr Crc32cTables tables = make_crc32c_tables();
    const auto* bytes = static_cast<const unsigned char*>(data);
    crc = ~crc;
    for (; n_bytes >= 8; n_bytes -= 8, bytes += 8) {
        std::uint32_t next = 0;
        for (std::size_t i = 0; i < 8; ++i) {
            const std::uint32_t byte = i < 4 ? bytes[i] ^ ((crc >> (8 * i)) & 0xFF) : bytes[i];
            next ^= tables[7 - i][byte];
        }
        crc = next;
    }
    for (; n_bytes > 0; --n_bytes, ++bytes) {
        crc = (crc >> 8) ^ tables[0][(crc ^ *bytes) & 0xFF];
    }
    return ~crc;
}

#if defined(__SSE4_2__) && defined(__x86_64__)

inline std::uint64_t load_word(const unsigned char* bytes) {
    std::uint64_t word;
    std::memcpy(&word, bytes, 8);
    return word;
}

inline std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t n_bytes) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    std::uint64_t state = static_cast<std::uint32_t>(~crc);
    for (; n_bytes >= 8; n_bytes -= 8, bytes += 8) {
        state = _mm_crc32_u64(state, load_word(bytes));
    }
    auto tail = static_cast<std::uint32_t>(state);
    for (; n_bytes > 0; --n_bytes, ++bytes) {
        tail = _mm_crc32_u8(tail, *bytes);
    }
    return ~tail;
}

// Four tiles that follow each other, at once: the instruction takes three cycles, and a new one can start each cycle.
inline void crc32c_of_four(const unsigned char* tiles, std::size_t tile_bytes, std::uint32_t* crcs) {
    const std::size_t n_whole = tile_bytes & ~std::size_t{7};
    const unsigned char *t0 = tiles, *t1 = t0 + tile_bytes, *t2 = t1 + tile_bytes, *t3 = t2 + tile_bytes;
    std::uint64_t s0 = UINT32_C(0xFFFFFFFF), s1 = s0, s2 = s0, s3 = s0;
    for (std::size_t i = 0; i < n_whole; i += 8) {
        s0 = _mm_crc32_u64(s0, load_word(t0 + i));
        s1 = _mm_crc32_u64(s1, load_word(t1 + i));
        s2 = _mm_crc32_u64(s2, load_word(t2 + i));
        s3 = _mm_crc32_u64(s3, load_word(t3 + i));
    }
    const std::size_t n_left = tile_bytes - n_whole;
    crcs[0] = crc32c(~static_cast<std::uint32_t>(s0), t0 + n_whole, n_left);
    crcs[1] = crc32c(~static_cast<std::uint32_t>(s1), t1 + n_whole, n_left);
    crcs[2] = crc32c(~static_cast<std::uint32_t>(s2), t2 + n_whole, n_left);
    crcs[3] = crc32c(~static_cast<std::uint32_t>(s3), t3 + n_whole, n_left);
}

#else

inline std::uint32_t crc32c(std::uint32_t crc, const void* data, std::size_t n_bytes) {
    return crc32c_by_table(crc, data, n_bytes);
}

inline void crc32c_of_four(const unsigned char* tiles, std::size_t tile_bytes, std::uint32_t* crcs) {
    for (std::size_t i = 0; i < 4; ++i) {
        crcs[i] = crc32c(0, tiles + i * tile_bytes, tile_bytes);
    }
}

#endif

// The checksum of each of n_tiles tiles of one size that follow each other.
inline void crc32c_of_tiles(const unsigned char* tiles, std::size_t tile_bytes, std::size_t n_tiles,
                            std::uint32_t* crcs) {
    std::size_t i = 0;
    for (; i + 4 <= n_tiles; i += 4) {
        crc32c_of_four(tiles + i * tile_bytes, tile_bytes, crcs + i);
    }
    for (; i < n_tiles; ++i) {
        crcs[i] = crc32c(0, tiles + i * tile_bytes, tile_bytes);
    }
}

}  // namespace currents

#endif  // CURRENTS_CRC32C_H
