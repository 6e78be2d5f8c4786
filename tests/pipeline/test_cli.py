"""The `currents` command: what its verbs print, and that every mistake is one error and exit code 2."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from models.files import list_networks
from pipeline import Run, load_run
from pipeline.cli import EXIT_USAGE, main
from tests.conftest import ARCH, SimulateOnce
from tests.pipeline.processes import run_currents

type Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Return what runs a verb in this process: exit code, standard output, standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def occupied(tmp_path: Path) -> Path:
    """Return a folder with a file, which cannot hold anything, and a build root with one in a folder's place."""
    for path in (tmp_path / "occupied" / "file", tmp_path / "root" / "scratch"):
        path.parent.mkdir()
        path.touch()
    return tmp_path


def test_list_shows_every_shipped_network_on_a_line(call: Call) -> None:
    """Name and description, and nothing else."""
    code, out, err = call("list")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == list(list_networks())
    assert "hierarchy" in out
    assert all(len(line.split()) > 3 for line in out.splitlines())


def test_list_as_json(call: Call) -> None:
    """Names and descriptions, for machines."""
    code, out, _ = call("list", "--json")
    assert code == 0
    assert json.loads(out).keys() == list_networks().keys()


@pytest.mark.parametrize("name", list_networks())
def test_describe_shows_every_shipped_network(call: Call, name: str) -> None:
    """Tables for people, and the same as JSON."""
    code, out, err = call("describe", name)
    assert (code, err) == (0, "")
    assert name in out
    code, out, _ = call("describe", name, "--json")
    assert code == 0
    assert json.loads(out)


def test_describe_applies_settings(call: Call) -> None:
    """What --set changes is what is shown."""
    _, before, _ = call("describe", "hierarchy")
    code, after, _ = call("describe", "hierarchy", "--set", "layers.count=2", "--set", "network.seed=77")
    assert code == 0
    assert "L3E" in before
    assert "L3E" not in after
    assert "77" in after


LONG = "x" * 300
NO_FOLDER = (
    "is not a folder, but builds and runs need one there.\n"
    "  next: move it, or choose another folder with --build-root\n"
)
MISTAKES = {
    "no model": (
        ["simulate"],
        'currents: Command "simulate" parameter MODEL requires an argument.\n  next: currents --help\n',
    ),
    "unknown model": (
        ["simulate", "nosuch"],
        "nosuch: is neither a shipped network nor a file.\n  next: list the networks with: currents list\n",
    ),
    "unknown option": (
        ["simulate", "hierarchy", "--xyz"],
        "currents: Unknown option: --xyz.\n  next: currents --help\n",
    ),
    "surplus word": (
        ["simulate", "hierarchy", "extra"],
        "currents: Unused Tokens: ['extra'].\n  next: currents --help\n",
    ),
    "seed that is no number": (
        ["simulate", "hierarchy", "--seed", "x"],
        'currents: Invalid value for --seed: "x" is no whole number.\n  next: currents --help\n',
    ),
    "negative seed": (
        ["simulate", "hierarchy", "--seed", "-1"],
        "--seed: is out of range (expected 0 to 9223372036854775807; got -1).\n",
    ),
    "negative duration": (
        ["simulate", "hierarchy", "--duration", "-1 s"],
        '--duration: is not above 0 (expected "0.1 ms"; got "-1 s").\n',
    ),
    "empty duration": (
        ["simulate", "hierarchy", "--duration", ""],
        '--duration: is not a number with a unit (expected text such as "1.5 ms"; got "").\n',
    ),
    "empty build root": (
        ["simulate", "hierarchy", "--build-root", ""],
        'currents: Invalid value for --build-root: "" is no path.\n  next: currents --help\n',
    ),
    "empty folder": (
        ["simulate", "hierarchy", "--out="],
        'currents: Invalid value for --out: "" is no path.\n  next: currents --help\n',
    ),
    "empty run": (["verify", ""], 'currents: "" is no path.\n  next: currents --help\n'),
    "empty root of a cache": (
        ["cache", "list", "--build-root", ""],
        'currents: Invalid value for --build-root: "" is no path.\n  next: currents --help\n',
    ),
    "folder with too long a name": (
        ["simulate", "hierarchy", "--out", f"/{LONG}/run"],
        f"--out /{LONG}/run: cannot be written to.\n"
        f"  evidence: [Errno 36] File name too long: '/{LONG}/run'\n  next: choose another folder with --out\n",
    ),
    "build root with too long a name": (
        ["simulate", "hierarchy", "--build-root", f"/{LONG}"],
        f"/{LONG}: cannot be written to.\n"
        f"  evidence: [Errno 36] File name too long: '/{LONG}/runs'\n  next: choose another folder with --build-root\n",
    ),
    "option for a setting": (
        ["simulate", "hierarchy", "--set", "duration=2 s"],
        '--set duration: reaches nothing: there is no "duration" (expected "network.duration" or --duration).\n',
    ),
    "setting without a value": (
        ["simulate", "hierarchy", "--set", "network.dt"],
        '--set network.dt: has no value (expected PATH=VALUE, such as drive.background.rate="12 Hz").\n',
    ),
    "misspelt setting": (
        ["simulate", "hierarchy", "--set", "drive.backgroud.rate=3 Hz"],
        '--set drive.backgroud.rate: reaches nothing: there is no "backgroud" (expected "background").\n',
    ),
    "setting of the wrong dimension": (
        ["simulate", "hierarchy", "--set", "drive.background.rate=3 mV"],
        "hierarchy: drive.background.rate: has the wrong dimension "
        '(expected a quantity in hertz, such as "10 Hz"; got "3 mV").\n',
    ),
    "duration without a unit": (
        ["simulate", "hierarchy", "--duration", "1"],
        '--duration: has no unit (expected a quantity in second, such as "1.5 ms"; got "1").\n',
    ),
    "duration that is no multiple of dt": (
        ["simulate", "hierarchy", "--duration", "1.00005 s"],
        '--duration: is not a multiple of network.dt = 0.1 ms (expected "1 s" or "1.0001 s"; got "1.00005 s").\n',
    ),
    "threads that no device has": (
        ["simulate", "hierarchy", "--threads", "0"],
        "--threads: is out of range (expected 1 to 1024; got 0).\n",
    ),
    "model that is called like an option": (
        ["simulate", "threads"],
        "threads: is neither a shipped network nor a file.\n  next: list the networks with: currents list\n",
    ),
    "no duration": (
        ["simulate", "hierarchy", "--duration", "0 s"],
        '--duration: is not above 0 (expected "0.1 ms"; got "0 s").\n',
    ),
    "interval that is no multiple of dt": (
        ["simulate", "hierarchy", "--record-interval", "0.15 ms"],
        "hierarchy: record.currents.interval: is not a multiple of network.dt = 0.1 ms "
        '(expected "0.1 ms" or "0.2 ms"; got "0.15 ms").\n',
    ),
    "duration that is no multiple of the interval": (
        ["simulate", "hierarchy", "--record-interval", "0.3 ms", "--duration", "1 s"],
        "hierarchy: network.duration: is not a multiple of record.currents.interval = 0.3 ms "
        '(expected "999.9 ms" or "1.0002 s"; got "1 s").\n',
    ),
    "interval of nothing": (
        ["simulate", "{networks}/endless.toml", "--record-interval", "1 ms"],
        "--record-interval: reaches nothing: the model records no currents.\n",
    ),
    "occupied folder": (
        ["simulate", "hierarchy", "--out", "{tmp}/occupied"],
        "--out {tmp}/occupied: is not empty (expected a new or an empty folder).\n",
    ),
    "folder that is a file": (
        ["simulate", "hierarchy", "--out", "{tmp}/occupied/file"],
        "--out {tmp}/occupied/file: cannot be written to.\n  evidence: [Errno 17] File exists: '{tmp}/occupied/file'\n"
        "  next: choose another folder with --out\n",
    ),
    "folder within a file": (
        ["simulate", "hierarchy", "--out", "{tmp}/occupied/file/run"],
        "--out {tmp}/occupied/file/run: cannot be written to.\n"
        "  evidence: [Errno 20] Not a directory: '{tmp}/occupied/file/run'\n"
        "  next: choose another folder with --out\n",
    ),
    "folder that the kernel refuses": (
        ["simulate", "hierarchy", "--out", "/proc/run"],
        "--out /proc/run: cannot be written to.\n  evidence: [Errno 2] No such file or directory: '/proc/run'\n"
        "  next: choose another folder with --out\n",
    ),
    "build root that is a file": (
        ["simulate", "hierarchy", "--build-root", "{tmp}/occupied/file"],
        f"{{tmp}}/occupied/file: {NO_FOLDER}",
    ),
    "build root within a file": (
        ["plan", "hierarchy", "--build-root", "{tmp}/occupied/file/root"],
        f"{{tmp}}/occupied/file: {NO_FOLDER}",
    ),
    "plan in a build root that has a file for a folder": (
        ["plan", "hierarchy", "--build-root", "{tmp}/root"],
        f"{{tmp}}/root/scratch: {NO_FOLDER}",
    ),
    "simulate in a build root that has a file for a folder": (
        ["simulate", "hierarchy", "--build-root", "{tmp}/root", "--out", "{tmp}/run"],
        f"{{tmp}}/root/scratch: {NO_FOLDER}",
    ),
    "cache of a build root that has a file for a folder": (
        ["cache", "list", "--build-root", "{tmp}/root"],
        f"{{tmp}}/root/scratch: {NO_FOLDER}",
    ),
    "tables of nothing": (
        ["tables", "{tmp}/nothing", "--to", "{tmp}/tables"],
        "{tmp}/nothing: does not exist (expected the folder of a run, which has manifest.json at its top).\n",
    ),
    "tables of another folder": (
        ["tables", "{tmp}/occupied", "--to", "{tmp}/tables"],
        "{tmp}/occupied: is not a run: it has no manifest "
        "(expected the folder of a run, which has manifest.json at its top).\n",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_error(call: Call, mistake: str, occupied: Path, networks: Path) -> None:
    """Exit 2, exactly the message, nothing on standard output, and nothing written."""
    words, message = MISTAKES[mistake]
    places = {"tmp": occupied, "networks": networks}
    before = sorted(occupied.rglob("*"))
    code, out, err = call(*(word.format(**places) for word in words))
    assert err == message.format(**places)
    assert (code, out) == (2, "")
    assert sorted(occupied.rglob("*")) == before


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_as_json(call: Call, mistake: str, occupied: Path, networks: Path) -> None:
    """With --json the same error is one JSON object on standard output, and nothing is on standard error."""
    words, message = MISTAKES[mistake]
    places = {"tmp": occupied, "networks": networks}
    code, out, err = call(*(word.format(**places) for word in words), "--json")
    assert (code, err) == (2, "")
    (problem,) = json.loads(out)["problems"]
    assert message.format(**places).startswith(f"{problem['where']}: {problem['what']}")


def test_all_errors_of_a_model_come_together(call: Call, tmp_path: Path, networks: Path) -> None:
    """Three mistakes in one file are three problems of one call, each with its place."""
    text = (networks / "small_hierarchy.toml").read_text()
    for right, wrong in (('"0.3 mV"', '"-0.3 mV"'), ("tau_m", "tau_n"), ("probability = 0.5", "probability = 1.5")):
        text = text.replace(right, wrong, 1)
    (tmp_path / "wrong.toml").write_text(text)
    code, out, err = call("simulate", tmp_path / "wrong.toml", "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    for place in ("pathway.local.weight", "neuron.lif.tau_n", "pathway.local.connect"):
        assert place in err
    assert not (tmp_path / "out").exists()


def test_an_unknown_verb_names_the_known_ones(call: Call) -> None:
    """The error lists what there is, so that nobody has to look it up."""
    code, out, err = call("simulat", "hierarchy")
    assert (code, out) == (2, "")
    assert all(verb in err for verb in ("list", "describe", "simulate", "tables"))
    assert "Traceback" not in err


def test_help_and_version(call: Call) -> None:
    """Both exit with 0; help names every verb."""
    code, out, _ = call("--help")
    assert code == 0
    assert all(verb in out for verb in ("list", "describe", "simulate", "tables"))
    assert call("--version")[0] == 0


def test_a_bug_is_told_from_a_mistake(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no `CurrentsError` shows its traceback, asks for a report, and exits with 70."""

    def fail() -> dict[str, Path]:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("pipeline.cli.list_networks", fail)
    code, out, err = call("list")
    assert (code, out) == (70, "")
    assert "ZeroDivisionError: a bug" in err
    assert err.endswith("please report it with the lines above.\n")


def test_python_m_pipeline_is_currents() -> None:
    """`python -m pipeline` and the installed script print the same."""
    module = run_currents("list")
    script = subprocess.run([Path(sys.executable).with_name("currents"), "list"], capture_output=True, check=False)
    assert module.returncode == script.returncode == 0
    assert module.stdout == script.stdout.decode()
    assert "hierarchy" in module.stdout


@pytest.mark.compiled
def test_simulate_shows_progress_summary_and_what_comes_next(
    build_root: Path, tmp_path: Path, simulate_once: SimulateOnce, networks: Path
) -> None:
    """Stages on standard error; the summary, a note on the exception, the run's folder and a command on the other."""
    model = networks / "small_hierarchy.toml"
    simulate_once(model)
    words = ("simulate", model, "--arch", ARCH, "--build-root", build_root, "--out", tmp_path / "run")
    result = run_currents(*words, "--seed", "7", "--set", "drive.background.rate=9 Hz")
    assert result.returncode == 0, result.stderr
    # The structure is known from the run before: nothing is emitted, and nothing compiled.
    assert result.stderr.splitlines() == ["assemble …", "run …", "  100 %"]
    lines = result.stdout.splitlines()
    assert lines[0].startswith("note: ")
    assert "drive.background.layer.1" in lines[0]
    assert lines[1].split()[:2] == ["population", "size"]
    assert [line.split()[:2] for line in lines[2:6]] == [["L1E", "24"], ["L1I", "6"], ["L2E", "24"], ["L2I", "6"]]
    assert f"run: {tmp_path / 'run'}" in lines
    assert f"currents tables {tmp_path / 'run'} --to tables" in result.stdout
    run = load_run(tmp_path / "run")
    assert run.manifest["seed"] == 7
    assert run.manifest["settings"] == {"drive.background.rate": "9 Hz"}
    assert run.manifest["model"] == str(model)


@pytest.mark.compiled
@pytest.mark.parametrize(("threads", "noted"), [(3, True), (2, False)])
def test_more_threads_than_processors_are_noted(
    call: Call, monkeypatch: pytest.MonkeyPatch, threads: int, noted: bool
) -> None:
    """They are no mistake, since results are the same; but nobody wants to wait longer for them."""
    monkeypatch.setattr("os.process_cpu_count", lambda: 2)
    _, _, err = call("simulate", "no such model", "--threads", threads)
    told = "note: --threads 3: more than the 2 processors that there are make a run slower\n"
    assert err.startswith(told) is noted


def test_simulate_as_json(call: Call, build_root: Path, tmp_path: Path, exponential: Run) -> None:
    """Path, manifest and summary as one JSON object, whose numbers are those of the tables."""
    out = tmp_path / "run"
    words = ("simulate", "exponential_current", "--arch", ARCH, "--build-root", build_root, "--out", out, "--json")
    code, text, _ = call(*words)
    result: dict[str, Any] = json.loads(text, parse_constant=pytest.fail)
    assert code == 0
    assert result["path"] == str(out)
    assert result["manifest"]["status"] == "finished"
    (row,) = result["summary"]
    assert (row["population"], row["size"], row["mean_rate"]) == ("L1E", 3, pytest.approx(10))
    assert row["cv_isi"] is None
    assert exponential.summary()["ei_balance"].tolist() == [float("inf")]
    assert row["ei_balance"] is None
    assert row["slow_mean"] == pytest.approx(exponential.summary()["slow_mean"][0])


@pytest.fixture(scope="session")
def exponential(simulate_once: SimulateOnce) -> Run:
    """Return a run of three neurons that fire once each."""
    return simulate_once("exponential_current")


@pytest.mark.compiled
def test_a_record_interval_reaches_all_recorders_of_currents(exponential: Run, simulate_once: SimulateOnce) -> None:
    """At 1 ms instead of 0.1 ms: a tenth of the rows, the same charge."""
    coarse = simulate_once("exponential_current", record_interval="1 ms")
    fine, got = exponential.currents(), coarse.currents()
    assert len(fine) == 3000
    assert len(got) == 300
    assert got["slow"].sum() == pytest.approx(fine["slow"].sum() / 10, rel=1e-6)
    assert got["slow"].sum() > 0
    assert coarse.manifest["spec"]["record"]["currents"]["interval"] == "1 ms"


@pytest.mark.compiled
@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_tables_writes_what_a_run_has(call: Call, exponential: Run, tmp_path: Path, format: str) -> None:
    """Spikes and currents as files that read back to the same values; a second call does not overwrite them."""
    code, out, err = call("tables", exponential.path, "--to", tmp_path / "tables", "--format", format)
    assert (code, err) == (0, "")
    written = {Path(line).name for line in out.splitlines()}
    assert {f"spikes.{format}", f"currents.{format}"} <= written
    read = pd.read_parquet if format == "parquet" else pd.read_csv
    spikes, currents = (read(tmp_path / "tables" / f"{name}.{format}") for name in ("spikes", "currents"))
    assert list(spikes["time"]) == [0.02, 0.04, 0.06]
    assert len(currents) == 3000
    assert currents["slow"].max() == pytest.approx(exponential.currents()["slow"].max(), rel=1e-7)
    code, out, err = call("tables", exponential.path, "--to", tmp_path / "tables", "--format", format)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert call("tables", exponential.path, "--to", tmp_path / "tables", "--format", format, "--overwrite")[0] == 0


@pytest.mark.compiled
def test_tables_selects(call: Call, exponential: Run, tmp_path: Path) -> None:
    """Neurons, channels and times, and the written files as JSON."""
    chosen = ("--neurons", "1", "--channels", "slow", "--start", "50 ms", "--stop", "60 ms", "--json")
    code, out, _ = call("tables", exponential.path, "--to", tmp_path / "tables", *chosen)
    assert code == 0
    assert str(tmp_path / "tables" / "currents.parquet") in json.loads(out)["written"]
    table = pd.read_parquet(tmp_path / "tables" / "currents.parquet")
    assert len(table) == 100
    assert set(table["neuron"]) == {1}


@pytest.mark.compiled
def test_tables_of_an_unknown_population(call: Call, exponential: Run, tmp_path: Path) -> None:
    """One error, exit 2, nothing written."""
    words = ("tables", exponential.path, "--to", tmp_path / "tables", "--populations", "L9X")
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert "L9X" in err
    assert "Traceback" not in err
    assert not (tmp_path / "tables").exists()


@pytest.mark.parametrize("words", [["--seed", "1.5"], ["--threads", "1.9"], ["--seed", "0x10"], ["--seed", "1_0"]])
def test_a_number_that_is_not_whole_is_not_rounded(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Refused, and the number shown, before anything is done."""
    assert main(["simulate", "hierarchy", *words]) == EXIT_USAGE
    assert f'"{words[1]}" is no whole number' in capsys.readouterr().err
