"""Where generated things go: `build/` of a checkout, or another root, and the names within it."""

import errno
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from models.errors import Problem
from pipeline.errors import StorageError
from pipeline.places import check_place

_CHECKOUT = Path(__file__).resolve().parent.parent


def default_root() -> Path:
    """Return `$CURRENTS_BUILD`, else `build/` of the checkout that holds this package, else one in the user's cache."""
    if chosen := os.environ.get("CURRENTS_BUILD"):
        return check_place("CURRENTS_BUILD", chosen)
    if (_CHECKOUT / "pyproject.toml").is_file():
        return _CHECKOUT / "build"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "brian2currents"


_FULL_BYTES = 1 << 20
"""What a disk that counts as full has left: a failed write may leave a little."""


def is_full(path: Path) -> bool:
    """Return whether the disk that holds a folder is full."""
    return shutil.disk_usage(path).free < _FULL_BYTES


def refuse_full_disk(folder: Path) -> None:
    """Raise `StorageError` when the disk that a program has written to is full: the program does not notice."""
    if is_full(folder):
        what = "could not write all of its results: the disk is full"
        remedy = "free some space, or choose another root with --build-root"
        raise StorageError(Problem("the simulation program", what, evidence=str(folder), next=remedy))


def refuse_read_only(root: "BuildRoot") -> None:
    """Raise `StorageError` when a program would have to be built in a root that cannot be written to."""
    try:
        root.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root.scratch):
            return
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            return  # what is wrong is told where it is met
        what = "cannot be written to, and has no program yet for a network of this structure"
        remedy = "choose another root with --build-root"
        raise StorageError(Problem(str(root.path), what, evidence=str(error), next=remedy)) from None


@dataclass(frozen=True)
class BuildRoot:
    """The root folder of builds and runs."""

    path: Path

    @property
    def binaries(self) -> Path:
        """One folder per build fingerprint: the C++ and the binary."""
        return self.path / "binaries"

    @property
    def structures(self) -> Path:
        """One file per structure key: which build the structure became."""
        return self.path / "structures"

    @property
    def edges(self) -> Path:
        """Sampled edges, one folder per pathway and what it was sampled from."""
        return self.path / "edges"

    @property
    def run_index(self) -> Path:
        """One file per run fingerprint: where the finished run is."""
        return self.runs / ".index"

    @property
    def runs(self) -> Path:
        """Runs whose folder was not chosen by `--out`."""
        return self.path / "runs"

    @property
    def scratch(self) -> Path:
        """Folders in the making; each is renamed to its place when it is complete. Locks, too."""
        return self.path / "scratch"


def choose_root(build_root: str | Path | None) -> BuildRoot:
    """Return a root that was chosen, or the default one; raise `SpecError` where it can be no folder."""
    chosen = default_root() if build_root is None else check_place("--build-root", build_root)
    return BuildRoot(chosen.absolute())
