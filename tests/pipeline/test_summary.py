"""The summary of a run against the same numbers computed in another way."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.tables import summary_columns
from pipeline import summary
from pipeline.recording import SpikeTrains, open_recording
from pipeline.summary import Moments, measure_intervals, summarize_recording
from tests.pipeline.synthetic_run import CHANNELS, SyntheticRun, make_run

PARTS = {"L1E": range(3), "L1I": range(3, 5), "L2E": range(5, 8), "L2I": range(8, 10)}


@pytest.fixture
def run(tmp_path: Path) -> SyntheticRun:
    """Return a run that a test may change."""
    return make_run(tmp_path / "run")


def _summarize(run: SyntheticRun, *, partial: bool = False) -> pd.DataFrame:
    return summarize_recording(open_recording(run.folder, run.network, partial=partial))


def _cv(run: SyntheticRun, neuron: int) -> float | None:
    intervals = np.diff(run.step[run.neuron == neuron])
    return float(np.std(intervals) / np.mean(intervals)) if len(intervals) >= 2 else None


def test_columns(run: SyntheticRun) -> None:
    """One row per population in global order, with the columns of the dictionary."""
    table = _summarize(run)
    columns = summary_columns(CHANNELS)
    assert {name: str(dtype) for name, dtype in table.dtypes.items()} == {n: c.dtype for n, c in columns.items()}
    assert list(table.columns) == list(columns)
    assert table.attrs["units"]["mean_rate"] == "Hz"
    assert table[["population", "layer", "size"]].to_numpy().tolist() == [
        ["L1E", 1, 3],
        ["L1I", 1, 2],
        ["L2E", 2, 3],
        ["L2I", 2, 2],
    ]


def test_firing(run: SyntheticRun) -> None:
    """Rates, CVs and silent fractions are those of the spikes."""
    table = _summarize(run).set_index("population")
    for name, part in PARTS.items():
        row = table.loc[name]
        assert row["mean_rate"] == pytest.approx(np.isin(run.neuron, part).sum() / (len(part) * 0.02))
        cvs = [cv for neuron in part if (cv := _cv(run, neuron)) is not None]
        assert row["cv_isi"] == pytest.approx(np.mean(cvs), rel=1e-9)
    assert table["silent_fraction"].tolist() == [0, 0, 0, 0.5]


def test_channels(run: SyntheticRun) -> None:
    """Mean and SD of each channel are over bins and neurons, 0 where it does not reach."""
    table = _summarize(run).set_index("population")
    for channel, neurons in CHANNELS.items():
        for name, part in PARTS.items():
            values = run.arrays[channel][:, np.isin(neurons, part)].astype(np.float64)
            expected = (values.mean(), values.std()) if values.size else (0, 0)
            assert table.loc[name, f"{channel}_mean"] == pytest.approx(expected[0], rel=1e-12)
            assert table.loc[name, f"{channel}_sd"] == pytest.approx(expected[1], rel=1e-12)


def test_blocks_change_nothing(run: SyntheticRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a few spikes and values at a time, the numbers are the same."""
    whole = _summarize(run)
    monkeypatch.setattr(summary, "_VALUES_AT_A_TIME", 25)
    monkeypatch.setattr(summary, "_SPIKES_AT_A_TIME", 7)
    pd.testing.assert_frame_equal(_summarize(run), whole, rtol=1e-12)


def test_balance(run: SyntheticRun) -> None:
    """The balance is the mean excitatory over the mean inhibitory current, over all channels that reach."""
    table = _summarize(run).set_index("population")
    row = table.loc["L2E"]
    excitatory = row["lateral_mean"] + row["feedforward_mean"] + row["input_mean"]
    assert row["ei_balance"] == pytest.approx(excitatory / -row["inhibition_mean"])
    assert row["ei_balance"] > 1
    assert table.loc["L1I", "ei_balance"] == 0


def test_balance_is_unknown_without_a_channel(run: SyntheticRun) -> None:
    """Where a channel that reaches the population was not recorded, the balance is not a number."""
    recorders = run.index()["recorders"]
    arrays = {name: array for name, array in recorders["currents"]["arrays"].items() if name != "lateral"}
    run.change_index(recorders=recorders | {"currents": recorders["currents"] | {"arrays": arrays}})
    table = _summarize(run).set_index("population")
    assert "lateral_mean" not in table
    assert table["ei_balance"].isna().to_dict() == {"L1E": True, "L1I": False, "L2E": True, "L2I": False}


def test_balance_without_inhibition_is_infinite(run: SyntheticRun) -> None:
    """Excitation without any inhibition is out of balance beyond all bounds."""
    path = run.folder.array("currents", "inhibition")
    path.write_bytes(bytes(path.stat().st_size))
    assert _summarize(run)["ei_balance"].tolist()[0] == np.inf


def test_what_was_not_recorded_is_nan(run: SyntheticRun) -> None:
    """Without any recorder, all that depends on one is not a number."""
    run.change_index(recorders={})
    table = _summarize(run)
    assert list(table.columns) == list(summary_columns([]))
    assert table[["mean_rate", "cv_isi", "silent_fraction", "ei_balance"]].isna().all(axis=None)


def test_rate_from_counts(run: SyntheticRun) -> None:
    """Where only rates were recorded, the mean rate is theirs."""
    expected = _summarize(run)["mean_rate"]
    run.change_index(recorders={"rates": run.index()["recorders"]["rates"]})
    table = _summarize(run)
    pd.testing.assert_series_equal(table["mean_rate"], expected)
    assert table["cv_isi"].isna().all()


def test_part_of_a_run(run: SyntheticRun) -> None:
    """Of a run that was cut off, spikes and time are counted to where all recorders hold data."""
    path = run.folder.array("currents", "lateral")
    path.write_bytes(path.read_bytes()[: 24 + 24 * 8])
    rate = _summarize(run, partial=True)["mean_rate"][0]
    assert rate == pytest.approx(((run.step < 80) & (run.neuron < 3)).sum() / (3 * 0.008))


def test_regular_train_has_no_variation() -> None:
    """A regular train has CV 0, exactly; a train of two spikes has none."""
    step = np.arange(0, 3_000_000, 1000)
    trains = SpikeTrains("", (), np.append(step, [4_000_000, 5_000_000]), np.array([0] * 3000 + [1] * 2, np.int32))
    count, cv = measure_intervals(trains, 3, 6_000_000)
    assert count.tolist() == [3000, 2, 0]
    assert cv[0] == 0
    assert np.isnan(cv[1:]).all()


@settings(deadline=None)
@given(
    blocks=st.lists(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=9), min_size=1, max_size=6),
    offset=st.sampled_from([0.0, 1e6]),
)
def test_moments_of_blocks(blocks: list[list[float]], offset: float) -> None:
    """Moments merged block by block are those of all values together, far from 0 too."""
    moments, shifted = Moments(), [np.array(block) + offset for block in blocks]
    for block in shifted:
        moments.add(block)
    values = np.concatenate(shifted)
    assert moments.n == values.size
    assert moments.mean == pytest.approx(values.mean(), rel=1e-12, abs=1e-12)
    assert moments.deviation == pytest.approx(values.std(), rel=1e-6, abs=1e-9)
