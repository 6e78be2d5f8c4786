"""`verify` says what it did not compare: currents, spikes and rates, in its rows and in its last line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.cli import main
from pipeline.recorded_spikes import SpikeCounts
from pipeline.run import Run, load_run
from pipeline.verification import Row, verify
from tests.pipeline.verification.networks import HIERARCHY, PAIR, make_spec
from tests.pipeline.verification.simulate_plainly import simulate_plainly

SHORT = {"network.duration": "50 ms"}
SPIKES = '[record.spikes]\nkind = "spikes"\n'


def _run_verb(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str], dict[str, Any]]:
    """Return the exit code of `currents verify`, the lines that it prints, and its JSON."""
    code = main(["verify", str(folder)])
    lines = capsys.readouterr().out.splitlines()
    assert main(["verify", str(folder), "--json"]) == code
    return code, lines, json.loads(capsys.readouterr().out)


def test_no_current_could_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the spikes that the currents come from, a run of which no current was checked is not verified."""
    settings = {"record.currents.channels": ["slow"]}
    simulate_plainly(make_spec(PAIR.replace(SPIKES, ""), settings), tmp_path)
    code, lines, said = _run_verb(tmp_path, capsys)
    why = (
        "none of the recorded currents could be checked (the spikes of L1E were not recorded); "
        "record the spikes of all populations"
    )
    assert (code, lines[-1]) == (1, f"NOT verified: {why}")
    assert (said["passed"], said["failed"], said["why_not"], said["n_not_checked"]) == (False, [], why, 2)


def test_some_rows_could_not_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where only some rows were not checked, the last line counts them."""
    simulate_plainly(make_spec(HIERARCHY.replace(SPIKES, ""), SHORT), tmp_path)
    code, lines, said = _run_verb(tmp_path, capsys)
    unchecked = [row for row in said["rows"] if row["verdict"] == "not checked"]
    n_rows = len(said["rows"])
    # v at four populations, and the channels of three pathways
    assert (code, len(unchecked)) == (0, 4 + 2 + 4 + 2)
    assert lines[-1] == (f"verified, but for 12 of {n_rows} rows, which could not be checked: see `not checked` above")
    assert (said["passed"], said["why_not"], said["n_not_checked"], said["n_rows"]) == (True, "", 12, n_rows)


def test_nothing_but_zeros_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run without any current says that, and one without a recorder of them says that."""
    simulate_plainly(make_spec(PAIR, {"drive.push.value": "0 mV"}), tmp_path / "zeros")
    code, lines, _ = _run_verb(tmp_path / "zeros", capsys)
    assert (code, lines[-1]) == (1, "NOT verified: no channel that could be checked held a value other than 0")
    start = PAIR.index("[record.currents]")
    simulate_plainly(make_spec(PAIR[:start] + SPIKES), tmp_path / "spikes")
    code, lines, _ = _run_verb(tmp_path / "spikes", capsys)
    assert (code, lines[-1]) == (1, "NOT verified: no currents were recorded")


def _spikes_rows(folder: Path) -> dict[str, Row]:
    return {row.population: row for row in verify(folder).rows if row.quantity == "spikes"}


def test_spikes_that_were_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Spikes of neurons whose v was not recomputed are counted: of a part of a population, and of all of it."""
    run = simulate_plainly(
        make_spec(HIERARCHY, {"record.currents.population": "L1E", "record.currents.neurons": [0, 1, 2]}), tmp_path
    )
    fired = np.bincount([neuron for _, neuron in run.spikes], minlength=36)
    rows, none = _spikes_rows(tmp_path), "no recorder of currents or states has any of its neurons"
    left_out = [fired[3:12].sum(), fired[12:18].sum(), fired[18:30].sum(), fired[30:].sum()]
    assert [row.n_left_out for row in rows.values()] == left_out
    assert min(left_out) > 50
    assert [(row.verdict, row.compared, row.reason) for row in rows.values()] == [
        ("ok", "3 of 12 neurons", ""),
        *[("not checked", "", none)] * 3,
    ]
    code, lines, _ = _run_verb(tmp_path, capsys)
    assert code == 0
    of = "recorded spikes were not compared"
    said = f"spikes at L1E: those of 3 of 12 neurons were compared; {left_out[0]} {of}"
    assert f"{said}: the v of their neurons was not recorded" in lines
    assert f"spikes at L1I: not checked: {none}; {left_out[1]} {of}" in lines
    assert lines[-1].startswith("verified, but for 3 of ")


def _with_rates(folder: Path, populations: tuple[str, ...], change: int = 0) -> Run:
    """Return the run of a folder with a recorder of rates in bins of 1.5 ms, one of whose counts is changed."""
    run = load_run(folder)
    trains = run.recording.spikes["spikes"]
    columns = [run.network.population[name] for name in populations]
    counts = np.zeros((run.recording.n_steps // 15, len(columns)), np.int64)
    for i_column, population in enumerate(columns):
        own = (trains.neuron >= population.start) & (trains.neuron < population.stop)
        counts[:, i_column] = np.bincount(trains.step[own] // 15, minlength=len(counts))[: len(counts)]
    counts[7, 0] += change
    rates = {"rates": SpikeCounts("rates", populations, 15, counts)}
    return replace(run, recording=replace(run.recording, rates=rates))


def _rates_rows(run: Run) -> dict[str, Row]:
    return {row.population: row for row in verify(run).rows if row.quantity == "rates"}


def test_rates_are_those_of_the_spikes(hierarchy_run: Path) -> None:
    """Recorded rates are compared with the recorded spikes, bin by bin."""
    rows = _rates_rows(_with_rates(hierarchy_run, ("L1E", "L2I")))
    assert [(name, row.n_values, row.verdict) for name, row in rows.items()] == [("L1E", 266, "ok"), ("L2I", 266, "ok")]


def test_a_wrong_count_differs(hierarchy_run: Path) -> None:
    """One count too many is one difference, at the end of its bin, of no neuron."""
    rows = _rates_rows(_with_rates(hierarchy_run, ("L1E", "L2I"), change=1))
    row = rows["L1E"]
    assert (row.verdict, row.n_different, row.time, row.neuron) == ("differs", 1, 0.012, None)
    assert row.recorded - row.expected == row.largest_absolute == 1
    assert rows["L2I"].verdict == "ok"


def test_rates_without_spikes_are_not_checked(tmp_path: Path) -> None:
    """Rates of a population whose spikes were not recorded have nothing to be compared with."""
    simulate_plainly(make_spec(HIERARCHY, SHORT | {"record.spikes.population": ["E"]}), tmp_path)
    rows = _rates_rows(_with_rates(tmp_path, ("L1E", "L1I")))
    assert (rows["L1E"].verdict, rows["L1I"].verdict) == ("ok", "not checked")
    assert rows["L1I"].reason == "the spikes of L1I were not recorded"
