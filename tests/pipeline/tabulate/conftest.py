"""The recording that all tests of tables read."""

import pytest

from pipeline.recording import Recording, open_recording
from tests.pipeline.synthetic_run import SyntheticRun, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SyntheticRun:
    """Return a run that no test changes."""
    return make_run(tmp_path_factory.mktemp("tabulate") / "run")


@pytest.fixture(scope="module")
def recording(run: SyntheticRun) -> Recording:
    """Return its recording."""
    return open_recording(run.folder, run.network)
