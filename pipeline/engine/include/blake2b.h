// BLAKE2b with a digest of 8 bytes and no key (RFC 7693): what Python's hashlib.blake2b(data, digest_size=8) is.

#ifndef CURRENTS_BLAKE2B_H
#define CURRENTS_BLAKE2B_H

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace currents {

class Blake2b {
  public:
    // The digest, its 8 bytes as a little-endian number.
    static std::uint64_t digest(const std::string& data) {
        Blake2b hash;
        std::size_t begin = 0;
        // The last block, even when it is full, is compressed with the mark that nothing follows.
        for (; data.size() - begin > n_block_bytes; begin += n_block_bytes) {
            hash.compress(data.data() + begin, begin + n_block_bytes, false);
        }
        char last[n_block_bytes] = {};
        std::memcpy(last, data.data() + begin, data.size() - begin);
        hash.compress(last, data.size(), true);
        return hash.state_[0];
    }

  private:
    static constexpr std::size_t n_block_bytes = 128;
    static constexpr std::uint64_t n_digest_bytes = 8;

    static constexpr std::uint64_t initial[8] = {
        UINT64_C(0x6A09E667F3BCC908), UINT64_C(0xBB67AE8584CAA73B), UINT64_C(0x3C6EF372FE94F82B),
        UINT64_C(0xA54FF53A5F1D36F1), UINT64_C(0x510E527FADE682D1), UINT64_C(0x9B05688C2B3E6C1F),
        UINT64_C(0x1F83D9ABFB41BD6B), UINT64_C(0x5BE0CD19137E2179)};

    // Which words of a block each round mixes (RFC 7693, section 2.7); rounds 10 and 11 are rounds 0 and 1 again.
    static constexpr unsigned char order[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                                    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                                    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                                    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                                    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                                    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                                    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                                    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                                    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                                    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

    Blake2b() {
        std::memcpy(state_, initial, sizeof state_);
        // Parameters: length of the digest, no key, one leaf of one level.
        state_[0] ^= UINT64_C(0x01010000) ^ n_digest_bytes;
    }

    static std::uint64_t rotate_right(std::uint64_t x, int n_bits) { return (x >> n_bits) | (x << (64 - n_bits)); }

    static void mix(std::uint64_t* v, int a, int b, int c, int d, std::uint64_t x, std::uint64_t y) {
        v[a] += v[b] + x;
        v[d] = rotate_right(v[d] ^ v[a], 32);
        v[c] += v[d];
        v[b] = rotate_right(v[b] ^ v[c], 24);
        v[a] += v[b] + y;
        v[d] = rotate_right(v[d] ^ v[a], 16);
        v[c] += v[d];
        v[b] = rotate_right(v[b] ^ v[c], 63);
    }

    // n_bytes: of all data until the end of this block.
    void compress(const char* block, std::uint64_t n_bytes, bool is_last) {
        std::uint64_t m[16], v[16];
        std::memcpy(m, block, sizeof m);
        std::memcpy(v, state_, sizeof state_);
        std::memcpy(v + 8, initial, sizeof initial);
        v[12] ^= n_bytes;
        v[14] = is_last ? ~v[14] : v[14];
        for (int round = 0; round < 12; ++round) {
            const unsigned char* s = order[round % 10];
            mix(v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
            mix(v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
            mix(v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
            mix(v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
            mix(v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
            mix(v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
            mix(v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
            mix(v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
        }
        for (int i = 0; i < 8; ++i) state_[i] ^= v[i] ^ v[i + 8];
    }

    std::uint64_t state_[8];
};

}  // namespace currents

#endif  // CURRENTS_BLAKE2B_H
