"""Of several that ask for the same run at the same time one computes it, and the others wait for that."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from pipeline import simulate
from pipeline.build_root import BuildRoot
from pipeline.claim import claim_folder, take_turn
from pipeline.errors import OutputError
from tests.conftest import ARCH, SimulateOnce
from tests.pipeline.processes import start_currents, wait_for_program

WAITING = "wait for another process that computes the same run …\n"


def refuse_to_wait() -> None:
    """Fail where nobody should wait."""
    raise AssertionError


def test_turns_leave_nothing(tmp_path: Path) -> None:
    """One after another, and of two runs at once, nobody waits."""
    root = BuildRoot(tmp_path / "root")
    for _ in range(2):
        with take_turn(root, "a", refuse_to_wait), take_turn(root, "b", refuse_to_wait):
            assert len(list(root.scratch.iterdir())) == 2
        assert not list(root.scratch.iterdir())


def test_a_root_that_cannot_be_written_to(tmp_path: Path) -> None:
    """There nobody has a turn, and nobody waits."""
    (tmp_path / "file").touch()
    root = BuildRoot(tmp_path / "file")
    with take_turn(root, "a", refuse_to_wait), take_turn(root, "a", refuse_to_wait):
        pass


def test_too_many_runs_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are told for what they are, and not as a folder that cannot be written to."""
    monkeypatch.setattr("pipeline.claim._MAX_SAME_NAME", 1)
    root = BuildRoot(tmp_path)
    (root.runs / "network-1").mkdir(parents=True)
    with pytest.raises(OutputError) as caught:
        claim_folder(root, "network", None)
    assert str(caught.value) == f"{root.runs}: holds 1 runs of network already.\n  next: delete old runs"


class Together:
    """Runs of the small network in a build root of this test's own, by processes that are there at the same time."""

    def __init__(self, model: Path, root: Path) -> None:
        self.model, self.root = model, root

    def simulate(self, duration: str = "20 ms") -> Path:
        """Compute a run, without waiting for anybody."""
        return simulate(self.model, duration=duration, arch=ARCH, build_root=self.root, force=True).path

    def start(self, *options: str, duration: str = "20 ms") -> "subprocess.Popen[str]":
        """Ask for it in a process of its own."""
        words: tuple[str | Path, ...] = ("--duration", duration, "--arch", ARCH, "--build-root", self.root, *options)
        return start_currents("simulate", self.model, *words)

    def start_waiting(self, duration: str = "20 ms") -> "subprocess.Popen[str]":
        """Ask for it while another process computes it; return when it says that it waits."""
        process = self.start(duration=duration)
        assert process.stderr is not None
        assert process.stderr.readline() == WAITING
        return process

    def list_runs(self) -> list[str]:
        """Return the names of all runs."""
        return sorted(path.name for path in (self.root / "runs").iterdir() if path.name[0] != ".")


@pytest.fixture
def together(simulate_once: SimulateOnce, build_root: Path, networks: Path, tmp_path: Path) -> Together:
    """Return what asks for runs."""
    simulate_once(networks / "steady.toml", duration="200 ms")
    root = tmp_path / "root"
    root.mkdir()
    for name in ("binaries", "structures"):
        (root / name).symlink_to(build_root / name)
    return Together(networks / "steady.toml", root)


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Wait for a process; return its exit code and what it has printed."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def read_fingerprint(run: Path) -> str:
    """Return the fingerprint of a run."""
    return str(json.loads((run / "manifest.json").read_text())["fingerprint"])


@pytest.mark.compiled
def test_the_second_finds_what_the_first_has_computed(together: Together) -> None:
    """It says once that it waits, and then that it has found the run."""
    first = together.simulate()
    (together.root / "runs" / ".index" / read_fingerprint(first)).unlink()
    with take_turn(BuildRoot(together.root), read_fingerprint(first), refuse_to_wait):
        second = together.start_waiting()
        again = together.simulate()
    code, out, err = finish(second)
    assert (code, err) == (0, "")
    assert out.startswith("found: finished on ")
    assert f"run: {again}\n" in out
    assert together.list_runs() == ["steady-1", "steady-2"]


@pytest.mark.compiled
def test_the_second_computes_what_the_first_has_not(together: Together) -> None:
    """The first one has failed, or was interrupted."""
    fingerprint = read_fingerprint(together.simulate())
    (together.root / "runs" / ".index" / fingerprint).unlink()
    with take_turn(BuildRoot(together.root), fingerprint, refuse_to_wait):
        second = together.start_waiting()
    code, out, err = finish(second)
    assert (code, err.splitlines()[0]) == (0, "assemble …")
    assert not out.startswith("found")
    assert f"run: {together.root / 'runs' / 'steady-2'}\n" in out


@pytest.mark.compiled
def test_the_first_is_killed(together: Together) -> None:
    """SIGKILL: its turn ends with it, and the second one computes the run."""
    first = together.start(duration="20 s")
    program = wait_for_program(first)
    os.kill(program, signal.SIGSTOP)
    try:
        second = together.start_waiting("20 s")
        first.send_signal(signal.SIGKILL)
    finally:
        os.kill(program, signal.SIGCONT)
    first.communicate()
    code, out, _ = finish(second)
    assert code == 0
    assert not out.startswith("found")
    assert f"run: {together.root / 'runs' / 'steady-2'}\n" in out
    assert together.list_runs() == ["steady-1", "steady-2"]
    assert not list((together.root / "scratch").glob("run-*.lock"))


@pytest.mark.compiled
def test_nobody_else_waits(together: Together, tmp_path: Path) -> None:
    """Neither who wants a folder of his own, nor who wants it computed again, nor who finds it."""
    fingerprint = read_fingerprint(together.simulate())
    with take_turn(BuildRoot(together.root), fingerprint, refuse_to_wait):
        for options in (("--out", str(tmp_path / "out")), ("--force",), ()):
            code, _, err = finish(together.start(*options))
            assert (code, WAITING in err) == (0, False)
