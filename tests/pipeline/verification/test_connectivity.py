"""The edges in a run's folder are those that the model says, or `verify` says which are not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.cli import main
from pipeline.errors import RecordingError
from pipeline.verification import VerifyReport, connectivity, verify
from tests.pipeline.verification.networks import HIERARCHY, PAIR, make_spec
from tests.pipeline.verification.simulate_plainly import simulate_plainly

PATHWAYS = ("lateral", "inhibition", "feedforward", "common")


def of_edges(report: VerifyReport, pathway: str | None = None) -> dict[tuple[str, str], str]:
    """Return the verdicts by pathway and quantity."""
    rows = [row for row in report.rows if row.recorder in PATHWAYS + ("slow",) and not row.population]
    return {(row.recorder, row.quantity): row.verdict for row in rows if pathway in (None, row.recorder)}


def change_spec(folder: Path, path: str, value: Any) -> None:
    """Set a value of the model in a run's manifest."""
    manifest = json.loads((folder / "manifest.json").read_text())
    *tables, key = path.split(".")
    place = manifest["spec"]
    for name in tables:
        place = place[name]
    place[key] = value
    (folder / "manifest.json").write_text(json.dumps(manifest))


def change_array(path: Path, change: Callable[[Any], Any]) -> None:
    """Replace an array by what a function makes of it."""
    np.save(path, change(np.load(path)))


def explain(report: VerifyReport) -> list[str]:
    """Return what the report says of what is not of one population, and differs or was not checked."""
    from pipeline.show import format_report

    names = ("edges of", "targets of", "weights of", "delays of")
    return [line for line in format_report(report).splitlines() if line.startswith(names)]


def test_all_edges_agree(hierarchy_run: Path) -> None:
    """Of every pathway and drive with sources, every edge with its weight and delay."""
    report = verify(hierarchy_run)
    quantities = ("edges", "targets", "weights", "delays")
    assert of_edges(report) == {(name, quantity): "ok" for name in PATHWAYS for quantity in quantities}
    sizes = {(row.recorder, row.quantity): row.n_values for row in report.rows}
    assert sizes["feedforward", "edges"] == 36
    assert sizes["feedforward", "weights"] == 12 * 18
    assert sizes["common", "edges"] == 5


@pytest.mark.parametrize(
    ("path", "value", "differs"),
    [
        ("pathway.inhibition.weight", "1.1 mV", {("inhibition", "weights")}),
        ("pathway.lateral.delay", "1.6 ms", {("lateral", "delays")}),
        ("pathway.lateral.weight", {"uniform": ["0.2 mV", "0.7 mV"]}, {("lateral", "weights")}),
        ("drive.common.delay", "0.4 ms", {("common", "delays")}),
        ("pathway.lateral.connect", {"probability": 0.4}, {("lateral", q) for q in ("edges", "targets", "weights")}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_model(hierarchy_copy: Path, path: str, value: Any, differs: set[tuple[str, str]]) -> None:
    """A model with another weight, delay or rule than the edges were sampled with is not the one that ran."""
    change_spec(hierarchy_copy, path, value)
    report = verify(hierarchy_copy)
    assert not report.passed
    assert {key for key, verdict in of_edges(report).items() if verdict == "differs"} == differs


def test_another_seed(hierarchy_copy: Path) -> None:
    """Though every current follows from the edges as they are, they are not those of the model's seed."""
    change_spec(hierarchy_copy, "network.seed", 4)
    report = verify(hierarchy_copy)
    assert not report.passed
    assert set(report.failed) == {"edges", "targets", "weights"}


@pytest.mark.parametrize("edges_at_a_time", [1, 7, 1 << 20])
def test_the_first_difference(hierarchy_copy: Path, monkeypatch: pytest.MonkeyPatch, edges_at_a_time: int) -> None:
    """It is named by its source and target, with how many there are, however the edges are cut into blocks."""
    monkeypatch.setattr(connectivity, "_EDGES_AT_A_TIME", edges_at_a_time)
    place = hierarchy_copy / "edges/inhibition"
    row, target = np.load(place / "row.npy"), np.load(place / "target.npy")
    source = int(np.searchsorted(row, 40, "right")) - 1
    change_array(place / "delay.npy", lambda delay: delay + np.isin(np.arange(delay.size), [40, 41, 77]))
    report = verify(hierarchy_copy)
    delay = np.load(place / "delay.npy")
    (found,) = [row for row in report.rows if row.quantity == "delays" and row.verdict == "differs"]
    assert (found.n_values, found.n_different, found.largest_absolute) == (93, 3, 1)
    assert explain(report) == [
        f"delays of inhibition: 3 differ; first from {source} to {target[40]}: "
        f"expected {delay[40] - 1}, recorded {delay[40]}"
    ]


@pytest.mark.parametrize("edges_at_a_time", [5, 1 << 20])
def test_a_missing_edge(hierarchy_copy: Path, monkeypatch: pytest.MonkeyPatch, edges_at_a_time: int) -> None:
    """Only the edges of its own source count as different: those of all others are compared with their own."""
    monkeypatch.setattr(connectivity, "_EDGES_AT_A_TIME", edges_at_a_time)
    place = hierarchy_copy / "edges/lateral"
    n_edges = np.diff(np.load(place / "row.npy"))
    change_array(place / "row.npy", lambda row: row - (np.arange(row.size) > 4))
    for name in ("target", "weight"):
        change_array(place / f"{name}.npy", lambda values: np.delete(values, n_edges[:5].sum() - 1))
    report = verify(hierarchy_copy)
    assert [row.recorder for row in report.rows if row.quantity == "edges" and row.verdict == "differs"] == ["lateral"]
    assert explain(report) == [
        f"edges of lateral: 1 differ; first from 4: expected {n_edges[4]}, recorded {n_edges[4] - 1}"
    ]
    compared = next(row for row in report.rows if (row.recorder, row.quantity) == ("lateral", "targets"))
    assert (compared.verdict, compared.n_values) == ("ok", n_edges.sum() - n_edges[4])


def test_one_target(hierarchy_copy: Path) -> None:
    """A target is told by its source and by where it should be."""
    place = hierarchy_copy / "edges/feedforward"
    change_array(place / "target.npy", lambda target: np.where(np.arange(target.size) == 17, 34, target).astype("i4"))
    assert explain(verify(hierarchy_copy)) == [
        "targets of feedforward: 1 differ; first from 0: expected 35, recorded 34"
    ]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("layers.population.E.size", 13),
        ("layers.count", 3),
        ("drive.common.sources", 3),
        ("drive.common.sources", 9),
    ],
)
def test_a_network_of_another_size(
    hierarchy_copy: Path, capsys: pytest.CaptureFixture[str], path: str, value: int
) -> None:
    """Edges that cannot be those of the network do not match; nothing is recomputed from them, which is said."""
    change_spec(hierarchy_copy, path, value)
    assert main(["verify", str(hierarchy_copy)]) == 1
    said = capsys.readouterr().out
    assert said.endswith("NOT verified\n")
    assert (
        f"edges of common: {hierarchy_copy}/edges/common/row.npy: does not divide" in said or "edges of lateral" in said
    )


def test_files_that_do_not_fit_each_other(hierarchy_copy: Path) -> None:
    """They do not match either; the other pathways are checked all the same."""
    change_array(hierarchy_copy / "edges/lateral/weight.npy", lambda weight: weight[:-1])
    report = verify(hierarchy_copy)
    path = hierarchy_copy / "edges/lateral/weight.npy"
    what = f"{path}: is not as long as the targets (expected 1 or 157 values; got 156)."
    assert explain(report) == [f"edges of lateral: {what}"]
    rows = {(row.quantity, row.population): row for row in report.rows}
    assert {rows["lateral", name].reason for name in ("L1E", "L2E")} == {what}
    assert rows["inhibition", "L1E"].verdict == rows["feedforward", "L2I"].verdict == "ok"


def test_missing_files_are_an_error(hierarchy_copy: Path) -> None:
    """There is nothing to compare."""
    (hierarchy_copy / "edges/lateral/delay.npy").unlink()
    with pytest.raises(RecordingError, match=r"edges/lateral/delay\.npy: is missing"):
        verify(hierarchy_copy)


@pytest.fixture
def from_files(tmp_path: Path) -> Path:
    """Return a run whose weights and delays come from files."""
    rng = np.random.default_rng(1)
    np.save(tmp_path / "w.npy", rng.uniform(0.2, 0.6, (6, 6)))
    np.save(tmp_path / "d.npy", rng.uniform(0.2, 0.9, (6, 6)))
    files = {
        "pathway.slow.weight": {"file": str(tmp_path / "w.npy"), "unit": "mV"},
        "pathway.slow.delay": {"file": str(tmp_path / "d.npy"), "unit": "ms"},
    }
    spec = make_spec(PAIR, files)
    simulate_plainly(spec, tmp_path)
    return tmp_path


def test_weights_of_a_file(from_files: Path) -> None:
    """They are compared with that."""
    assert set(of_edges(verify(from_files)).values()) == {"ok"}
    change_array(from_files / "w.npy", lambda weight: weight * 1.001)
    assert verify(from_files).failed == ("weights",)


@pytest.mark.parametrize("lost", [["w.npy"], ["d.npy"], ["w.npy", "d.npy"]])
def test_a_file_that_is_gone(from_files: Path, lost: list[str]) -> None:
    """What does not come from it is checked, and it is named."""
    for name in lost:
        (from_files / name).unlink()
    report = verify(from_files)
    known = {"w.npy": "weights", "d.npy": "delays"}
    unchecked = {known[name] for name in lost}
    assert of_edges(report) == {
        ("slow", quantity): "not checked" if quantity in unchecked else "ok"
        for quantity in ("edges", "targets", "weights", "delays")
    }
    reasons = {row.quantity: row.reason for row in report.rows if row.quantity in unchecked}
    for name in lost:
        key = known[name].removesuffix("s")
        assert reasons[known[name]].startswith(
            f"pathway.slow.{key}: needs the file {from_files / name}, which cannot be read"
        )
    assert report.passed


def test_nothing_but_the_edges(tmp_path: Path) -> None:
    """Edges are compared where no current is, since nothing was recorded of them."""
    simulate_plainly(make_spec(HIERARCHY, {"record.currents.channels": ["background"]}), tmp_path)
    change_array(tmp_path / "edges/lateral/weight.npy", lambda weight: weight * np.float32(1.01))
    report = verify(tmp_path)
    assert "weights" in report.failed
    assert "lateral" not in report.failed
