"""Tables of edges."""

from pathlib import Path

import numpy as np
import pytest

from models.tables import EDGE_COLUMNS
from pipeline.errors import RecordingError
from pipeline.recording import Recording
from pipeline.tabulate import (
    tabulate_connectivity,
)
from tests.pipeline.synthetic_run import SyntheticRun, make_run
from tests.pipeline.tabulate.tables import check_columns


def test_connectivity(run: SyntheticRun, recording: Recording) -> None:
    """Edges by source, then target; a constant weight and delay are repeated for each."""
    frame = tabulate_connectivity(run.folder, run.network, "lateral")
    check_columns(frame, EDGE_COLUMNS)
    assert frame.to_numpy().tolist() == [
        [0, 0, np.float32(0.001), 3e-4],
        [0, 2, np.float32(0.001), 3e-4],
        [1, 1, np.float32(0.001), 3e-4],
        [5, 6, np.float32(0.001), 3e-4],
    ]
    noise = tabulate_connectivity(run.folder, run.network, "noise")
    assert noise[["source", "target"]].to_numpy().tolist() == [[0, 5], [2, 0], [2, 2]]
    assert noise["delay"].tolist() == [0, 1e-4, 7e-4]
    assert noise["weight"].nunique() == 3


def test_connectivity_that_contradicts_itself(tmp_path: Path) -> None:
    """Rows that do not end at the last edge are an error that names the file."""
    run = make_run(tmp_path / "run")
    files = run.folder.edge_files("lateral")
    np.save(files.target, np.array([0, 2, 1], np.int32))
    with pytest.raises(RecordingError) as caught:
        tabulate_connectivity(run.folder, run.network, "lateral")
    assert str(caught.value) == f"{files.target}: does not match its rows (expected 3 edges; got 4 in row.npy)."
