"""Runs of the reference device that end badly, and what all builds share: claims, locks, scratch and the compiler.

No run that was stopped, killed, out of disk, or in another one's way may pass for a whole one. How the engine's program
ends is in engine/test_engine_program.py.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models import SpecError, load_network
from models.groups import Device
from pipeline import load_run, simulate
from pipeline.atomic import lock_file
from pipeline.build_root import BuildRoot
from pipeline.claim import claim_folder
from pipeline.compile import Binary, compile_sources
from pipeline.compiler import find_compiler
from pipeline.emit import ReferenceTree, SourceTree, activate_device, emit_sources
from pipeline.errors import CompileError, ProgramError, RunInterrupted, StorageError, UnfinishedRunError
from pipeline.program import run_binary
from pipeline.scratch import make_scratch
from tests.conftest import ARCH, SimulateOnce
from tests.pipeline.processes import is_gone, run_currents, start_currents, wait_for_program, wait_until

type StartEndless = Callable[..., tuple[subprocess.Popen[str], int, Path]]

pytestmark = [pytest.mark.compiled, pytest.mark.xdist_group("endless")]


def emit_model(path: str | Path, folder: Path, n_steps: int) -> ReferenceTree:
    """Return the source tree of a model."""
    from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

    from models.assembly.reference import assemble_reference

    compiler = find_compiler(ARCH)
    with activate_device(CPPStandaloneDevice()) as device:
        return emit_sources(assemble_reference(load_network(path), n_steps=n_steps), device, compiler, folder)


@pytest.fixture(scope="module")
def endless(build_root: Path, networks: Path) -> Iterator[tuple[Binary, ReferenceTree]]:
    """Compile a program that runs for hours; no test waits for it."""
    root = BuildRoot(build_root)
    with make_scratch(root) as scratch:
        tree = emit_model(networks / "endless.toml", scratch, 1_000_000_000)
        yield compile_sources(tree, find_compiler(ARCH), root), tree


@pytest.fixture
def root(tmp_path: Path, build_root: Path) -> Path:
    """Return a build root of this test's own that has the suite's programs."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "binaries").symlink_to(build_root / "binaries")
    return root


@pytest.fixture
def start_endless(
    endless: tuple[Binary, ReferenceTree], root: Path, networks: Path, tmp_path: Path
) -> Iterator[StartEndless]:
    """Return what starts `currents simulate` on the endless model: process, its program's id, its run's folder."""
    processes: list[subprocess.Popen[str]] = []

    def start(*options: str) -> tuple["subprocess.Popen[str]", int, Path]:
        out = tmp_path / "run"
        words = ("simulate", networks / "endless.toml", "--device", "reference", "--arch", ARCH)
        processes.append(start_currents(*words, "--build-root", root, "--out", out, *options))
        return processes[-1], wait_for_program(processes[-1]), out

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def read_status(out: Path) -> str:
    """Return a run's status."""
    return str(json.loads((out / "manifest.json").read_text())["status"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_program_and_is_recorded(
    start_endless: StartEndless, root: Path, number: signal.Signals
) -> None:
    """The program is gone, the manifest says `interrupted`, the exit code is 130, and nothing is left in scratch."""
    process, program, out = start_endless("--json")
    process.send_signal(number)
    told, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert is_gone(program)
    assert read_status(out) == "interrupted"
    problem = {"where": str(out), "what": "was interrupted after 0% of its steps"}
    assert json.loads(told) == {"error": "RunInterrupted", "problems": [problem]}
    assert err == ""
    assert not [path for path in (root / "scratch").iterdir() if path.is_dir()]


def test_a_killed_program_is_a_failed_run(
    start_endless: StartEndless,
) -> None:
    """Exit 1, `failed` in the manifest, the signal and a likely cause in the message, and no run to load."""
    process, program, out = start_endless()
    os.kill(program, signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    expected = [
        "the simulation program: ended with signal SIGKILL.",
        f"  evidence: {out}/program.log (empty)",
        "  likely cause: memory ran out: the reference device holds every recording in memory until it ends",
    ]
    assert err.splitlines()[-3:] == expected
    assert process.returncode == 1
    assert read_status(out) == "failed"
    with pytest.raises(UnfinishedRunError) as refusal:
        load_run(out)
    (problem,) = refusal.value.problems
    assert problem.where == str(out)
    assert problem.what == "has not finished"
    assert problem.got == 'status "failed" with nothing of 100000 s recorded'
    assert problem.evidence == "\n".join(expected)


def test_a_program_does_not_outlive_currents(start_endless: StartEndless, root: Path) -> None:
    """When `currents` is killed, its program ends by itself, and the next call removes what it left in scratch."""
    process, program, out = start_endless()
    process.kill()
    process.communicate()
    wait_until(lambda: is_gone(program), "the program to notice")
    assert read_status(out) == "running"
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["edges"] == {}
    assert Path(manifest["build"]["path"]).is_file()
    (left,) = (path for path in (root / "scratch").iterdir() if path.is_dir())
    with make_scratch(BuildRoot(root)) as scratch:
        assert not left.exists()
        assert scratch.exists()
    assert not scratch.exists()


def test_scratch_of_a_living_process_stays(tmp_path: Path) -> None:
    """Two scratch folders at once do not disturb each other."""
    root = BuildRoot(tmp_path)
    with make_scratch(root) as first, make_scratch(root) as second:
        (first / "file").touch()
        assert first != second
        with make_scratch(root):
            assert (first / "file").exists()
            assert second.exists()
    assert not first.exists()
    assert not second.exists()


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    """A second holder waits until the first lets go."""
    order: list[str] = []

    def second() -> None:
        with lock_file(tmp_path / "lock"):
            order.append("second")

    with lock_file(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.fixture
def work(endless: tuple[Binary, ReferenceTree], tmp_path: Path) -> Path:
    """Return a working directory for the endless program, with the arrays that it reads."""
    shutil.copytree(endless[1].data, tmp_path / "work" / "static_arrays")
    return tmp_path / "work"


def test_a_missing_array_file_is_an_error(endless: tuple[Binary, ReferenceTree], work: Path, tmp_path: Path) -> None:
    """The stock program goes on without an array that it cannot read; its run is stopped and refused all the same."""
    missing = next(iter(sorted((work / "static_arrays").iterdir())))
    missing.unlink()
    with pytest.raises(ProgramError, match=f"Error opening static array {missing.name}"):
        run_binary(endless[0].path, work, tmp_path / "log")
    assert not _programs_in(work)


def test_an_error_in_a_progress_callback_stops_the_program(
    endless: tuple[Binary, ReferenceTree], work: Path, tmp_path: Path
) -> None:
    """The error reaches the caller, and no program stays behind."""

    def fail(completed: float) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run_binary(endless[0].path, work, tmp_path / "log", fail)
    assert not _programs_in(work)


def test_interrupting_a_caller_stops_the_program(
    endless: tuple[Binary, ReferenceTree], work: Path, tmp_path: Path
) -> None:
    """A KeyboardInterrupt in Python, as in a notebook, ends the program and says how far it was."""

    def interrupt(completed: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(RunInterrupted, match="was interrupted after 0% of its steps"):
        run_binary(endless[0].path, work, tmp_path / "log", interrupt)
    assert not _programs_in(work)


def _programs_in(work: Path) -> list[str]:
    """Return the processes whose working directory is a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == work.resolve() and not is_gone(int(process.name)):
                found.append(process.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("out", [None, "out"])
def test_runs_at_once_never_share_a_folder(tmp_path: Path, out: str | None) -> None:
    """Of eight calls at once with the same --out one gets it and seven are refused; without, each gets its own."""
    barrier, got = threading.Barrier(8), list[Path | str]()

    def claim() -> None:
        barrier.wait()
        try:
            got.append(claim_folder(BuildRoot(tmp_path), "net", tmp_path / out if out else None).folder.path)
        except SpecError as error:
            got.append(str(error))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if out is None:
        assert sorted(got) == [tmp_path / "runs" / f"net-{number}" for number in range(1, 9)]
    else:
        refusal = (
            f"--out {tmp_path / out}: holds a run that is not this one, or did not finish (expected a new or an empty "
            "folder).\n  next: choose another folder, or delete it"
        )
        assert sorted(map(str, got)) == [refusal] * 7 + [str(tmp_path / out)]


UNRESOLVED = """
[network]
name = "unresolved"
dt = "0.1 ms"
duration = "10 ms"

[neuron.own]
equations = "dv/dt = -v/tau_m : volt"
threshold = "v > nonsense"
reset = "v = 0*volt"
method = "exact"
parameters = { tau_m = "10 ms" }

[layers.population.A]
size = 2
neuron = "own"

[record.spikes]
kind = "spikes"
"""
"""What only Brian2 finds: it alone knows all names that a condition may use."""


@pytest.mark.parametrize("device", ["engine", "reference"])
@pytest.mark.parametrize("made", [True, False])
def test_a_wrong_spec_that_is_found_late_leaves_no_folder(tmp_path: Path, made: bool, device: Device) -> None:
    """A folder that was made is gone; one that was there is there, and empty."""
    out = tmp_path / "out"
    if not made:
        out.mkdir()
    model = tmp_path / "unresolved.toml"
    model.write_text(UNRESOLVED)
    with pytest.raises(SpecError, match=r'neuron.own.threshold: .*\n  evidence: The identifier "nonsense"'):
        simulate(model, device=device, out=out, arch=ARCH, build_root=tmp_path / "root")
    assert out.exists() is not made
    assert made or not list(out.iterdir())


def test_equal_sources_are_compiled_once(networks: Path, tmp_path: Path) -> None:
    """Two threads that want the same binary at the same time: one compiles, the other waits and finds it."""
    root, compiler = BuildRoot(tmp_path / "root"), find_compiler(ARCH)
    trees = [_write_tree(tmp_path / name, "int main() { return 0; }\n") for name in ("a", "b")]
    found: list[Binary] = []
    threads = [
        threading.Thread(target=lambda t=tree: found.append(compile_sources(t, compiler, root))) for tree in trees
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(binary.compiled for binary in found) == [False, True]
    assert {binary.path for binary in found} == {root.binaries / "same" / "main"}
    assert subprocess.run([found[0].path], check=False).returncode == 0


def _write_tree(folder: Path, code: str) -> SourceTree:
    """Return a source tree of one file."""
    folder.mkdir()
    (folder / "main.cpp").write_text(code)
    (folder / "makefile").write_text("main: main.cpp\n\tsleep 0.3\n\t$(CXX) main.cpp -o main\n")
    return SourceTree(folder, "same")


def test_code_that_does_not_compile_stays_to_be_looked_at(tmp_path: Path) -> None:
    """The error shows the compiler's words and how to see them again; a second attempt does not trip over the first."""
    root, compiler = BuildRoot(tmp_path / "root"), find_compiler(ARCH)
    for name in ("a", "b"):
        with pytest.raises(CompileError) as caught:
            compile_sources(_write_tree(tmp_path / name, "int main() { nonsense }\n"), compiler, root)
        (problem,) = caught.value.problems
        kept = root.binaries / "same.failed"
        assert problem.next == f"make -C {kept}"
        assert problem.evidence is not None
        assert problem.evidence.startswith(f"{kept / 'make.log'}\n")
        assert "nonsense" in problem.evidence
        assert (kept / "main.cpp").is_file()


FAILING_COMPILERS = {
    "disk": ("echo 'main.o: No space left on device'; exit 1", "the disk is full", "free some space"),
    "limit": ("ulimit -f 1; head -c 100000 /dev/zero > file", "a file would be larger than the limit", "ulimit -f"),
    "memory": (
        "echo 'Killed signal terminated program cc1plus'; exit 1",
        "memory ran out",
        "end what else takes memory",
    ),
    "code": ("echo 'error: expected expression'; exit 1", "equations that Brian2 accepts but C++ does not", "make -C"),
}
"""What a compiler does, its likely cause, and what is to be done next."""


@pytest.mark.parametrize("how", FAILING_COMPILERS)
def test_what_else_than_the_code_may_be_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """A full disk, a limit and lack of memory are not blamed on the modeller's equations."""
    script, cause, remedy = FAILING_COMPILERS[how]
    command = tmp_path / "own g++"
    command.write_text(f'#!/bin/bash\ncase "$*" in *main.cpp*) {script};; esac\nexec g++ "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("CXX", f"'{command}'")
    root = BuildRoot(tmp_path / "root")
    with pytest.raises(CompileError) as caught:
        compile_sources(_write_tree(tmp_path / "a", "int main() { return 0; }\n"), find_compiler(ARCH), root)
    (problem,) = caught.value.problems
    assert problem.what == (
        "the generated C++ does not compile" if how == "code" else "the generated C++ cannot be compiled"
    )
    assert problem.likely_cause is not None
    assert problem.likely_cause.startswith(cause)
    assert problem.next is not None
    assert remedy in problem.next
    if how == "code":
        # The command, as it is, does the same again.
        repeated = subprocess.run(problem.next, shell=True, capture_output=True, text=True, check=False)
        assert repeated.returncode != 0
        assert "error: expected expression" in repeated.stdout


def test_make_is_not_disturbed_by_the_make_that_called_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under `make -n test`, say, ours compiles all the same."""
    monkeypatch.setenv("MAKEFLAGS", "n")
    monkeypatch.setenv("MAKELEVEL", "1")
    tree = _write_tree(tmp_path / "a", "int main() { return 0; }\n")
    assert compile_sources(tree, find_compiler(ARCH), BuildRoot(tmp_path / "root")).path.is_file()


def test_equal_networks_have_equal_sources(networks: Path, tmp_path: Path) -> None:
    """Whatever this process has built before, and whatever the seed: the same bytes, so the same binary."""
    trees = []
    for i, name in enumerate(["small_hierarchy.toml", "mixed.toml", "small_hierarchy.toml"]):
        (tmp_path / f"{i}").mkdir()
        trees.append(emit_model(networks / name, tmp_path / f"{i}", 1000))
    assert trees[0].fingerprint == trees[2].fingerprint
    assert trees[0].fingerprint != trees[1].fingerprint
    names = [sorted(path.relative_to(t.folder) for path in t.folder.rglob("*")) for t in trees]
    assert names[0] == names[2]


@pytest.mark.parametrize("device", ["engine", "reference"])
def test_a_disk_that_is_full_of_sources(tiny_disk: Callable[[int], Path], tmp_path: Path, device: Device) -> None:
    """When the C++ itself does not fit: one error that says so, and a run that is `failed`."""
    disk = tiny_disk(150)
    with pytest.raises(StorageError, match="cannot be written: the disk is full") as caught:
        simulate("exponential_current", device=device, out=tmp_path / "out", arch=ARCH, build_root=disk)
    (problem,) = caught.value.problems
    assert Path(problem.where).is_relative_to(disk)
    assert problem.next == "free some space, or choose another folder with --build-root"
    assert caught.value.exit_code == 1
    assert read_status(tmp_path / "out") == "failed"


def test_a_disk_that_is_full_of_a_run(
    tiny_disk: Callable[[int], Path], simulate_once: SimulateOnce, build_root: Path
) -> None:
    """Of the program that is copied from the build root, too, it is the disk of the run's folder that is named."""
    simulate_once("exponential_current")
    disk = tiny_disk(100)
    with pytest.raises(StorageError) as caught:
        simulate("exponential_current", seed=91, out=disk / "out", arch=ARCH, build_root=build_root)
    (problem,) = caught.value.problems
    assert Path(problem.where).is_relative_to(disk)
    assert problem.what == "cannot be written: the disk is full"
    assert problem.next == "free some space, or choose another folder with --out"


@pytest.mark.parametrize("device", ["engine", "reference"])
def test_a_disk_that_is_full_while_compiling(tiny_disk: Callable[[int], Path], tmp_path: Path, device: Device) -> None:
    """The compiler's error is not blamed on the modeller's equations."""
    disk = tiny_disk(450 if device == "engine" else 1500)
    with pytest.raises(CompileError) as caught:
        simulate("exponential_current", device=device, out=tmp_path / "out", arch=ARCH, build_root=disk)
    (problem,) = caught.value.problems
    assert problem.likely_cause == "the disk is full"
    assert problem.next == "free some space, or choose another folder with --build-root"
    assert read_status(tmp_path / "out") == "failed"


def test_a_disk_that_is_full_of_results(
    tiny_disk: Callable[[int], Path],
    simulate_once: SimulateOnce,
    build_root: Path,
    networks: Path,
    tmp_path: Path,
) -> None:
    """The stock program does not notice that its arrays do not fit and exits with 0; the run fails all the same."""
    model = networks / "small_hierarchy.toml"
    simulate_once(model, device="reference")
    disk = tiny_disk(6000)
    (disk / "binaries").symlink_to(build_root / "binaries")
    with pytest.raises(StorageError, match="could not write all of its results: the disk is full"):
        simulate(model, device="reference", out=tmp_path / "out", arch=ARCH, build_root=disk)
    assert read_status(tmp_path / "out") == "failed"
    assert not [path for path in (disk / "scratch").iterdir() if path.is_dir()]


def test_an_interrupt_while_compiling_stops_the_compiler(tmp_path: Path, networks: Path) -> None:
    """SIGTERM during the build: `interrupted`, exit 130, and no compiler goes on."""
    words = ("simulate", networks / "rules.toml", "--arch", ARCH, "--build-root", tmp_path / "root")
    process = start_currents(*words, "--out", tmp_path / "out")
    logs = "scratch/*/source/make.log"
    wait_until(lambda: process.poll() is not None or list((tmp_path / "root").glob(logs)), "make")
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.splitlines()[-1] == f"{tmp_path / 'out'}: was interrupted."
    assert read_status(tmp_path / "out") == "interrupted"
    assert not list((tmp_path / "root").glob(logs))
    assert not list((tmp_path / "root" / "binaries").iterdir())


def test_every_file_is_compiled_with_strict_flags(hierarchy_build: Path) -> None:
    """No fused and no reordered operations in any object of a stock program, and nothing that allows them."""
    calls = [line for line in (hierarchy_build / "make.log").read_text().splitlines() if " -c " in line]
    assert len(calls) > 20
    for call in calls:
        assert {"-std=c++17", "-O3", "-ffp-contract=off", f"-march={ARCH}"} <= set(call.split()), call
        assert not {"-ffast-math", "-Ofast", "-funsafe-math-optimizations"} & set(call.split()), call


@pytest.fixture
def hierarchy_build(simulate_once: SimulateOnce, networks: Path) -> Path:
    """Return the folder of a program that has been compiled."""
    run = simulate_once(networks / "small_hierarchy.toml", device="reference")
    return Path(run.manifest["build"]["path"]).parent


def test_mistakes_do_not_wait_for_brian2() -> None:
    """Importing Brian2 takes seconds; nothing does before a model has been found to be right."""
    code = "import sys, pipeline.cli, pipeline.simulation; sys.exit('brian2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


def test_a_native_build_is_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `native` stands for belongs to the fingerprint: unlike machines may share a build root."""
    assert "-march=" in find_compiler("native").machine
    assert "native" not in find_compiler("native").machine
    assert find_compiler("x86-64-v2").machine == ""
    monkeypatch.setenv("CXX", "env g++")
    assert find_compiler("native").machine == find_compiler("native").machine != ""
    assert "g++" in find_compiler("x86-64-v2").version


def test_no_compiler_is_one_error(tmp_path: Path) -> None:
    """Without g++ on the PATH: exit 2, what to install, and no run's folder."""
    (tmp_path / "bin").mkdir()
    words = ("simulate", "exponential_current", "--build-root", tmp_path / "root", "--out", tmp_path / "out")
    result = run_currents(*words, PATH=str(tmp_path / "bin"), CXX="")
    assert result.returncode == 2
    assert result.stderr == (
        'build: finds no C++ compiler named "g++" on the PATH.\n'
        "  next: install one (Debian: apt-get install g++ make), or name another compiler in CXX\n"
    )
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "root").exists()
