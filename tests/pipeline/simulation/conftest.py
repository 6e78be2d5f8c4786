"""Runs that several files of tests read."""

from pathlib import Path

import pytest

from pipeline import Run
from tests.conftest import SimulateOnce


@pytest.fixture(scope="module")
def hierarchy(simulate_once: SimulateOnce, networks: Path) -> Run:
    """Return a run of the 60-neuron hierarchy."""
    return simulate_once(networks / "small_hierarchy.toml")


@pytest.fixture(scope="module")
def mixed(simulate_once: SimulateOnce, networks: Path) -> Run:
    """Return a run of two kinds of neuron."""
    return simulate_once(networks / "mixed.toml")


@pytest.fixture(scope="module")
def rules(simulate_once: SimulateOnce, networks: Path) -> Run:
    """Return a run with one pathway per connection rule."""
    return simulate_once(networks / "rules.toml")
