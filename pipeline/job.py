"""A job: everything that is decided before a run begins, and what all devices do for it."""

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from models.errors import CurrentsError, Problem
from models.groups import Device
from models.sample import EdgeTable
from models.spec import NetworkSpec
from pipeline.build_root import BuildRoot, is_full
from pipeline.compiler import Compiler
from pipeline.errors import StorageError
from pipeline.run_folder import RunFolder

type Notify = Callable[[str], None]
"""Called with the name of each stage as it begins."""


@dataclass(frozen=True)
class Job:
    """Everything that is decided before a run begins."""

    spec: NetworkSpec
    model: str
    settings: Mapping[str, object]
    seed: int
    n_steps: int
    device: Device
    n_threads: int
    compiler: Compiler
    root: BuildRoot
    folder: RunFolder
    fingerprint: str
    """Of the run."""


@contextmanager
def explain_storage(job: Job) -> Iterator[None]:
    """Say of a file that cannot be written which folder that concerns, and whether its disk is full."""
    try:
        yield
    except CurrentsError:
        raise
    except OSError as error:
        # NumPy's own error for a short write has no number.
        full = error.errno in (errno.ENOSPC, errno.EDQUOT) or is_full(job.root.path) or is_full(job.folder.path)
        place = error.filename if isinstance(error.filename, str) else job.root.path
        raise StorageError(
            Problem(
                str(place),
                "cannot be written: the disk is full" if full else "cannot be read or written",
                evidence=str(error),
                next="free some space, or choose other folders with --build-root and --out" if full else None,
            )
        ) from error


def save_edges(folder: RunFolder, edges: Mapping[str, EdgeTable]) -> None:
    """Write the edges of all pathways into a run's folder."""
    for name, table in edges.items():
        files = folder.edge_files(name)
        files.path.mkdir(parents=True, exist_ok=True)
        for key in ("row", "target", "weight", "delay"):
            np.save(getattr(files, key), getattr(table, key))
