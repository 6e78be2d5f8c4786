"""`spike_file.h` gives the spikes of each step, whatever the size of the files, and refuses files that cannot be."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipeline.engine.headers import CHECKED, FLOATS, build

pytestmark = pytest.mark.compiled

PROGRAM = r"""
#include "spike_file.h"
#include <cstdio>
#include <cstdlib>
#include <fstream>

// Arguments: a folder, the number of sources, the first step, the step behind the last one, and the stride. Standard
// output: the sources of each step that has some; then the largest memory, kB.
int main(int, char** argv) {
    const std::string folder = argv[1];
    const long long first = std::atoll(argv[3]), end = std::atoll(argv[4]), stride = std::atoll(argv[5]);
    try {
        currents::SpikeFile opened(folder + "/step.npy", folder + "/source.npy", std::atoi(argv[2]));
        currents::SpikeFile file(std::move(opened));
        if (first > 0) file.skip_to(first);
        std::vector<std::int32_t> sources;
        for (long long step = first; step < end; step += stride) {
            sources.clear();
            file.take(step, sources);
            if (sources.empty()) continue;
            std::printf("%lld", step);
            for (const std::int32_t source : sources) std::printf(" %d", source);
            std::printf("\n");
        }
    } catch (const currents::InputFailure& failure) {
        std::fputs(failure.what(), stderr);
        return 3;
    }
    // Not getrusage: it counts what the process was before it became this program.
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind("VmHWM:", 0) == 0) std::printf("%s\n", line.substr(6, line.size() - 9).c_str());
    return 0;
}
"""
N_SOURCES = 50


@pytest.fixture(scope="module", params=[CHECKED, FLOATS], ids=["checked", "fast"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the test program, with a memory checker and as engines are built."""
    return build(tmp_path_factory.mktemp("spikes"), PROGRAM, *request.param)


def save(folder: Path, steps: Any, sources: Any) -> None:
    """Write the two files."""
    np.save(folder / "step.npy", np.asarray(steps, np.int64))
    np.save(folder / "source.npy", np.asarray(sources, np.int32))


def take(program: Path, folder: Path, first: int, end: int, stride: int = 1) -> tuple[dict[int, list[int]], int]:
    """Return the sources of each step that has some, and the memory in kB."""
    command = [str(program), str(folder), str(N_SOURCES), str(first), str(end), str(stride)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *lines, memory = (list(map(int, line.split())) for line in done.stdout.splitlines())
    return {step: sources for step, *sources in lines}, memory[0]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    spikes=st.lists(st.tuples(st.integers(0, 30), st.integers(0, N_SOURCES - 1)), max_size=60),
    first=st.integers(0, 32),
    stride=st.integers(1, 3),
)
def test_every_step_has_its_spikes(
    program: Path, tmp_path: Path, spikes: list[tuple[int, int]], first: int, stride: int
) -> None:
    """In the order of the file, repeated ones too; from any step on, and when steps are left out."""
    spikes.sort(key=lambda spike: spike[0])
    save(tmp_path, [step for step, _ in spikes], [source for _, source in spikes])
    expected: dict[int, list[int]] = {}
    for step, source in spikes:
        if step in range(first, 40, stride):
            expected.setdefault(step, []).append(source)
    assert take(program, tmp_path, first, 40, stride)[0] == expected


@pytest.mark.parametrize("first", [0, 1, 4095, 4096, 4097, 9000])
def test_spikes_beyond_a_block(program: Path, tmp_path: Path, first: int) -> None:
    """Steps whose spikes lie in two blocks of 8192, from any of them on."""
    rng = np.random.default_rng(2)
    steps = np.sort(np.concatenate([rng.integers(0, 10_000, 20_000), np.repeat(9000, 9000)]))
    sources = rng.integers(0, N_SOURCES, steps.size)
    save(tmp_path, steps, sources)
    taken, _ = take(program, tmp_path, first, 10_000)
    chosen = steps >= first
    assert list(taken) == np.unique(steps[chosen]).tolist()
    assert np.concatenate(list(taken.values())).tolist() == sources[chosen].tolist()
    assert taken[9000] == sources[steps == 9000].tolist()


def test_large_files_take_no_memory(program: Path, tmp_path: Path) -> None:
    """Ten million spikes, 120 MB, leave the memory as it is with ten."""
    save(tmp_path, np.arange(10), np.zeros(10))
    _, small = take(program, tmp_path, 0, 10)
    save(tmp_path, np.arange(10_000_000) // 1000, np.zeros(10_000_000))
    taken, large = take(program, tmp_path, 0, 10_000, stride=9_999)
    assert [len(sources) for sources in taken.values()] == [1000, 1000]
    assert large - small < 2000


HOSTILE = {
    "decreases": ([0, 5, 4], [1, 2, 3], "step.npy: decreases at position 2 (expected at least 5; got 4)"),
    "negative": ([-1, 5, 6], [1, 2, 3], "step.npy: decreases at position 0 (expected at least 0; got -1)"),
    "source beyond": (
        [0, 5, 6],
        [1, 2, 50],
        "source.npy: names no source at position 2 (expected 0 to 50 - 1; got 50)",
    ),
    "source negative": (
        [0, 5, 6],
        [1, -2, 3],
        "source.npy: names no source at position 1 (expected 0 to 50 - 1; got -2)",
    ),
    "lengths": ([0, 5], [1, 2, 3], "source.npy: has another length than {}/step.npy (expected 2; got 3)"),
}


@pytest.mark.parametrize(("steps", "sources", "expected"), HOSTILE.values(), ids=HOSTILE.keys())
def test_files_that_cannot_be_are_refused(
    program: Path, tmp_path: Path, steps: list[int], sources: list[int], expected: str
) -> None:
    """The text names the file, the position, and what is there."""
    save(tmp_path, steps, sources)
    done = subprocess.run([program, tmp_path, "50", "0", "9", "1"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, f"{tmp_path}/{expected.format(tmp_path)}")


def test_disorder_between_blocks_is_refused(program: Path, tmp_path: Path) -> None:
    """The first spike of a block is compared with the last one of the block before."""
    save(tmp_path, np.repeat([7, 6], 8192), np.zeros(2 * 8192))
    done = subprocess.run([program, tmp_path, "50", "0", "9", "1"], capture_output=True, text=True, check=False)
    assert done.stderr == f"{tmp_path}/step.npy: decreases at position 8192 (expected at least 7; got 6)"
