"""Tables of edges."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.errors import Problem
from models.expand import Expanded
from models.tables import EDGE_COLUMNS
from pipeline.errors import RecordingError
from pipeline.frames import build_frame
from pipeline.recording import load_array
from pipeline.run_folder import RunFolder
from pipeline.selection import select_names
from pipeline.time_axis import step_times


def tabulate_connectivity(folder: RunFolder, network: Expanded, pathway: str) -> pd.DataFrame:
    """Return the edges of a pathway, or of a drive with sources, sorted by source, then target.

    Parameters
    ----------
    folder : RunFolder
    network : Expanded
        The network that ran.
    pathway : str
        Name of a pathway or of a drive with sources.

    Returns
    -------
    DataFrame of `models.tables.EDGE_COLUMNS`

    Raises
    ------
    SpecError
        If there is no such pathway.
    RecordingError
        If its files are missing or contradict each other.
    """
    valid = sorted(path.name for path in folder.edges.iterdir()) if folder.edges.is_dir() else []
    select_names("pathway", "pathway or drive with edges", pathway, valid)
    files = folder.edge_files(pathway)
    row, target = load_array(files.row, np.int64, 1), load_array(files.target, np.int32, 1)
    n_edges = target.size
    if row.size == 0 or row[-1] != n_edges:
        got = f"{row[-1]} in {files.row.name}" if row.size else f"an empty {files.row.name}"
        raise RecordingError(Problem(str(files.target), "does not match its rows", f"{n_edges} edges", got))
    delay = step_times(load_array(files.delay, np.int32, 1), network.spec.network.dt.value)
    data = {
        "source": np.repeat(np.arange(row.size - 1, dtype=np.int32), np.diff(row)),
        "target": np.array(target),
        "weight": _per_edge(load_array(files.weight, np.float32, 1), n_edges, files.weight.name, folder),
        "delay": _per_edge(delay, n_edges, files.delay.name, folder),
    }
    return build_frame(data, EDGE_COLUMNS)


def _per_edge[T: np.generic](values: NDArray[T], n_edges: int, name: str, folder: RunFolder) -> NDArray[T]:
    if values.size not in (1, n_edges):
        raise RecordingError(
            Problem(f"{folder.edges}: {name}", "has neither one value nor one per edge", f"{n_edges}", f"{values.size}")
        )
    return np.full(n_edges, values[0]) if values.size == 1 and n_edges != 1 else np.array(values)
