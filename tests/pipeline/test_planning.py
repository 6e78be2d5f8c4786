"""Plans: what a run will take is what it then takes, and what is wrong is said before anything is run."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.errors import Problem, SpecError
from models.files import load_network
from models.spec import NetworkSpec
from pipeline import load_run, plan_run, simulate
from pipeline.bench.probes import measure_folder
from pipeline.chunk_format import Section
from pipeline.cli import main
from pipeline.errors import StorageError
from pipeline.planning import calibration, streams
from pipeline.planning.calibration import Calibration, Request, StepTime, measure_step
from pipeline.planning.plan import Part, Plan
from pipeline.planning.show import format_plan, format_seconds
from pipeline.planning.stages import StageClock
from pipeline.planning.streams import PlannedStream
from pipeline.storage import free_space
from tests.conftest import ARCH
from tests.pipeline.chunk_files import write_stream

SPIKES = (Section("step", np.dtype(np.int64), 1, 1), Section("number", np.dtype(np.int32), 1, 1))
LARGE = PlannedStream("currents", (Section("v", np.dtype(np.float32), 3200, 32),), 10, 1000)
"""12.8 MB a chunk."""


@pytest.mark.parametrize("n_rows", [0, 1, 6, 7, 8, 14, 30])
def test_disk_bytes_are_those_of_the_files(tmp_path: Path, n_rows: int) -> None:
    """Full chunks, the last one, padding and checksums: to the byte, whether or not the last chunk is empty."""
    arrays = {"v": np.zeros((n_rows, 10), np.float32), "lateral": np.zeros((n_rows, 3), np.float32)}
    sections = write_stream(tmp_path / "currents", arrays, 7)
    assert PlannedStream("currents", sections, 1, 7).disk_bytes(n_rows) == measure_folder(tmp_path / "currents")


def test_memory_is_that_of_two_chunks_at_most_unless_the_disk_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks are touched as rows come, on large pages as a whole; the third one is only for a slow disk."""
    whole = LARGE.shape.lay_out(1000).file_bytes
    monkeypatch.setattr(streams, "has_huge_pages", lambda: True)
    assert [LARGE.buffer_bytes(n) for n in (0, 1, 1000)] == [0, whole, whole]
    assert [LARGE.buffer_bytes(n) for n in (1001, 2001, 5000)] == [2 * whole] * 3
    assert [LARGE.buffer_bytes(n, 3) for n in (1001, 2001, 5000)] == [2 * whole, 3 * whole, 3 * whole]
    monkeypatch.setattr(streams, "has_huge_pages", lambda: False)
    assert LARGE.buffer_bytes(1) == 100 * 4096, "a page of each of 100 tiles"
    assert LARGE.buffer_bytes(1000) == whole


def test_the_reference_device_has_no_chunks() -> None:
    """Its arrays have a row more than bins, and its spikes 12 bytes each."""
    assert replace(LARGE, chunk_rows=None).disk_bytes(100) == 101 * 3200 * 4
    assert replace(LARGE, chunk_rows=None).buffer_bytes(100) == 0
    assert PlannedStream("spikes", SPIKES, None, None).disk_bytes(1000) == 12_000 + 2 * 128


def _request(spec: NetworkSpec, n_steps: int = 10_000) -> Request:
    return Request(spec, 1, n_steps, "engine", ARCH, Path("nowhere"))


def test_calibrations_have_whole_bins() -> None:
    """Of all recorders; a calibration is never longer than the run."""
    spec = load_network("hierarchy", {"record.currents.interval": "0.7 ms", "network.duration": "1.4 s"})
    assert _request(spec).whole_bins(1000) == 1001
    assert _request(spec).whole_bins(1001) == 1001
    assert _request(spec, 700).whole_bins(1000) == 700


def _calibration(**fields: object) -> Calibration:
    found = Calibration(
        n_steps=2000,
        start_s=0.1,
        steps_s=2.0,
        s_per_step=1e-3,
        prepare_s=1.0,
        compile_s=None,
        peak_memory_bytes=10_000_000,
        n_edges=0,
        fixed_bytes={},
        streams=(PlannedStream("spikes", SPIKES, None, 65536), LARGE),
        events={"spikes": (5000, 2.0)},
        frame_row_bytes={},
    )
    return replace(found, **fields)  # type: ignore[arg-type]  # any of its fields


def test_spikes_go_on_at_the_rate_of_the_warmed_up_network() -> None:
    """Those of the calibration as they were counted, later ones at its rate; bins are counted."""
    found = _calibration()
    assert found.count_rows(found.streams[0], 12_000) == 5000 + 2 * 10_000
    assert found.count_rows(found.streams[1], 12_000) == 1200


@pytest.mark.parametrize(
    ("warm", "whole", "expected"),
    [
        (StepTime(100, 2.0, 0.1), StepTime(300, 5.0, 0.1), 3.0 / 200),  # the warm-up took longer, and is left out
        (StepTime(100, 5.0, 0.0), StepTime(300, 5.1, 0.0), 5.1 / 300 / 2),  # something else slowed the first run down
        (StepTime(100, 0.1, 0.0), StepTime(110, 5.5, 0.0), 2 * 5.5 / 110),  # ... or the second one
        (StepTime(100, 2.0, 2.0), StepTime(300, 5.0, 9.0), 10.0 / 200),  # the disk is late
        (StepTime(100, 2.0, 1.0), StepTime(300, 5.0, 2.4), 3.0 / 200),  # all that comes last is a sync
    ],
)
def test_a_step_takes_what_more_steps_took(warm: StepTime, whole: StepTime, expected: float) -> None:
    """Time is that of steps after the warm-up, within bounds; of the disk only where it does not keep up."""
    assert measure_step(warm, whole) == pytest.approx(expected)


def test_stages_last_until_the_next_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages that come twice are added up; the last one has not ended."""
    times = iter([1.0, 2.0, 4.0, 8.0])
    monkeypatch.setattr("pipeline.planning.stages.time.monotonic", lambda: next(times))
    clock = StageClock()
    for stage in ("emit", "compile", "emit", "run"):
        clock(stage)
    assert (clock.seconds("emit"), clock.seconds("compile"), clock.seconds("run")) == (5.0, 2.0, 0.0)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0123, "12.3 ms"), (59.9, "59.9 s"), (119, "119.0 s"), (600, "10.0 min"), (7200, "2.0 h")]
)
def test_seconds_are_shown_in_usual_units(seconds: float, text: str) -> None:
    """Milliseconds to hours."""
    assert format_seconds(seconds) == text


def _plan(**fields: object) -> Plan:
    parts = {"disk": (Part("currents", 3e9), Part("edges", 1e9)), "memory": (Part("program", 2e8),)}
    planned = Plan(
        network="net",
        device="engine",
        duration_s=3600.0,
        **parts,
        memory_most_bytes=2e8,
        time=(Part("steps", 7200.0),),
        prepare_s=2.0,
        frames=(Part("table of currents", 9e9),),
        compile_s=12.0,
        calibration_s=0.5,
        free_disk_bytes=5_000_000_000,
        free_memory_bytes=10_000_000_000,
    )
    return replace(planned, **fields)  # type: ignore[arg-type]  # any of its fields


def test_what_does_not_fit_is_a_warning() -> None:
    """Disk, the program's memory, and the table are each held against what is free."""
    assert _plan().warnings == ()
    assert _plan(free_disk_bytes=3_900_000_000).warnings == ("disk: 4.0 GB are needed, 3.9 GB are free",)
    assert _plan(free_memory_bytes=100_000_000).warnings == (
        "memory: 200 MB are needed, 100 MB are free",
        "table of currents: 9.0 GB as one table, 100 MB are free; take it in parts",
    )
    assert _plan(free_memory_bytes=None).warnings == ()


def test_people_see_quantities_and_what_they_consist_of() -> None:
    """Totals with units, the largest parts, how it was found out, and warnings."""
    text = format_plan(_plan(free_disk_bytes=1_000_000_000, memory_most_bytes=3e8))
    assert text.splitlines() == [
        "net, 3600 s of model time on the engine device",
        "",
        "quantity           amount  of which",
        "disk               4.0 GB  currents 3.0 GB, edges 1.0 GB",
        "memory             200 MB  program 200 MB, up to 300 MB if the disk is slow",
        "time                2.0 h  steps 2.0 h",
        "before it           2.0 s  sampling and writing edges",
        "table of currents  9.0 GB  memory as one table",
        "",
        "measured by simulating 0.5 s",
        "compiled the program in 12.0 s: the run will find it",
        "warning: disk: 4.0 GB are needed, 1.0 GB are free",
    ]


SERIES = {"interval": "100 ms", "values": ["5 Hz"] * 10}
MISTAKES: dict[str, tuple[str, dict[str, object], str]] = {
    "unknown model": ("hierachy", {}, "hierachy: "),
    "not a multiple of dt": ("hierarchy", {"duration": "1.23456 s"}, "duration: is not a multiple of network.dt"),
    "not a multiple of a bin": (
        "hierarchy",
        {"duration": "1.5 ms"},
        "duration: is not a multiple of record.currents",
    ),
    "no currents": ("no_records", {"record_interval": "1 ms"}, "record_interval: reaches nothing"),
    "values end": (
        "hierarchy",
        {"duration": "2 s", "settings": {"drive.background.rate": SERIES}},
        "drive.background.rate: ends before the run does",
    ),
}


def _without_records() -> NetworkSpec:
    return load_network("exponential_current").model_copy(update={"record": {}})


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_found_before_anything_is_run(mistake: str, tmp_path: Path) -> None:
    """Each is a `SpecError` in the words of `simulate`, and nothing was written, let alone simulated."""
    model, arguments, message = MISTAKES[mistake]
    given = _without_records() if model == "no_records" else model
    with pytest.raises(SpecError) as caught:
        plan_run(given, build_root=tmp_path / "root", **arguments)  # type: ignore[arg-type]  # any of its arguments
    assert str(caught.value).startswith(message)
    assert not (tmp_path / "root").exists()


def test_the_verb_exits_with_2_for_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    """As every verb; with --json, the error is JSON."""
    assert main(["plan", "hierarchy", "--duration", "1.23456 s", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["problems"][0]["where"] == "--duration"


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calibrate for a fifth of a second."""
    monkeypatch.setattr(calibration, "_CALIBRATION_S", 0.2)


def _differ_by(predicted: float, actual: float) -> float:
    return abs(predicted - actual) / actual


@pytest.mark.compiled
@pytest.mark.usefixtures("quickly")
def test_a_run_takes_what_was_planned(networks: Path, build_root: Path, tmp_path: Path) -> None:
    """Disk within 5 %, memory within 25 %. What time says is for `currents bench`: tests share processors and disk."""
    model, duration = networks / "small_hierarchy.toml", "20 s"
    planned = plan_run(model, duration=duration, arch=ARCH, build_root=build_root)
    assert 0.1 < planned.calibration_s < 10, "most of the run is extrapolated"
    run = simulate(model, duration=duration, arch=ARCH, build_root=build_root, out=tmp_path / "run")
    assert _differ_by(planned.disk_bytes, measure_folder(run.path)) < 0.05
    assert _differ_by(planned.memory_bytes, run.manifest["peak_memory_bytes"]) < 0.25
    assert planned.time_s > 0
    written = {part.what: part.amount for part in planned.disk}
    for recorder in run.recording.readers:
        assert written[recorder] == sum(path.stat().st_size for path in (run.folder.recorder(recorder)).glob("*.cur"))
    frame = run.currents(recorder="currents", start="19 s")
    n_bytes = 20 * int(frame.memory_usage(index=False, deep=True).sum())
    assert _differ_by(next(part.amount for part in planned.frames if part.what == "table of currents"), n_bytes) < 0.05


@pytest.mark.compiled
@pytest.mark.usefixtures("quickly")
def test_a_model_without_recorders_can_be_planned(build_root: Path) -> None:
    """It takes time and memory all the same, and room for edges and inputs."""
    planned = plan_run(_without_records(), duration="2 s", arch=ARCH, build_root=build_root)
    assert planned.frames == ()
    assert [part.what for part in planned.disk] == ["edges", "all else"]
    assert planned.time_s > 0
    assert planned.memory_bytes > 1e6


@pytest.mark.compiled
@pytest.mark.usefixtures("quickly")
def test_a_plan_leaves_nothing_and_is_json(
    build_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The verb prints bytes and seconds; neither a run nor scratch folders stay."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "binaries").symlink_to(build_root / "binaries")
    words = ["plan", "exponential_current", "--arch", ARCH, "--build-root", str(root), "--json"]
    assert main(words) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["disk_bytes"] == sum(part["amount"] for part in printed["disk"])
    assert {"memory_bytes", "time_s", "frames", "calibration_s", "free_disk_bytes", "warnings"} <= set(printed)
    assert not [path for name in ("runs", "scratch") for path in (root / name).glob("[!.]*/")]


def test_a_plan_that_fills_the_disk_names_its_own_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The short run is in the build root, and nobody will look for it."""
    problem = Problem("chunk", "cannot be written", next=f"{free_space('--out')}; load what there is")

    def fail(*_: object) -> Calibration:
        raise StorageError(problem)

    monkeypatch.setattr("pipeline.planning.plan.calibrate", fail)
    with pytest.raises(StorageError) as caught:
        plan_run("exponential_current", build_root=tmp_path)
    assert caught.value.problems == (replace(problem, next=free_space("--build-root")),)


@pytest.mark.compiled
def test_the_reference_device_holds_its_recordings(networks: Path, build_root: Path, tmp_path: Path) -> None:
    """Its plan has all of the recording in memory, and the run's folder within 5 %."""
    model, duration = networks / "small_hierarchy.toml", "1 s"
    arguments = {"duration": duration, "device": "reference", "arch": ARCH, "build_root": build_root}
    planned = plan_run(model, **arguments)  # type: ignore[arg-type]  # its arguments
    simulate(model, out=tmp_path / "run", **arguments)  # type: ignore[arg-type]
    run = load_run(tmp_path / "run")
    assert _differ_by(planned.disk_bytes, measure_folder(run.path)) < 0.05
    values = [
        run.recording.readers[name].n_bins * 4 * sum(reader.neurons(v).size for v in reader.variables())
        for name, reader in run.recording.readers.items()
    ]
    assert planned.memory_bytes > sum(values) > 0
