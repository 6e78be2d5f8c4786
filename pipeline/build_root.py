"""Where generated things go: `build/` of a checkout, or another root, and the names within it."""

import os
from dataclasses import dataclass
from pathlib import Path

from pipeline.places import check_place

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


def choose_root(build_root: str | Path | None) -> BuildRoot:
    """Return a root that was chosen, or the default one; raise `SpecError` where it can be no folder."""
    chosen = default_root() if build_root is None else check_place("--build-root", build_root)
    return BuildRoot(chosen.absolute())
