"""`poisson_drive.h` adds the numbers of `models.drives`, bit for bit, and they are Poisson."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from models.counter_rng import bernoulli, bernoulli_threshold, bits32, derive_key
from models.drives import StepSeries
from models.poisson import poisson_counts, poisson_thresholds
from tests.pipeline.engine.headers import CHECKED, FLOATS, build

pytestmark = pytest.mark.compiled

PROGRAM = r"""
#include "npy.h"
#include "poisson_drive.h"
#include <cstdio>
#include <cstdlib>

// Arguments: a folder and a weight. The folder holds the tables and the jobs, (step, begin, end) each. Standard output,
// raw: what the neurons hold after each job.
int main(int, char** argv) {
    const std::string folder = std::string(argv[1]) + "/";
    const double weight = std::atof(argv[2]);
    const auto numbers = currents::read_npy<std::int64_t>(folder + "numbers.npy");
    currents::PoissonTables tables;
    tables.key0 = static_cast<std::uint32_t>(numbers[0]);
    tables.key1 = static_cast<std::uint32_t>(numbers[1]);
    tables.steps_per_table = numbers[2];
    tables.thresholds = currents::read_npy<std::uint32_t>(folder + "thresholds.npy");
    tables.first = currents::read_npy<std::int64_t>(folder + "first.npy");
    tables.count = currents::read_npy<std::int64_t>(folder + "count.npy");
    const auto start = currents::read_npy<double>(folder + "start.npy");
    const auto jobs = currents::read_npy<std::int64_t>(folder + "jobs.npy");
    for (std::size_t j = 0; j < jobs.size(); j += 3) {
        std::vector<double> in = start;
        currents::add_poisson(tables, static_cast<std::uint64_t>(jobs[j]), jobs[j + 1], jobs[j + 2], weight, in.data());
        std::fwrite(in.data(), sizeof(double), in.size(), stdout);
    }
    return 0;
}
"""
FIRES_PROGRAM = r"""
#include "npy.h"
#include "poisson_drive.h"
#include <cstdio>
#include <cstdlib>

// Arguments: a folder and the number of sources. Standard output: one line of sources per step; the list is not emptied
// in between but appended to.
int main(int, char** argv) {
    const std::string folder = std::string(argv[1]) + "/";
    const auto numbers = currents::read_npy<std::int64_t>(folder + "numbers.npy");
    currents::SourceTables tables;
    tables.key0 = static_cast<std::uint32_t>(numbers[0]);
    tables.key1 = static_cast<std::uint32_t>(numbers[1]);
    tables.steps_per_table = numbers[2];
    tables.thresholds = currents::read_npy<std::uint64_t>(folder + "thresholds.npy");
    std::vector<std::int32_t> fired;
    for (const std::uint64_t step : currents::read_npy<std::uint64_t>(folder + "steps.npy")) {
        const std::size_t n_before = fired.size();
        currents::fires(tables, step, std::atoi(argv[2]), fired);
        for (std::size_t i = n_before; i < fired.size(); ++i) std::printf("%d ", fired[i]);
        std::printf("\n");
    }
    return 0;
}
"""
BUILDS = [CHECKED, [*FLOATS, "-march=x86-64-v2"]]
KEY = derive_key(1, "poisson", "background", "L1E")
FOREVER = 2**63 - 1
STEPS = [0, 1, 77, 2**32 - 1, 2**32, 2**32 + 5, 2**41 + 3]
N_NEURONS = 1001
WEIGHT = 0.15e-3


@pytest.fixture(scope="module", params=BUILDS, ids=["checked", "fast"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the program that adds, with a memory checker and as engines are built."""
    return build(tmp_path_factory.mktemp("poisson"), PROGRAM, *request.param)


@pytest.fixture(scope="module", params=BUILDS, ids=["checked", "fast"])
def fires_program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the program of the shared sources."""
    return build(tmp_path_factory.mktemp("fires"), FIRES_PROGRAM, *request.param)


@dataclass(frozen=True)
class Job:
    """The neurons of the population that are worked on in a step."""

    step: int
    begin: int = 0
    end: int = N_NEURONS


def start_values() -> NDArray[np.float64]:
    """Return what the neurons hold before: sums with it are rounded."""
    return np.arange(N_NEURONS) / 7


def add(program: Path, folder: Path, means: StepSeries, jobs: list[Job]) -> NDArray[np.float64]:
    """Return (n_jobs, n_neurons): what the program makes of the neurons."""
    tables = [poisson_thresholds(float(mean)) for mean in means.values]
    sizes = [table.size for table in tables]
    arrays: dict[str, NDArray[Any]] = {
        "numbers": np.array([*KEY, means.steps_per_value], np.int64),
        "thresholds": np.concatenate(tables),
        "first": np.cumsum([0, *sizes[:-1]]).astype(np.int64),
        "count": np.array(sizes, np.int64),
        "start": start_values(),
        "jobs": np.array([(job.step, job.begin, job.end) for job in jobs], np.int64).ravel(),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    done = subprocess.run([program, folder, repr(WEIGHT)], capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float64).reshape(len(jobs), N_NEURONS)


def expect(means: StepSeries, job: Job) -> NDArray[np.float64]:
    """Return the same from NumPy's counts."""
    result = start_values()
    chosen = slice(job.begin, job.end)
    bits = bits32(KEY, np.arange(N_NEURONS)[chosen], job.step)
    result[chosen] += WEIGHT * poisson_counts(poisson_thresholds(means.at(job.step)), bits)
    return result


def constant(mean: float) -> StepSeries:
    """Return a mean that does not vary in time."""
    return StepSeries(np.array([mean]), FOREVER)


@pytest.mark.parametrize("mean", [0.0, 1e-10, 0.001, 0.05, 0.5, 1.0, 3.0, 9.0, 20.0, 50.0, 300.0, 5000.0])
def test_sums_agree(program: Path, tmp_path: Path, mean: float) -> None:
    """Tables that are empty, compared and searched; steps beyond 2^32."""
    jobs = [Job(step) for step in STEPS]
    added = add(program, tmp_path, constant(mean), jobs)
    for i, job in enumerate(jobs):
        assert added[i].tobytes() == expect(constant(mean), job).tobytes()
    assert np.any(added != start_values()) == (mean > 1e-3 / 2)


@pytest.mark.parametrize("mean", [0.5, 50.0])
def test_any_range_of_neurons(program: Path, tmp_path: Path, mean: float) -> None:
    """Odd and even first and last neurons, ranges of no and of one neuron, around the sizes of blocks."""
    ranges = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 3), (7, 8), (8, 9), (1000, 1001), (999, 1001), (5, 1000), (4, 999)]
    ranges += [(begin, begin + n) for begin in (0, 1, 130) for n in (63, 64, 65, 255, 256, 257, 319, 320, 321)]
    jobs = [Job(12345, begin, end) for begin, end in ranges]
    added = add(program, tmp_path, constant(mean), jobs)
    for i, job in enumerate(jobs):
        assert added[i].tobytes() == expect(constant(mean), job).tobytes(), job


def test_rates_that_vary(program: Path, tmp_path: Path) -> None:
    """A table per value, one of them empty; the last one holds for ever."""
    means = StepSeries(np.array([0.2, 0.0, 6.0, 80.0]), 10)
    jobs = [Job(step) for step in (0, 9, 10, 19, 20, 29, 30, 39, 40, 1000, 2**32 + 3)]
    added = add(program, tmp_path, means, jobs)
    for i, job in enumerate(jobs):
        assert added[i].tobytes() == expect(means, job).tobytes(), job
    n_differing = [np.mean(row != start_values()) for row in added]
    assert n_differing[2] == n_differing[3] == 0
    assert min(n_differing[:2]) > 0.1
    assert min(n_differing[4:]) > 0.9


@pytest.mark.parametrize("mean", [0.05, 0.5, 5.0, 50.0])
def test_counts_are_poisson(program: Path, tmp_path: Path, mean: float) -> None:
    """Mean, variance and frequencies of 200,200 counts, and neighbours and steps that do not correlate."""
    jobs = [Job(step) for step in range(200)]
    counts = np.rint((add(program, tmp_path, constant(mean), jobs) - start_values()) / WEIGHT)
    n = counts.size
    assert abs(counts.mean() - mean) < 5 * np.sqrt(mean / n)
    assert abs(counts.var() - mean) < 5 * np.sqrt((mean + 2 * mean**2) / n)
    values = np.arange(int(mean + 10 * np.sqrt(mean) + 10))
    expected = stats.poisson.pmf(values, mean) * n
    common = expected > 20
    observed = np.bincount(counts.astype(int).ravel(), minlength=values.size)[: values.size]
    rest = [n - observed[common].sum()], [n - expected[common].sum()]
    difference = np.concatenate([observed[common], rest[0]]) - np.concatenate([expected[common], rest[1]])
    chi_square = np.sum(difference**2 / np.concatenate([expected[common], rest[1]]))
    assert stats.chi2.sf(chi_square, common.sum()) > 1e-4
    for a, b in ((counts[:, :-1], counts[:, 1:]), (counts[:-1], counts[1:])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5 / np.sqrt(a.size)


@pytest.mark.parametrize("p", [[0.0], [1e-3], [0.3], [1.0], [0.1, 0.0, 1.0, 0.5]])
@pytest.mark.parametrize("n_sources", [0, 1, 255, 256, 257, 1000])
def test_sources_fire_alike(fires_program: Path, tmp_path: Path, p: list[float], n_sources: int) -> None:
    """The sources that fire, ascending: never at p = 0, all at p = 1, by the value of the step when it varies."""
    steps_per_value = 10 if len(p) > 1 else FOREVER
    thresholds = [bernoulli_threshold(value) for value in p]
    steps = [0, 9, 10, 19, 20, 29, 30, 40, *STEPS]
    np.save(tmp_path / "numbers.npy", np.array([*KEY, steps_per_value], np.int64))
    np.save(tmp_path / "thresholds.npy", np.array(thresholds, np.uint64))
    np.save(tmp_path / "steps.npy", np.array(steps, np.uint64))
    done = subprocess.run([fires_program, tmp_path, str(n_sources)], capture_output=True, text=True, check=True)
    fired = [[int(word) for word in line.split()] for line in done.stdout.splitlines()]
    assert len(fired) == len(steps)
    for step, sources in zip(steps, fired, strict=True):
        threshold = thresholds[min(step // steps_per_value, len(p) - 1)]
        assert sources == np.flatnonzero(bernoulli(threshold, bits32(KEY, np.arange(n_sources), step))).tolist()


def test_sources_fire_at_their_rate(fires_program: Path, tmp_path: Path) -> None:
    """A thousand sources over a thousand steps."""
    np.save(tmp_path / "numbers.npy", np.array([*KEY, FOREVER], np.int64))
    np.save(tmp_path / "thresholds.npy", np.array([bernoulli_threshold(0.02)], np.uint64))
    np.save(tmp_path / "steps.npy", np.arange(1000, dtype=np.uint64))
    done = subprocess.run([fires_program, tmp_path, "1000"], capture_output=True, text=True, check=True)
    counts = np.bincount([int(word) for word in done.stdout.split()], minlength=1000)
    assert abs(counts.mean() - 20) < 5 * np.sqrt(20 * 0.98 / 1000)
    assert abs(counts.var() / (20 * 0.98) - 1) < 5 * np.sqrt(2 / 1000)
