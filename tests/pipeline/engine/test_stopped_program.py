"""Runs on the engine that do not reach their end: what was recorded until then is kept, and is what a whole run has."""

import json
import os
import re
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import Run, load_run
from pipeline.engine.supervise import run_program
from pipeline.errors import RecordingError, RunInterrupted, UnfinishedRunError
from pipeline.exit_codes import ExitCode
from pipeline.run_folder import RunFolder
from tests.conftest import ARCH
from tests.pipeline.engine.programs import Ended, Prepared, finish, wait_for_step
from tests.pipeline.processes import find_program, is_gone, start_currents, wait_for_program, wait_until

type StartSteady = Callable[..., "tuple[subprocess.Popen[str], int]"]

pytestmark = pytest.mark.compiled

REACHED = r"[0-9.]+ m?s of 100000 s"
KEPT = r"what was recorded until then is kept\."
STEPS_PER_BIN = 10
STEPS_PER_CHUNK = 16384 * STEPS_PER_BIN
"""Of currents and rates in `steady.toml`."""


def check_part(part: Run, prepared: Prepared, folder: Path, *, lacking: bool = False) -> None:
    """Compare what a run kept with an undisturbed run of that length, bit for bit; its last spikes may be lacking."""
    n_steps = part.recording.n_steps
    whole = prepared.copy(folder)
    whole.shorten(n_steps)
    assert whole.run().code == ExitCode.FINISHED
    expected = whole.load("finished")
    stop = n_steps * part.recording.dt_s
    start = max(0.0, stop - 1.0)
    for kept, full in ((part.spikes(stop=stop), expected.spikes()), (part.inputs(stop=stop), expected.inputs())):
        assert len(kept) > 100
        assert lacking or len(kept) == len(full)
        pd.testing.assert_frame_equal(kept, full[: len(kept)], check_exact=True)
    currents = part.currents(start=start)
    pd.testing.assert_frame_equal(currents, expected.currents(start=start), check_exact=True)
    assert np.isfinite(currents["v"]).all()
    rates = part.rates("1 ms", recorder="rates")
    pd.testing.assert_frame_equal(rates, expected.rates("1 ms", recorder="rates"), check_exact=True)


@pytest.fixture
def compare_with_whole(steady: Prepared, tmp_path: Path) -> Callable[..., None]:
    """Return what compares the part of a run with a whole one."""
    return partial(check_part, prepared=steady, folder=tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_stops_the_program_at_a_step(
    prepared: Prepared, number: signal.Signals, compare_with_whole: Callable[..., None]
) -> None:
    """Exit 80 and the step; every step until then is on disk, and equal to those of an undisturbed run."""
    process = prepared.start()
    reached = wait_for_step(process, 1000)
    process.send_signal(number)
    ended = finish(process)
    check_stopped(ended)
    step = int(ended.last["step"])
    assert step >= reached
    part = prepared.load()
    assert part.recording.n_steps == step // STEPS_PER_BIN * STEPS_PER_BIN
    assert not list(prepared.folder.recording.rglob("*.partial"))
    compare_with_whole(part)


def check_stopped(ended: Ended) -> None:
    """Check that a program says that it was stopped."""
    assert ended.code == ExitCode.STOPPED
    assert ended.last.keys() == {"end", "exit_code", "step"}
    assert (ended.last["end"], ended.last["exit_code"]) == ("stopped", ExitCode.STOPPED)


def test_a_program_whose_reader_is_gone_stops(prepared: Prepared, compare_with_whole: Callable[..., None]) -> None:
    """Nobody reads the reports any more: the program ends by itself with exit 80, and keeps what it has recorded."""
    process = prepared.start()
    wait_for_step(process, 1000)
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()
    assert process.wait(timeout=60) == ExitCode.STOPPED
    part = prepared.load()
    assert part.recording.n_steps >= 1000
    assert part.recording.n_steps % STEPS_PER_CHUNK, "only whole chunks were kept"
    compare_with_whole(part)


@pytest.fixture
def full_pipe() -> Iterator[tuple[int, int, int]]:
    """Return both ends of a pipe that does not block, and how many bytes it holds, which is all that it can."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    n_written = 0
    with suppress(BlockingIOError):
        while True:
            n_written += os.write(write, b" " * 1024)
    yield read, write, n_written
    for end in (read, write):
        with suppress(OSError):
            os.close(end)


def test_a_slow_reader_is_waited_for(prepared: Prepared, full_pipe: tuple[int, int, int]) -> None:
    """A pipe that does not block and is full is not one that nobody reads."""
    read, write, n_written = full_pipe
    prepared.shorten(10 * STEPS_PER_BIN)
    process = prepared.start("--progress-fd", str(write), pass_fds=[write])
    os.close(write)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.0)
    with os.fdopen(read) as pipe:
        reports = pipe.read()[n_written:].splitlines()
    assert finish(process).code == ExitCode.FINISHED
    assert json.loads(reports[-1])["end"] == "finished"


def test_a_reader_that_hangs_does_not_keep_the_program(prepared: Prepared, full_pipe: tuple[int, int, int]) -> None:
    """Asked to stop while it waits for room in the pipe, the program keeps what it has recorded and ends."""
    _, write, _ = full_pipe
    process = prepared.start("--progress-fd", str(write), pass_fds=[write])
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.0)
    process.send_signal(signal.SIGTERM)
    assert finish(process).code == ExitCode.STOPPED
    assert json.loads((prepared.folder.path / "program.json").read_text())["status"] == "stopped"


def test_a_killed_program_leaves_whole_chunks(killed: RunFolder, compare_with_whole: Callable[..., None]) -> None:
    """After SIGKILL all finished chunks can be read; how far it was in the next one is lost."""
    part = load_run(killed.path, partial=True)
    n_chunks = part.recording.n_steps // STEPS_PER_CHUNK
    assert n_chunks >= 2
    assert part.recording.n_steps == n_chunks * STEPS_PER_CHUNK
    assert len(part.spikes()) >= 65536
    compare_with_whole(part, lacking=True)


def test_an_interrupt_in_python_stops_the_program(prepared: Prepared) -> None:
    """A KeyboardInterrupt, as in a notebook: the program is stopped and has kept what it recorded."""

    def interrupt(completed: float) -> None:
        if completed > 0:
            raise KeyboardInterrupt

    with pytest.raises(RunInterrupted) as caught:
        run_program(prepared.binary, prepared.folder, interrupt)
    (problem,) = caught.value.problems
    n_steps = prepared.load().recording.n_steps
    assert n_steps > 100
    reached = re.fullmatch(r"was interrupted after ([0-9.]+) (m?s) of 100000 s", problem.what)
    assert reached is not None, problem.what
    reached_s = float(reached[1]) * (1e-3 if reached[2] == "ms" else 1)
    assert round(reached_s / 1e-4) // STEPS_PER_BIN * STEPS_PER_BIN == n_steps


def test_an_error_in_a_progress_callback_stops_the_program(prepared: Prepared) -> None:
    """The error reaches the caller, and no program stays behind."""

    def fail(completed: float) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run_program(prepared.binary, prepared.folder, fail)
    assert find_program(os.getpid()) is None


@pytest.fixture
def start_steady(steady: Prepared, build_root: Path, networks: Path, tmp_path: Path) -> Iterator[StartSteady]:
    """Return what starts `currents simulate` for hours: the process, and its program's id."""
    processes: list[subprocess.Popen[str]] = []
    root = tmp_path / "root"
    root.mkdir()
    (root / "binaries").symlink_to(build_root / "binaries")

    def start(out: Path, *options: str) -> tuple["subprocess.Popen[str]", int]:
        words = ("simulate", networks / "steady.toml", "--duration", "100000 s", "--arch", ARCH, "--build-root", root)
        processes.append(start_currents(*words, "--out", out, *options))
        return processes[-1], wait_for_program(processes[-1])

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def read_status(out: Path) -> str:
    """Return a run's status."""
    return str(json.loads((out / "manifest.json").read_text())["status"])


@pytest.mark.parametrize("to_program", [False, True], ids=["currents", "its program"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_currents_tells_of_an_interrupt(
    start_steady: StartSteady, tmp_path: Path, number: signal.Signals, to_program: bool
) -> None:
    """Exit 130, `interrupted` in the manifest, and how to load what there is, whoever got the signal."""
    out = tmp_path / "run"
    process, program = start_steady(out, "--json")
    wait_until(lambda: (out / "recording" / "currents" / "chunk-00000000.cur").exists(), "a chunk")
    os.kill(program if to_program else process.pid, number)
    told, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    (problem,) = json.loads(told)["problems"]
    assert re.fullmatch(f"was interrupted after {REACHED}", problem.pop("what"))
    assert problem == {
        "where": str(out),
        "next": f'load what was recorded with: load_run("{out}", partial=True)',
    }
    assert is_gone(program)
    assert read_status(out) == "interrupted"
    with pytest.raises(UnfinishedRunError):
        load_run(out)
    run = load_run(out, partial=True)
    assert run.recording.n_steps >= STEPS_PER_CHUNK
    assert len(run.spikes()) > 1000


def test_a_killed_program_is_a_failed_run(start_steady: StartSteady, tmp_path: Path) -> None:
    """Exit 1, the signal, and what was finished until then."""
    out = tmp_path / "run"
    process, program = start_steady(out)
    wait_until(lambda: (out / "recording" / "rates" / "chunk-00000000.cur").exists(), "a chunk")
    os.kill(program, signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    *_, told, advice = err.splitlines()
    assert re.fullmatch(f"the simulation program: ended with signal SIGKILL after {REACHED}; {KEPT}", told)
    assert [advice] == [
        f'  next: load what was recorded with: load_run("{out}", partial=True)',
    ]
    assert read_status(out) == "failed"
    assert load_run(out, partial=True).recording.n_steps % STEPS_PER_CHUNK == 0


def test_a_program_does_not_outlive_currents(start_steady: StartSteady, tmp_path: Path) -> None:
    """When `currents` is killed, its program ends by itself; the manifest stays `running`, and its steps load."""
    out = tmp_path / "run"
    process, program = start_steady(out)
    wait_until(lambda: (out / "recording" / "rates" / "chunk-00000000.cur").exists(), "a chunk")
    process.kill()
    process.communicate()
    wait_until(lambda: is_gone(program), "the program to notice")
    assert read_status(out) == "running"
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["threads"] == 1
    assert sum(manifest["edges"].values()) > 0
    assert Path(manifest["build"]["path"]).is_file()
    assert manifest["compiler"]["flags"]
    run = load_run(out, partial=True)
    assert run.manifest["status"] == "interrupted", "the program has stopped by itself, and said so"
    assert run.recording.n_steps > 0
    assert len(run.currents(stop="1 ms")) == 25


def check_kept(out: Path, n_chunks: int) -> None:
    """Check that so many chunks of currents were kept, and all spikes until the program ended."""
    assert n_chunks >= 1
    run = load_run(out, partial=True)
    assert run.recording.readers["currents"].n_bins == n_chunks * STEPS_PER_CHUNK // STEPS_PER_BIN
    assert not list((out / "recording").rglob("*.partial"))
    stop = run.recording.n_steps * run.recording.dt_s
    assert len(run.currents(start=stop - 0.01)) == 10 * 25
    reached = json.loads((out / "program.json").read_text())["step"]
    (trains,) = run.recording.spikes.values()
    assert trains.step[-1] > reached - 1000, "the spikes that were not in a full chunk are lost"


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a disk of 20 MB; only root can make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    yield disk
    subprocess.run(["umount", disk], capture_output=True, check=False)


def test_a_full_disk_keeps_what_fits(start_steady: StartSteady, tiny_disk: Path) -> None:
    """Exit 1 and the file that did not fit; every chunk before it is whole."""
    out = tiny_disk / "run"
    process, _ = start_steady(out)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "No space left on device" in err.splitlines()[-2]
    assert re.search(
        f": the recording could not be written, after {REACHED}; what did fit is kept\\.$", err.splitlines()[-3]
    )
    assert read_status(out) == "failed"
    check_kept(out, len(list((out / "recording" / "currents").glob("chunk-*.cur"))))


def test_a_limit_of_file_size_is_an_error(start_steady: StartSteady, tmp_path: Path) -> None:
    """With RLIMIT_FSIZE below a chunk: exit 1 and the file, not a SIGXFSZ that ends the program without a word."""
    out = tmp_path / "run"
    process, program = start_steady(out)
    wait_until(lambda: (out / "recording" / "currents" / "chunk-00000000.cur").exists(), "a chunk")
    resource.prlimit(program, resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    _, err = process.communicate(timeout=120)
    kept = sorted((out / "recording" / "currents").glob("chunk-*.cur"))
    path = out / "recording" / "currents" / f"chunk-{len(kept):08d}.cur.partial"
    assert process.returncode == 1
    assert re.fullmatch(
        f"{path}: the recording could not be written, after {REACHED}; what did fit is kept\\.", err.splitlines()[-3]
    )
    assert err.splitlines()[-2:] == [
        f"  evidence: {path}: write: File too large",
        "  next: raise the limit with: ulimit -f unlimited; load what was recorded with: "
        f'load_run("{out}", partial=True)',
    ]
    assert read_status(out) == "failed"
    check_kept(out, len(kept))


def test_a_recording_that_is_removed_is_an_error(start_steady: StartSteady, tmp_path: Path) -> None:
    """Somebody deletes the folder that is being written: exit 1, at the next chunk."""
    out = tmp_path / "run"
    process, _ = start_steady(out)
    folder = out / "recording" / "currents"
    wait_until(lambda: (folder / "chunk-00000000.cur").exists(), "a chunk")
    shutil.rmtree(out / "recording")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "the recording could not be written" in err
    assert "No such file or directory" in err
    assert read_status(out) == "failed"
    with pytest.raises(RecordingError):
        load_run(out, partial=True)
