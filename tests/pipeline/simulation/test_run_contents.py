"""What a run's folder holds."""

from pathlib import Path

import pytest

from models import load_network
from pipeline import Run

pytestmark = pytest.mark.compiled


def test_a_run_holds_the_files_of_its_model(rules: Run, mixed: Run, networks: Path) -> None:
    """Files that the model names are in the run's folder, byte for byte, and its own model file names them."""
    spec = load_network(rules.path / "model.toml")
    pathway = spec.pathway["matrix"]
    assert pathway.connect.file is not None
    assert (rules.path / pathway.connect.file).read_bytes() == (networks / "matrix.npy").read_bytes()
    assert spec == rules.spec
    (copy,) = (mixed.path / "files").iterdir()
    assert copy.read_bytes() == (networks / "cue.csv").read_bytes()


def test_the_manifest_says_what_the_run_was_made_of(hierarchy: Run, networks: Path) -> None:
    """Status, model, seed, length, versions, compiler, flags, host, times and edges are there and true."""
    manifest = hierarchy.manifest
    assert (manifest["format"], manifest["status"], manifest["exit_code"]) == (1, "finished", 0)
    assert (manifest["network"], manifest["device"]) == ("small_hierarchy", "engine")
    assert manifest["model"] == str(networks / "small_hierarchy.toml")
    assert (manifest["seed"], manifest["n_steps"], manifest["dt_s"], manifest["duration_s"]) == (1, 2000, 1e-4, 0.2)
    assert manifest["compiler"]["flags"][-1] == "-march=x86-64-v2"
    assert Path(manifest["build"]["path"]).is_file()
    assert {"brian2", "brian2currents", "numpy", "pandas", "python"} <= set(manifest["versions"])
    assert manifest["started"] <= manifest["finished"]
    assert manifest["edges"] == {name: len(hierarchy.connectivity(name)) for name in manifest["edges"]}
    assert set(manifest["edges"]) == {"lateral", "local", "inhibition", "feedforward", "pulses"}


def test_a_run_leaves_no_scratch_files(hierarchy: Run) -> None:
    """A finished run's folder holds what the format names, and nothing temporary."""
    names = {path.name for path in hierarchy.path.iterdir()}
    programs = {"program", "program.json", "program.lock", "program.log"}
    assert names == {"manifest.json", "model.toml", *programs, "inputs", "edges", "recording"}
    assert not [path for path in hierarchy.path.rglob("*") if path.suffix in {".tmp", ".partial"}]
