"""Equal seeds, other seeds, settings, and Brian2 without C++."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models import load_network
from pipeline import Run
from tests.conftest import SimulateOnce
from tests.pipeline.recount import recorded, spike_steps

pytestmark = pytest.mark.compiled


def test_equal_seeds_give_equal_bits(hierarchy: Run, simulate_once: SimulateOnce, networks: Path) -> None:
    """A second run with the same seed, said explicitly, is the same in every table, to the last bit."""
    again = simulate_once(networks / "small_hierarchy.toml", seed=1)
    assert again.path != hierarchy.path
    assert len(again.spikes()) > 200
    pd.testing.assert_frame_equal(again.spikes(), hierarchy.spikes(), check_exact=True)
    pd.testing.assert_frame_equal(again.inputs(), hierarchy.inputs(), check_exact=True)
    for recorder in ("currents", "fine", "averaged"):
        expected = hierarchy.currents(recorder=recorder)
        pd.testing.assert_frame_equal(again.currents(recorder=recorder), expected, check_exact=True)


def test_another_seed_changes_the_drive_but_not_the_edges(
    hierarchy: Run, simulate_once: SimulateOnce, networks: Path
) -> None:
    """A run's seed decides initial values and drive; edges, weights and delays belong to the network's."""
    other = simulate_once(networks / "small_hierarchy.toml", seed=2)
    for name in ("lateral", "local", "inhibition", "feedforward", "pulses"):
        assert len(hierarchy.connectivity(name)) > 10
        pd.testing.assert_frame_equal(other.connectivity(name), hierarchy.connectivity(name), check_exact=True)
    assert (recorded(other, "background", "fine") != recorded(hierarchy, "background", "fine")).mean() > 0.5
    assert not other.inputs().equals(hierarchy.inputs())
    assert (recorded(other, "v", "fine")[0] != recorded(hierarchy, "v", "fine")[0]).all()
    assert other.manifest["build"]["fingerprint"] == hierarchy.manifest["build"]["fingerprint"]


def test_a_setting_changes_what_it_names(hierarchy: Run, simulate_once: SimulateOnce, networks: Path) -> None:
    """A lower rate takes events away in layer 2 and leaves layer 1's; the setting and a note are in the manifest."""
    settings = {"drive.background.rate": "9 Hz"}
    changed = simulate_once(networks / "small_hierarchy.toml", settings=settings)
    assert changed.manifest["settings"] == settings
    assert changed.manifest["spec"]["drive"]["background"]["rate"] == "9 Hz"
    assert len(changed.spec.notes) == 1
    assert changed.manifest["notes"] == list(changed.spec.notes)
    got, before = (recorded(run, "background", "fine") for run in (changed, hierarchy))
    np.testing.assert_array_equal(got[:, :30], before[:, :30])
    assert (got[:, 30:] <= before[:, 30:]).all()
    assert 0.85 < got[:, 30:].sum() / before[:, 30:].sum() < 0.95


def test_the_numpy_target_gives_the_same_spikes(hierarchy: Run, networks: Path, brian2_runtime: None) -> None:
    """Brian2 without C++, from the same assembly, agrees spike for spike over the first 50 ms."""
    import brian2

    from models.assembly.reference import assemble_reference

    assembly = assemble_reference(load_network(networks / "small_hierarchy.toml"), n_steps=500)
    assembly.network.run(50 * brian2.ms, namespace={})
    (name,) = (assembly.spike_monitors[plan.name] for plan in assembly.plans)
    monitor = next(item for item in assembly.network.objects if item.name == name)
    got = np.stack([np.rint(np.array(monitor.t) / 1e-4), np.array(monitor.i)])
    step, neuron = spike_steps(hierarchy)
    expected = np.stack([step, neuron])[:, step < 500]
    assert expected.shape[1] > 40
    np.testing.assert_array_equal(got[:, np.lexsort(got[::-1])], expected)


@pytest.fixture
def brian2_runtime() -> Any:
    """Run Brian2 in this process, on its NumPy target, and leave it as it was."""
    import brian2

    brian2.set_device("runtime")
    before = brian2.prefs["codegen.target"]
    brian2.prefs["codegen.target"] = "numpy"
    yield
    brian2.prefs["codegen.target"] = before
