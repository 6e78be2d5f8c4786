"""The engine's program and its exit codes: whatever it is given, it says in one line of JSON how it ended."""

import json
import os
import resource
import stat
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
from tests.pipeline.engine.programs import Prepared


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


@pytest.mark.parametrize(
    ("said", "reached"),
    [('"failed", "step": 4', "0.4 ms of 1 s"), ('"running"', "0.5 ms of 1 s"), ('"of no kind"', "25% of its steps")],
)
def test_how_far_it_was_is_a_time(tmp_path: Path, said: str, reached: str) -> None:
    """A fraction of a percent, too: by the program's last report, or its last progress, or else by the fraction."""
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    begun = '"version": 1, "pid": 1, "host": "h", "started": 0, "seed": 1, "dt_s": 0.0001, "n_steps": 10000'
    run.program_report.write_text(f'{{"status": {said}, {begun}}}')
    with pytest.raises(ProgramError) as caught:
        run_program(write_program(tmp_path / "bin", "", "kill -9 $$"), run)
    (problem,) = caught.value.problems
    assert problem.what == f"ended with signal SIGKILL after {reached}; what was recorded until then is kept"


def write_program(folder: Path, report: str, ending: str) -> Path:
    """Write a program that prints a report and ends."""
    folder.mkdir()
    path = folder / "main"
    path.write_text(f"#!/bin/sh\necho '{{\"completed\": 0.25, \"step\": 5}}' >&2\necho '{report}' >&2\n{ending}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


PLACE = '"where": "/place", "what": "what", "expected": "e", "got": "g"'
KEPT = "after 25% of its steps; what was recorded until then is kept"
FITTED = "after 25% of its steps; what did fit is kept"
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
        f"/place: the recording could not be written, {FITTED}.\n"
        "  evidence: what\n  next: free some space, or choose another folder with --out; {load}",
    ),
    "limit of size": (
        f'{{"end": "storage", {PLACE}, "errno": 27}}',
        "exit 74",
        StorageError,
        f"/place: the recording could not be written, {FITTED}.\n"
        "  evidence: what\n  next: raise the limit with: ulimit -f unlimited; {load}",
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
