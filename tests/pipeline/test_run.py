"""Loading a run: what it offers, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from models.errors import Problem, SpecError
from models.expand import expand_network
from models.spec import NetworkSpec
from pipeline import tabulate
from pipeline.errors import RecordingError, RunFolderError, UnfinishedRunError
from pipeline.run import load_run
from tests.pipeline.synthetic_run import SyntheticRun, make_run


@pytest.fixture
def made(tmp_path: Path) -> SyntheticRun:
    """Return a run that a test may damage."""
    return make_run(tmp_path / "run")


def test_methods_are_the_tables(made: SyntheticRun) -> None:
    """Each method gives the table of the load stage, with its selections."""
    run = load_run(made.path)
    recording = run.recording
    pairs = [
        (run.spikes(populations="E", stop="9 ms"), tabulate.tabulate_spikes(recording, populations="E", stop="9 ms")),
        (run.currents(["L1E"], [1], "input"), tabulate.tabulate_currents(recording, neurons=1, channels="input")),
        (pd.concat(run.iter_currents(memory_mb=0.002)), tabulate.tabulate_currents(recording)),
        (run.states(neurons=[0], variables="v"), tabulate.tabulate_states(recording, neurons=[0], variables="v")),
        (run.inputs(start="5 ms"), tabulate.tabulate_inputs(recording, start="5 ms")),
        (run.rates(), tabulate.tabulate_rates(recording, "10 ms")),
        (run.rates("2 ms", recorder="rates"), tabulate.tabulate_rates(recording, "2 ms")),
        (run.connectivity("noise"), tabulate.tabulate_connectivity(run.folder, run.network, "noise")),
    ]
    for got, expected in pairs:
        pd.testing.assert_frame_equal(got, expected)
        assert len(got) > 0
    assert list(run.summary()["population"]) == ["L1E", "L1I", "L2E", "L2I"]


def test_what_a_run_says(made: SyntheticRun) -> None:
    """A run knows its folder, its manifest and the spec that ran."""
    run = load_run(str(made.path))
    assert run.path == made.path
    assert run.manifest == json.loads(made.folder.manifest.read_text())
    assert run.spec == made.network.spec
    assert repr(run) == f"<Run {made.path}: synthetic, 20 ms>"


def test_files_of_the_model_need_not_be_there(made: SyntheticRun) -> None:
    """Tables are of what was recorded; a model that is wrong is refused as ever."""
    spec = json.loads(made.folder.manifest.read_text())["spec"]
    spec["pathway"]["lateral"]["weight"] = {"file": "gone.npy", "unit": "mV"}
    made.change_manifest(spec=spec)
    assert len(load_run(made.path).currents()) == 200
    spec["pathway"]["lateral"]["source"] = ["X"]
    made.change_manifest(spec=spec)
    with pytest.raises(RunFolderError, match="names a population that does not exist"):
        load_run(made.path)


def test_a_recording_of_variables_that_are_refused_now(made: SyntheticRun) -> None:
    """What a run recorded is there, though no run may record it any more: what Brian2 or the engine adds."""
    spec = json.loads(made.folder.manifest.read_text())["spec"]
    spec["record"]["states"]["variables"] = ["v", "lastspike"]
    made.change_manifest(spec=spec)
    recorders = made.index()["recorders"]
    arrays = recorders["states"]["arrays"]
    recorders["states"]["arrays"] = {"v": arrays["v"], "lastspike": arrays["I_lateral"]}
    made.change_index(recorders=recorders)
    with pytest.raises(SpecError, match="names no variable of L1E"):
        expand_network(NetworkSpec.model_validate(spec))
    for partial in (False, True):
        states = load_run(made.path, partial=partial).states(populations="L1E", variables="lastspike")
        assert states["lastspike"].tolist() == made.states["I_lateral"].ravel().tolist()


@pytest.mark.parametrize("initial", [{"v": "1 ms"}, {"v": 0.01}, {"I": "1 mV"}, {"tau_m": "1 mV"}])
def test_a_recording_of_a_model_that_is_refused_now(made: SyntheticRun, initial: dict[str, object]) -> None:
    """Initial values that are not taken any more leave a recording as it is."""
    spec = json.loads(made.folder.manifest.read_text())["spec"]
    own = {"equations": "dv/dt = (I - v)/tau_m : volt", "threshold": "v > 20*mV", "reset": "v = 0*mV"}
    spec["neuron"]["lif"] = own | {"parameters": {"tau_m": "10 ms"}, "initial": initial}
    made.change_manifest(spec=spec)
    with pytest.raises(SpecError, match=r"neuron\.lif\.initial"):
        expand_network(NetworkSpec.model_validate(spec))
    for partial in (False, True):
        assert len(load_run(made.path, partial=partial).currents()) == 200


def test_relative_path(made: SyntheticRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was loaded by a relative path can be read after the working directory has changed."""
    monkeypatch.chdir(made.path.parent)
    run = load_run("run")
    monkeypatch.chdir("/")
    assert len(run.currents()) == 200


_AGAIN = "compute the run again; its model is in model.toml"
_EXPECTED = "the folder of a run, which has manifest.json at its top"


def _no_folder(run: SyntheticRun) -> Problem:
    run.path.rename(run.path.with_name("elsewhere"))
    return Problem(str(run.path), "does not exist", _EXPECTED)


def _file(run: SyntheticRun) -> Problem:
    run.path.rename(run.path.with_name("elsewhere"))
    run.path.touch()
    return Problem(str(run.path), "is a file", _EXPECTED)


def _no_manifest(run: SyntheticRun) -> Problem:
    run.folder.manifest.unlink()
    return Problem(str(run.path), "is not a run: it has no manifest", _EXPECTED)


def _broken_manifest(run: SyntheticRun) -> Problem:
    run.folder.manifest.write_text("[")
    evidence = "Expecting value: line 1 column 2 (char 1)"
    return Problem(str(run.folder.manifest), "cannot be read as JSON", evidence=evidence)


def _other_format(run: SyntheticRun) -> Problem:
    run.change_manifest(format=2)
    next_ = "load it with the version of this package that wrote it"
    return Problem(str(run.folder.manifest), "is of another format version", "format 1", "format 2", next=next_)


def _no_spec(run: SyntheticRun) -> Problem:
    run.folder.manifest.write_text('{"format": 1}')
    return Problem(str(run.folder.manifest), 'lacks "status" and "spec"', next=_AGAIN)


def _no_seed(run: SyntheticRun) -> Problem:
    manifest = json.loads(run.folder.manifest.read_text())
    del manifest["seed"]
    run.folder.manifest.write_text(json.dumps(manifest))
    return Problem(str(run.folder.manifest), 'lacks "seed"', next=_AGAIN)


def _notes_of_another_type(run: SyntheticRun) -> Problem:
    run.change_manifest(notes=5)
    return Problem(f"{run.folder.manifest}: notes", "has the wrong type", "a list", "5", next=_AGAIN)


def _duration_of_nothing(run: SyntheticRun) -> Problem:
    run.change_manifest(duration_s=0)
    return Problem(f"{run.folder.manifest}: duration_s", "is out of range", "> 0.0", "0", next=_AGAIN)


def _deep_manifest(run: SyntheticRun) -> Problem:
    run.folder.manifest.write_text("[" * 100_000)
    evidence = "maximum recursion depth exceeded while decoding a JSON array from a unicode string"
    return Problem(str(run.folder.manifest), "cannot be read as JSON", evidence=evidence)


def _other_spec(run: SyntheticRun) -> Problem:
    spec = json.loads(run.folder.manifest.read_text())["spec"]
    del spec["network"]["dt"]
    run.change_manifest(spec=spec)
    return Problem(f"{run.folder.manifest}: spec: network.dt", "is missing")


_DAMAGES: list[Callable[[SyntheticRun], Problem]] = [
    _no_folder,
    _file,
    _no_manifest,
    _broken_manifest,
    _other_format,
    _no_spec,
    _no_seed,
    _notes_of_another_type,
    _duration_of_nothing,
    _deep_manifest,
    _other_spec,
]


@pytest.mark.parametrize("damage", _DAMAGES, ids=[damage.__name__.lstrip("_") for damage in _DAMAGES])
def test_what_is_not_a_run(made: SyntheticRun, damage: Callable[[SyntheticRun], Problem]) -> None:
    """What is not a run, or not one of this version, is refused with what was found: the whole message."""
    problem = damage(made)
    with pytest.raises(RunFolderError) as caught:
        load_run(made.path)
    assert str(caught.value) == str(problem)
    assert isinstance(caught.value, OSError)
    assert caught.value.exit_code == 2


WRONG: dict[str, list[object]] = {
    "status": [5, None],
    "spec": [5, []],
    "notes": ["text", [1], {}],
    "network": [5],
    "settings": [5, {"network.dt": 5}],
    "seed": ["1", -1, 2**63, 1.5, True],
    "n_steps": ["200", 0, 2**60],
    "dt_s": ["1 ms", 0, -1, float("nan")],
    "duration_s": ["20 ms", float("inf")],
    "simulation_s": ["1 s", -1],
    "edges": [5, {"lateral": "many"}],
    "error": [5],
    "finished": [5],
}
"""Values that no manifest has, by their entry."""


@pytest.mark.parametrize(("entry", "value"), [(entry, value) for entry, values in WRONG.items() for value in values])
def test_an_entry_of_another_type(made: SyntheticRun, entry: str, value: object) -> None:
    """Is refused and named, before anything uses it."""
    made.change_manifest(**{entry: value})
    with pytest.raises(RunFolderError) as caught:
        load_run(made.path)
    assert str(caught.value).startswith(f"{made.folder.manifest}: {entry}")
    assert str(caught.value).endswith(f"  next: {_AGAIN}")


@pytest.mark.parametrize(("entry", "value"), [("pid", "x"), ("pid", float("inf")), ("host", 5), ("started", "now")])
def test_what_says_no_process_is_no_process(made: SyntheticRun, entry: str, value: object) -> None:
    """A run that says that it is running, without a process that can be looked for, is believed."""
    at = {"pid": 1, "host": {"name": "here"}, "started": "2026-01-01T00:00:00+00:00"}
    made.change_manifest(**{"status": "running", **at, entry: value})
    with pytest.raises(UnfinishedRunError, match='status "running"'):
        load_run(made.path)


def test_a_folder_whose_name_is_too_long() -> None:
    """Is one error."""
    path = Path("/") / ("x" * 300)
    with pytest.raises(RunFolderError) as caught:
        load_run(path)
    assert str(caught.value) == (
        f"{path}: cannot be read (expected {_EXPECTED}).\n  evidence: [Errno 36] File name too long: '{path}'"
    )


def test_unfinished_run_is_refused(made: SyntheticRun) -> None:
    """A run that was interrupted says how far it got and how to load that; so it loads when asked for."""
    made.change_manifest(status="interrupted")
    path = made.folder.array("currents", "lateral")
    path.write_bytes(path.read_bytes()[: 24 + 24 * 12 + 7])
    with pytest.raises(UnfinishedRunError) as caught:
        load_run(made.path)
    assert str(caught.value) == (
        f'{made.path}: has not finished (expected status "finished"; '
        'got status "interrupted" with 12 ms of 20 ms recorded).\n'
        f'  next: load what there is with: load_run("{made.path}", partial=True)'
    )
    part = load_run(made.path, partial=True).currents()
    assert part["time"].max() == 0.012
    whole = make_run(made.path.parent / "whole")
    pd.testing.assert_frame_equal(part, load_run(whole.path).currents(stop="12 ms"))


def test_part_has_complete_bins_of_rates(made: SyntheticRun) -> None:
    """Of a part, rates are given in the complete bins of any length."""
    made.change_manifest(status="failed")
    path = made.folder.array("currents", "lateral")
    path.write_bytes(path.read_bytes()[: 24 + 24 * 11])
    times = load_run(made.path, partial=True).rates("4 ms")["time"]
    assert sorted(set(times)) == [0.004, 0.008]


def test_failed_run_without_recording(made: SyntheticRun) -> None:
    """A run that failed before it recorded anything shows its error."""
    made.change_manifest(status="failed", error="no compiler")
    made.folder.recording_index.unlink()
    with pytest.raises(UnfinishedRunError) as caught:
        load_run(made.path)
    assert str(caught.value) == (
        f'{made.path}: has not finished (expected status "finished"; '
        'got status "failed" with nothing of 20 ms recorded).\n'
        "  evidence: no compiler\n"
        "  next: run it again"
    )
    with pytest.raises(RecordingError):
        load_run(made.path, partial=True)


def test_running_run(made: SyntheticRun) -> None:
    """A run that is still going on is best waited for."""
    made.change_manifest(status="running")
    with pytest.raises(UnfinishedRunError) as caught:
        load_run(made.path)
    (problem,) = caught.value.problems
    assert problem.next == (
        "wait until it has finished, or, if its process has died, "
        f'load what there is with: load_run("{made.path}", partial=True)'
    )


def test_finished_run_is_whole(made: SyntheticRun) -> None:
    """Damage does not pass, unless what is left is asked for."""
    path = made.folder.array("currents", "lateral")
    whole = load_run(made.path).recording.readers["currents"].n_bins
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(RecordingError):
        load_run(made.path)
    assert load_run(made.path, partial=True).recording.readers["currents"].n_bins == whole - 1
