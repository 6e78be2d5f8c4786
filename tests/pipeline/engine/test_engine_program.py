"""The engine's program and its exit codes: whatever it is given, it says in one line of JSON how it ended."""

import json
import os
import resource
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
from tests.pipeline.engine.programs import Prepared, seal

UNITS = "s, ms, us, min or h"
OPTIONS = "one of those that --help lists"
USAGE: list[tuple[list[str], str]] = [
    ([], "--run-dir: is missing (expected --run-dir DIR; got )"),
    (["--run-dir"], "--run-dir: has no value (expected --run-dir DIR; got )"),
    (["--run-dir", ""], '--run-dir: names no folder (expected a path; got "")'),
    (["--run-dir", "x", "--run-dir", "y"], "--run-dir: is given twice (expected ; got )"),
    (["--inputs", ""], '--inputs: names no folder (expected a path; got "")'),
    (["--frob", "x"], f"--frob: is no option (expected {OPTIONS}; got )"),
    (["--run-dir", "x", "surplus"], f"surplus: is no option (expected {OPTIONS}; got )"),
    (["", "x"], f'"": is no option (expected {OPTIONS}; got )'),
    (['\udcff\n"', "x"], f'\ufffd\n": is no option (expected {OPTIONS}; got )'),
    *(
        (["--seed", seed], f'--seed: is no whole number in range (expected 0 to {2**63 - 1}; got "{seed}")')
        for seed in ("", "-1", "+1", " 1", "1.0", "0x1", str(2**63), "9" * 30, "one")
    ),
    *(
        (["--threads", n], f'--threads: is no whole number in range (expected 1 to 1024; got "{n}")')
        for n in ("0", "1025", "-2")
    ),
    *(
        (["--progress-fd", n], f'--progress-fd: is no whole number in range (expected 0 to {2**20}; got "{n}")')
        for n in ("-1", "1x", str(2**20 + 1))
    ),
    (["--progress-fd", "77"], "--progress-fd: is no descriptor that is open for writing (expected ; got 77)"),
    (["--progress-fd", "0"], "--progress-fd: is no descriptor that is open for writing (expected ; got 0)"),
    *(
        (
            ["--duration", text],
            f'--duration: is not a number with a unit (expected a duration such as "10 s"; got "{text}")',
        )
        for text in ("", "s", "ten s", "nan s", ". s", "e5 s")
    ),
    (["--duration", "10"], f'--duration: has no unit (expected {UNITS}; got "10")'),
    *(
        (["--duration", text], f'--duration: has an unknown unit (expected {UNITS}; got "{text}")')
        for text in ("10 sec", "1e s", "10 ms ms", "0x10 s", "10 mV")
    ),
]
"""Arguments, and what is said of them."""


@pytest.mark.compiled
@pytest.mark.parametrize(("words", "told"), USAGE, ids=[ascii(" ".join(words)) for words, _ in USAGE])
def test_arguments_that_make_no_sense(steady: Prepared, tmp_path: Path, words: list[str], told: str) -> None:
    """Exit 64 and one line on stderr, which says what is wrong; nothing is written."""
    command = [str(steady.binary), *words]
    with Path(os.devnull).open("rb") as nothing:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, stdin=nothing)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    (line,) = done.stderr.splitlines()
    end = json.loads(line)
    assert (end["end"], end["exit_code"]) == ("usage", 64)
    assert "{where}: {what} (expected {expected}; got {got})".format(**end) == told
    assert not list(tmp_path.iterdir())


DURATIONS = [
    ("0 s", 'is not above 0 (expected "0.1 ms"; got "0 s")'),
    ("-1 s", 'is not above 0 (expected "0.1 ms"; got "-1 s")'),
    ("0.05 ms", 'is not a multiple of dt = 0.1 ms (expected "0.1 ms"; got "0.05 ms")'),
    ("1.00025 s", 'is not a multiple of dt = 0.1 ms (expected "1.0002 s" or "1.0003 s"; got "1.00025 s")'),
    ("1e300 h", f'has too many steps of dt = 0.1 ms (expected at most {2**53}; got "1e300 h")'),
    ("1.2 ms", 'is not a multiple of the interval of currents = 1 ms (expected "1 ms" or "2 ms"; got "1.2 ms")'),
]


@pytest.mark.compiled
@pytest.mark.parametrize(("duration", "told"), DURATIONS, ids=[duration for duration, _ in DURATIONS])
def test_durations_that_do_not_fit(prepared: Prepared, duration: str, told: str) -> None:
    """Exit 64 with the nearest durations that are whole numbers of steps, and of every recorder's bins."""
    ended = prepared.run("--duration", duration)
    assert (ended.code, ended.last["end"], ended.last["where"]) == (ExitCode.USAGE, "usage", "--duration")
    assert "{what} (expected {expected}; got {got})".format(**ended.last) == told
    assert not list(prepared.folder.recording.rglob("*.cur"))


@pytest.mark.compiled
@pytest.mark.parametrize("text", ["300 ms", "0.3 s", ".3s", "3e-1 s", "3E2ms", "0.005 min", "300000 us", "+0.3 s"])
def test_durations_as_they_are_written(prepared: Prepared, text: str) -> None:
    """Any unit and any way to write a number: the same number of steps."""
    assert prepared.run("--duration", text).last["step"] == 3000


@pytest.mark.compiled
def test_help_and_version_go_to_stdout(steady: Prepared, tmp_path: Path) -> None:
    """Exit 0; all options and all exit codes are told of, and the formats' versions."""
    told = subprocess.run([steady.binary, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stderr == ""
    for option in ("run-dir", "inputs", "seed", "duration", "threads", "progress-fd", "help", "version"):
        assert f"\n  --{option} " in told.stdout
    for code in ExitCode:
        assert f" {code.value} {code.name.lower()}" in told.stdout
        assert code.meaning in told.stdout
    version = subprocess.run([steady.binary, "--version"], capture_output=True, text=True, check=True)
    assert version.stderr == ""
    assert version.stdout.splitlines()[:3] == ["currents engine", "format of inputs 3", "format of recordings 1"]
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
    totals = {"step", "start_s", "simulation_s", "end_s", "rate_hz", "spikes", "events", "peak_memory_bytes"}
    assert ended.last.keys() == {"end", "exit_code"} | totals
    assert (ended.last["end"], ended.last["exit_code"]) == ("finished", 0)
    assert all(ended.last[name] > 0 for name in totals)
    run = prepared.load("finished")
    assert run.recording.n_steps == 100_000
    spikes = run.spikes()
    assert spikes["population"].value_counts().min() > 1000
    assert ended.last["spikes"] == len(spikes)
    assert ended.last["rate_hz"] == pytest.approx(len(spikes) / 25 / 10, rel=1e-5)
    check_progress(ended.reports[:-1], len(spikes))


def check_progress(reports: list[dict[str, Any]], n_spikes: int) -> None:
    """Check what reports say besides the step: rates are those since the report before."""
    assert all(report.keys() == {"completed", "step", "time_s", "elapsed_s", "rate_hz", "events"} for report in reports)
    assert [report["time_s"] for report in reports] == pytest.approx([1e-4 * report["step"] for report in reports])
    events = [report["events"] for report in reports]
    assert events == sorted(events)
    assert events[0] == 0 < events[-1]
    passed = np.diff([report["time_s"] for report in reports])
    assert 25 * passed @ [report["rate_hz"] for report in reports[1:]] == pytest.approx(n_spikes, rel=1e-4)


@pytest.mark.compiled
def test_a_profile_says_where_the_time_went(prepared: Prepared) -> None:
    """With --profile the last line and program.json have the shares of the phases, which add up to 1."""
    ended = prepared.run("--profile", "--duration", "60 s")
    shares = ended.last["profile"]
    assert shares.keys() == {"other", "update", "delivery", "drive", "arrivals", "recording"}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
    assert shares["update"] > 0
    assert 0 < ended.last["processor_s"] <= ended.last["simulation_s"]
    assert json.loads(prepared.folder.program_report.read_text())["profile"] == shares


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
        lines[i_line : i_line + 1] = after.splitlines()
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


def shape(name: str, n_values: int) -> Spoil:
    """Return what makes the header of an array claim so many values."""

    def spoil(folder: RunFolder) -> None:
        content = (folder.path / name).read_bytes()
        header = content[:128].replace(
            b"'shape': (25,), }" + b" " * 18, f"'shape': ({n_values},), }}".ljust(35).encode()
        )
        assert len(header) == 128 != header.count(content[:128])
        (folder.path / name).write_bytes(header + content[128:])

    return spoil


def remove(name: str) -> Spoil:
    """Return what removes a file."""
    return lambda folder: (folder.path / name).unlink()


TXT = "inputs/program.txt"
NEURONS, MAP = "inputs/neurons_lif.neurons.npy", "inputs/record.rates.neurons_lif.npy"
LOCAL = "inputs/record.currents.v.neurons_lif.local.npy"
TARGET, ROW = "edges/slow/target.npy", "edges/slow/row.npy"
WHOLE = "has something else in place of a whole number"
SPOILT: dict[str, tuple[Spoil, str]] = {
    "another file": (rewrite("currents ", "Currents 1"), f"{TXT}: does not describe a run"),
    "another version": (rewrite("currents ", "currents 1"), f"{TXT}:1: is of another version (expected 3; got 1)"),
    "no version": (rewrite("currents ", "currents"), f"{TXT}: does not describe a run"),
    "no time": (rewrite("time ", "tame 0x1p-13 100"), f"{TXT}:2: does not give the time"),
    "no seed": (rewrite("seed ", "sead 1"), f"{TXT}:3: does not give the seed"),
    "no steps": (rewrite("time ", "time 0x1p-13 0"), f"{TXT}:2: {WHOLE} (expected at least 1, at most {2**53}; got 0)"),
    "no time passes": (rewrite("time ", "time -0x1p-13 10"), f"{TXT}:2: has a step that does not take time"),
    "half a bin": (
        rewrite("time ", "time 0x1p-13 1005"),
        "has bins that do not divide the run (expected ; got 10 steps)",
    ),
    "unknown word": (rewrite("injected ", "ejected 1"), "begins with an unknown word (expected ; got ejected)"),
    "a line too late": (rewrite("injected ", "file x 1 1"), "comes too late (expected ; got file)"),
    "surplus word": (rewrite("number ", "number neurons_lif v_rest 1 2"), "has words too many (expected ; got 2)"),
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
    "no group": (rewrite("group ", "number neurons_lif v 0"), f"{TXT}: says nothing of the group neurons_lif"),
    "no value": (
        rewrite("number neurons_lif tau_m", ""),
        f"{TXT}: does not give values to all variables of neurons_lif",
    ),
    "two values": (
        rewrite("number neurons_lif tau_m", "number neurons_lif tau_m 1\nnumber neurons_lif tau_m 1"),
        "sets a variable that has been set (expected ; got tau_m)",
    ),
    "range beyond the group": (
        rewrite("injected ", "injected neurons_lif injected_bias 0 26 1 bias.0.values.npy"),
        "has a range of neurons beyond the group (expected 25; got 26)",
    ),
    "no such file": (
        rewrite("injected ", "injected neurons_lif injected_bias 20 25 1 nothing.npy"),
        "uses a file that is not listed (expected ; got nothing.npy)",
    ),
    "a file for two": (
        rewrite("injected ", "injected neurons_lif injected_bias 20 25 1 neurons_lif.neurons.npy"),
        "uses a file that another line uses (expected ; got neurons_lif.neurons.npy)",
    ),
    "a file for nothing": (rewrite("injected ", ""), f"{TXT}: lists a file that no line uses"),
    "a drive without edges": (
        rewrite("projection pulses", "projection neurons_lif neurons_lif 1 in_pulses -"),
        "edges/pulses/row.npy: has the wrong length (expected 26; got 11)",
    ),
    "edges too few": (
        rewrite("projection pulses", "projection pulses neurons_lif 2 in_pulses -"),
        "comes before all edges of the projection before it (expected ; got 1 are missing)",
    ),
    "too many sources": (
        rewrite("shared ", f"shared pulses {2**31 - 1} shared_poisson/pulses {2**63 - 1} pulses.thresholds.npy"),
        f"edges/pulses/row.npy: has the wrong length (expected {2**31}; got 11)",
    ),
    "values that end": (
        rewrite("injected ", "injected neurons_lif injected_bias 20 25 999 bias.0.values.npy"),
        "inputs/bias.0.values.npy: ends before the run does (expected values for 100 ms; got values for 99.9 ms)",
    ),
    "empty array": (cut(NEURONS, 0), f"{NEURONS}: is not a .npy file"),
    "cut off array": (cut(NEURONS, -1), f"{NEURONS}: is shorter than its header says"),
    "huge array": (shape(NEURONS, 2**60), f"{NEURONS}: is shorter than its header says"),
    "negative neuron": (change(NEURONS, 3, -1), "has groups that do not have each neuron once"),
    "neuron in two places": (change(NEURONS, 3, 9), "has groups that do not have each neuron once"),
    "neuron in the wrong place": (change(LOCAL, 3, 9), "has a list that is not ascending from 0 to less than 25"),
    "record of a neuron beyond": (change(LOCAL, 24, 25), "has a list that is not ascending from 0 to less than 25"),
    "maps too many": (
        rewrite("map ", "map neurons_lif record.spikes.neurons_lif.npy\nmap neurons_lif record.rates.neurons_lif.npy"),
        "is not of the next group",
    ),
    "no map": (rewrite("map ", ""), "comes before all of the record before it is described"),
    "unknown population": (change(MAP, 3, 2), f"{MAP}: "),
    "number below any": (change(MAP, 3, -2), f"{MAP}: "),
    "outside of the recording": (rewrite("spikes ", "spikes ../edges 100"), "names no file or folder of the recording"),
    "two in one folder": (
        rewrite("rates ", "rates spikes 10 2 100"),
        "records into a folder that another line records",
    ),
    "huge chunks": (rewrite("spikes ", f"spikes spikes {2**62}"), "has chunks that are too large"),
    "edge to no neuron": (change(TARGET, 5, 25), f"{TARGET}: "),
    "edge below any neuron": (change(TARGET, 5, -1), f"{TARGET}: "),
    "edges beyond the file": (change(ROW, -1, 10**12), "edges/slow/"),
    "rows that go back": (change(ROW, 5, -3), "edges/slow/"),
    "negative delay": (change("edges/slow/delay.npy", 0, -1), "edges/slow/delay.npy: "),
    "endless delay": (change("edges/slow/delay.npy", 0, 2**31 - 1), "has a delay that is too long"),
}
"""What makes no sense though all checksums are right."""
DAMAGED: dict[str, tuple[Spoil, str]] = {
    "no description": (remove(TXT), f"{TXT}: cannot be opened: No such file or directory"),
    "empty description": (
        cut(TXT, 0),
        f"{TXT}: does not describe a run (expected a first line `currents VERSION NETWORK`; got )",
    ),
    "cut off description": (cut(TXT, -5), f"{TXT}: is cut off (expected a last line `end CHECKSUM`; got )"),
    "changed description": (rewrite("seed ", "seed 12"), f"{TXT}: has been changed after it was written"),
    "missing array": (remove(NEURONS), f"{NEURONS}: cannot be opened: No such file or directory"),
    "cut off array": (cut(NEURONS, -1), f"{NEURONS}: is of another size than it was written"),
    "changed array": (change(NEURONS, 3, 4), f"{NEURONS}: has been changed after it was written"),
    "missing edges": (remove(TARGET), f"{TARGET}: cannot be opened: No such file or directory"),
    "changed edges": (change(TARGET, 5, 24), f"{TARGET}: has been changed after it was written"),
}
"""What is not as it was written."""


def check_refused(prepared: Prepared, message: str) -> None:
    """Check for exit 65, what is wrong and where, nothing recorded, and the same as an error in Python."""
    ended = prepared.run()
    assert (ended.code, ended.last["exit_code"], ended.last["end"]) == (65, 65, "input"), ended
    where, what, expected, got = (ended.last[key] for key in ("where", "what", "expected", "got"))
    told = f"{where}: {what}" + (f" (expected {expected}; got {got})" if expected or got else "")
    assert message in told
    assert where.startswith(f"{prepared.folder.path}/")
    assert not list(prepared.folder.recording.rglob("*.cur"))
    assert not prepared.folder.program_report.exists()
    with pytest.raises(ProgramError) as caught:
        run_program(prepared.binary, prepared.folder)
    (problem,) = caught.value.problems
    assert (problem.where, problem.what) == (where, what)
    assert str(problem.expected or "") == expected


@pytest.mark.compiled
@pytest.mark.parametrize("how", SPOILT)
def test_inputs_that_make_no_sense_are_refused(prepared: Prepared, how: str) -> None:
    """Whatever the checksums say: lines that are missing, twice there, out of order or out of range."""
    prepared.shorten(1000)
    spoil, message = SPOILT[how]
    spoil(prepared.folder)
    seal(prepared.folder)
    check_refused(prepared, message)


@pytest.mark.compiled
@pytest.mark.parametrize("how", DAMAGED)
def test_inputs_that_were_changed_are_refused(prepared: Prepared, how: str) -> None:
    """Even where what is there now would make sense."""
    prepared.shorten(1000)
    spoil, message = DAMAGED[how]
    spoil(prepared.folder)
    check_refused(prepared, message)


@pytest.mark.compiled
def test_a_folder_that_has_been_recorded_into_is_left_alone(prepared: Prepared) -> None:
    """A second run in the same folder does not overwrite what the first recorded, nor chunks that are left of one."""
    prepared.shorten(1000)
    assert prepared.run().code == 0
    before = {path: path.read_bytes() for path in prepared.folder.recording.rglob("*.cur")}
    assert len(before) == 4
    for left in ("program.json", "recording/currents/chunk-00000000.cur"):
        ended = prepared.run()
        assert (ended.code, ended.last["end"]) == (ExitCode.INPUT, "input")
        assert (ended.last["what"], ended.last["got"]) == ("holds a recording already", left)
        prepared.folder.program_report.unlink(missing_ok=True)
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
        f'{{"end": "usage", {PLACE}}}',
        "exit 64",
        InternalError,
        "the simulation program: made a mistake: what.\n  evidence: {run}/program.log",
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
