"""Arrivals from spikes and edges against a loop over both."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import RecordingError
from pipeline.run_folder import EdgeFiles
from pipeline.verification import edges as edges_module
from pipeline.verification.edges import Arrivals, Edges
from pipeline.verification.gains import SourceTrace
from pipeline.verification.trains import Train

N_NEURONS, N_STEPS = 20, 60


def make_edges(*, equal_weights: bool, equal_delays: bool) -> Edges:
    """Return random edges among all neurons."""
    rng = np.random.default_rng(2)
    fan_out = rng.integers(0, 6, N_NEURONS)
    row = np.concatenate([[0], np.cumsum(fan_out)])
    target = rng.integers(0, N_NEURONS, row[-1]).astype(np.int32)
    weight = rng.uniform(1, 2, 1 if equal_weights else row[-1]).astype(np.float32)
    delay = rng.integers(0, 25, 1 if equal_delays else row[-1]).astype(np.int32)
    return Edges(row, target, weight, delay)


def make_train() -> Train:
    """Return random spikes, at most one per neuron and step."""
    step, source = np.nonzero(np.random.default_rng(3).random((N_STEPS, N_NEURONS)) < 0.1)
    return Train(step, source.astype(np.int32))


def arrive_one_by_one(
    edges: Edges, train: Train, column: NDArray[np.int32], gain: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n_steps, n_columns) arrivals, one spike and edge at a time."""
    arrivals = np.zeros((N_STEPS, column.max() + 1))
    weight, delay = (np.broadcast_to(values, edges.target.size) for values in (edges.weight, edges.delay))
    for step, source, factor in zip(train.step, train.source, gain, strict=True):
        for i_edge in range(edges.row[source], edges.row[source + 1]):
            at, place = step + delay[i_edge], column[edges.target[i_edge]]
            if at < N_STEPS and place >= 0:
                arrivals[at, place] += float(weight[i_edge]) * factor
    return arrivals


@pytest.mark.parametrize("n_chunk", [1, 7, N_STEPS])
@pytest.mark.parametrize("equal_weights", [True, False])
@pytest.mark.parametrize("equal_delays", [True, False])
@pytest.mark.parametrize("traced", [True, False])
def test_equal_a_loop(
    monkeypatch: pytest.MonkeyPatch, n_chunk: int, equal_weights: bool, equal_delays: bool, traced: bool
) -> None:
    """Every spike arrives once at each of its targets, in the right step, for any cut into chunks and parts."""
    monkeypatch.setattr(edges_module, "_EDGES_AT_A_TIME", 5)
    edges, train = make_edges(equal_weights=equal_weights, equal_delays=equal_delays), make_train()
    column = np.full(N_NEURONS, -1, np.int32)
    column[4:15] = np.arange(11)
    gains = SourceTrace(train, N_NEURONS, {"tau_trace": 2e-3}, 1e-4) if traced else None
    arrivals, found = Arrivals(edges, train, column, gains), np.zeros((N_STEPS, 11))
    for start in range(0, N_STEPS, n_chunk):
        arrivals.add(found[start : start + n_chunk], start)
    gain = trace_one_by_one(train) if traced else np.ones(train.step.size)
    expected = arrive_one_by_one(edges, train, column, gain)
    assert np.count_nonzero(expected) > 50
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def trace_one_by_one(train: Train) -> NDArray[np.float64]:
    """Return the trace of the source of each spike before its own increment."""
    pairs = list(zip(train.step, train.source, strict=True))
    return np.array([sum(np.exp((s - n) / 20) for s, j in pairs if j == i and s < n) for n, i in pairs])


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("row", np.array([0, 1, 4]), "row.npy: does not divide 3 edges among 2 sources."),
        ("target", np.array([0, 1, 9], np.int32), "target.npy: names neurons that do not exist (expected 0 to 1)."),
        (
            "weight",
            np.ones(2, np.float32),
            "weight.npy: is not as long as the targets (expected 1 or 3 values; got 2).",
        ),
        ("delay", np.array([-1], np.int32), "delay.npy: has delays below 0 (got -1)."),
    ],
)
def test_refuses_edges_that_do_not_fit(tmp_path: Path, name: str, values: NDArray[np.generic], message: str) -> None:
    """Files of edges that contradict each other are named."""
    good = {"row": np.array([0, 1, 3]), "target": np.zeros(3, np.int32), "weight": np.ones(1, np.float32)}
    for key, array in (good | {"delay": np.zeros(1, np.int32)} | {name: values}).items():
        np.save(tmp_path / f"{key}.npy", array)
    with pytest.raises(RecordingError) as caught:
        Edges.load(EdgeFiles(tmp_path), 2, 2)
    assert str(caught.value) == f"{tmp_path}/{message}"
