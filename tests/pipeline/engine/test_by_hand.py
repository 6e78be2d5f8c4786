"""The engine's program started without Python: another seed, duration or folder; what is recorded loads."""

import json
import shutil
import signal
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import Run, load_run, simulate, verify
from pipeline.errors import RecordingError, RunFolderError, UnfinishedRunError
from pipeline.exit_codes import ExitCode
from pipeline.run_folder import RunFolder
from tests.conftest import ARCH
from tests.pipeline.engine.programs import Prepared, finish, prepare, wait_for_step
from tests.pipeline.engine.spoilt_inputs import SPOILT
from tests.pipeline.processes import wait_until

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def everything(build_root: Path, networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Return a program, and the folder of a run, with all kinds of inputs and recorders."""
    folder = tmp_path_factory.mktemp("everything") / "run"
    return prepare(networks / "everything.toml", build_root, folder)


def read_recording(folder: Path) -> dict[str, bytes]:
    """Return all files of a recording by name."""
    recording = folder / "recording"
    found = {str(path.relative_to(recording)): path.read_bytes() for path in recording.rglob("*") if path.is_file()}
    assert len(found) > 20
    return found


@pytest.mark.parametrize(("seed", "duration"), [(7, "100 ms"), (5, "100 ms"), (2**63 - 1, "60 ms"), (7, "0.2 s")])
def test_arguments_do_what_simulate_does(
    everything: Prepared, build_root: Path, networks: Path, tmp_path: Path, seed: int, duration: str
) -> None:
    """Whatever the inputs were written for, seed and duration give the recording of a run that was made with them."""
    by_hand = everything.copy(tmp_path / "by hand")
    assert by_hand.run("--seed", str(seed), "--duration", duration).code == 0
    out, model = tmp_path / "simulated", networks / "everything.toml"
    run = simulate(model, seed=seed, duration=duration, out=out, arch=ARCH, build_root=build_root)
    assert len(run.spikes()) > 200
    assert read_recording(by_hand.folder.path) == read_recording(out)


def test_inputs_of_another_network_are_refused(build_root: Path, networks: Path, tmp_path: Path) -> None:
    """Though all of its variables have the same names: what arrives has another sign."""
    settings = {"pathway.slow.polarity": "inhibitory"}
    ours = prepare(networks / "steady.toml", build_root, tmp_path / "ours")
    other = prepare(networks / "steady.toml", build_root, tmp_path / "other", settings=settings)
    ended = ours.run("--inputs", str(other.folder.inputs))
    assert (ended.code, ended.last["what"]) == (ExitCode.INPUT, "is of another network than this program")
    assert ended.last["where"] == f"{other.folder.program_inputs}:1"
    assert not ours.folder.recording.exists()
    assert other.run("--inputs", str(other.folder.inputs), "--duration", "10 ms").code == ExitCode.FINISHED


def test_seeds_differ(everything: Prepared, tmp_path: Path) -> None:
    """Another seed is another run, and no seed is the one that the inputs were written for."""
    found = []
    for i_run, options in enumerate(([], ["--seed", "5"], ["--seed", "6"])):
        prepared = everything.copy(tmp_path / str(i_run))
        assert prepared.run(*options).code == 0
        found.append(read_recording(prepared.folder.path))
    assert found[0] == found[1]
    assert {name for name in found[0] if found[0][name] == found[2][name]}.isdisjoint(
        {"spikes/chunk-00000000.cur", "currents/chunk-00000000.cur", "inputs/pulses/chunk-00000000.cur"}
    )


def test_a_copy_that_was_run_by_hand_loads_and_verifies(
    build_root: Path, networks: Path, everything: Prepared, tmp_path: Path
) -> None:
    """A finished run's folder, copied without its recording: the program says what the tables must know."""
    first, copied = tmp_path / "first", tmp_path / "copied"
    simulate(networks / "everything.toml", out=first, arch=ARCH, build_root=build_root)
    shutil.copytree(first, copied, ignore=shutil.ignore_patterns("recording", "program.json", "program.lock"))
    by_hand = Prepared(everything.binary, RunFolder(copied))
    assert by_hand.run("--seed", "6", "--duration", "400 ms").code == 0
    run = load_run(copied)
    assert {key: run.manifest[key] for key in ("seed", "n_steps", "status")} == {
        "seed": 6,
        "n_steps": 4000,
        "status": "finished",
    }
    assert run.manifest["duration_s"] == pytest.approx(0.4)
    assert run.spikes()["time"].max() > 0.35
    assert run.currents(recorder="currents")["time"].max() == 0.4
    report = verify(run)
    assert report.passed
    other = simulate(
        networks / "everything.toml", seed=6, duration="400 ms", build_root=build_root, arch=ARCH, out=tmp_path / "b"
    )
    pd.testing.assert_frame_equal(run.spikes(recorder="spikes"), other.spikes(recorder="spikes"), check_exact=True)


def test_the_recording_knows_its_seed(build_root: Path, networks: Path, everything: Prepared, tmp_path: Path) -> None:
    """Without the program's report, a run's manifest does not speak for what was recorded with another seed."""
    first, copied = tmp_path / "first", RunFolder(tmp_path / "copied")
    simulate(networks / "everything.toml", out=first, arch=ARCH, build_root=build_root)
    shutil.copytree(first, copied.path, ignore=shutil.ignore_patterns("recording", "program.json", "program.lock"))
    assert Prepared(everything.binary, copied).run("--seed", "6", "--duration", "400 ms").code == 0
    copied.program_report.unlink()
    run = load_run(copied.path)
    found = {key: run.manifest[key] for key in ("seed", "n_steps", "duration_s", "status")}
    assert found == {"seed": 6, "n_steps": 4000, "duration_s": pytest.approx(0.4), "status": "finished"}
    assert json.loads(copied.manifest.read_text())["seed"] != 6
    assert verify(run).passed
    shutil.copyfile(first / "program.json", copied.program_report)
    with pytest.raises(RecordingError) as caught:
        load_run(copied.path)
    seed = json.loads(copied.manifest.read_text())["seed"]
    place = f"{copied.recording_origin}: seed"
    assert str(caught.value) == f"{place}: is not that of the program's own report (expected {seed}; got 6)."


def test_flipped_bits(everything: Prepared, tmp_path: Path) -> None:
    """Of each file of a recording that is no chunk, the name is told when the run is opened."""
    prepared = everything.copy(tmp_path / "run")
    assert prepared.run().code == 0
    prepared.load("finished")
    recording = prepared.folder.recording
    paths = [path for path in recording.rglob("*") if path.is_file() and path.suffix != ".cur"]
    assert {path.name for path in paths} > {"recording.json", "origin.json", "v.neurons.npy"}
    assert len(paths) > 5
    for path in paths:
        whole = path.read_bytes()
        path.write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
        with pytest.raises(RecordingError) as caught:
            load_run(prepared.folder.path)
        what, _, remedy = str(caught.value).partition("\n  next: ")
        assert what == f"{path}: is damaged: its checksum is wrong."
        # Nothing can be read without the others.
        assert bool(remedy) is (path.name == "origin.json")
        path.write_bytes(whole)
    load_run(prepared.folder.path)


def test_parameters_are_recorded_as_states(everything: Prepared, tmp_path: Path) -> None:
    """One that all neurons share, and one that each has its own of."""
    prepared = everything.copy(tmp_path / "run")
    assert prepared.run().code == 0
    states = prepared.load("finished").states()
    assert (states["tau_a"] == np.float32(0.03)).all()
    assert states.groupby("neuron", observed=True)["v_t"].nunique().eq(1).all()
    assert 20 < states["v_t"].nunique() <= 24
    assert states["v_t"].between(0.012, 0.016).all()


def test_many_runs_share_a_folder_of_inputs(everything: Prepared, tmp_path: Path) -> None:
    """With --inputs, a run's folder need not be there, and holds nothing but the recording and how it ended."""
    base = everything.copy(tmp_path / "shared").folder.path
    (base / "inputs").rename(base / "numbers")
    link = tmp_path / "link"
    link.symlink_to(base / "numbers")
    for i_run, inputs in enumerate((base / "numbers", link)):
        folder = tmp_path / f"run {i_run}"
        alone = Prepared(everything.binary, RunFolder(folder))
        assert alone.run("--inputs", str(inputs), "--seed", "7").code == 0
        assert {path.name for path in folder.iterdir()} == {"program.json", "program.lock", "recording"}
    assert read_recording(tmp_path / "run 0") == read_recording(tmp_path / "run 1")


def test_a_run_that_lasts_longer_than_its_inputs_is_refused(everything: Prepared, tmp_path: Path) -> None:
    """What varies in time is named, with how long it lasts: as long as that is fine."""
    prepared = everything.copy(tmp_path / "long")
    ended = prepared.run("--duration", "390.5 ms")
    assert ended.code == ExitCode.USAGE, "no multiple of every bin"
    ended = prepared.run("--duration", "405 ms")
    assert (ended.code, ended.last["where"].rpartition("/")[2]) == (ExitCode.INPUT, "ramp.L1E.first.npy")
    told = [ended.last[key] for key in ("what", "expected", "got")]
    assert told == ["ends before the run does", "values for 405 ms", "values for 400 ms"]
    assert not prepared.folder.program_report.exists()
    assert prepared.run("--duration", "400 ms").code == 0


def test_two_programs_at_once(prepared: Prepared) -> None:
    """The second one leaves the folder alone, and says why; so does one that comes when the first is dead."""
    first = prepared.start()
    wait_for_step(first, 1000)
    ended = prepared.run()
    assert (ended.code, ended.last["what"]) == (ExitCode.INPUT, "is what another program is recording into")
    report = json.loads(prepared.folder.program_report.read_text())
    assert (report["status"], report["pid"], report["host"]) == ("running", first.pid, socket.gethostname())
    first.kill()
    finish_killed(first)
    ended = prepared.run()
    assert (ended.code, ended.last["what"]) == (ExitCode.INPUT, "holds a recording already")


def finish_killed(process: Any) -> None:
    """Wait for a program that was killed."""
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


def test_program_json_says_how_a_run_ended(prepared: Prepared) -> None:
    """Stopped: the step that was reached, and no recording that could be taken for a whole one."""
    process = prepared.start()
    wait_for_step(process, 1000)
    process.send_signal(signal.SIGTERM)
    ended = finish(process)
    report = json.loads(prepared.folder.program_report.read_text())
    assert (report["status"], report["exit_code"], report["step"]) == ("stopped", 80, ended.last["step"])
    manifest = json.loads(prepared.folder.manifest.read_text())
    prepared.folder.manifest.write_text(json.dumps(manifest | {"status": "finished"}))
    with pytest.raises(UnfinishedRunError) as caught:
        load_run(prepared.folder.path)
    assert 'got status "interrupted" with ' in str(caught.value)


def load_died(prepared: Prepared) -> Run:
    """Check that a run is told as died, and load its part."""
    with pytest.raises(UnfinishedRunError) as caught:
        load_run(prepared.folder.path)
    (problem,) = caught.value.problems
    assert problem.got is not None
    assert problem.got.startswith('status "running", though its process has died, with ')
    assert problem.next == f'load what there is with: load_run("{prepared.folder.path}", partial=True)'
    return load_run(prepared.folder.path, partial=True)


@pytest.mark.parametrize("status", ["running", "finished"])
def test_a_killed_program_is_told_as_died(prepared: Prepared, status: str) -> None:
    """After SIGKILL program.json still says that it is running: on this machine, that is known better."""
    process = prepared.start()
    wait_until(lambda: (prepared.folder.recording / "rates" / "chunk-00000000.cur").exists(), "a chunk")
    manifest = json.loads(prepared.folder.manifest.read_text())
    prepared.folder.manifest.write_text(json.dumps(manifest | {"status": status, "pid": process.pid}))
    with pytest.raises(UnfinishedRunError) as caught:
        load_run(prepared.folder.path)
    assert 'status "running" with ' in str(caught.value)
    process.kill()
    finish_killed(process)
    assert load_died(prepared).manifest["status"] == "died"


def test_a_report_of_another_length_is_no_report(prepared: Prepared) -> None:
    """program.json and recording.json must speak of the same run."""
    prepared.shorten(1000)
    assert prepared.run().code == 0
    report = prepared.folder.program_report
    report.write_text(report.read_text().replace('"n_steps": 1000', '"n_steps": 1010'))
    with pytest.raises(RecordingError) as caught:
        prepared.load("finished")
    place = f"{prepared.folder.recording_index}: n_steps"
    assert str(caught.value) == f"{place}: is not the length of the run (expected 1010; got 1000)."


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2}', '{"version": 1, "status": "asleep"}'])
def test_a_report_that_cannot_be_read(prepared: Prepared, text: str) -> None:
    """An error that names the file."""
    prepared.folder.program_report.write_text(text)
    with pytest.raises(RunFolderError) as caught:
        load_run(prepared.folder.path)
    assert all(problem.where.startswith(str(prepared.folder.program_report)) for problem in caught.value.problems)


def test_what_was_refused_can_be_mended(prepared: Prepared) -> None:
    """Inputs that were refused leave nothing that stands in the way of a run with better ones."""
    prepared.shorten(1000)
    whole = prepared.folder.program_inputs.read_bytes()
    spoil, _ = SPOILT["huge chunks"]
    spoil(prepared.folder)
    assert prepared.run().code == ExitCode.INPUT
    prepared.folder.program_inputs.write_bytes(whole)
    assert prepared.run().code == 0
