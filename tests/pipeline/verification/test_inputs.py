"""What is rarer: values that vary in time, spike files, and neurons with equations of their own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.counter_rng import bits32, derive_key
from models.drives import StepSeries
from models.expand import expand_network
from models.poisson import poisson_counts, poisson_thresholds
from pipeline.verification import verify
from pipeline.verification.drive import PoissonArrivals, hold_series
from tests.pipeline.verification.networks import HIERARCHY, PAIR, make_spec
from tests.pipeline.verification.simulate_plainly import simulate_plainly


def rewrite_spec(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the spec in a run's manifest."""
    manifest = json.loads((run / "manifest.json").read_text())
    change(manifest["spec"])
    (run / "manifest.json").write_text(json.dumps(manifest))


def test_hold_series() -> None:
    """A value holds for its steps, the last one for good, and stretches start and end with the chunk."""
    series = StepSeries(np.array([1.0, 2.0, 3.0]), 10)
    assert list(hold_series(series, 5, 25)) == [(5, 10, 1.0), (10, 20, 2.0), (20, 25, 3.0)]
    assert list(hold_series(series, 28, 45)) == [(28, 45, 3.0)]
    assert list(hold_series(StepSeries(np.array([4.0]), 1 << 60), 3, 9)) == [(3, 9, 4.0)]


@pytest.mark.parametrize("index", [np.arange(12), np.array([1, 2, 3, 5, 7, 8, 11]), np.array([3, 10])])
def test_poisson_counts_of_a_varying_rate(index: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    """The events of any choice of neurons are those that the random words give, at the rate of each step."""
    rate = {"values": [20, 200], "unit": "Hz", "interval": "1 ms"}
    spec = make_spec(HIERARCHY, {"drive.background.rate": rate, "network.duration": "2 ms"})
    network = expand_network(spec)
    item = next(item for item in network.poisson_inputs if item.target.name == "L2E")
    found = np.zeros((20, index.size))
    arrivals = PoissonArrivals(item, index, network, 5, 20)
    for start in (0, 7, 14):
        arrivals.add(found[start : start + 7], start)
    key = derive_key(5, "poisson", "background", "L2E")
    tables = [poisson_thresholds(hertz * (500 * 1e-4)) for hertz in (20.0, 200.0)]
    counts = np.array([poisson_counts(tables[n // 10], bits32(key, index, n)) for n in range(20)])
    assert counts[:10].mean() < 3 < counts[10:].mean()
    np.testing.assert_array_equal(found, counts * float(np.float32(0.2e-3)))


def test_spike_file(hierarchy_copy: Path, tmp_path: Path) -> None:
    """Recorded spikes of a spike file's sources are compared with the file: alike, and with one time changed."""
    inputs = {key: np.load(hierarchy_copy / f"recording/inputs/common/{key}.npy") for key in ("step", "source")}
    file = tmp_path / "spikes.csv"
    frame = pd.DataFrame({"time": inputs["step"] * 1e-4, "source": inputs["source"]})
    frame.to_csv(file, index=False)

    def name_file(spec: dict[str, Any]) -> None:
        del spec["drive"]["common"]["rate"]
        spec["drive"]["common"] |= {"kind": "spike_file", "file": str(file)}

    rewrite_spec(hierarchy_copy, name_file)
    report = verify(hierarchy_copy)
    assert report.passed, report.table.to_string()
    row = next(row for row in report.rows if row.quantity == "sources")
    assert (row.verdict, row.n_values) == ("ok", len(frame))
    frame.loc[4, "time"] += 1e-4
    frame.to_csv(file, index=False)
    report = verify(hierarchy_copy)
    assert report.failed == ("sources",)


def test_own_equations(tmp_path: Path) -> None:
    """Channels of a neuron with equations of its own are checked, and v is not, which the report says."""
    simulate_plainly(make_spec(PAIR), tmp_path)
    own = {"equations": "dv/dt = (I - v)/tau_m : volt (unless refractory)", "threshold": "v > -50*mV"}
    own |= {"reset": "v = -60*mV", "parameters": {"tau_m": "10 ms"}}  # type: ignore[dict-item]
    rewrite_spec(tmp_path, lambda spec: spec.update(neuron={"lif": own}))
    report = verify(tmp_path)
    found = {row.quantity: (row.verdict, row.reason) for row in report.rows if row.population}
    unknown = ("not checked", "own equations")
    assert found == {"v": unknown, "spikes": unknown, "slow": ("ok", ""), "push": ("ok", "")}
    assert report.passed
