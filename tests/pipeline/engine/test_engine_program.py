"""The engine's program and its exit codes: whatever it is given, it says in one line of JSON how it ended."""

import os
import resource
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.errors import CurrentsError, InternalError
from models.files import parse_model
from pipeline import load_run, simulate
from pipeline.engine.supervise import run_program
from pipeline.errors import ProgramError, RunInterrupted, StorageError
from pipeline.exit_codes import ExitCode, write_header
from pipeline.run_folder import RunFolder
from tests.conftest import ARCH
from tests.pipeline.engine.programs import Prepared

USAGE = [
    [],
    ["--run-dir"],
    ["--run-dir", ""],
    ["--frob", "x"],
    ["--run-dir", "x", "surplus"],
    ["--run-dir", "x", "--progress-fd", "-1"],
    ["--run-dir", "x", "--progress-fd", "1x"],
]


@pytest.mark.compiled
@pytest.mark.parametrize("words", USAGE, ids=" ".join)
def test_arguments_that_make_no_sense(steady: Prepared, tmp_path: Path, words: list[str]) -> None:
    """Exit 64 and how it is used, on stderr; nothing is written."""
    done = subprocess.run([steady.binary, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert done.stderr.startswith("usage: main --run-dir DIR [--progress-fd N]\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.compiled
def test_a_run_reports_progress_and_its_end(prepared: Prepared, tmp_path: Path) -> None:
    """Steps never go back, the last report says what it took, and everything is recorded."""
    prepared.shorten(100_000)
    ended = prepared.run()
    assert ended.code == ExitCode.FINISHED
    steps = [report["step"] for report in ended.reports[:-1]]
    assert steps[0] == 0
    assert steps[-1] == 100_000
    assert steps == sorted(steps)
    assert [report["completed"] for report in ended.reports[:-1]] == [step / 100_000 for step in steps]
    times = {"start_s", "simulation_s", "end_s", "peak_memory_bytes"}
    assert ended.last.keys() == {"end", "exit_code"} | times
    assert (ended.last["end"], ended.last["exit_code"]) == ("finished", 0)
    assert all(ended.last[name] > 0 for name in times)
    run = prepared.load("finished")
    assert run.recording.n_steps == 100_000
    assert run.spikes()["population"].value_counts().min() > 1000


@pytest.mark.compiled
def test_progress_can_go_elsewhere(prepared: Prepared) -> None:
    """With --progress-fd reports go to that descriptor, and stderr stays empty."""
    prepared.shorten(1000)
    read, write = os.pipe()
    ended = prepared.run("--progress-fd", str(write), pass_fds=[write])
    os.close(write)
    with os.fdopen(read) as reports:
        assert '"end": "finished"' in reports.read()
    assert (ended.code, ended.reports) == (0, [])


@pytest.mark.compiled
def test_the_working_directory_does_not_matter(prepared: Prepared, tmp_path: Path) -> None:
    """Started elsewhere, with a relative path to the run: nothing is written where it is started."""
    prepared.shorten(1000)
    place = tmp_path / "elsewhere"
    place.mkdir()
    moved = Prepared(prepared.binary, RunFolder(Path("..") / "run"))
    assert moved.run(cwd=place).code == ExitCode.FINISHED
    assert not list(place.iterdir())
    assert len(prepared.load("finished").spikes()) > 10


type Spoil = Callable[[RunFolder], None]


def rewrite(before: str, after: str) -> Spoil:
    """Return what replaces the first line of `program.txt` that begins with some words."""

    def spoil(folder: RunFolder) -> None:
        lines = folder.program_inputs.read_text().splitlines()
        (i_line, *_) = (i for i, line in enumerate(lines) if line.startswith(before))
        lines[i_line] = after
        folder.program_inputs.write_text("\n".join(lines) + "\n")

    return spoil


def cut(name: str, n_bytes: int) -> Spoil:
    """Return what leaves the first bytes of a file; of `n_bytes` below 0, all but so many."""

    def spoil(folder: RunFolder) -> None:
        content = (folder.path / name).read_bytes()
        (folder.path / name).write_bytes(content[:n_bytes])

    return spoil


def change(name: str, index: int, value: int) -> Spoil:
    """Return what sets one value of an array."""

    def spoil(folder: RunFolder) -> None:
        array = np.load(folder.path / name)
        array[index] = value
        np.save(folder.path / name, array)

    return spoil


def remove(name: str) -> Spoil:
    """Return what removes a file."""
    return lambda folder: (folder.path / name).unlink()


TXT = "inputs/program.txt"
NEURONS, MAP = "inputs/neurons_lif.neurons.npy", "inputs/record.rates.neurons_lif.npy"
LOCAL = "inputs/record.currents.v.neurons_lif.local.npy"
TARGET, ROW = "edges/slow/target.npy", "edges/slow/row.npy"
SPOILT: dict[str, tuple[Spoil, str]] = {
    "no description": (remove(TXT), f"{TXT}: cannot be read"),
    "empty description": (cut(TXT, 0), f"{TXT}: is cut off (expected a last line `end`; got )"),
    "cut off description": (cut(TXT, -5), f"{TXT}: is cut off (expected a last line `end`; got )"),
    "another file": (rewrite("currents ", "Currents 1"), f"{TXT}: does not describe a run"),
    "another version": (rewrite("currents ", "currents 2"), f"{TXT}:1: is of another version (expected 1; got 2)"),
    "no version": (rewrite("currents ", "currents"), f"{TXT}:1: ends too early"),
    "no time": (rewrite("time ", "tame 0x1p-13 100"), f"{TXT}:2: does not give the time"),
    "no steps": (
        rewrite("time ", "time 0x1p-13 0"),
        f"{TXT}:2: has something else in place of a whole number (expected at least 1; got 0)",
    ),
    "unknown word": (rewrite("injected ", "ejected 1"), "begins with an unknown word (expected ; got ejected)"),
    "surplus word": (rewrite("number ", "number neurons_lif v 1 2"), "has words too many (expected ; got 2)"),
    "unknown group": (
        rewrite("number ", "number neurons v 1"),
        "names an unknown group of neurons (expected ; got neurons)",
    ),
    "unknown variable": (
        rewrite("number ", "number neurons_lif w 1"),
        "names an unknown variable of neurons_lif (expected ; got w)",
    ),
    "no number": (
        rewrite("number ", "number neurons_lif v nan"),
        "has something else in place of a number (expected ; got nan)",
    ),
    "no group": (rewrite("group ", ""), "names an unknown variable of neurons_lif"),
    "range beyond the group": (
        rewrite("injected ", "injected neurons_lif injected_bias 0 26 1 inputs/bias.0.values.npy"),
        "has a range of neurons beyond the group (expected 25; got 26)",
    ),
    "no such file": (
        rewrite("injected ", "injected neurons_lif injected_bias 20 25 1 inputs/nothing.npy"),
        "inputs/nothing.npy: ",
    ),
    "missing array": (remove(NEURONS), f"{NEURONS}: "),
    "empty array": (cut(NEURONS, 0), f"{NEURONS}: "),
    "cut off array": (cut(NEURONS, -1), f"{NEURONS}: "),
    "negative neuron": (change(NEURONS, 3, -1), "has a list with a neuron below 0"),
    "neuron in the wrong place": (change(LOCAL, 3, 9), "has a list that is not ascending from 0 to less than 25"),
    "record of a neuron beyond": (change(LOCAL, 24, 25), "has a list that is not ascending from 0 to less than 25"),
    "maps too many": (
        rewrite("map ", f"map neurons_lif {MAP}\nmap neurons_lif {MAP}"),
        "is not of the next group",
    ),
    "unknown population": (change(MAP, 3, 2), f"{MAP}: "),
    "number below any": (change(MAP, 3, -2), f"{MAP}: "),
    "missing edges": (remove(TARGET), f"{TARGET}: "),
    "edge to no neuron": (change(TARGET, 5, 25), f"{TARGET}: "),
    "edge below any neuron": (change(TARGET, 5, -1), f"{TARGET}: "),
    "edges beyond the file": (change(ROW, -1, 10**12), "edges/slow/"),
    "rows that go back": (change(ROW, 5, -3), "edges/slow/"),
    "negative delay": (change("edges/slow/delay.npy", 0, -1), "edges/slow/delay.npy: "),
}


@pytest.mark.compiled
@pytest.mark.parametrize("how", SPOILT)
def test_inputs_that_are_not_whole_are_refused(prepared: Prepared, how: str) -> None:
    """Exit 65, what is wrong and where, nothing recorded, and the same as an error in Python."""
    prepared.shorten(1000)
    spoil, message = SPOILT[how]
    spoil(prepared.folder)
    ended = prepared.run()
    assert (ended.code, ended.last["exit_code"], ended.last["end"]) == (65, 65, "input"), ended
    where, what, expected, got = (ended.last[key] for key in ("where", "what", "expected", "got"))
    told = f"{where}: {what}" + (f" (expected {expected}; got {got})" if expected or got else "")
    assert message in told
    assert where.startswith(f"{prepared.folder.path}/")
    assert not list(prepared.folder.recording.rglob("*.cur"))
    with pytest.raises(ProgramError) as caught:
        run_program(prepared.binary, prepared.folder)
    (problem,) = caught.value.problems
    assert (problem.where, problem.what) == (where, what)
    assert str(problem.expected or "") == expected


@pytest.mark.compiled
def test_a_folder_that_has_been_recorded_into_is_left_alone(prepared: Prepared) -> None:
    """A second run in the same folder does not overwrite what the first recorded."""
    prepared.shorten(1000)
    assert prepared.run().code == 0
    before = {path: path.read_bytes() for path in prepared.folder.recording.rglob("*.cur")}
    assert len(before) == 4
    ended = prepared.run()
    assert (ended.code, ended.last["end"]) == (ExitCode.STORAGE, "storage")
    assert "begin stream: File exists" in ended.last["what"]
    assert {path: path.read_bytes() for path in prepared.folder.recording.rglob("*.cur")} == before


@pytest.mark.compiled
def test_too_little_memory_has_its_own_code(prepared: Prepared) -> None:
    """Exit 71 when the buffers do not fit, not an abort."""
    prepared.shorten(1000)
    limit = 20_000_000
    ended = prepared.run(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    assert (ended.code, ended.last["end"]) == (ExitCode.MEMORY, "memory")
    assert ended.last["what"] == "there is not enough memory"
    assert not list(prepared.folder.recording.rglob("*.cur"))


EXPLODING = """
[network]
name = "exploding"
dt = "0.1 ms"
duration = "100 ms"

[neuron.lif]
model = "lif"
tau_m = "10 ms"
v_threshold = "15 mV"
v_reset = "0 mV"

[neuron.square]
equations = "dv/dt = (v*v/volt - v + I)/tau_m : volt"
threshold = "v < -1*volt"
reset = "v = 0*volt"
method = "euler"
parameters = { tau_m = "10 ms" }

[layers.population.A]
size = 3
neuron = "lif"

[layers.population.B]
size = 2
neuron = "square"

[drive.noise]
kind = "poisson"
target = ["A", "B"]
rate = "1 kHz"
polarity = "excitatory"
kinetics = "delta"
weight = "1 mV"

[record.currents]
kind = "currents"
interval = "1 ms"

[record.spikes]
kind = "spikes"

[[event]]
time = "52.5 ms"
population = "L1B"
index = 1
set = "v"
value = "1e200 V"
"""


@pytest.mark.compiled
def test_a_potential_that_grows_without_bound_is_an_error(tmp_path: Path, build_root: Path) -> None:
    """The neuron is named as tables name it, with the step; what led to it is kept."""
    out = tmp_path / "run"
    spec = parse_model(EXPLODING, tmp_path, "exploding")
    with pytest.raises(ProgramError) as caught:
        simulate(spec, out=out, arch=ARCH, build_root=build_root)
    assert str(caught.value) == (
        "the simulation: v became NaN or infinite.\n"
        "  evidence: neuron 4 in step 525\n"
        "  next: look at its weights and time constants; load what was recorded with: "
        f'load_run("{out}", partial=True)'
    )
    run = load_run(out, partial=True)
    assert run.manifest["status"] == "failed"
    table = run.currents()
    assert table["time"].max() == pytest.approx(0.052)
    assert len(table) == 52 * 5
    assert np.isfinite(table["v"]).all()


def write_program(folder: Path, report: str, ending: str) -> Path:
    """Write a program that prints a report and ends."""
    folder.mkdir()
    path = folder / "main"
    path.write_text(f"#!/bin/sh\necho '{{\"completed\": 0.25, \"step\": 5}}' >&2\necho '{report}' >&2\n{ending}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


PLACE = '"where": "/place", "what": "what", "expected": "e", "got": "g"'
KEPT = "after 25% of its steps; what was recorded until then is kept"
ENDS: dict[str, tuple[str, str, type[CurrentsError], str]] = {
    "stopped": (
        '{"end": "stopped", "step": 5}',
        "exit 80",
        RunInterrupted,
        "{run}: was interrupted after 25% of its steps.\n  next: {load}",
    ),
    "storage": (
        f'{{"end": "storage", {PLACE}, "errno": 28}}',
        "exit 74",
        StorageError,
        f"/place: the recording could not be written, {KEPT}.\n"
        "  evidence: what\n  next: free some space, or choose another folder with --out; {load}",
    ),
    "input": (f'{{"end": "input", {PLACE}}}', "exit 65", ProgramError, "/place: what (expected e; got g)."),
    "memory": (
        f'{{"end": "memory", {PLACE}}}',
        "exit 71",
        ProgramError,
        "the simulation program: ran out of memory.\n  evidence: {run}/program.log",
    ),
    "usage": (
        "usage: main",
        "exit 64",
        InternalError,
        "the simulation program: made a mistake.\n  evidence: {run}/program.log",
    ),
    "internal": (
        f'{{"end": "internal", {PLACE}}}',
        "exit 70",
        InternalError,
        "the simulation program: made a mistake: what.\n  evidence: {run}/program.log",
    ),
    "unknown code": (
        "",
        "exit 3",
        ProgramError,
        f"the simulation program: ended with exit code 3 {KEPT}.\n  next: {{load}}",
    ),
    "killed": (
        "",
        "kill -9 $$",
        ProgramError,
        f"the simulation program: ended with signal SIGKILL {KEPT}.\n  next: {{load}}",
    ),
}


@pytest.mark.parametrize("how", ENDS)
def test_every_end_is_told_in_python(tmp_path: Path, how: str) -> None:
    """Each exit code becomes one error, whose message is compared whole; the log has what the program said of it."""
    report, ending, error, message = ENDS[how]
    run = tmp_path / "run"
    run.mkdir()
    seen: list[float] = []
    with pytest.raises(error) as caught:
        run_program(write_program(tmp_path / "bin", report, ending), RunFolder(run), seen.append)
    load = f'load what was recorded with: load_run("{run}", partial=True)'
    got = str(caught.value)
    assert got.startswith(message.format(run=run, load=load))
    assert type(caught.value) is error
    assert seen == [0.25]
    assert (run / "program.log").read_text() == f"{report}\n"


def test_the_exit_codes_of_python_and_c_are_one_table() -> None:
    """The header has every code, by its name and number, and no two are the same."""
    assert len({code.value for code in ExitCode}) == len(ExitCode) == 8
    header = write_header()
    assert all(f"    {code.name.lower()} = {code.value}," in header for code in ExitCode)
    assert set(ENDS) | {"finished", "numeric"} >= {code.name.lower() for code in ExitCode}
