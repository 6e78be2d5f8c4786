"""Programs of the engine that tests of this folder share."""

import signal
from pathlib import Path

import pytest

from pipeline.run_folder import RunFolder
from tests.pipeline.engine.programs import Prepared, prepare
from tests.pipeline.processes import wait_until


@pytest.fixture(scope="session")
def steady(build_root: Path, networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Return a program that would run for hours, and a run's folder to be copied."""
    folder = tmp_path_factory.mktemp("steady") / "run"
    return prepare(networks / "steady.toml", build_root, folder, duration="100000 s")


@pytest.fixture
def prepared(steady: Prepared, tmp_path: Path) -> Prepared:
    """Return the same program with a folder of this test's own."""
    return steady.copy(tmp_path / "run")


@pytest.fixture(scope="session")
def killed(steady: Prepared, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return the folder of a run whose program was killed while it recorded, for tests that do not change it."""
    prepared = steady.copy(tmp_path_factory.mktemp("killed") / "run")
    process = prepared.start()
    # All recorders of bins: what one of them lacks is not taken from the others. Of spikes two, to take one away.
    chunks = [prepared.folder.chunk(recorder, 1) for recorder in ("currents", "rates", "spikes")]
    wait_until(lambda: process.poll() is not None or all(chunk.exists() for chunk in chunks), "the second chunks")
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    prepared.load()
    return prepared.folder
