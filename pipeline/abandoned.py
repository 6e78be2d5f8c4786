"""Folders beside a run that is computed again: whose they are, and how those that killed processes have left go.

`DIR-new-1` becomes `DIR`, which meanwhile is `DIR-old-…`. Each has a mark that its process keeps locked for as long as
it lives. What has no mark, or one that was copied, or holds anything that a run has not, is somebody's, and stays.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from pipeline.atomic import is_locked, lock_now, make_locked
from pipeline.run_folder import RunFolder

_MARK = ".replacing"
_TEMPORARY = re.compile(rf"\.?({'|'.join(map(re.escape, sorted(RunFolder.NAMES)))})\.\S*(tmp|partial)")


def mark_folder(path: Path) -> IO[str]:
    """Mark a folder as that of this process, until the file that is returned is closed or the process ends."""
    return make_locked(path / _MARK, json.dumps({"inode": path.stat().st_ino}))


def unmark_folder(path: Path, mark: IO[str]) -> None:
    """Make a folder one that stays, whatever becomes of this process."""
    with mark:
        with suppress(OSError):
            mark.truncate(0)  # a mark that cannot be removed then says nothing
        (path / _MARK).unlink(missing_ok=True)


def list_others(path: Path) -> list[Path]:
    """Return what a folder holds at its top that no run has, by name."""
    return sorted(entry for entry in path.iterdir() if not _is_of_run(entry.name))


def _is_of_run(name: str) -> bool:
    return name in RunFolder.NAMES or name == _MARK or _TEMPORARY.fullmatch(name) is not None


def remove_run(path: Path) -> None:
    """Remove what a run has from a folder, and nothing else.

    The mark goes last, so that another process can remove the rest.
    """
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink() and _is_of_run(entry.name):
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != _MARK and _is_of_run(entry.name):
            with suppress(OSError):
                entry.unlink()
    (path / _MARK).unlink(missing_ok=True)


def remove_marked(path: Path) -> None:
    """Remove the run of a folder, and the folder; raise `OSError` where that holds something else."""
    remove_run(path)
    path.rmdir()


def remove_abandoned(kept: Path) -> None:
    """Remove what processes that were killed while they replaced a run have left beside it."""
    for path in _list_beside(kept):
        with suppress(OSError, ValueError, KeyError, TypeError), (path / _MARK).open("r+", encoding="utf-8") as mark:
            # A program may outlive the process that started it for a moment.
            if lock_now(mark) and _is_made_by_us(path, mark) and not is_locked(path / "program.lock"):
                remove_marked(path)


def _list_beside(kept: Path) -> Iterator[Path]:
    name = re.compile(rf"{re.escape(kept.name)}-(new-[0-9]+|old-\w+)")
    for path in sorted(kept.parent.iterdir()):
        if name.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            yield path


def _is_made_by_us(path: Path, mark: IO[str]) -> bool:
    """Return whether a locked mark is still that of its folder, which holds nothing that a run has not."""
    there = os.path.samestat(os.fstat(mark.fileno()), (path / _MARK).stat())
    return there and not list_others(path) and bool(json.load(mark)["inode"] == path.stat().st_ino)
