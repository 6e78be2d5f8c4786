"""`currents tables` and `currents verify` of a run whose program was killed while it recorded."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.steps import format_time
from pipeline import load_run, verify
from pipeline.chunks import PartialRecordingWarning
from pipeline.cli import main
from pipeline.run_folder import RunFolder
from tests.pipeline.chunk_files import cut_stream

pytestmark = pytest.mark.compiled


@pytest.fixture
def shortened(killed: RunFolder, tmp_path: Path) -> RunFolder:
    """Return a copy that was killed earlier: its spikes end before the first chunk of currents does."""
    folder = RunFolder(Path(shutil.copytree(killed.path, tmp_path / "run")))
    for recorder in ("currents", "rates", "spikes"):
        cut_stream(folder, recorder, 1)
    return folder


def _last_step(folder: RunFolder) -> int:
    (trains,) = load_run(folder.path, partial=True).recording.spikes.values()
    return int(trains.step[-1])


@pytest.mark.parametrize("verb", ["tables", "verify"])
def test_a_part_must_be_asked_for(
    killed: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    """Without the option both verbs refuse, and name it."""
    more = ["--to", str(tmp_path / "out")] if verb == "tables" else []
    assert main([verb, str(killed.path), *more, "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["where"], problem["what"]) == (str(killed.path), "has not finished")
    assert problem["next"] == "take what there is with --partial"
    assert not (tmp_path / "out").exists()


def test_tables_of_a_part(killed: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All whole chunks become tables; one line says until when, and so do the files beside them."""
    out = tmp_path / "out"
    assert main(["tables", str(killed.path), "--to", str(out), "--partial"]) == 0
    captured = capsys.readouterr()
    assert [Path(line).stem for line in captured.out.splitlines()] == ["spikes", "currents", "rates", "inputs"]
    run = load_run(killed.path, partial=True)
    until_s = run.recording.n_steps * 1e-4
    (line,) = captured.err.splitlines()
    assert line.startswith(f"partial: recorded until {format_time(until_s)} of 100000 s")
    pd.testing.assert_frame_equal(pd.read_parquet(out / "currents.parquet"), run.currents(), check_exact=True)
    (spikes,) = run.recording.spikes.values()
    stop_s = min(until_s, int(spikes.step[-1]) * 1e-4)
    pd.testing.assert_frame_equal(pd.read_parquet(out / "spikes.parquet"), run.spikes(stop=stop_s), check_exact=True)
    for name in ("manifest.json", "columns.json"):
        said = json.loads((out / name).read_text())["partial"]
        assert (said["status"], said["recorders"]["currents"]) == ("failed", pytest.approx(until_s, rel=1e-12))


def test_a_part_is_verified_until_its_last_known_spike(
    shortened: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bins whose spikes were lost with the program are not compared; all before them are, and agree."""
    last = _last_step(shortened)
    assert 50_000 < last < 160_000, "the currents end first"
    assert main(["verify", str(shortened.path), "--partial"]) == 0
    conclusion = capsys.readouterr().out.splitlines()[-1]
    assert conclusion == f"verified until {format_time(last // 10 * 1e-3)} of 100000 s: everything agrees"


def test_a_report_has_the_part_that_was_compared(shortened: RunFolder) -> None:
    """In Python, too; every bin until then was compared, and no other. What was opened as a part needs no option."""
    last = _last_step(shortened)
    for report in (verify(shortened.path, partial=True), verify(load_run(shortened.path, partial=True))):
        assert report.passed
        assert report.part is not None
        assert report.part.n_steps == last // 10 * 10
        n_values = {(row.quantity, row.population): row.n_values for row in report.rows}
        assert n_values["slow", "L1E"] == n_values["v", "L1E"] == 20 * (last // 10)
        assert n_values["rates", "L1E"] == last // 10


def test_a_part_without_spikes(shortened: RunFolder) -> None:
    """Where the first chunk of spikes was lost, the currents of drives are verified, and the others listed."""
    cut_stream(shortened, "spikes", 0)
    report = verify(shortened.path, partial=True)
    assert report.passed
    verdicts = {row.quantity: row.verdict for row in report.rows if row.population == "L1E"}
    assert verdicts["background"] == verdicts["pulses"] == "ok"
    assert {row.n_values for row in report.rows if row.quantity == "background"} == {20 * 16384, 5 * 16384}
    assert verdicts["slow"] == verdicts["inhibition"] == verdicts["v"] == "not checked"


def test_spikes_that_are_missing_in_between_differ(
    killed: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part that lacks more than its end does not pass, and the file that is missing is named."""
    folder = RunFolder(Path(shutil.copytree(killed.path, tmp_path / "run")))
    for recorder, n_chunks in (("currents", 1), ("rates", 1), ("spikes", 2)):
        cut_stream(folder, recorder, n_chunks)
    folder.chunk("spikes", 0).unlink()
    assert main(["verify", str(folder.path), "--partial", "--json"]) == 1
    captured = capsys.readouterr()
    said = json.loads(captured.out)
    assert {"slow", "spikes", "rates"} <= set(said["failed"])
    assert said["partial"]["duration_s"] == 100000
    assert captured.err == f"damaged: {folder.chunk('spikes', 0)}: is missing.\n"
    with pytest.warns(PartialRecordingWarning):
        run = load_run(folder.path, partial=True)
    assert np.all(run.spikes()["time"] > 5.0)
