"""The cache under the build root: builds, object files that they share, sampled edges. Runs are no part of it.

Whoever uses an entry holds its lock, shared, until what it needs is linked into the folder of its run; whoever makes or
removes one holds the lock alone. So an entry that is in use stays, and a run never needs one again once it has begun.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.amounts import parse_bytes
from pipeline.atomic import lock_file, try_lock, write_atomically
from pipeline.build_root import BuildRoot
from pipeline.scratch import remove_stale

DEFAULT_LIMIT = 2 * 10**9
"""Bytes."""
_SIZE_VARIABLE = "CURRENTS_CACHE_SIZE"
_FAILED, _PARTIAL, _RUNTIME = ".failed", ".partial", "runtime-"
_BUILD = "build.json"

type Kind = Literal["build", "runtime", "edges", "failed"]


@dataclass(frozen=True)
class Entry:
    """One thing in the cache."""

    kind: Kind
    """`build`: sources and program; `runtime`: object files that programs share; `edges`;
    `failed`: did not compile, or was not completed."""
    fingerprint: str
    path: Path
    n_bytes: int
    """Of its files, whether or not runs have them, too."""
    last_used: float
    """Seconds since 1970."""
    networks: tuple[str, ...]
    """Names of the networks that have used it."""
    arch: str
    """Machine that it was compiled for; empty for edges."""

    @property
    def lock_name(self) -> str:
        """Name of the lock that its users hold."""
        return "edges" if self.kind == "edges" else _strip(self.path.name)


IN_USE = "in use"


@dataclass(frozen=True)
class Cleaned:
    """What became of entries that were to be removed."""

    removed: list[Entry]
    left: dict[Entry, str]
    """With the reason, which is `IN_USE` but where the root cannot be written to."""


def read_limit() -> int:
    """Return how many bytes the cache may have: `$CURRENTS_CACHE_SIZE`, 2 GB when that is not set.

    Raises
    ------
    SpecError
        If the variable is no size.
    """
    text = os.environ.get(_SIZE_VARIABLE, "").strip()
    return parse_bytes(text, _SIZE_VARIABLE) if text else DEFAULT_LIMIT


@contextmanager
def use_entry(root: BuildRoot, lock_name: str) -> Iterator[None]:
    """Keep an entry from being removed; in a build root that cannot be written to nobody removes any."""
    with ExitStack() as stack:
        with suppress(OSError):
            root.scratch.mkdir(parents=True, exist_ok=True)
            stack.enter_context(lock_file(root.scratch / f"{lock_name}.lock", shared=True))
        yield


@contextmanager
def change_entry(root: BuildRoot, lock_name: str) -> Iterator[None]:
    """Wait until nobody uses an entry, and keep everybody from it; raise `OSError` where that cannot be done."""
    root.scratch.mkdir(parents=True, exist_ok=True)
    with lock_file(root.scratch / f"{lock_name}.lock"):
        yield


def mark_used(path: Path) -> None:
    """Note that an entry was used now."""
    with suppress(OSError):
        os.utime(path)


def note_use(folder: Path, network: str | None, arch: str) -> None:
    """Note in a build, or in what builds share, which network it was used for, and what it was compiled for."""
    before = _read_table(folder / _BUILD)
    networks = sorted({*before.get("networks", []), *([] if network is None else [network])})
    if before != {"arch": arch, "networks": networks}:
        with suppress(OSError):
            write_atomically(folder / _BUILD, json.dumps({"arch": arch, "networks": networks}) + "\n")
    mark_used(folder)


def list_entries(root: BuildRoot) -> list[Entry]:
    """Return everything in the cache, last used last."""
    entries = [*_list_binaries(root), *_list_edges(root)]
    return sorted(entries, key=lambda entry: (entry.last_used, entry.fingerprint))


def _list_binaries(root: BuildRoot) -> Iterator[Entry]:
    for path in _list_folders(root.binaries):
        broken = path.name.endswith((_FAILED, _PARTIAL))
        kind: Kind = "failed" if broken else "runtime" if path.name.startswith(_RUNTIME) else "build"
        table, name = _read_table(path / _BUILD), _strip(path.name)
        yield _describe_entry(kind, name.removeprefix(_RUNTIME), path, table.get("networks", []), table.get("arch", ""))


def _strip(name: str) -> str:
    """Return the name that a folder of a build has, or would have if it had been completed."""
    return name.removeprefix(".").removesuffix(_FAILED).removesuffix(_PARTIAL)


def _list_edges(root: BuildRoot) -> Iterator[Entry]:
    for path in _list_folders(root.edges):
        table = _read_table(path / "entry.json")
        yield _describe_entry("edges", path.name, path, [table.get("network", "")], "")


def _list_folders(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if path.is_dir())
    return []


def _describe_entry(kind: Kind, fingerprint: str, path: Path, networks: list[str], arch: str) -> Entry:
    n_bytes, last_used = 0, 0.0
    with suppress(OSError):  # it may be removed while we look
        last_used = path.stat().st_mtime
        n_bytes = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return Entry(kind, fingerprint, path, n_bytes, last_used, tuple(filter(None, networks)), arch)


def _read_table(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def enforce_limit(root: BuildRoot) -> list[Entry]:
    """Remove what was used longest ago until the cache has its size; return what was removed."""
    return clean_cache(root, keep_bytes=read_limit(), failed=False).removed


def clean_cache(
    root: BuildRoot,
    *,
    everything: bool = False,
    older_than_s: float | None = None,
    keep_bytes: int | None = None,
    failed: bool = True,
    dry_run: bool = False,
) -> Cleaned:
    """Remove entries that nobody uses at the moment; return them, in the order of removal, and those that were left.

    Parameters
    ----------
    root : BuildRoot
    everything : bool
        All of them.
    older_than_s : float, optional
        Those that were not used for so many seconds.
    keep_bytes : int, optional
        Those that were used longest ago, until no more than this is left.
    failed : bool
        Those that did not compile, and what killed processes have left.
    dry_run : bool
        Only say what would be removed.
    """
    chosen = _choose(list_entries(root), everything, older_than_s, keep_bytes, failed)
    if dry_run:
        return Cleaned(chosen, {})
    reasons = [(entry, _remove(root, entry)) for entry in chosen]
    removed = [entry for entry, reason in reasons if reason is None]
    if any(entry.kind == "build" for entry in removed):
        _drop_structures(root)
    if failed:
        remove_stale(root)
    return Cleaned(removed, {entry: reason for entry, reason in reasons if reason is not None})


def _choose(
    entries: list[Entry], everything: bool, older_than_s: float | None, keep_bytes: int | None, failed: bool
) -> list[Entry]:
    oldest = time.time() - older_than_s if older_than_s is not None else 0.0
    left = sum(entry.n_bytes for entry in entries)
    chosen = []
    for entry in entries:
        asked = everything or entry.last_used < oldest or (failed and entry.kind == "failed")
        if asked or (keep_bytes is not None and left > keep_bytes):
            chosen.append(entry)
            left -= entry.n_bytes
    return chosen


def _remove(root: BuildRoot, entry: Entry) -> str | None:
    """Remove an entry: out of the way first, at once, and then file by file; return why not, if it is left."""
    path = root.scratch / f"{entry.lock_name}.lock"
    try:
        root.scratch.mkdir(parents=True, exist_ok=True)
        lock = try_lock(path)
        if lock is None:
            return IN_USE
        with lock:
            trash = Path(tempfile.mkdtemp(dir=root.scratch))
            entry.path.rename(trash / entry.path.name)
            path.unlink(missing_ok=True)
    except OSError as error:
        return error.strerror or str(error)
    shutil.rmtree(trash, ignore_errors=True)
    return None


def _drop_structures(root: BuildRoot) -> None:
    """Remove the structures whose builds are gone."""
    with suppress(OSError):
        for path in root.structures.glob("*.json"):
            if not (root.binaries / str(_read_table(path).get("fingerprint")) / "main").is_file():
                path.unlink(missing_ok=True)
