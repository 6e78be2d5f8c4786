"""A finished run that is asked for again is found, not computed, as long as it is there and whole."""

import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brian2 import hertz, ms

from models import SpecError
from models.groups import Device
from pipeline import Run, load_run, simulate
from pipeline.cli import main
from pipeline.errors import ProgramError, StorageError
from pipeline.manifest import save_manifest
from pipeline.recording_origin import write_origin
from pipeline.run_folder import RunFolder
from tests.conftest import ARCH, SimulateOnce

pytestmark = pytest.mark.compiled


class Ask:
    """Asks for runs of the small network, and knows which were computed."""

    def __init__(self, model: Path, root: Path) -> None:
        self.model, self.root, self.stages = model, root, list[str]()

    def __call__(self, **arguments: Any) -> Run:
        """Return a run; the stages that it took are noted."""
        self.stages = []
        given: dict[str, Any] = {
            "duration": "20 ms",
            "arch": ARCH,
            "build_root": self.root,
            "model": self.model,
        } | arguments
        return simulate(given.pop("model"), notify=self.stages.append, **given)

    @property
    def found(self) -> bool:
        """Whether the last run was found."""
        assert (self.stages == ["found"]) != ("run" in self.stages)
        return self.stages == ["found"]


@pytest.fixture
def ask(simulate_once: SimulateOnce, build_root: Path, networks: Path, tmp_path: Path) -> Ask:
    """Return what asks for runs, in a build root of this test's own that has the small network's build."""
    simulate_once(networks / "steady.toml", duration="200 ms")
    root = tmp_path / "root"
    root.mkdir()
    for name in ("binaries", "structures"):
        (root / name).symlink_to(build_root / name)
    return Ask(networks / "steady.toml", root)


def test_the_same_run_is_found(ask: Ask) -> None:
    """The very folder, untouched; and its manifest has the fingerprint."""
    first = ask()
    assert not ask.found
    changed = first.folder.manifest.stat().st_mtime_ns
    again = ask()
    assert ask.stages == ["found"]
    assert again.path == first.path
    assert again.folder.manifest.stat().st_mtime_ns == changed
    assert len(first.manifest["fingerprint"]) == 16
    assert [path.name for path in (ask.root / "runs").iterdir() if path.name[0] != "."] == ["steady-1"]


def test_whatever_way_it_is_written(ask: Ask, tmp_path: Path) -> None:
    """Another file with comments, a setting that changes nothing, the duration in other words, a spec."""
    first = ask()
    (tmp_path / "copy.toml").write_text("# a comment\n" + ask.model.read_text())
    for arguments in (
        {"model": tmp_path / "copy.toml"},
        {"settings": {"neuron.lif.tau_m": "0.01 s"}},
        {"duration": "0.02 s"},
        {"seed": 11},
        {"model": first.spec},
    ):
        assert ask(**arguments).path == first.path, arguments
        assert ask.found


def test_other_numbers_are_another_run(ask: Ask) -> None:
    """Seed, duration, settings and interval."""
    paths = {ask().path}
    for arguments in (
        {"seed": 2},
        {"duration": "30 ms"},
        {"settings": {"drive.background.rate": "31 Hz"}},
        {"record_interval": "2 ms"},
    ):
        paths.add(ask(**arguments).path)
        assert not ask.found, arguments
    assert len(paths) == 5


def test_numbers_of_numpy_and_quantities_of_brian2(ask: Ask) -> None:
    """They are what the same text is."""
    first = ask(seed=2, record_interval="2 ms", settings={"drive.background.rate": "31 Hz"})
    settings = {"drive.background.rate": 31 * hertz}
    again = ask(seed=np.int64(2), threads=np.uint8(1), duration=20 * ms, record_interval=2 * ms, settings=settings)
    assert json.loads(again.folder.manifest.read_text())["seed"] == 2
    rates = [[item.rate.value for item in run.network.poisson_inputs] for run in (first, again)]  # type: ignore[union-attr]
    assert rates[0] == rates[1]
    assert again.recording.n_steps == first.recording.n_steps
    assert ask(seed=np.int64(2), record_interval="2 ms", settings={"drive.background.rate": "31 Hz"}).path == first.path


def test_a_run_elsewhere_is_found(ask: Ask, tmp_path: Path) -> None:
    """One that was made with --out; and that folder is the same run if it is asked for by name."""
    out = tmp_path / "elsewhere"
    first = ask(out=out)
    assert not ask.found
    assert ask().path == out == ask(out=out).path == first.path
    assert ask.found


def test_a_new_folder_gets_a_run_of_its_own(ask: Ask, tmp_path: Path) -> None:
    """Whoever names a new folder wants the run there."""
    ask()
    assert ask(out=tmp_path / "new").path == tmp_path / "new"
    assert not ask.found


def test_a_folder_that_holds_anything_else_is_refused(ask: Ask, tmp_path: Path) -> None:
    """Another run, an unfinished one, or none: as it stands, forced or not."""
    out = tmp_path / "out"
    run = ask(out=out)
    for force in (False, True):
        with pytest.raises(SpecError) as caught:
            ask(out=out, seed=2, force=force)
        assert str(caught.value) == (
            f"--out {out}: holds another run (expected a new or an empty folder; "
            f'got steady, 20 ms, seed {run.manifest["seed"]}, status "finished").\n'
            "  next: choose another folder, or delete it"
        )
    _unfinish(run)
    for force in (False, True):
        with pytest.raises(SpecError) as caught:
            ask(out=out, force=force)
        assert str(caught.value) == (
            f"--out {out}: holds this run, which has not finished (expected a new or an empty folder; "
            'got status "failed" with 20 ms of 20 ms recorded).\n'
            f'  next: load what there is with: load_run("{out}", partial=True); or choose another folder, or delete it'
        )
    assert load_run(out, partial=True).manifest["fingerprint"] == run.manifest["fingerprint"]
    run.folder.recording_index.unlink()
    with pytest.raises(SpecError) as caught:
        ask(out=out)
    assert str(caught.value) == (
        f"--out {out}: holds this run, which has not finished (expected a new or an empty folder; "
        'got status "failed" with nothing of 20 ms recorded).\n'
        "  next: choose another folder, or delete it"
    )


def test_what_else_a_folder_holds_is_not_lost(ask: Ask, tmp_path: Path) -> None:
    """--force replaces a run, and neither tables nor notes that lie beside it."""
    out = tmp_path / "out"
    ask(out=out)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(SpecError) as caught:
        ask(out=out, force=True)
    assert str(caught.value) == (
        f"--out {out}: holds something else than a run, which would be lost (got notes.txt).\n"
        "  next: move it, or choose another folder"
    )
    assert (out / "notes.txt").read_text() == "mine"
    assert ask(out=out).path == out


def _remove(run: Run) -> None:
    shutil.rmtree(run.path)


def _move(run: Run) -> None:
    run.path.rename(run.path.with_name("moved"))


def _unfinish(run: Run) -> None:
    run.folder.program_report.unlink()
    save_manifest(run.folder, run.manifest | {"status": "failed"})


def _run_again(run: Run) -> None:
    # As the program says when it was started by hand with another seed.
    report = json.loads(run.folder.program_report.read_text())
    run.folder.program_report.write_text(json.dumps(report | {"seed": 5}))
    write_origin(run.folder, seed=5, dt_s=report["dt_s"], n_steps=report["n_steps"])
    assert load_run(run.path).manifest["seed"] == 5


def _damage_index(run: Run) -> None:
    (run.path.parent / ".index" / run.manifest["fingerprint"]).write_bytes(b"\xff\0")


def _relabel(run: Run) -> None:
    save_manifest(run.folder, run.manifest | {"fingerprint": "0" * 16})


def _break(run: Run) -> None:
    run.folder.recording_index.unlink()


@pytest.mark.parametrize("spoil", [_remove, _move, _unfinish, _relabel, _break, _run_again, _damage_index])
def test_a_run_that_is_not_there_any_more_is_computed(ask: Ask, spoil: Callable[[Run], None]) -> None:
    """Deleted, moved, unfinished, another one, damaged, of another seed, or lost: a new one is computed, and found."""
    spoil(ask())
    new = ask()
    assert not ask.found
    assert ask().path == new.path
    assert ask.found


def test_a_build_root_can_be_moved(ask: Ask) -> None:
    """With its runs, which are found in their new place."""
    ask()
    ask.root = ask.root.rename(ask.root.with_name("moved"))
    assert ask().path.parent.parent == ask.root
    assert ask.found


def test_a_found_run_needs_no_compiler(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is looked for that is not needed."""
    ask()
    monkeypatch.setenv("CXX", "no-such-compiler")
    ask()
    assert ask.found


def test_force_computes_again_in_a_new_folder(ask: Ask) -> None:
    """Both runs are there, equal, and the new one is found from then on."""
    first, second = ask(), ask(force=True)
    assert not ask.found
    assert (first.path.name, second.path.name) == ("steady-1", "steady-2")
    assert load_run(first.path).spikes().equals(second.spikes())
    assert first.manifest["fingerprint"] == second.manifest["fingerprint"]
    assert ask().path == second.path


def test_force_replaces_the_same_run(ask: Ask, tmp_path: Path) -> None:
    """In the folder that was named, and nothing is left beside it."""
    out = tmp_path / "out"
    (ask(out=out).folder.recording / "mark").touch()
    again = ask(out=out, force=True)
    assert not ask.found
    assert again.path == out
    assert not (out / "recording" / "mark").exists()
    assert len(again.spikes()) > 10
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == ["out"]
    assert ask(out=out).path == ask().path == out
    assert ask.found


@pytest.mark.parametrize("moment", ["new", "old"])
def test_what_a_killed_process_has_left_goes(ask: Ask, tmp_path: Path, moment: str) -> None:
    """Killed while the new run is computed, or before the old one was removed: the next one removes what it left."""
    out = tmp_path / "out"
    ask(out=out)
    words = [str(word) for word in (ask.model, ask.root, out, ARCH)]
    ended = subprocess.run([sys.executable, "-c", KILLED[moment], *words], cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == -9
    (left,) = tmp_path.glob("out?*")
    assert left.name.startswith(f"out-{moment}-")
    (tmp_path / "out-new-2").mkdir()
    assert ask(out=out, force=True).path == out
    assert {path.name for path in tmp_path.glob("out*")} == {"out", "out-new-2"}


_REPLACE = """
import os, signal, sys
import pipeline.abandoned, pipeline.claim, pipeline.engine.run
from pipeline import simulate

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

{where} = die
model, root, out, arch = sys.argv[1:]
simulate(model, duration="20 ms", arch=arch, build_root=root, out=out, force=True)
"""
KILLED = {
    "new": _REPLACE.format(where="pipeline.engine.run.run_program"),
    "old": _REPLACE.format(where="pipeline.claim.remove_marked"),
}


def _damage(run: Run, offset: int) -> str:
    """Change bytes at an offset into the currents, from their end where it is negative; return the file's name."""
    path = run.folder.chunk("currents", 0)
    content = bytearray(path.read_bytes())
    place = offset % len(content)
    content[place : place + 8] = bytes(255 - byte for byte in content[place : place + 8])
    path.write_bytes(bytes(content))
    return str(path)


@pytest.mark.parametrize(("offset", "what"), [(20, "has a damaged header"), (-2000, "bias is damaged in rows 0 to 19")])
def test_a_found_run_that_is_damaged(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str], offset: int, what: str
) -> None:
    """The error says what is damaged and that --force computes it again, which it does in the same place."""
    out = tmp_path / "out"
    path = _damage(ask(out=out), offset)
    words = ["simulate", str(ask.model), "--duration", "20 ms", "--arch", ARCH, "--build-root", str(ask.root)]
    assert main([*words, "--out", str(out)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"{path}: {what}")
    assert lines[-1] == "  next: compute the run again with --force"
    assert main([*words, "--out", str(out), "--force"]) == 0
    assert len(load_run(out).currents()) > 0
    assert [path.name for path in tmp_path.glob("out*")] == ["out"]


def _lose_report(run: Run) -> None:
    run.folder.program_report.unlink()


def _spoil_origin(run: Run) -> None:
    _lose_report(run)
    run.folder.recording_origin.write_bytes(run.folder.recording_origin.read_bytes()[:-3])


@pytest.mark.parametrize("spoil", [_lose_report, _spoil_origin])
def test_a_damaged_run_of_another_seed(ask: Ask, tmp_path: Path, spoil: Callable[[Run], None]) -> None:
    """Its manifest does not speak for it, so that --force does not replace it by the run that is wanted."""
    out = tmp_path / "out"
    run = ask(out=out)
    _run_again(run)
    spoil(run)
    neurons = next(run.folder.recording.rglob("*neurons.npy"))
    neurons.write_bytes(neurons.read_bytes()[:-1] + b"\xff")
    for force in (False, True):
        with pytest.raises(SpecError, match=r"holds another run|holds a run that is not this one"):
            ask(out=out, force=force)


def test_a_run_that_is_replaced_stays_until_the_new_one_has_finished(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the new one fails, the old one is what is found; what the new one left is beside it."""
    out = tmp_path / "out"
    before = ask(out=out)

    def fail(*_: object) -> None:
        assert load_run(out).manifest == before.manifest
        raise ProgramError()

    monkeypatch.setattr("pipeline.engine.run.run_program", fail)
    with pytest.raises(ProgramError):
        ask(out=out, force=True)
    monkeypatch.undo()
    assert ask(out=out).manifest == before.manifest
    assert ask.found
    left = RunFolder(tmp_path / "out-new-1")
    assert json.loads(left.manifest.read_text())["status"] == "failed"
    assert {path.name for path in left.path.iterdir()} <= RunFolder.NAMES
    # Its error said what was kept and where, so it stays.
    ask(out=out, force=True)
    assert left.manifest.is_file()


@pytest.mark.parametrize("device", ["engine", "reference"])
def test_a_run_whose_end_cannot_be_noted(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: Device
) -> None:
    """Is an error that says why, and replaces nothing: the old run stays."""
    out = tmp_path / "out"
    before = ask(out=out, device=device)

    def fill_disk(folder: RunFolder, manifest: dict[str, Any]) -> None:
        if manifest["status"] == "finished":
            raise OSError(errno.ENOSPC, "No space left on device")
        save_manifest(folder, manifest)

    monkeypatch.setattr("pipeline.simulation.save_manifest", fill_disk)
    with pytest.raises(StorageError) as caught:
        ask(out=out, device=device, force=True)
    assert str(caught.value) == (
        f"{out}-new-1: cannot be written: the disk is full.\n"
        "  evidence: [Errno 28] No space left on device\n"
        "  next: free some space, or choose another folder with --out"
    )
    assert load_run(out).manifest == before.manifest
    assert (tmp_path / "out-new-1").is_dir()


def test_the_reference_device_is_another_run(ask: Ask, simulate_once: SimulateOnce) -> None:
    """The same spikes, but computed on what was asked for."""
    engine = simulate_once(ask.model, duration="200 ms")
    reference = simulate_once(ask.model, duration="200 ms", device="reference")
    assert engine.manifest["fingerprint"] != reference.manifest["fingerprint"]
    np.testing.assert_array_equal(engine.spikes()["time"], reference.spikes()["time"])


def test_the_command_says_so(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """First line, then the summary as ever; true in JSON; nothing on standard error."""
    words = ["simulate", str(ask.model), "--duration", "20 ms", "--arch", ARCH, "--build-root", str(ask.root)]
    assert main(words) == 0
    computed = capsys.readouterr()
    assert main(words) == 0
    found = capsys.readouterr()
    finished = load_run(ask.root / "runs" / "steady-1").manifest["finished"]
    assert found.out == f"found: finished on {finished} (--force recomputes)\n{computed.out}"
    assert (found.err, computed.err.splitlines()[0]) == ("", "assemble …")
    assert main([*words, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["found"] is True
    assert content["manifest"]["fingerprint"] == load_run(ask.root / "runs" / "steady-1").manifest["fingerprint"]
    assert main([*words, "--json", "--force"]) == 0
    assert json.loads(capsys.readouterr().out)["found"] is False


def test_the_command_says_so_when_nobody_noted_the_end(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever started the program was killed as it ended: it has finished all the same, at no time that is known."""
    run = ask()
    process = subprocess.Popen(["true"])
    process.wait()
    manifest = {key: item for key, item in json.loads(run.folder.manifest.read_text()).items() if key != "finished"}
    save_manifest(run.folder, manifest | {"status": "running", "pid": process.pid})
    words = ["simulate", str(ask.model), "--duration", "20 ms", "--arch", ARCH, "--build-root", str(ask.root)]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[0] == "found: finished (--force recomputes)"
