"""Tables of population rates."""

from typing import Any

import pandas as pd
import pytest

from models.tables import RATE_COLUMNS
from pipeline import counting
from pipeline.recording import Recording
from pipeline.tabulate import (
    tabulate_rates,
)
from tests.pipeline.synthetic_run import SyntheticRun
from tests.pipeline.tabulate.tables import check_columns


def test_rates(run: SyntheticRun, recording: Recording) -> None:
    """A rate is spikes per neuron and second in the bin that ends at its time."""
    frame = tabulate_rates(recording, "4 ms")
    check_columns(frame, RATE_COLUMNS)
    assert list(frame["time"].unique()) == [0.004, 0.008, 0.012, 0.016, 0.02]
    inside = (run.step >= 40) & (run.step < 80) & (run.neuron >= 5) & (run.neuron < 8)
    row = frame.query("time == 0.008 and population == 'L2E'")
    assert row["rate"].item() == pytest.approx(inside.sum() / (3 * 0.004), rel=1e-12)
    assert inside.sum() > 0


def test_rates_conserve_spikes(run: SyntheticRun, recording: Recording) -> None:
    """At any bin that divides, rates add up to all spikes."""
    size = {"L1E": 3, "L1I": 2, "L2E": 3, "L2I": 2}
    for bin_ms in (0.1, 0.5, 1, 2.5, 4, 10, 20):
        frame = tabulate_rates(recording, f"{bin_ms} ms")
        counts = frame["rate"] * frame["population"].astype(str).map(size) * bin_ms * 1e-3
        assert counts.sum() == pytest.approx(run.step.size, rel=1e-9)


@pytest.mark.parametrize("bin", ["2 ms", "4 ms", 0.01, "20 ms"], ids=str)
def test_rates_from_counts(recording: Recording, bin: Any) -> None:
    """A recorder of rates gives the same as the spikes, at every multiple of its bin."""
    options: dict[str, Any] = {"start": "2 ms"} if bin == "2 ms" else {}
    pd.testing.assert_frame_equal(
        tabulate_rates(recording, bin, recorder="rates", **options),
        tabulate_rates(recording, bin, recorder="spikes", **options),
    )


def test_rates_in_small_parts(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting a few spikes at a time changes nothing."""
    whole = tabulate_rates(recording, "1 ms")
    monkeypatch.setattr(counting, "_SPIKES_AT_A_TIME", 7)
    pd.testing.assert_frame_equal(tabulate_rates(recording, "1 ms"), whole)
