"""`currents verify` agrees with the engine on every shipped network, as shipped, and on those of the tests."""

import json
from pathlib import Path

import pytest

from models import list_networks
from pipeline.cli import main
from pipeline.verification import verify
from tests.conftest import SimulateOnce

pytestmark = pytest.mark.compiled

DURATIONS = {"hierarchy": "100 ms"}
"""Shorter than shipped, where that takes long."""
OWN = ("small_hierarchy", "mixed", "rules", "steady", "refractory")
NOT_EXERCISED = {
    # Its inhibitory neurons do not fire as shipped.
    "ei_layer": {("inhibition", "L1exc"), ("inhibition", "L1inh"), ("spikes", "L1inh")},
    "poisson_probe": {("spikes", "L1target")},
    "rules": {("spikes", "L1T")},
}
"""What is 0 throughout, by network: quantity and population."""

NOT_CHECKED = {
    "two_stage": {"x_facilitating"},
    "small_hierarchy": {"I_lateral"},
    "mixed": {"v", "spikes"},
    "hierarchy": {"spikes"},
    "rules": {"spikes"},
}
"""States of their own, v where the equations are the modeller's, spikes of populations without it: what is not
recomputed."""


@pytest.mark.parametrize("name", [*list_networks(), *OWN])
def test_currents_verify(
    simulate_once: SimulateOnce, networks: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Exit 0; every channel, v and spike is recomputed, and holds something, but for what is known not to."""
    run = simulate_once(networks / f"{name}.toml" if name in OWN else name, duration=DURATIONS.get(name))
    assert run.manifest["device"] == "engine"
    assert main(["verify", str(run.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)
    report = verify(run)
    assert report.passed
    idle = {(row.quantity, row.population) for row in report.rows if row.verdict == "not exercised"}
    assert idle == NOT_EXERCISED.get(name, set())
    unchecked = {row.quantity for row in report.rows if row.verdict == "not checked"}
    assert unchecked == NOT_CHECKED.get(name, set())
