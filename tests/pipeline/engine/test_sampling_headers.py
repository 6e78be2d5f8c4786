"""Keys, logarithms, quantiles and samples of the engine's headers against those of `models`, bit for bit."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.counter_rng import derive_key
from models.distributions import sample_normal, sample_uniform
from models.portable_math import log_portable, normal_quantile
from tests.pipeline.engine.headers import FLOATS, build

SOURCE = r"""
#include <cstdio>
#include <iostream>
#include <string>

#include "sampling.h"

namespace {

template <class F>
void map_doubles(F f) {
    double x;
    while (std::fread(&x, sizeof x, 1, stdin) == 1) {
        const double y = f(x);
        std::fwrite(&y, sizeof y, 1, stdout);
    }
}

template <class F>
void sample(std::uint64_t n, F f) {
    for (std::uint64_t i = 0; i < n; ++i) {
        const double y = f(i);
        std::fwrite(&y, sizeof y, 1, stdout);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argv[1];
    if (what == "log") map_doubles(currents::log_portable);
    if (what == "quantile") map_doubles(currents::normal_quantile);
    if (what == "key") {
        std::string line;
        while (std::getline(std::cin, line)) {
            const std::size_t blank = line.find(' ');
            const currents::Key key = currents::derive_key(std::stoll(line), line.substr(blank + 1));
            std::cout << key.key0 << " " << key.key1 << "\n";
        }
    }
    if (argc == 7) {
        const std::uint64_t n = std::stoull(argv[2]);
        const currents::Key key = currents::derive_key(std::stoll(argv[3]), argv[4]);
        const double a = std::strtod(argv[5], nullptr), b = std::strtod(argv[6], nullptr);
        if (what == "uniform") sample(n, [&](std::uint64_t i) { return currents::sample_uniform(key, i, a, b); });
        if (what == "normal") sample(n, [&](std::uint64_t i) { return currents::sample_normal(key, i, a, b); });
    }
}
"""

pytestmark = pytest.mark.compiled

type Bits = NDArray[np.uint64]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a program that computes what its first argument says, compiled as engines are."""
    return build(tmp_path_factory.mktemp("sampling"), SOURCE, *FLOATS, "-march=native")


def call(program: Path, *words: object, given: bytes = b"") -> bytes:
    """Return what the program prints."""
    done = subprocess.run([program, *map(str, words)], input=given, stdout=subprocess.PIPE, check=True)
    return done.stdout


def bits(values: NDArray[np.float64]) -> Bits:
    """Return numbers as words, so that nothing but the same bits is equal."""
    return np.ascontiguousarray(values).view(np.uint64)


@pytest.mark.parametrize("n_bytes", [1, 7, 100, 126, 127, 128, 129, 254, 255, 256, 257, 1000])
def test_keys_are_those_of_python(program: Path, n_bytes: int) -> None:
    """BLAKE2b of one block and of several, full and not: the key of a stream is that of its parts in Python."""
    streams = [("poisson", "background", "L1E"), ("initial", "v" * n_bytes, "L2I"), ("x" * n_bytes,)]
    seeds = [0, 1, 7, 10**6, 2**63 - 1]
    lines = [f"{seed} {'/'.join(stream)}" for seed in seeds for stream in streams]
    found = call(program, "key", given="\n".join(lines).encode()).split()
    expected = [word for seed in seeds for stream in streams for word in derive_key(seed, *stream)]
    assert [int(word) for word in found] == expected


def spread_uniforms() -> NDArray[np.float64]:
    """Return numbers in (0, 1): the smallest and largest that are drawn, both tails, the seams, and many others."""
    rng = np.random.default_rng(3)
    tiny = 2.0 ** -rng.uniform(1, 54, 200_000)
    seams = np.array([0.075, 0.925, np.exp(-25.0), 1 - np.exp(-25.0), 0.5, 2.0**-54, 2.0**-53, 1 - 2.0**-53])
    near = (seams[:, None] * (1 + np.arange(-50, 51) * 2.0**-52)).ravel()
    numbers = np.concatenate([rng.random(500_000), tiny, 1 - tiny, near])
    return numbers[(numbers >= 2.0**-54) & (numbers < 1)]


def test_the_logarithm_is_that_of_python(program: Path) -> None:
    """Of numbers all over the range of float64, subnormal ones too."""
    rng = np.random.default_rng(4)
    numbers = np.concatenate(
        [np.ldexp(rng.uniform(0.5, 1, 300_000), rng.integers(-1070, 1024, 300_000)), spread_uniforms()]
    )
    numbers = numbers[numbers > 0]
    found = np.frombuffer(call(program, "log", given=numbers.tobytes()), np.uint64)
    np.testing.assert_array_equal(found, bits(log_portable(numbers)))


def test_the_normal_quantile_is_that_of_python(program: Path) -> None:
    """Of central values, of both tails, and on either side of where one formula gives way to the next."""
    numbers = spread_uniforms()
    found = np.frombuffer(call(program, "quantile", given=numbers.tobytes()), np.uint64)
    np.testing.assert_array_equal(found, bits(normal_quantile(numbers)))
    assert np.abs(found.view(np.float64)).max() > 8


BOUNDS = [(0.0, 0.02), (-0.07, -0.05), (0.0, 0.0), (-1e-3, 1e300), (0.1, 0.1 + 2.0**-56)]
MOMENTS = [(0.0, 1.0), (-0.06, 0.003), (0.0, 0.0), (1e-300, 1e-301)]


@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_uniform_samples_are_those_of_python(program: Path, low: float, high: float) -> None:
    """A hundred thousand samples of a stream."""
    found = np.frombuffer(
        call(program, "uniform", 100_000, 7, "initial/v_initial/L1E", repr(low), repr(high)), np.uint64
    )
    key = derive_key(7, "initial", "v_initial", "L1E")
    np.testing.assert_array_equal(found, bits(sample_uniform(key, 100_000, low, high)))


@pytest.mark.parametrize(("mean", "sd"), MOMENTS)
def test_normal_samples_are_those_of_python(program: Path, mean: float, sd: float) -> None:
    """A hundred thousand samples of a stream."""
    found = np.frombuffer(call(program, "normal", 100_000, 2**63 - 1, "initial/w/L2I", repr(mean), repr(sd)), np.uint64)
    key = derive_key(2**63 - 1, "initial", "w", "L2I")
    np.testing.assert_array_equal(found, bits(sample_normal(key, 100_000, mean, sd)))
