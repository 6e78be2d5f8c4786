"""Runs that are simulated once, and copies of them to spoil."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.pipeline.verification.networks import HIERARCHY, make_spec
from tests.pipeline.verification.simulate_plainly import simulate_plainly


@pytest.fixture(scope="session")
def hierarchy_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulate a hierarchy in which every population fires at least 100 times; return its run folder."""
    folder = tmp_path_factory.mktemp("hierarchy")
    run = simulate_plainly(make_spec(HIERARCHY), folder)
    counts = np.bincount(np.searchsorted([12, 18, 30], [neuron for _, neuron in run.spikes], side="right"))
    assert counts.size == 4
    assert counts.min() >= 100
    return folder


@pytest.fixture
def hierarchy_copy(hierarchy_run: Path, tmp_path: Path) -> Path:
    """Copy that run; return the copy's folder."""
    return Path(shutil.copytree(hierarchy_run, tmp_path / "run"))
