// Sampled values of models/distributions.py, bit for bit, and the keys of models/counter_rng.py that they belong to.

#ifndef CURRENTS_SAMPLING_H
#define CURRENTS_SAMPLING_H

#include <algorithm>
#include <cstdint>
#include <string>

#include "blake2b.h"
#include "counter_rng.h"
#include "portable_math.h"

namespace currents {

// A key of counter_rng.h.
struct Key {
    std::uint32_t key0 = 0;
    std::uint32_t key1 = 0;
};

// The key of a stream such as poisson/background/L1E in a run with this seed: derive_key(seed, "poisson", "background",
// "L1E") in Python, where the parts are joined by U+001F.
inline Key derive_key(std::int64_t seed, const std::string& stream) {
    std::string joined = std::to_string(seed) + '/' + stream;
    std::replace(joined.begin(), joined.end(), '/', '\x1f');
    const std::uint64_t digest = Blake2b::digest(joined);
    return {static_cast<std::uint32_t>(digest), static_cast<std::uint32_t>(digest >> 32)};
}

// Value number `index` of a uniform distribution from low to high.
inline double sample_uniform(const Key& key, std::uint64_t index, double low, double high) {
    const double scaled = uniform53(key.key0, key.key1, index) * (high - low);
    return std::min(scaled + low, high);  // the sum may be rounded up beyond it
}

// Value number `index` of a normal distribution; one number in 2^53 is 0, where the quantile is infinite.
inline double sample_normal(const Key& key, std::uint64_t index, double mean, double sd) {
    constexpr double least = 1.0 / 18014398509481984.0;  // 2^-54
    const double uniform = std::max(uniform53(key.key0, key.key1, index), least);
    return mean + sd * normal_quantile(uniform);
}

}  // namespace currents

#endif  // CURRENTS_SAMPLING_H
