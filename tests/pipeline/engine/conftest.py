"""Programs of the engine that tests of this folder share."""

from pathlib import Path

import pytest

from tests.pipeline.engine.programs import Prepared, prepare


@pytest.fixture(scope="session")
def steady(build_root: Path, networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Return a program that would run for hours, and a run's folder to be copied."""
    folder = tmp_path_factory.mktemp("steady") / "run"
    return prepare(networks / "steady.toml", build_root, folder, duration="100000 s")


@pytest.fixture
def prepared(steady: Prepared, tmp_path: Path) -> Prepared:
    """Return the same program with a folder of this test's own."""
    return steady.copy(tmp_path / "run")
