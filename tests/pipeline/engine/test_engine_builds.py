"""What is compiled and when: equal networks are one program, of which numbers are no part; it has no warnings."""

import subprocess
from functools import partial
from pathlib import Path

import pytest

from models import load_network
from models.expand import expand_network
from models.groups import plan_groups
from pipeline import load_run, simulate
from pipeline.compiler import find_compiler
from pipeline.emit import SourceTree
from pipeline.engine.emit import emit_program
from tests.conftest import ARCH
from tests.pipeline.processes import start_currents

NUMBERS: dict[str, dict[str, object]] = {
    "weight": {"pathway.inhibition.weight": "0.9 mV"},
    "distributed weight": {"pathway.slow.weight.uniform.1": "0.4 mV"},
    "rate": {"drive.background.rate": "31 Hz"},
    "rate of shared sources": {"drive.pulses.rate": "300 Hz"},
    "sources": {"drive.pulses.sources": 11},
    "current": {"drive.bias.value": "3 mV"},
    "delay": {"pathway.slow.delay": "2.5 ms"},
    "delays": {"pathway.slow.delay": {"uniform": ["1 ms", "2 ms"]}},
    "probability": {"pathway.slow.connect.probability": 0.4},
    "tau": {"pathway.slow.tau": "6 ms"},
    "tau_m": {"neuron.lif.tau_m": "11 ms"},
    "threshold": {"neuron.lif.v_threshold": "16 mV"},
    "reset": {"neuron.lif.v_reset": "1 mV"},
    "refractory period": {"neuron.lif.refractory": "2 ms"},
    "initial values": {"neuron.lif.v_initial": "3 mV"},
    "size": {"layers.population.E.size": 21},
    "layers": {"layers.count": 2},
    "seed of the network": {"network.seed": 12},
    "duration": {"network.duration": "2 s"},
    "interval": {"record.currents.interval": "2 ms"},
    "interval of rates": {"record.rates.interval": "2 ms"},
    "type of what is recorded": {"record.currents.dtype": "float64"},
    "event": {"event": [{"time": "1 ms", "population": "L1E", "index": 0, "set": "v", "value": "1 V"}]},
}
STRUCTURE: dict[str, dict[str, object]] = {
    "kinetics": {"pathway.inhibition.kinetics": "exponential", "pathway.inhibition.tau": "5 ms"},
    "polarity": {"pathway.inhibition.polarity": "excitatory"},
    "no refractory period": {"neuron.lif.refractory": "0 ms"},
    "what is recorded": {"record.currents.channels": ["slow"]},
    "another recorder": {"record.coarse": {"kind": "currents", "interval": "5 ms"}},
    "mean of v": {"record.currents.v": "mean"},
}


def emit(model: Path, folder: Path, **settings: object) -> SourceTree:
    """Return the sources of a model's program."""
    spec = load_network(model, settings)
    plans = plan_groups(expand_network(spec), 3, "engine")
    return emit_program(plans, spec.network.dt.value, find_compiler(ARCH), folder).tree


@pytest.fixture(scope="module")
def steady(networks: Path, tmp_path_factory: pytest.TempPathFactory) -> SourceTree:
    """Return the sources of the small network as it is."""
    return emit(networks / "steady.toml", tmp_path_factory.mktemp("sources"))


def test_equal_networks_have_equal_sources(steady: SourceTree, networks: Path, tmp_path: Path) -> None:
    """Whatever this process has emitted in between: the same files, byte for byte, with no date or path in them."""
    other = emit(networks / "mixed.toml", tmp_path / "other")
    again = emit(networks / "steady.toml", tmp_path / "again")
    names = sorted(path.relative_to(steady.folder) for path in steady.folder.rglob("*") if path.is_file())
    assert len(names) > 20
    for name in names:
        assert (again.folder / name).read_bytes() == (steady.folder / name).read_bytes(), name
    assert again.fingerprint == steady.fingerprint != other.fingerprint
    assert str(networks.parent) not in (steady.folder / "network.cpp").read_text()


@pytest.mark.parametrize("what", NUMBERS)
def test_a_number_is_no_part_of_the_program(steady: SourceTree, networks: Path, tmp_path: Path, what: str) -> None:
    """Another value gives the same sources, so that nothing is compiled."""
    tree = emit(networks / "steady.toml", tmp_path / "sources", **NUMBERS[what])
    assert (tree.folder / "network.cpp").read_text() == (steady.folder / "network.cpp").read_text()
    assert tree.fingerprint == steady.fingerprint


@pytest.mark.parametrize("what", STRUCTURE)
def test_another_structure_is_another_program(steady: SourceTree, networks: Path, tmp_path: Path, what: str) -> None:
    """What is computed differs, and the fingerprint with it; what all programs share does not."""
    tree = emit(networks / "steady.toml", tmp_path / "sources", **STRUCTURE[what])
    assert (tree.folder / "network.cpp").read_text() != (steady.folder / "network.cpp").read_text()
    assert tree.fingerprint != steady.fingerprint
    assert tree.runtime == steady.runtime


def test_compiler_and_flags_are_part_of_the_program(steady: SourceTree, networks: Path, tmp_path: Path) -> None:
    """A program for another machine is another one, and so are the object files that it shares with others."""
    spec = load_network(networks / "steady.toml")
    plans = plan_groups(expand_network(spec), 3, "engine")
    tree = emit_program(plans, spec.network.dt.value, find_compiler("x86-64-v3"), tmp_path / "sources").tree
    assert steady.runtime is not None
    assert tree.runtime is not None
    assert tree.fingerprint != steady.fingerprint
    assert tree.runtime.fingerprint != steady.runtime.fingerprint


@pytest.mark.compiled
def test_numbers_change_without_compilation(build_root: Path, networks: Path, tmp_path: Path) -> None:
    """Many other values at once, another seed and duration: the same binary, which is found, and other spikes."""
    settings = {key: value for changed in NUMBERS.values() for key, value in changed.items()}
    run = partial(simulate, networks / "steady.toml", arch=ARCH, build_root=build_root)
    first = run(duration="200 ms", out=tmp_path / "first")
    other = run(duration="400 ms", seed=8, settings=settings, out=tmp_path / "other")
    assert not other.manifest["build"]["compiled"]
    assert other.manifest["build"]["fingerprint"] == first.manifest["build"]["fingerprint"]
    assert len(first.spikes()) > 100
    assert len(other.spikes()) > 100
    assert other.network.n_neurons == 2 * (first.network.n_neurons + 1)


@pytest.mark.compiled
@pytest.mark.long
def test_two_at_once_in_a_new_build_root(networks: Path, tmp_path: Path) -> None:
    """Both get there, one of them compiles; without a warning in our code, strictly, and linked to no C++ library."""
    root = tmp_path / "root"
    words = ("simulate", networks / "steady.toml", "--arch", ARCH, "--build-root", root)
    processes = [start_currents(*words, "--seed", seed, "--out", tmp_path / seed) for seed in ("1", "2")]
    for process in processes:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    builds = [load_run(tmp_path / seed).manifest["build"] for seed in ("1", "2")]
    assert sorted(build["compiled"] for build in builds) == [False, True]
    assert builds[0]["fingerprint"] == builds[1]["fingerprint"]
    binary = Path(builds[0]["path"])
    assert {path.name.partition("-")[0] for path in (root / "binaries").iterdir()} == {binary.parent.name, "runtime"}
    check_build(binary.parent)
    needed = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    assert "libstdc++" not in needed
    third = simulate(networks / "mixed.toml", arch=ARCH, build_root=root, out=tmp_path / "third")
    log = (Path(third.manifest["build"]["path"]).parent / "make.log").read_text()
    assert [line.split()[-1] for line in log.splitlines() if " -c " in line] == ["network.cpp"]
    assert "warning" not in log


def check_build(folder: Path) -> None:
    """Check that a whole program was compiled strictly and without a warning."""
    log = (folder / "make.log").read_text()
    calls = [line.split() for line in log.splitlines() if " -c " in line]
    compiled = sorted(name for call in calls for name in call if name.endswith(".cpp"))
    assert len(compiled) > 3
    assert compiled == sorted(path.name for path in folder.glob("*.cpp"))
    for call in calls:
        assert {"-std=c++17", "-O3", "-ffp-contract=off", "-Wall", "-Wextra", f"-march={ARCH}"} <= set(call)
        assert not {"-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-w"} & set(call)
    assert "warning" not in log
    assert "error" not in log
