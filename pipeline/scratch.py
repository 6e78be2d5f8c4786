"""Scratch folders: each belongs to one process, and what a killed process left is removed by the next."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.atomic import is_locked, lock_file, make_locked
from pipeline.build_root import BuildRoot

_OWNER = ".owner"
"""A file that the owner of a scratch folder keeps locked for as long as it lives."""


@contextmanager
def make_scratch(root: BuildRoot) -> Iterator[Path]:
    """Make a folder for things in the making, on the file system of builds and runs; remove it in the end."""
    root.scratch.mkdir(parents=True, exist_ok=True)
    with lock_file(root.scratch / ".lock"):
        _remove_stale(root.scratch)
        path = Path(tempfile.mkdtemp(dir=root.scratch)).resolve()
        owner = make_locked(path / _OWNER)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        owner.close()


def remove_stale(root: BuildRoot) -> None:
    """Remove the folders of processes that have ended without doing so."""
    with suppress(OSError), lock_file(root.scratch / ".lock"):
        _remove_stale(root.scratch)


def _remove_stale(scratch: Path) -> None:
    for path in scratch.iterdir():
        if path.is_dir() and not is_locked(path / _OWNER):
            shutil.rmtree(path, ignore_errors=True)
