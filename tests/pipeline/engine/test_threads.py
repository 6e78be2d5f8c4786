"""Any number of threads gives the same bytes, on every network; and the crew does each job once a round."""

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from models import SpecError
from models.groups import Device
from pipeline import simulate
from pipeline.exit_codes import ExitCode
from tests.conftest import ARCH
from tests.pipeline.engine.headers import CHECKED, ROOT, STRICT
from tests.pipeline.engine.programs import CHECKED_PROGRAM, Prepared, copy_sources, prepare

pytestmark = pytest.mark.compiled

# An eighth of the neurons with eight times the probability, so that every segment has neurons that fire.
SCALED: dict[str, object] = {"layers.population.E.size": 800, "layers.population.I.size": 200} | {
    f"pathway.{name}.connect.probability": 0.4 for name in ("lateral", "local", "inhibition", "feedforward")
}
NETWORKS: dict[str, tuple[str, dict[str, object]]] = {
    "crowd": ("120 ms", {}),
    # Delays of a single step: threads meet after each.
    "crowd, short delays": ("60 ms", {"pathway.fast.delay": "0.1 ms"}),
    # No delay at all, so that nothing can be done side by side.
    "crowd, no delay": ("60 ms", {"pathway.fast.delay": "0 ms"}),
    "hierarchy": ("100 ms", SCALED),
    "mixed": ("100 ms", {}),
    "rules": ("20 ms", {}),
    # A trace in every synapse, or in every source: sums that are not exact, in one order.
    "traced_synapses": ("100 ms", {"pathway.slow.lower": False}),
    "two_stage": ("100 ms", {}),
}


def read_recording(prepared: Prepared) -> dict[str, str]:
    """Return a hash of every file that a program has recorded."""
    root = prepared.folder.recording
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(params=list(NETWORKS.items()), ids=list(NETWORKS))
def network(request: pytest.FixtureRequest, build_root: Path, networks: Path, tmp_path: Path) -> tuple[Prepared, int]:
    """Return a program that has not run, and how many spikes it is known to need at least."""
    name, (duration, settings) = request.param
    model = networks / f"{name.partition(',')[0]}.toml"
    prepared = prepare(
        model if model.exists() else name, build_root, tmp_path / "prepared", duration=duration, settings=settings
    )
    return prepared, 500 if name.startswith(("crowd", "hierarchy")) else 1


def test_threads_do_not_change_a_byte(network: tuple[Prepared, int], tmp_path: Path) -> None:
    """Spikes, currents, rates and inputs, chunk for chunk, with one thread, and with more than there are segments."""
    prepared, n_least = network
    recordings = []
    for n_threads in (1, 2, 3, 7):
        copy = prepared.copy(tmp_path / f"threads-{n_threads}")
        assert copy.run("--threads", str(n_threads)).code == ExitCode.FINISHED
        recordings.append(read_recording(copy))
    assert recordings[0]
    assert all(recording == recordings[0] for recording in recordings[1:])
    run = copy.load("finished")
    assert sum(trains.step.size for trains in run.recording.spikes.values()) >= n_least


RESTLESS = {
    # Shares are as long as it pleases them, and are looked at after every window.
    "shares.h": {
        "shortest_[i] = std::min(shortest_[i], seconds);": (
            "static std::uint32_t state = 1; state = 1664525u * state + 1013904223u;"
            " shortest_[i] = seconds * 0.0 + static_cast<double>(state >> 24);"
        ),
        "n_windows_per_review = 16;": "n_windows_per_review = 1;",
    },
    # What is handed over is counted, in a file.
    "part.cpp": {
        "#include <cstring>\n": "#include <cstring>\n#include <fstream>\n",
        "void Part::take_over(const Part& other, std::size_t segment) {\n": (
            "void Part::take_over(const Part& other, std::size_t segment) {\n"
            '    std::ofstream("moves", std::ios::app) << segment << std::endl;\n'
        ),
    },
}


@pytest.mark.parametrize(
    ("name", "flags"),
    [("hierarchy", []), ("crowd", []), ("crowd", [f"CXXFLAGS={CHECKED_PROGRAM}", "LDFLAGS="])],
    ids=["hierarchy", "crowd", "crowd, checked"],
)
def test_shares_may_change_after_every_window(
    name: str, flags: list[str], build_root: Path, networks: Path, tmp_path: Path
) -> None:
    """What a part hands to another is all there is to know: states, refractoriness, sums of unfinished bins."""
    duration, settings = NETWORKS[name]
    settings = settings | {"record.currents.interval": "10 ms"} if name == "hierarchy" else settings
    model = networks / f"{name}.toml"
    model = model if model.exists() else Path(name)
    prepared = prepare(model, build_root, tmp_path / "prepared", duration=duration, settings=settings)
    source = copy_sources(prepared.binary, build_root, tmp_path / "source")
    for file, changes in RESTLESS.items():
        text = (source / file).read_text()
        for line, other in changes.items():
            assert text.count(line) == 1
            text = text.replace(line, other)
        (source / file).write_text(text)
    subprocess.run(["make", "-j2", *flags], cwd=source, check=True, capture_output=True)
    recordings = []
    for n_threads in (1, 2, 3):
        copy = replace(prepared.copy(tmp_path / f"threads-{n_threads}"), binary=source / "main")
        assert copy.run("--threads", str(n_threads), cwd=copy.folder.path).code == ExitCode.FINISHED
        moves = copy.folder.path / "moves"
        assert not moves.exists() if n_threads == 1 else len(set(moves.read_text().split())) >= 2 * (n_threads - 1)
        recordings.append(read_recording(copy))
    assert recordings[0]
    assert all(recording == recordings[0] for recording in recordings[1:])


def test_simulate_takes_threads(build_root: Path, networks: Path, tmp_path: Path) -> None:
    """They are noted in the manifest, and are no part of what a run is found by."""
    run = simulate(networks / "crowd.toml", threads=2, out=tmp_path / "run", arch=ARCH, build_root=build_root)
    assert run.manifest["threads"] == 2
    stages: list[str] = []
    same = simulate(networks / "crowd.toml", out=run.path, arch=ARCH, build_root=build_root, notify=stages.append)
    assert (stages, same.path) == (["found"], run.path)


@pytest.mark.parametrize(
    ("threads", "device", "expected"),
    [
        (0, "engine", "threads: is out of range (expected 1 to 1024; got 0)."),
        (1025, "engine", "threads: is out of range (expected 1 to 1024; got 1025)."),
        (2, "reference", "threads: is out of range (expected 1: the reference device has one thread; got 2)."),
    ],
)
def test_threads_that_cannot_be(tmp_path: Path, threads: int, device: Device, expected: str) -> None:
    """Refused before anything is written."""
    with pytest.raises(SpecError) as caught:
        simulate("hierarchy", threads=threads, device=device, build_root=tmp_path / "build")
    assert str(caught.value) == expected
    assert not list(tmp_path.iterdir())


EXPLODING = """
[network]
name = "exploding"
dt = "0.1 ms"
duration = "50 ms"

[neuron.square]
equations = "dv/dt = (v*v/volt - v + I)/tau_m : volt"
threshold = "v < -1*volt"
reset = "v = 0*volt"
method = "euler"
parameters = { tau_m = "10 ms" }

[neuron.cubic]
equations = "dv/dt = (v*v*v/volt**2 - v + I)/tau_m : volt"
threshold = "v < -1*volt"
reset = "v = 0*volt"
method = "euler"
parameters = { tau_m = "10 ms" }

[layers.population.A]
size = 600
neuron = "square"

[layers.population.B]
size = 600
neuron = "cubic"

[drive.noise]
kind = "poisson"
target = ["A", "B"]
rate = "1 kHz"
polarity = "excitatory"
kinetics = "delta"
weight = "1 mV"

[record.currents]
kind = "currents"
interval = "0.2 ms"

[record.spikes]
kind = "spikes"
"""
BLOWS = {
    "later step first": [("L1A", 3, "20.4 ms"), ("L1A", 590, "20.2 ms")],
    "same step": [("L1B", 3, "20.2 ms"), ("L1A", 590, "20.2 ms"), ("L1A", 588, "20.2 ms")],
}


@pytest.mark.parametrize("blows", BLOWS.values(), ids=BLOWS.keys())
def test_a_failure_in_one_segment_ends_them_all_in_its_step(
    build_root: Path, tmp_path: Path, blows: list[tuple[str, int, str]]
) -> None:
    """Neurons of two segments blow up within one window: what is reported and what is kept is what one thread does."""
    model = tmp_path / "exploding.toml"
    events = (
        f'[[event]]\ntime = "{time}"\npopulation = "{name}"\nindex = {i}\nset = "v"\nvalue = "1e200 V"\n'
        for name, i, time in blows
    )
    model.write_text(EXPLODING + "\n".join(events))
    prepared = prepare(model, build_root, tmp_path / "prepared")
    ends, recordings = [], []
    for n_threads in (1, 2):
        copy = prepared.copy(tmp_path / f"threads-{n_threads}")
        ended = copy.run("--threads", str(n_threads))
        assert (ended.code, ended.last["step"]) == (ExitCode.NUMERIC, 202)
        ends.append(ended.last)
        recordings.append(read_recording(copy))
    assert ends[0] == ends[1]
    assert recordings[0] == recordings[1]


CREW = r"""
#include "crew.h"
#include <atomic>
#include <cstdio>
#include <vector>

// Rounds of jobs that each add to a number of their own, without a lock: twice in a round, or not at all, would show.
int main() {
    for (std::size_t n_threads = 1; n_threads <= 4; ++n_threads) {
        for (std::size_t n_jobs = 1; n_jobs <= 9; n_jobs += 4) {
            std::vector<long> sums(n_jobs, 0);
            currents::Crew crew(n_threads, n_jobs, [&](std::size_t i) { sums[i] += static_cast<long>(i) + 1; });
            for (long round = 1; round <= 300; ++round) {
                crew.run_round();
                for (std::size_t i = 0; i < n_jobs; ++i)
                    if (sums[i] != round * (static_cast<long>(i) + 1)) return 1;
            }
        }
    }
    return 0;
}
"""


@pytest.mark.parametrize("flags", [CHECKED, ["-O1", "-g", "-fsanitize=thread"]], ids=["address", "thread"])
def test_each_job_is_done_once_a_round(tmp_path: Path, flags: list[str]) -> None:
    """With as many threads as jobs, more and fewer; the sanitizer finds no race."""
    include = ROOT / "pipeline" / "engine" / "include"
    (tmp_path / "program.cpp").write_text(CREW)
    command = ["g++", *STRICT, *flags, "-pthread", "program.cpp", str(include / "crew.cpp"), "-o", "program"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "program"], check=False).returncode == 0


REFUSED = r"""
#include "crew.h"
#include <sys/resource.h>
#include <system_error>

// A crew that asks for more threads than there is room for, and then one that does not.
int main() {
    const rlimit most{256 << 20, 256 << 20};
    setrlimit(RLIMIT_AS, &most);
    long n_done = 0;
    try {
        currents::Crew crew(1000, 1, [](std::size_t) {});
        return 1;
    } catch (const std::system_error&) {
        currents::Crew crew(2, 1, [&](std::size_t) { ++n_done; });
        crew.run_round();
    }
    return n_done == 1 ? 0 : 2;
}
"""


def test_threads_that_the_machine_refuses_are_an_error(tmp_path: Path) -> None:
    """Those that had been started end, instead of taking the program with them."""
    include = ROOT / "pipeline" / "engine" / "include"
    (tmp_path / "program.cpp").write_text(REFUSED)
    command = ["g++", *STRICT, "-O1", "-pthread", "program.cpp", str(include / "crew.cpp"), "-o", "program"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "program"], check=False).returncode == 0
