"""Golden tables: what two networks gave when they were last looked at, compared value by value.

They were made for x86-64-v2, which any machine can run, and hold on any. `make goldens` records them anew.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline import Run
from tests.conftest import SimulateOnce

pytestmark = pytest.mark.compiled

GOLDENS = Path(__file__).parent / "goldens"
KEPT = ("format", "network", "settings", "seed", "n_steps", "dt_s", "device", "spec", "edges", "versions", "compiler")
"""Of the manifest: what the numbers depend on, or what to look at when they differ; not where and when it ran."""
TABLES: dict[str, Callable[[Run], pd.DataFrame]] = {
    "spikes": lambda run: run.spikes(),
    "inputs": lambda run: run.inputs(),
    "currents": lambda run: run.currents(recorder="currents"),
    "rates": lambda run: run.rates("10 ms"),
}
KEPT_TABLES = {
    "exponential_current": ("spikes", "currents", "rates"),
    "small_hierarchy": ("spikes", "inputs", "currents", "rates"),
}


@pytest.fixture(params=KEPT_TABLES)
def run(request: pytest.FixtureRequest, simulate_once: SimulateOnce, networks: Path) -> Run:
    """Return a run of one of the networks, shipped or of the tests."""
    own = networks / f"{request.param}.toml"
    return simulate_once(own if own.exists() else request.param)


@pytest.fixture
def recording(request: pytest.FixtureRequest) -> bool:
    """Return whether goldens are to be recorded, not compared."""
    return bool(request.config.getoption("regen_all") or request.config.getoption("force_regen"))


def find_golden(run: Run, name: str) -> Path:
    """Return the path of a golden file, which must exist."""
    path: Path = GOLDENS / run.manifest["network"] / name
    assert path.is_file(), f"{path} is missing; record it with: make goldens"
    return path


def test_tables_are_the_golden_ones(run: Run, recording: bool) -> None:
    """Columns, types and every value, to the last bit."""
    for table in KEPT_TABLES[run.manifest["network"]]:
        got = TABLES[table](run)
        if recording:
            path = GOLDENS / run.manifest["network"] / f"{table}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            got.to_parquet(path, compression="zstd", index=False)
        expected = pd.read_parquet(find_golden(run, f"{table}.parquet"))
        assert (expected.select_dtypes("floating") != 0).to_numpy().mean() > 0.1, table
        pd.testing.assert_frame_equal(got, expected, check_exact=True, obj=table)


def test_goldens_are_of_this_network(run: Run, recording: bool) -> None:
    """The manifest beside the tables says that they come from this spec, seed and length, with these flags."""
    kept = {key: run.manifest[key] for key in KEPT}
    if recording:
        path = GOLDENS / run.manifest["network"] / "manifest.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(kept, indent=1) + "\n")
    golden: dict[str, Any] = json.loads(find_golden(run, "manifest.json").read_text())
    for key in set(KEPT) - {"versions", "compiler"}:
        assert kept[key] == golden[key], key
    assert kept["compiler"]["flags"] == golden["compiler"]["flags"]


def test_a_missing_golden_fails(run: Run) -> None:
    """A table without a golden is not taken for one that agrees, and the message says how to record it."""
    with pytest.raises(AssertionError, match=r"nothing\.parquet is missing; record it with: make goldens"):
        find_golden(run, "nothing.parquet")


def test_goldens_are_small() -> None:
    """All goldens together take less than 2 MB of the repository."""
    assert sum(path.stat().st_size for path in GOLDENS.rglob("*") if path.is_file()) < 2_000_000
