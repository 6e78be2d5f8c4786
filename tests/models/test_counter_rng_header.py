"""The C++ header gives the same numbers as NumPy, bit for bit."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.counter_rng import bernoulli, bernoulli_threshold, bits32, threefry2x32, uniform53
from models.poisson import poisson_counts, poisson_thresholds

pytestmark = pytest.mark.compiled

INCLUDE = Path(__file__).parents[2] / "models" / "include"
STRICT = ["-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", f"-I{INCLUDE}"]
PROGRAM = r"""
#include "counter_rng.h"
#include <cinttypes>
#include <cstdio>
#include <vector>

// Standard input: the thresholds, then p, then the cases. Standard output: one line per case.
int main() {
    int n_thresholds = 0, n_cases = 0;
    double p = 0;
    if (std::scanf("%d", &n_thresholds) != 1) return 1;
    std::vector<std::uint32_t> thresholds(static_cast<std::size_t>(n_thresholds));
    for (std::uint32_t& threshold : thresholds)
        if (std::scanf("%" SCNu32, &threshold) != 1) return 1;
    if (std::scanf("%lf %d", &p, &n_cases) != 2) return 1;
    const std::uint64_t limit = currents::bernoulli_threshold(p);
    for (int i = 0; i < n_cases; ++i) {
        std::uint32_t key0, key1;
        std::uint64_t index, step;
        if (std::scanf("%" SCNu32 " %" SCNu32 " %" SCNu64 " %" SCNu64, &key0, &key1, &index, &step) != 4) return 1;
        const std::uint32_t bits = currents::bits32(key0, key1, index, step);
        const currents::Words words = currents::threefry2x32(
            key0, key1, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(step));
        std::printf("%" PRIu32 " %" PRIu32 " %" PRIu32 " %a %d %d\n", bits, words.w0, words.w1,
                    currents::uniform53(key0, key1, index ^ step),
                    currents::poisson_count(thresholds.data(), n_thresholds, bits),
                    currents::bernoulli(limit, bits) ? 1 : 0);
    }
    return 0;
}
"""
LOOP_PROGRAM = r"""
#include "counter_rng.h"
#include <cstdio>
#include <vector>

// Fill a table of 64 steps by 1001 neurons in plain loops that the compiler may vectorise, and write it raw.
int main() {
    std::vector<std::uint32_t> table(64 * 1002);
    for (std::uint32_t step = 0; step < 64; ++step) {
        std::uint32_t* row = &table[step * 1002];
        for (std::uint32_t i = 0; i < 501; ++i) {
            const currents::Words words = currents::pair_bits32(11, 12, i, UINT64_C(0xFFFFFFE0) + step);
            row[2 * i] = words.w0;
            row[2 * i + 1] = words.w1;
        }
    }
    return std::fwrite(table.data(), sizeof(table[0]), table.size(), stdout) == table.size() ? 0 : 1;
}
"""
N_TABLES = 140
SEARCH_PROGRAM = r"""
#include "counter_rng.h"
#include <cstdio>
#include <vector>

// Tables of n thresholds 1, 1, 3, 5, 7, 7, 9, … and the count of every word from 0 to beyond the last.
int main() {
    for (std::uint32_t n = 0; n < N_TABLES; ++n) {
        std::vector<std::uint32_t> table;
        for (std::uint32_t k = 0; k < n; ++k) table.push_back(3 * k / 2 / 2 * 2 + 1);
        for (std::uint32_t bits = 0; bits < 2 * n + 3; ++bits)
            std::printf("%d\n", currents::poisson_count(table.data(), static_cast<int>(n), bits));
    }
    return 0;
}
""".replace("N_TABLES", str(N_TABLES))


def build(folder: Path, source: str, *flags: str) -> Path:
    """Compile a program that includes the header, warnings being errors."""
    (folder / "program.cpp").write_text(source)
    subprocess.run(["g++", *STRICT, *flags, "program.cpp", "-o", "program"], cwd=folder, check=True)
    return folder / "program"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the scalar test program."""
    return build(tmp_path_factory.mktemp("header"), PROGRAM, "-O2")


@pytest.fixture(scope="module")
def cases() -> NDArray[np.uint64]:
    """Keys, indices and steps, (n_cases, 4): random ones, and all combinations of the edges."""
    rng = np.random.default_rng(3)
    high = np.array([2**32, 2**32, 2**33, 2**64 - 1], np.uint64)
    random = rng.integers(0, high, (1000, 4), dtype=np.uint64)
    indices = [0, 1, 2, 3, 2**32 - 1, 2**32, 2**32 + 1, 2**33 - 2, 2**33 - 1]
    steps = [0, 1, 2**32 - 1, 2**32, 2**32 + 1, 2**40 + 7, 2**63, 2**64 - 1]
    edges = [(0, 2**32 - 1, index, step) for index in indices for step in steps]
    return np.concatenate([random, np.array(edges, np.uint64)])


def run(program: Path, cases: NDArray[np.uint64], mean: float, p: float) -> list[list[str]]:
    """Return the fields of each line that the program prints."""
    thresholds = poisson_thresholds(mean)
    words = [thresholds.size, *thresholds.tolist(), p, len(cases), *cases.reshape(-1).tolist()]
    text = " ".join(str(word) for word in words)
    done = subprocess.run([program], input=text, capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == len(cases)
    return lines


def numpy_bits(cases: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """`bits32` of every case in NumPy."""
    return np.array([bits32((int(k0), int(k1)), index, step) for k0, k1, index, step in cases], np.uint32)


def test_words_and_uniform_numbers_agree(program: Path, cases: NDArray[np.uint64]) -> None:
    """`bits32`, `threefry2x32` and `uniform53`, with odd and even indices and steps beyond 2^32."""
    lines = run(program, cases, 1.0, 0.5)
    low = cases & np.uint64(0xFFFFFFFF)
    key0, key1, c0, c1 = (column.astype(np.uint32) for column in low.T)
    w0, w1 = threefry2x32(key0, key1, c0, c1)
    assert [int(line[0]) for line in lines] == numpy_bits(cases).tolist()
    assert [(int(line[1]), int(line[2])) for line in lines] == list(zip(w0.tolist(), w1.tolist(), strict=True))
    expected = [float(uniform53((int(k0), int(k1)), index ^ step)) for k0, k1, index, step in cases]
    assert [float.fromhex(line[3]) for line in lines] == expected


@pytest.mark.parametrize("mean", [0.0, 0.001, 0.55, 9.0, 60.0, 3000.0])
def test_poisson_counts_agree(program: Path, cases: NDArray[np.uint64], mean: float) -> None:
    """No table, tables that are compared one by one, and tables that are bisected."""
    counts = [int(line[4]) for line in run(program, cases, mean, 0.5)]
    assert counts == poisson_counts(poisson_thresholds(mean), numpy_bits(cases)).tolist()
    assert abs(np.mean(counts) - mean) <= 5 * np.sqrt(mean / len(cases))


def test_poisson_count_meets_every_threshold(tmp_path: Path) -> None:
    """Words at, just below and just above each threshold, repeated ones included, for every way of bisecting."""
    program = build(tmp_path, SEARCH_PROGRAM, "-O1")
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    counts = iter(int(line) for line in printed.split())
    for n in range(N_TABLES):
        table = (3 * np.arange(n) // 2).astype(np.uint32) // 2 * 2 + 1
        expected = poisson_counts(table, np.arange(2 * n + 3, dtype=np.uint32))
        assert [next(counts) for _ in expected] == expected.tolist()
    assert next(counts, None) is None


@pytest.mark.parametrize("p", [0.0, 2.0**-33, 0.3, 1.0])
def test_bernoulli_agrees(program: Path, cases: NDArray[np.uint64], p: float) -> None:
    """Never at p = 0, always at p = 1, the same words in between."""
    fired = [line[5] == "1" for line in run(program, cases, 1.0, p)]
    assert fired == bernoulli(bernoulli_threshold(p), numpy_bits(cases)).tolist()
    assert abs(np.mean(fired) - p) <= 5 * np.sqrt(p * (1 - p) / len(cases)) + 2.0**-32


@pytest.mark.parametrize("flags", [["-O0"], ["-O3", "-march=x86-64-v2"]])
def test_vectorised_loops_agree(tmp_path: Path, flags: list[str]) -> None:
    """A table filled in plain loops, unoptimised and vectorised, across step 2^32."""
    done = subprocess.run([build(tmp_path, LOOP_PROGRAM, *flags)], capture_output=True, check=True)
    table = np.frombuffer(done.stdout, np.uint32).reshape(64, 1002)
    steps = np.uint64(0xFFFFFFE0) + np.arange(64, dtype=np.uint64)
    assert np.array_equal(table, bits32((11, 12), np.arange(1002), steps[:, None]))


def test_the_cases_tell_keys_apart(cases: NDArray[np.uint64]) -> None:
    """Agreement above is no accident: with another key fewer than one word in a hundred is the same."""
    other = numpy_bits(cases ^ np.array([1, 0, 0, 0], np.uint64))
    assert np.mean(other == numpy_bits(cases)) < 0.01
