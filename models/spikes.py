"""Spike files: the times at which a drive's sources fire."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import Problem, SpecError


@dataclass(frozen=True, eq=False)
class SpikeTrain:
    """Spikes of numbered sources, sorted by step, then source."""

    step: NDArray[np.int64]
    source: NDArray[np.int32]


def load_spikes(path: Path, n_sources: int, dt_s: float, place: str) -> SpikeTrain:
    """Read a spike file: CSV or Parquet with the columns `time`, in seconds, and `source`.

    Parameters
    ----------
    path : Path
    n_sources : int
    dt_s : float
        A time is rounded to the nearest step.
    place : str
        Path in the spec, for errors.

    Raises
    ------
    SpecError
        If the file cannot be read, lacks a column, names a source that does not exist, or has a source fire twice in
        one step.
    """
    import pandas as pd  # late: most models name no such file, and should not wait for it

    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        times, sources = frame["time"].to_numpy(np.float64), frame["source"].to_numpy(np.int64)
    except (OSError, ValueError, KeyError) as error:
        what = f"needs the file {path} with the columns time and source, which cannot be read"
        raise SpecError(Problem(f"{place}.file", what, evidence=str(error))) from None
    if not np.isfinite(times).all() or (times < 0).any():
        raise SpecError(Problem(f"{place}.file", f"has times in {path} that are not finite and ≥ 0"))
    if sources.size and (sources.min() < 0 or sources.max() >= n_sources):
        worst = int(sources.max() if sources.max() >= n_sources else sources.min())
        raise SpecError(
            Problem(
                f"{place}.file", f"names a source in {path} that does not exist", f"0 to {n_sources - 1}", str(worst)
            )
        )
    steps = np.rint(times / dt_s).astype(np.int64)
    order = np.lexsort((sources, steps))
    steps, sources = steps[order], sources[order].astype(np.int32)
    twice = np.flatnonzero((steps[1:] == steps[:-1]) & (sources[1:] == sources[:-1]))
    if twice.size:
        at = twice[0]
        what = f"has source {sources[at]} fire twice in the step at {steps[at] * dt_s:.9g} s in {path}"
        raise SpecError(Problem(f"{place}.file", what))
    return SpikeTrain(steps, sources)
