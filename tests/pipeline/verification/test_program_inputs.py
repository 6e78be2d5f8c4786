"""What a program was given is as it was written, and is what the model says, or `verify` says what is not."""

import shutil
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from pipeline import Run
from pipeline.cli import main
from pipeline.errors import RecordingError
from pipeline.run import load_run
from pipeline.verification import Row, verify
from tests.conftest import SimulateOnce
from tests.pipeline.verification.test_connectivity import change_array, change_spec

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def everything(simulate_once: SimulateOnce, networks: Path) -> Run:
    """Return a run whose neurons have parameters that are equal, and such that are distributed."""
    return simulate_once(networks / "everything.toml", seed=7, duration="100 ms")


@pytest.fixture
def copied(everything: Run, tmp_path: Path) -> Run:
    """Copy that run; return the copy."""
    shutil.copytree(everything.path, tmp_path / "run")
    return load_run(tmp_path / "run")


def of_parameters(run: Run) -> dict[tuple[str, str], Row]:
    """Return the rows of parameters, by table and parameter."""
    return {(row.recorder, row.quantity): row for row in verify(run).rows if row.recorder in run.spec.neuron}


def test_all_parameters_agree(everything: Run) -> None:
    """Of every neuron, whatever its model: such as all share, and such as each has its own of."""
    rows = of_parameters(everything)
    assert {row.verdict for row in rows.values()} == {"ok"}
    assert {quantity for _, quantity in rows} >= {"tau_m", "v_threshold", "refractory"}
    assert ("adaptive", "refractory") in rows
    for (table, _), row in rows.items():
        assert row.n_values == sum(p.size for p in everything.network.populations if p.neuron == table)


def test_another_value(copied: Run) -> None:
    """A model in which a parameter is another one is not the one that ran; the first neuron is told."""
    change_spec(copied.path, "neuron.calm.tau_m", "21.5 ms")
    rows = of_parameters(load_run(copied.path))
    assert [key for key, row in rows.items() if row.verdict == "differs"] == [("calm", "tau_m")]
    row = rows["calm", "tau_m"]
    assert (row.neuron, row.n_different) == (copied.network.population["L1Q"].start, 18)
    assert (row.expected, row.recorded) == (0.0215, 0.02)
    assert row.largest_absolute == pytest.approx(0.0015)


AFTER_SPIKES: Final[list[tuple[str, object, float, float]]] = [
    ("neuron.down.w_ap", "14 mV", -0.014, -0.015),
    ("neuron.down.direction", "depolarizing", 0.015, -0.015),
    ("neuron.up.w_ap", {"uniform": ["3 mV", "4 mV"]}, np.nan, 0.002),
    ("neuron.up.refractory", "0 ms", 0.0, 0.002),
]
"""A change of the model, and of the first neuron what it expects then and what the program was given."""


@pytest.mark.parametrize(("path", "value", "expected", "given"), AFTER_SPIKES)
def test_another_after_potential(
    simulate_once: SimulateOnce, tmp_path: Path, path: str, value: object, expected: float, given: float
) -> None:
    """What a spike adds to v_ap, which the program knows by another name and with its sign, is compared too."""
    run = simulate_once("after_potential", duration="20 ms")
    assert {row.verdict for row in of_parameters(run).values()} == {"ok"}
    shutil.copytree(run.path, tmp_path / "run")
    change_spec(tmp_path / "run", path, value)
    rows = of_parameters(load_run(tmp_path / "run"))
    table, key = path.removeprefix("neuron.").replace("direction", "w_ap").split(".")
    assert [place for place, row in rows.items() if row.verdict == "differs"] == [(table, key)]
    assert rows[table, key].recorded == given
    assert rows[table, key].expected == expected or np.isnan(expected)


def test_a_refractory_period_that_the_program_has_not(simulate_once: SimulateOnce, tmp_path: Path) -> None:
    """A program without one was given 0; that the model has one is found."""
    run = simulate_once("population_rate", duration="20 ms")
    rows = of_parameters(run)
    ((table, row),) = [(table, row) for (table, key), row in rows.items() if key == "refractory"]
    assert row.verdict == "ok"
    shutil.copytree(run.path, tmp_path / "run")
    change_spec(tmp_path / "run", f"neuron.{table}.refractory", "3 ms")
    row = of_parameters(load_run(tmp_path / "run"))[table, "refractory"]
    assert (row.verdict, row.expected, row.recorded) == ("differs", 0.003, 0.0)


def test_what_the_program_does_not_know(copied: Run) -> None:
    """A parameter that the program was not given is no secret."""
    change_spec(copied.path, "neuron.adaptive.parameters.v_x", "1 mV")
    row = of_parameters(load_run(copied.path))["adaptive", "v_x"]
    assert (row.verdict, row.reason) == ("not checked", "the program was given no such variable")


def test_another_seed(copied: Run) -> None:
    """It is that of all parameters that are distributed, and of no others."""
    change_spec(copied.path, "network.seed", 6)
    rows = of_parameters(load_run(copied.path))
    differs = {key for key, row in rows.items() if row.verdict == "differs"}
    assert differs == {("lif", "tau_m"), ("lif", "refractory"), ("adaptive", "v_t")}


def test_one_neuron(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """One value of many is found, and told as text."""
    path = next(copied.folder.inputs.glob("*.v_t.npy"))
    values = np.load(path)
    change_array(path, lambda values: np.where(np.arange(values.size) == 4, values + 0.5, values))
    neuron = np.load(path.with_name(path.name.replace(".v_t.", ".neurons.")))[4]
    assert main(["verify", str(copied.path)]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("v_t of ")]
    values = f"expected {values[4]:.9g}, recorded {values[4] + 0.5:.9g}"
    assert line.endswith(f": 1 differ; first at neuron {neuron}: {values}")


def test_damaged_files(copied: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Files that are not what the program was given are named, whatever they are for; so are edges."""
    rows = {row.quantity: row for row in verify(copied).rows if row.recorder == "program"}
    assert (rows["inputs"].verdict, rows["inputs"].n_different) == ("ok", 0)
    assert rows["inputs"].n_values > 20
    inputs, edges = copied.folder.inputs, copied.folder.edge_files("slow")
    change_array(inputs / "ramp.L1E.thresholds.npy", lambda values: values[::-1])
    (inputs / "recording.json").unlink()
    assert main(["verify", str(copied.path)]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("inputs of ")]
    damaged = f"{inputs / 'ramp.L1E.thresholds.npy'}: is damaged: its checksum is wrong"
    assert line == f"inputs of program: {damaged}; {inputs / 'recording.json'}: is missing"
    for path in (edges.row, edges.target, edges.weight):
        change_array(path, lambda values: values + 0)
        with path.open("ab") as file:
            file.write(b"more")
    reason = next(row.reason for row in verify(copied).rows if row.recorder == "program")
    assert f"{edges.row}: is of the wrong size (expected " in reason
    assert reason.endswith("; 2 more")


def test_damaged_inputs(copied: Run) -> None:
    """What the program was given must be readable."""
    path = copied.folder.program_inputs
    path.write_text(path.read_text().replace("seed 7", "seed 8"))
    with pytest.raises(RecordingError) as caught:
        verify(copied)
    assert str(caught.value) == f"{path}: is damaged: its checksum is wrong."
