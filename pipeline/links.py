"""Files of the cache in the folders of runs: the same file under a second name, or a copy where that cannot be."""

import os
import shutil
from pathlib import Path


def choose_runnable(program: Path, binary: Path) -> Path:
    """Return the program of a run's folder; the binary that it is linked to where nothing in that folder can be run."""
    return binary if os.statvfs(program).f_flag & os.ST_NOEXEC else program


def link_file(source: Path, target: Path) -> None:
    """Give a file a second name, so that it stays when its first one goes; copy it to another file system.

    The target appears whole or not at all. Nobody may write to a file that is linked.
    """
    try:
        target.hardlink_to(source)
    except FileExistsError:
        raise
    except OSError:
        # Another file system, one without links, a file that has all the links it can have, or another user's.
        if not source.is_file():
            raise
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            shutil.copy2(source, temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
