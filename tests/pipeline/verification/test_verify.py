"""`verify` on runs that are right: everything is compared, and nothing differs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.errors import InternalError
from pipeline.run import load_run
from pipeline.verification import Row, VerifyReport, recompute, verify
from tests.pipeline.verification.networks import HIERARCHY, PAIR, make_spec
from tests.pipeline.verification.simulate_plainly import simulate_plainly


def verify_network(text: str, folder: Path, settings: dict[str, Any] | None = None) -> VerifyReport:
    """Simulate a network plainly, and verify it."""
    run = simulate_plainly(make_spec(text, settings), folder)
    assert len(run.spikes) > 10
    return verify(folder)


def recomputed(report: VerifyReport) -> list[Row]:
    """Return the rows of what was recomputed: all but those of edges, and of which neurons were recorded."""
    return [row for row in report.rows if row.population]


def verdicts(report: VerifyReport) -> dict[tuple[str, str], str]:
    """Return the verdicts of what was recomputed, by quantity and population."""
    return {(row.quantity, row.population): row.verdict for row in recomputed(report)}


def test_everything_agrees(hierarchy_run: Path) -> None:
    """Each channel at each population it reaches, v, the spikes and the sources are compared, and all agree."""
    report = verify(hierarchy_run)
    populations = ["L1E", "L1I", "L2E", "L2I"]
    expected = {(name, p) for name in ("v", "spikes", "inhibition", "background") for p in populations}
    expected |= {(name, p) for name in ("lateral", "common") for p in populations[::2]}
    expected |= {("feedforward", "L2E"), ("feedforward", "L2I"), ("sources", "common")}
    assert verdicts(report) == dict.fromkeys(expected, "ok")
    assert report.passed
    assert report.failed == ()
    rows = [row for row in report.rows if row.channel]
    assert {row.n_values for row in rows} == {400 * 12, 400 * 6}
    assert all(1e-9 < row.largest_relative < 1e-7 for row in rows)
    assert report.n_currents == 4000 * (36 + 36 + 18 + 24 + 24)


@pytest.mark.parametrize("chunk_values", [36 * 23, 36 * 1000])
def test_chunks_do_not_matter(hierarchy_run: Path, monkeypatch: pytest.MonkeyPatch, chunk_values: int) -> None:
    """The outcome is the same for any cut of the run, and progress ends at 1."""
    table = verify(hierarchy_run).table
    monkeypatch.setattr(recompute, "_CHUNK_VALUES", chunk_values)
    seen: list[float] = []
    again = verify(load_run(hierarchy_run), progress=seen.append).table
    assert seen[-1] == 1
    assert seen == sorted(seen)
    same = ["recorder", "quantity", "population", "n_values", "n_different", "verdict"]
    assert again[same].equals(table[same])
    np.testing.assert_allclose(again["largest_absolute"], table["largest_absolute"], rtol=1e-3, atol=1e-17)


def test_the_table(hierarchy_run: Path) -> None:
    """The table has a row per recorder, quantity and population, with its tolerance."""
    table = verify(hierarchy_run).table
    row = table[(table["quantity"] == "lateral") & (table["population"] == "L2E")].iloc[0]
    assert (row["recorder"], row["n_values"], row["tolerance"], row["verdict"]) == ("currents", 4800, 1e-6, "ok")
    assert table["neuron"].isna().all()


@pytest.mark.parametrize(
    "settings",
    [
        {"pathway.slow.kinetics": "alpha"},
        {"pathway.slow.kinetics": "biexponential", "pathway.slow.tau_rise": "1 ms"},
        {"pathway.slow.kinetics": "two_stage", "pathway.slow.tau_trace": "7 ms"},
        {"pathway.slow.kinetics": "traced", "pathway.slow.trace_initial": 10},
        {"pathway.slow.kinetics": "population_rate"},
        {"pathway.slow.kinetics": "delta", "neuron.lif.refractory": "1.5 ms"},
        {"pathway.slow.polarity": "inhibitory"},
        {"pathway.slow.delay": "0 ms"},
        {"pathway.slow.delay": {"uniform": ["0 ms", "9 ms"]}},
        {"pathway.slow.tau": "3 ms", "neuron.lif.refractory": "0.1 ms"},
        {"record.currents.v": "mean", "record.currents.interval": "0.4 ms"},
        {"record.currents.neurons": [1, 4]},
        {"record.currents.channels": ["push"]},
    ],
    ids=lambda settings: " ".join(f"{key.split('.')[-1]}={value}" for key, value in settings.items()),
)
def test_every_mechanism(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Every kinetics, polarity, delay and way to record agrees in float64 to 1e-9."""
    report = verify_network(PAIR, tmp_path, settings)
    assert report.passed, report.table.to_string()
    assert set(verdicts(report).values()) == {"ok"}
    assert verdicts(report).keys() >= {("v", "L1E"), ("push", "L1E"), ("spikes", "L1E")}
    assert all(row.tolerance == 1e-9 for row in recomputed(report))


@pytest.mark.parametrize("refractory", ["0 ms", "2 ms"])
@pytest.mark.parametrize("kinetics", ["exponential", "delta"])
@pytest.mark.parametrize("direction", ["hyperpolarizing", "depolarizing"])
def test_after_potential(tmp_path: Path, refractory: str, kinetics: str, direction: str) -> None:
    """A neuron whose v is not reset is recomputed too: v, v_ap, their sum at the threshold, and the spikes."""
    lif = PAIR[PAIR.index("[neuron.lif]") : PAIR.index("[layers]")]
    neuron = """
[neuron.own]
model = "after_potential"
tau_m = "10 ms"
v_threshold = "15 mV"
tau_ap = "8 ms"
w_ap = "3 mV"
"""
    states = '[record.states]\nkind = "states"\nvariables = ["v_ap"]\ninterval = "1 ms"\ndtype = "float64"\n'
    text = PAIR.replace(lif, neuron + f'refractory = "{refractory}"\ndirection = "{direction}"\n').replace(
        'neuron = "lif"', 'neuron = "own"'
    )
    report = verify_network(text + states, tmp_path, {"pathway.slow.kinetics": kinetics})
    assert report.passed, report.table.to_string()
    expected = [("v", "L1E"), ("slow", "L1E"), ("push", "L1E"), ("v_ap", "L1E"), ("spikes", "L1E")]
    assert verdicts(report) == dict.fromkeys(expected, "ok")


def test_events(tmp_path: Path) -> None:
    """An event sets v before the state update of its step."""
    event = '[[event]]\ntime = "20 ms"\npopulation = "L1E"\nindex = 2\nset = "v"\nvalue = "-40 mV"\n'
    report = verify_network(PAIR + event, tmp_path)
    assert report.passed, report.table.to_string()


def test_an_event_on_a_current_makes_it_unknown(tmp_path: Path) -> None:
    """Where an event sets a channel's own state, neither that channel nor v is checked, and the report says why."""
    simulate_plainly(make_spec(PAIR), tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    event = {"time": "20 ms", "population": "L1E", "index": 2, "set": "I_slow", "value": "1 mV"}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"spec": manifest["spec"] | {"event": [event]}}))
    report = verify(tmp_path)
    unknown = {(name, "L1E"): "not checked" for name in ("v", "slow", "spikes")}
    assert verdicts(report) == {**unknown, ("push", "L1E"): "ok"}
    assert {row.reason for row in report.rows if row.verdict == "not checked"} == {"an event sets I_slow"}


def test_unrecorded_spikes(tmp_path: Path) -> None:
    """A channel whose source population's spikes were not recorded is not checked; the others are."""
    report = verify_network(HIERARCHY, tmp_path, {"record.spikes.population": ["E"], "network.duration": "50 ms"})
    found = verdicts(report)
    assert {key for key, verdict in found.items() if verdict == "not checked"} == {
        *((name, p) for name in ("inhibition", "v") for p in ("L1E", "L1I", "L2E", "L2I")),
        *(("spikes", p) for p in ("L1E", "L2E")),
    }
    assert {verdict for key, verdict in found.items() if key[0] not in ("inhibition", "v", "spikes")} == {"ok"}
    reasons = {(row.quantity, row.population): row.reason for row in report.rows}
    assert reasons["inhibition", "L2E"] == reasons["v", "L2E"] == "the spikes of L2I were not recorded"
    assert report.passed


def test_nothing_but_zeros_does_not_pass(tmp_path: Path) -> None:
    """A run whose channels are all 0 throughout agrees, and does not pass."""
    simulate_plainly(make_spec(PAIR, {"drive.push.value": "0 mV"}), tmp_path)
    report = verify(tmp_path)
    assert report.failed == ()
    assert not report.passed
    assert verdicts(report)["slow", "L1E"] == verdicts(report)["spikes", "L1E"] == "not exercised"


def test_several_recorders(tmp_path: Path) -> None:
    """Recorders with intervals of their own, and spikes that two recorders hold, are all compared."""
    more = """
[record.coarse]
kind = "currents"
population = ["I"]
interval = "50 ms"
v = "mean"
[record.spikes_i]
kind = "spikes"
population = ["I"]
"""
    report = verify_network(
        HIERARCHY + more, tmp_path, {"network.duration": "100 ms", "record.spikes.population": ["E"]}
    )
    assert report.passed, report.table.to_string()
    assert {row.recorder for row in recomputed(report)} == {"currents", "coarse", "spikes + spikes_i", "common"}


def test_a_part_of_a_run(hierarchy_copy: Path) -> None:
    """What there is of a run that did not finish is verified up to its last complete bin."""
    manifest = json.loads((hierarchy_copy / "manifest.json").read_text())
    (hierarchy_copy / "manifest.json").write_text(json.dumps(manifest | {"status": "interrupted"}))
    path = hierarchy_copy / "recording/currents/inhibition.bin"
    path.write_bytes(path.read_bytes()[: 16 + 36 * 4 * 123 + 17])
    report = verify(load_run(hierarchy_copy, partial=True))
    assert report.passed, report.table.to_string()
    assert {row.n_values for row in report.rows if row.channel} == {123 * 12, 123 * 6}


def test_shares_no_code_with_the_simulation() -> None:
    """Importing the verifier imports neither Brian2 nor a module that makes the simulation."""
    code = "import sys, pipeline.verification; print([m for m in sys.modules if m.startswith(('models', 'brian2'))])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "models.kinetics" in found
    for name in ("brian2", "models.groups", "models.assembly", "models.propagators"):
        assert f"'{name}" not in found


def test_a_wrong_kernel_is_our_own_bug(hierarchy_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that does not belong to its kinetics' time constants is refused, and not compared with."""
    monkeypatch.setattr(
        "models.kinetics.exponential.Exponential.kernel", lambda times, constants: np.exp(-times / 0.011)
    )
    with pytest.raises(InternalError, match="is no sum of exponentials"):
        verify(hierarchy_run)
