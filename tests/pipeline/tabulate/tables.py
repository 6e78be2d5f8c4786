"""What the tables of the synthetic run must look like."""

import numpy as np
import pandas as pd

from models.tables import Column
from tests.pipeline.synthetic_run import CHANNELS, SyntheticRun

POPULATIONS = ["L1E"] * 3 + ["L1I"] * 2 + ["L2E"] * 3 + ["L2I"] * 2
INDICES = [0, 1, 2, 0, 1, 0, 1, 2, 0, 1]
POLARITY = {"lateral": "excitatory", "inhibition": "inhibitory", "feedforward": "excitatory", "input": "excitatory"}


def check_columns(frame: pd.DataFrame, columns: dict[str, Column]) -> None:
    """Check names, types, order and units."""
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {n: c.dtype for n, c in columns.items()}
    assert list(frame.columns) == list(columns)
    assert frame.attrs["units"] == {name: column.unit for name, column in columns.items()}


def dense(run: SyntheticRun, channel: str) -> np.ndarray:
    """Return a channel as (n_bins, 10), 0 where it does not reach."""
    dense = np.zeros((20, 10), run.dtype)
    dense[:, CHANNELS[channel]] = run.arrays[channel]
    return dense
