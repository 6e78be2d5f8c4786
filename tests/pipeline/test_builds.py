"""Builds under stress: many processes at once, processes that are killed, a root that is read-only, a cleaned cache."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import Run, load_run, simulate, verify
from pipeline.build_root import BuildRoot
from pipeline.cache import clean_cache, list_entries
from pipeline.compile import compile_sources
from pipeline.compiler import Compiler, find_compiler
from pipeline.emit import SourceTree, fingerprint_sources
from pipeline.errors import StorageError
from pipeline.scratch import make_scratch
from tests.conftest import ARCH, SimulateOnce
from tests.pipeline.processes import start_currents, wait_for_program, wait_until

pytestmark = pytest.mark.compiled

ROOT = Path(__file__).parents[2]
GOOD = "main: main.cpp\n\t$(CXX) main.cpp -o main\n"
ENDLESS = "main: main.cpp\n\ttouch started\n\tsleep 1000\n"


def write_tree(folder: Path, makefile: str = GOOD) -> SourceTree:
    """Return a source tree of one file, always of the same fingerprint."""
    folder.mkdir(parents=True)
    (folder / "main.cpp").write_text("int main() { return 0; }\n")
    (folder / "makefile").write_text(makefile)
    return SourceTree(folder, "same")


def start_compiling(root: Path, makefile: str, before: str = "") -> "subprocess.Popen[bytes]":
    """Start a process that compiles a tree as a run does: in a scratch folder, and then into its place."""
    code = f"""
import os, shutil, signal
from pathlib import Path
import pipeline.compile as c
from pipeline.build_root import BuildRoot
from pipeline.compiler import Compiler
from pipeline.scratch import make_scratch
from tests.pipeline.test_builds import write_tree
{before}
root = BuildRoot(Path({str(root)!r}))
with make_scratch(root) as scratch:
    c.compile_sources(write_tree(scratch / "source", {makefile!r}), Compiler("g++", "", ()), root)
"""
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)


def check_next(root: BuildRoot) -> None:
    """Check that the next process builds, and leaves nothing behind but the build."""
    with make_scratch(root) as scratch:
        binary = compile_sources(write_tree(scratch / "source"), find_compiler(ARCH), root)
        assert binary.compiled
        assert [path for path in root.scratch.iterdir() if path.is_dir()] == [scratch]
    assert subprocess.run([binary.path], check=False).returncode == 0


def test_a_process_killed_while_compiling(tmp_path: Path) -> None:
    """SIGKILL: its lock is free and its scratch folder is removed by the next, which compiles."""
    root = BuildRoot(tmp_path)
    process = start_compiling(tmp_path, ENDLESS)
    wait_until(lambda: process.poll() is not None or list(root.scratch.glob("*/source/started")), "make")
    (make,) = map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    process.kill()
    process.wait()
    os.killpg(make, signal.SIGKILL)
    check_next(root)


KILLED = {
    "before its build has its place": """
def die(source, folder): os.kill(os.getpid(), signal.SIGKILL)
c._install = die
""",
    "while its build is copied from another disk": """
def refuse(self, target): raise OSError(c.errno.EXDEV, "Invalid cross-device link")
def die(source, partial):
    partial.mkdir()
    shutil.copy(source / "main.cpp", partial)
    os.kill(os.getpid(), signal.SIGKILL)
Path.rename, shutil.copytree = refuse, die
""",
}


@pytest.mark.parametrize("moment", KILLED)
def test_a_process_killed_while_installing(tmp_path: Path, moment: str) -> None:
    """What it left is no build: the next process compiles, and cleaning removes the rest."""
    root = BuildRoot(tmp_path)
    assert start_compiling(tmp_path, GOOD, KILLED[moment]).wait() == -signal.SIGKILL
    assert not (root.binaries / "same").exists()
    check_next(root)
    clean_cache(root)
    assert [path.name for path in root.binaries.iterdir()] == ["same"]


@pytest.mark.parametrize("content", [b"", b"#!/bin/true\n", None], ids=["empty", "other", "missing"])
def test_a_binary_that_is_not_what_was_compiled(tmp_path: Path, content: bytes | None) -> None:
    """Truncated, written to, or gone: it is compiled again; as it was, it is found."""
    root = BuildRoot(tmp_path)
    check_next(root)
    binary = root.binaries / "same" / "main"
    binary.unlink()
    if content is not None:
        binary.write_bytes(content)
    check_next(root)
    with make_scratch(root) as scratch:
        assert not compile_sources(write_tree(scratch / "source"), find_compiler(ARCH), root).compiled


def test_a_build_is_of_its_machine(tmp_path: Path) -> None:
    """`native` of unlike machines is two builds: neither takes the other's."""
    tree = write_tree(tmp_path / "source")
    prints = {fingerprint_sources(tree.folder, Compiler("g++", "12", ("-O3",), machine)) for machine in ("a", "b", "")}
    assert len(prints) == 3
    called = Compiler("/usr/bin/g++", "12", ("-O3",), "a", "ccache")
    assert fingerprint_sources(tree.folder, called) in prints


@pytest.fixture
def ccache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a ccache first on the PATH that notes how it is called; return the note."""
    folder, log = tmp_path / "bin", tmp_path / "calls"
    folder.mkdir()
    (folder / "ccache").write_text(f'#!/bin/sh\necho "$@" >> {log}\n[ ! -e {tmp_path}/broken ] || exit 1\nexec "$@"\n')
    (folder / "ccache").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("CURRENTS_CCACHE", raising=False)
    return log


def test_ccache_is_used_where_it_exists(ccache: Path, tmp_path: Path) -> None:
    """It calls the compiler; with CURRENTS_CCACHE=off nothing does."""
    assert compile_sources(write_tree(tmp_path / "a"), find_compiler(ARCH), BuildRoot(tmp_path / "one")).compiled
    assert ccache.read_text() == "g++ main.cpp -o main\n"


def test_a_broken_ccache_is_left_out(ccache: Path, tmp_path: Path) -> None:
    """It cannot write to its own cache, say: the compiler is called without it."""
    (tmp_path / "broken").touch()
    assert compile_sources(write_tree(tmp_path / "a"), find_compiler(ARCH), BuildRoot(tmp_path / "one")).compiled
    assert ccache.read_text() == "g++ main.cpp -o main\n"


@pytest.fixture(scope="module")
def steady(simulate_once: SimulateOnce, networks: Path) -> Run:
    """Return a run whose program and structure are known."""
    return simulate_once(networks / "steady.toml", duration="200 ms")


@pytest.fixture
def own_root(steady: Run, build_root: Path, tmp_path: Path) -> BuildRoot:
    """Return a build root of this test's own that has the small network's build and its structure."""
    root = BuildRoot(tmp_path / "root")
    fingerprint = steady.manifest["build"]["fingerprint"]
    shutil.copytree(build_root / "binaries" / fingerprint, root.binaries / fingerprint)
    shutil.copytree(build_root / "structures", root.structures)
    return root


FAST = """
import sys
from pathlib import Path
from pipeline import simulate
import pipeline.engine.run as engine

def note(*arguments):
    loaded.extend(sys.modules.keys() & set("brian2 sympy pandas pyarrow scipy matplotlib".split()))
    return run_program(*arguments)

loaded, run_program = [], engine.run_program
engine.run_program = note
run = simulate({model!r}, duration="200 ms", seed=77, out={out!r}, build_root={root!r}, arch={arch!r})
assert run.manifest["build"]["compiled"] is False
print(loaded, "brian2" in sys.modules)
"""


def test_a_known_structure_runs_without_brian2(steady: Run, build_root: Path, networks: Path, tmp_path: Path) -> None:
    """Another seed: nothing that takes long to import is imported before the program starts, and Brian2 never."""
    places = {"model": str(networks / "steady.toml"), "out": str(tmp_path / "out"), "root": str(build_root)}
    code = FAST.format(**places, arch=ARCH)
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "[] False\n"), result.stderr
    assert len(load_run(tmp_path / "out").spikes()) > 100


def test_a_cleaned_cache_takes_no_program_away(own_root: BuildRoot, networks: Path, tmp_path: Path) -> None:
    """A run has its program in its own folder: the cache is emptied while it runs, and it goes on."""
    out = tmp_path / "run"
    words = ("simulate", networks / "steady.toml", "--duration", "100000 s", "--arch", ARCH, "--out", out)
    process = start_currents(*words, "--build-root", own_root.path)
    program = wait_for_program(process)
    assert [entry.kind for entry in clean_cache(own_root, everything=True).removed] == ["build"]
    assert list_entries(own_root) == []
    assert not list(own_root.structures.iterdir())
    assert Path(f"/proc/{program}/exe").readlink() == out / "program"
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert (out / "program").is_file()
    assert load_run(out, partial=True).manifest["status"] == "interrupted"


@pytest.fixture
def read_only(own_root: BuildRoot) -> Iterator[BuildRoot]:
    """Make the build root read-only; only root can, and then even root cannot write to it."""
    own_root.scratch.mkdir()
    bound = subprocess.run(["mount", "--bind", own_root.path, own_root.path], capture_output=True, check=False)
    if bound.returncode != 0:
        pytest.skip("needs the right to mount")
    subprocess.run(["mount", "-o", "remount,bind,ro", own_root.path], capture_output=True, check=True)
    yield own_root
    subprocess.run(["umount", own_root.path], capture_output=True, check=True)


def test_a_root_that_is_read_only_lends_its_builds(read_only: BuildRoot, networks: Path, tmp_path: Path) -> None:
    """Whoever has a folder of his own runs what is there; what would have to be built is an error that says where."""
    arguments = {"duration": "200 ms", "arch": ARCH, "build_root": read_only.path}
    run = simulate(networks / "steady.toml", seed=5, out=tmp_path / "own", **arguments)  # type: ignore[arg-type]
    assert run.manifest["build"]["compiled"] is False
    assert len(run.spikes()) > 100
    settings = {"pathway.inhibition.polarity": "excitatory"}
    with pytest.raises(StorageError) as caught:
        simulate(networks / "steady.toml", settings=settings, out=tmp_path / "new", **arguments)  # type: ignore[arg-type]
    (problem,) = caught.value.problems
    assert problem.where == str(read_only.path)
    assert problem.what == "cannot be written to, and has no program yet for a network of this structure"
    assert problem.next == "choose another folder with --build-root"


@pytest.fixture
def no_programs(tmp_path: Path) -> Iterator[Path]:
    """Return a folder in which nothing can be executed; only root can make one."""
    folder = tmp_path / "data"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec", "tmpfs", folder], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("needs the right to mount")
    yield folder
    subprocess.run(["umount", folder], capture_output=True, check=True)


def test_a_disk_that_forbids_programs_holds_runs(own_root: BuildRoot, networks: Path, no_programs: Path) -> None:
    """The run has a copy of the program, and the build's own is started."""
    out = no_programs / "run"
    run = simulate(networks / "steady.toml", duration="200 ms", out=out, arch=ARCH, build_root=own_root.path)
    assert len(run.spikes()) > 100
    assert (out / "program").read_bytes() == Path(run.manifest["build"]["path"]).read_bytes()
    with pytest.raises(PermissionError):
        subprocess.run([out / "program"], check=False)


@pytest.mark.long
def test_eight_at_once_compile_once(networks: Path, tmp_path: Path) -> None:
    """All ask for the same new build: one compiles, the others wait for it, and eight runs are right."""
    root, seeds = tmp_path / "root", [str(seed) for seed in range(1, 9)]
    words = ("simulate", networks / "steady.toml", "--duration", "200 ms", "--arch", ARCH, "--build-root", root)
    processes = [start_currents(*words, "--seed", seed, "--out", tmp_path / seed) for seed in seeds]
    for process in processes:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    runs = [load_run(tmp_path / seed) for seed in seeds]
    assert sorted(run.manifest["build"]["compiled"] for run in runs) == [False] * 7 + [True]
    assert len({run.manifest["build"]["fingerprint"] for run in runs}) == 1
    logs = [path.read_text() for path in (root / "binaries").glob("*/make.log")]
    assert sum(line.split()[-1] == "network.cpp" for log in logs for line in log.splitlines() if " -c " in line) == 1
    assert all(verify(run).passed for run in runs)
    assert len({tuple(run.spikes()["time"]) for run in runs}) == 8
    kinds = sorted(entry.kind for entry in list_entries(BuildRoot(root)))
    assert kinds == ["build", "runtime"]
    assert not [path for path in (root / "scratch").iterdir() if path.is_dir()]
