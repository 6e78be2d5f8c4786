"""A job: everything that is decided before a run begins, and what all devices do for it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.groups import Device
from models.sample import EdgeTable
from models.spec import NetworkSpec
from pipeline.build_root import BuildRoot
from pipeline.compiler import Compiler
from pipeline.run_folder import RunFolder
from pipeline.storage import explain_failed_writes

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


def explain_storage(job: Job) -> AbstractContextManager[None]:
    """Say of a file of a job that cannot be written which folder that concerns, why, and what to do."""
    inside = job.folder.path.is_relative_to(job.root.path.resolve())
    own: dict[Path, str] = {} if inside else {job.folder.path: "--out"}
    return explain_failed_writes({**own, job.root.path: "--build-root"})


def save_edges(folder: RunFolder, edges: Mapping[str, EdgeTable]) -> None:
    """Write the edges of all pathways into a run's folder."""
    for name, table in edges.items():
        files = folder.edge_files(name)
        files.path.mkdir(parents=True, exist_ok=True)
        for key in ("row", "target", "weight", "delay"):
            np.save(getattr(files, key), getattr(table, key))
