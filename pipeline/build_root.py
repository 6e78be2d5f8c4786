"""Where generated things go: `build/` of a checkout, or another root, and the names within it."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from models.errors import Problem
from pipeline.arguments import Argument
from pipeline.errors import OutputError
from pipeline.places import check_place, choose_another

_CHECKOUT = Path(__file__).resolve().parent.parent


def default_root() -> Path:
    """Return `$CURRENTS_BUILD`, else `build/` of the checkout that holds this package, else one in the user's cache."""
    if chosen := os.environ.get("CURRENTS_BUILD"):
        return check_place("CURRENTS_BUILD", chosen)
    if (_CHECKOUT / "pyproject.toml").is_file():
        return _CHECKOUT / "build"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "brian2currents"


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


_NO_FOLDER = "is not a folder, but builds and runs need one there"


def choose_root(build_root: str | Path | None) -> BuildRoot:
    """Return a root that was chosen, or the default one.

    Raises
    ------
    SpecError
        If it can be no folder.
    OutputError
        If it, one that it is in, or one of its own, is there and is no folder.
    """
    chosen = default_root() if build_root is None else check_place(Argument("build_root"), build_root)
    root = BuildRoot(chosen.absolute())
    for path in (
        *reversed(root.path.parents),
        root.path,
        root.binaries,
        root.structures,
        root.edges,
        root.runs,
        root.scratch,
    ):
        if _is_no_folder(path):
            remedy = f"move it, or {choose_another('--build-root')}"
            raise OutputError(Problem(str(path), _NO_FOLDER, next=remedy))
    return root


def _is_no_folder(path: Path) -> bool:
    """Return whether there is something else than a folder; what cannot be looked at is told where it is met."""
    with suppress(OSError):
        return os.path.lexists(path) and not path.is_dir()
    return False
