"""A run that was changed in one place: `verify` finds it, and names the channel, the place and the time."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import RecordingError
from pipeline.verification import Row, VerifyReport, verify

N_BINS, N_NEURONS = 400, 36
OFFSET_BYTES = 16


def spoil(path: Path, **places: Any) -> NDArray[Any]:
    """Add numbers to places of an array, given as `at` and `by`; return the array as it was."""
    array = np.load(path)
    changed = array.copy()
    changed[places["at"]] += places["by"]
    np.save(path, changed)
    return np.asarray(array)


def open_bins(run: Path, variable: str, n_neurons: int) -> NDArray[np.float32]:
    """Return the bins of a recorded variable, writable in place."""
    path = run / "recording/currents" / f"{variable}.bin"
    return np.memmap(path, np.float32, "r+", OFFSET_BYTES, (N_BINS, n_neurons))


def busiest(run: Path, first: int, last: int) -> int:
    """Return the neuron within a range that fires most; it must do so before the end."""
    counts = np.bincount(np.load(run / "recording/spikes/neuron.npy"), minlength=N_NEURONS)
    neuron = first + int(np.argmax(counts[first:last]))
    assert counts[neuron] > 5
    return neuron


def first_edge(run: Path, pathway: str, source: int) -> int:
    """Return the first edge of a source."""
    row = np.load(run / "edges" / pathway / "row.npy")
    assert row[source + 1] > row[source]
    return int(row[source])


def expect_only(report: VerifyReport, *names: str) -> list[Row]:
    """Return the rows that differ, which must be of these quantities and no others."""
    assert not report.passed
    assert set(report.failed) == set(names)
    return [row for row in report.rows if row.verdict == "differs"]


def test_sign_of_a_weight(hierarchy_copy: Path) -> None:
    """One weight with the other sign is found, at its target."""
    edge = first_edge(hierarchy_copy, "lateral", busiest(hierarchy_copy, 0, 12))
    place = hierarchy_copy / "edges/lateral"
    weight = np.load(place / "weight.npy")[edge]
    spoil(place / "weight.npy", at=edge, by=-2 * weight)
    rows = expect_only(verify(hierarchy_copy), "lateral", "v", "spikes", "weights")
    assert rows[1].quantity == "lateral"
    assert rows[1].neuron == np.load(place / "target.npy")[edge]
    assert rows[1].recorded > rows[1].expected


@pytest.mark.parametrize(("pathway", "others"), [("lateral", ["v", "spikes"]), ("common", ["v", "spikes"])])
def test_time_constant(hierarchy_copy: Path, pathway: str, others: list[str]) -> None:
    """A time constant that is 0.1 % off is found."""
    manifest = json.loads((hierarchy_copy / "manifest.json").read_text())
    place = manifest["spec"]["pathway" if pathway in manifest["spec"]["pathway"] else "drive"][pathway]
    place["tau"] = {"10 ms": "10.01 ms", "5 ms": "5.005 ms"}[place["tau"]]
    (hierarchy_copy / "manifest.json").write_text(json.dumps(manifest))
    report = verify(hierarchy_copy)
    assert pathway in report.failed
    assert set(report.failed) <= {pathway, *others}


@pytest.mark.parametrize("pathway", ["lateral", "feedforward", "common"])
@pytest.mark.parametrize("by", [1, -1])
def test_delay(hierarchy_copy: Path, pathway: str, by: int) -> None:
    """A delay that is one step longer or shorter is found, wherever spikes then fall into other bins or decay more."""
    spoil(hierarchy_copy / "edges" / pathway / "delay.npy", at=0, by=by)
    report = verify(hierarchy_copy)
    assert {pathway, "delays"} <= set(report.failed) <= {pathway, "v", "spikes", "delays"}


def test_delay_of_one_edge(hierarchy_copy: Path) -> None:
    """One edge of a pathway of many delays that arrives a step too late is found, at its target."""
    edge = first_edge(hierarchy_copy, "inhibition", busiest(hierarchy_copy, 12, 18))
    spoil(hierarchy_copy / "edges/inhibition/delay.npy", at=edge, by=1)
    report = verify(hierarchy_copy)
    found = {"inhibition", "v", "delays"}
    assert found <= set(report.failed) <= found | {"spikes"}
    target = np.load(hierarchy_copy / "edges/inhibition/target.npy")[edge]
    assert next(row for row in report.rows if row.verdict == "differs" and row.channel).neuron == target


@pytest.mark.parametrize(
    ("pathway", "first", "last"), [("lateral", 0, 12), ("inhibition", 12, 18), ("feedforward", 0, 12)]
)
def test_exchanged_targets(hierarchy_copy: Path, pathway: str, first: int, last: int) -> None:
    """Two edges, of two sources, whose targets were exchanged are found."""
    place = hierarchy_copy / "edges" / pathway
    target, row = np.load(place / "target.npy"), np.load(place / "row.npy")
    source = busiest(hierarchy_copy, first, last)
    edge = int(row[source])
    others = [e for s in range(first, last) if s != source for e in range(row[s], row[s + 1])]
    other = next(e for e in others if target[e] != target[edge])
    target[[edge, other]] = target[[other, edge]]
    np.save(place / "target.npy", target)
    report = verify(hierarchy_copy)
    assert {pathway, "targets"} <= set(report.failed) <= {pathway, "v", "spikes", "targets"}


def test_a_dropped_spike(hierarchy_copy: Path) -> None:
    """A spike that is missing is found where it should have arrived, and where v crossed the threshold."""
    files = [hierarchy_copy / f"recording/spikes/{key}.npy" for key in ("step", "neuron")]
    step, neuron = (np.load(path) for path in files)
    dropped = int(np.flatnonzero(neuron == busiest(hierarchy_copy, 0, 12))[3])
    assert step[dropped] < 3900
    for path, values in zip(files, (step, neuron), strict=True):
        np.save(path, np.delete(values, dropped))
    report = verify(hierarchy_copy)
    assert {"lateral", "feedforward", "spikes", "v"} == set(report.failed)
    spikes = next(row for row in report.rows if row.quantity == "spikes" and row.verdict == "differs")
    assert (spikes.neuron, spikes.time) == pytest.approx((neuron[dropped], step[dropped] * 1e-4))
    assert (spikes.expected, spikes.recorded) == (1, 0)


def test_an_added_spike(hierarchy_copy: Path) -> None:
    """A spike without a crossing is found as such."""
    step, neuron = (np.load(hierarchy_copy / f"recording/spikes/{key}.npy") for key in ("step", "neuron"))
    fresh = next(s for s in range(100, 3000) if s not in step)
    at = np.searchsorted(step, fresh)
    np.save(hierarchy_copy / "recording/spikes/step.npy", np.insert(step, at, fresh))
    np.save(hierarchy_copy / "recording/spikes/neuron.npy", np.insert(neuron, at, np.int32(3)))
    report = verify(hierarchy_copy)
    assert {"lateral", "feedforward", "spikes", "v"} == set(report.failed)
    row = next(row for row in report.rows if row.quantity == "spikes" and row.verdict == "differs")
    assert (row.neuron, row.time, row.expected, row.recorded) == pytest.approx((3, fresh * 1e-4, 0, 1))


@pytest.mark.parametrize(
    ("variable", "n_neurons"), [("lateral", 24), ("inhibition", 36), ("feedforward", 18), ("background", 36), ("v", 36)]
)
def test_a_lost_bin(hierarchy_copy: Path, variable: str, n_neurons: int) -> None:
    """Bins that moved up by one, the last one twice, are found, and nothing else is."""
    bins = open_bins(hierarchy_copy, variable, n_neurons)
    bins[200:-1] = bins[201:].copy()
    rows = expect_only(verify(hierarchy_copy), variable)
    assert min(row.time for row in rows) == pytest.approx(0.201, abs=0.01)


def test_a_file_without_one_bin(hierarchy_copy: Path) -> None:
    """A file that is shorter by a bin is refused by its name."""
    path = hierarchy_copy / "recording/currents/lateral.bin"
    path.write_bytes(path.read_bytes()[: -24 * 4])
    with pytest.raises(RecordingError, match=r"currents/lateral\.bin: is of the wrong size"):
        verify(hierarchy_copy)


def test_a_drive_count(hierarchy_copy: Path) -> None:
    """One event of the private drive more than the random numbers give is found, at its neuron and in its bin."""
    bins = open_bins(hierarchy_copy, "background", 36)
    bins[77, 20] += 0.2e-3 * 20e-3 / 1e-3
    (row,) = expect_only(verify(hierarchy_copy), "background")
    assert row.population == "L2E"
    assert (row.neuron, row.time, row.n_different) == pytest.approx((20, 0.078, 1))
    assert row.recorded - row.expected == pytest.approx(4e-3, rel=1e-5)
    assert row.largest_absolute == pytest.approx(4e-3, rel=1e-5)


def test_a_spike_of_a_source(hierarchy_copy: Path) -> None:
    """A spike of the shared drive that is missing is found in its channel, and among the sources."""
    step, source = (np.load(hierarchy_copy / f"recording/inputs/common/{key}.npy") for key in ("step", "source"))
    for key, values in (("step", step), ("source", source)):
        np.save(hierarchy_copy / f"recording/inputs/common/{key}.npy", np.delete(values, 7))
    report = verify(hierarchy_copy)
    assert {"common", "v", "sources"} <= set(report.failed) <= {"common", "v", "spikes", "sources"}
    row = next(row for row in report.rows if row.quantity == "sources")
    assert (row.neuron, row.time) == pytest.approx((source[7], step[7] * 1e-4))
    assert (row.expected, row.recorded) == (1, 0)


@pytest.mark.parametrize("variable", ["lateral", "v"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_one_value(hierarchy_copy: Path, variable: str, value: float) -> None:
    """One value that is something else, not a number included, is found where it is."""
    open_bins(hierarchy_copy, variable, 24 if variable == "lateral" else 36)[300, 5] = value
    (row,) = expect_only(verify(hierarchy_copy), variable)
    assert (row.neuron, row.time, row.n_different) == pytest.approx((5, 0.301, 1))


def test_the_last_digit_of_float32(hierarchy_copy: Path) -> None:
    """A value that is 2e-6 of itself off is found although float32 rounds to 6e-8: nothing larger hides it."""
    bins = open_bins(hierarchy_copy, "lateral", 24)
    at = np.unravel_index(np.argmin(np.where(bins > 0, bins, np.inf)), bins.shape)
    bins[at] *= np.float32(1 + 2e-6)
    (row,) = expect_only(verify(hierarchy_copy), "lateral")
    assert row.n_different == 1


def test_the_seed(hierarchy_copy: Path) -> None:
    """Another seed of the run gives another drive, and other initial values."""
    manifest = json.loads((hierarchy_copy / "manifest.json").read_text())
    (hierarchy_copy / "manifest.json").write_text(json.dumps(manifest | {"seed": 2}))
    report = verify(hierarchy_copy)
    assert {"background", "sources", "v", "spikes"} == set(report.failed)
    rows = [row for row in report.rows if row.quantity == "background"]
    assert [row.verdict for row in rows] == ["differs"] * 4


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tau_m", "20.02 ms"),
        ("v_threshold", "20.01 mV"),
        ("v_reset", "10.01 mV"),
        ("refractory", "2.1 ms"),
        ("refractory", "0 ms"),
        ("v_rest", "0.01 mV"),
        ("v_initial", "10 mV"),
    ],
)
def test_the_neuron(hierarchy_copy: Path, key: str, value: str) -> None:
    """A neuron's own numbers, a little off, are found in v or in the spikes."""
    manifest = json.loads((hierarchy_copy / "manifest.json").read_text())
    manifest["spec"]["neuron"]["lif"][key] = value
    (hierarchy_copy / "manifest.json").write_text(json.dumps(manifest))
    report = verify(hierarchy_copy)
    assert "v" in report.failed or "spikes" in report.failed
    assert ("lateral" in report.failed) is False
