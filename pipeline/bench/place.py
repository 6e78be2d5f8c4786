"""Where contenders run: outputs in one folder, on tmpfs if there is one, and programs where they are found again."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.build_root import BuildRoot

_TMPFS = Path("/dev/shm")


@dataclass(frozen=True)
class Place:
    """Where a contender runs."""

    folder: Path
    """For what it writes."""
    programs: Path
    """A build root, whose programs are kept from bench to bench."""

    @property
    def root(self) -> Path:
        """A build root of which the programs are kept, and all else is in the folder."""
        root, kept = BuildRoot(self.folder / "root"), BuildRoot(self.programs)
        if not root.path.exists():
            root.path.mkdir()
            for link, folder in ((root.binaries, kept.binaries), (root.structures, kept.structures)):
                folder.mkdir(parents=True, exist_ok=True)
                link.symlink_to(folder.absolute(), target_is_directory=True)
        return root.path

    def within(self, name: str) -> "Place":
        """Return the place of one of several contenders; its folder is made."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return Place(folder, self.programs)


@contextmanager
def temporary_place(programs: Path) -> Iterator[Place]:
    """Make a place whose folder is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="currents-bench-", dir=find_tmpfs()) as folder:
        yield Place(Path(folder), programs)


def find_tmpfs() -> Path | None:
    """Return a file system in memory, or None."""
    return _TMPFS if _TMPFS.is_dir() and os.access(_TMPFS, os.W_OK) else None


def free_output_bytes() -> int:
    """Return how much contenders may write."""
    stat = os.statvfs(find_tmpfs() or tempfile.gettempdir())
    return stat.f_bavail * stat.f_frsize
