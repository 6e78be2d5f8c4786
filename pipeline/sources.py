"""The package's own source files as a part of fingerprints: whoever changes one gets new results, not old ones.

A version number would have to be thought of with every change, and a result from before a bug was fixed could be taken
for a new one; a hash cannot be forgotten, and takes milliseconds.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_ENDINGS = (".py", ".h", ".cpp", ".txt")

PROGRAM = ("models/assembly", "models/include", "pipeline/engine", "pipeline/emit.py", "pipeline/exit_codes.py")
"""What makes the engine's C++ of the plans of a network's groups."""
EDGES = (
    *("models/sample.py", "models/connectivity.py", "models/distributions.py", "models/counter_rng.py"),
    *("models/portable_math.py", "models/include"),
)
"""What samples edges."""
NUMBERS = (
    *("models", "pipeline/engine", "pipeline/emit.py", "pipeline/exit_codes.py", "pipeline/compiler.py"),
    *("pipeline/reference.py", "pipeline/collect.py", "pipeline/recording_index.py", "pipeline/chunk_format.py"),
    *("pipeline/recording_origin.py", "pipeline/edge_cache.py", "pipeline/job.py"),
)
"""What has a part in the numbers of a run, and in the files that hold them."""


@cache
def hash_sources(places: tuple[str, ...]) -> str:
    """Return a hash of source files, given as paths of files and folders from the root of the packages."""
    digest = hashlib.sha256()
    for path in list_sources(_ROOT, places):
        digest.update(f"\n{path.relative_to(_ROOT)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def list_sources(root: Path, places: tuple[str, ...]) -> list[Path]:
    """Return the source files of some files and folders."""
    found = {path for place in places for path in (root / place, *(root / place).rglob("*"))}
    return sorted(path for path in found if path.suffix in _ENDINGS and path.is_file())


@cache
def list_versions(packages: tuple[str, ...]) -> tuple[str, ...]:
    """Return packages with their versions, without importing any."""
    return tuple(f"{name} {version(name)}" for name in packages)
