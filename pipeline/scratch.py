"""Scratch folders: each belongs to one process, and what a killed process left is removed by the next."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.atomic import lock_file
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
        owner = (path / _OWNER).open("w")
        with suppress(OSError):
            fcntl.flock(owner, fcntl.LOCK_EX)
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
        if path.is_dir() and not _is_owned(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_owned(path: Path) -> bool:
    """Return whether the process that made a scratch folder lives; True where the file system cannot tell."""
    try:
        with (path / _OWNER).open("r+") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
