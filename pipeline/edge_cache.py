"""Sampled edges, kept by what they were sampled from: another run with the same edges links their files.

An entry, `build/edges/<key>/`, has the arrays of one pathway, or of a drive with sources, as the run's folder has them,
and `entry.json` with their checksums. A weight or a delay that all edges share is no part of an entry: it may change
without anything being sampled again.
"""

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from models.expand import Expanded, Projection
from models.quantities import Quantity
from models.sample import (
    EdgeTable,
    constant_delay,
    constant_weight,
    count_sources,
    group_projections,
    sample_pathway,
)
from models.values import Value
from pipeline.atomic import write_atomically
from pipeline.build_root import BuildRoot
from pipeline.cache import change_entry, enforce_limit, mark_used, read_limit, use_entry
from pipeline.checksums import checksum_file
from pipeline.fingerprint import describe_numbers, hash_parts
from pipeline.job import save_edges
from pipeline.links import link_file
from pipeline.run_folder import EdgeFiles, RunFolder
from pipeline.scratch import make_scratch
from pipeline.sources import EDGES, hash_sources, list_versions

_VERSION = 2
_MIN_EDGES = 200_000
"""Fewer are sampled as fast as they are linked."""
_MAX_SHARE = 0.5
"""Of the cache's limit that one entry may take."""
LOCK = "edges"
"""Name of the lock of all entries: each is used for a moment only."""
_ENTRY = "entry.json"
_MAPPED_BYTES = 1 << 20
"""Arrays of this size and above are mapped: what is not looked at is not read."""


def obtain_edges(root: BuildRoot, expanded: Expanded, folder: RunFolder) -> dict[str, EdgeTable]:
    """Put the edges of all pathways into a run's folder, and return them.

    Returns
    -------
    dict of str to EdgeTable
        By the name of the pathway or drive, in the order of the spec. Large arrays are mapped files, not to be written.
    """
    wanted = {
        name: _Wanted(expanded, name, projections, folder.edge_files(name), root.edges)
        for name, projections in group_projections(expanded).items()
    }
    tables: dict[str, EdgeTable] = {}
    stored = False
    for name, pathway in wanted.items():
        found = _link_entry(root, pathway)
        tables[name] = found or sample_pathway(name, pathway.projections, expanded)
        if found is None:
            save_edges(folder, {name: tables[name]})
            stored |= _store_entry(root, pathway, tables[name])
    if stored:
        enforce_limit(root)
    return tables


@dataclass(frozen=True, eq=False)
class _Wanted:
    """The edges of one pathway, or of a drive with sources, which a run needs."""

    expanded: Expanded
    name: str
    projections: list[Projection]
    files: EdgeFiles
    cache: Path

    @cached_property
    def entry(self) -> Path:
        """The folder of the entry that has them, or would."""
        return self.cache / _key_edges(self)

    @cached_property
    def weight(self) -> Quantity | None:
        """The weight that all edges share, which is no part of the entry."""
        return _find_shared([projection.weight for projection in self.projections])

    @cached_property
    def delay(self) -> Quantity | None:
        """The delay that all edges share, which is no part of the entry."""
        return _find_shared([projection.delay for projection in self.projections])

    @property
    def dt_s(self) -> float:
        """The step in seconds."""
        return self.expanded.spec.network.dt.value

    def list_kept(self) -> list[Path]:
        """Return the files in the run's folder that an entry has, too."""
        own = [(self.files.weight, self.weight), (self.files.delay, self.delay)]
        return [self.files.row, self.files.target, *(path for path, shared in own if shared is None)]


def _find_shared(values: list[Value]) -> Quantity | None:
    first = values[0]
    if isinstance(first, Quantity) and all(isinstance(v, Quantity) and v.value == first.value for v in values):
        return first
    return None


def _key_edges(wanted: _Wanted) -> str:
    """Return a hash of everything that shapes the files of an entry."""
    spec, projections = wanted.expanded.spec, wanted.projections
    pairs = [_describe_pair(projection, spec.folder) for projection in projections]
    weights = [describe_numbers(p.weight, spec.folder) for p in projections] if wanted.weight is None else "shared"
    # Delays that are sampled are rounded to the step.
    sampled = [wanted.dt_s.hex(), *(describe_numbers(p.delay, spec.folder) for p in projections)]
    delays = sampled if wanted.delay is None else "shared"
    origin = [spec.network.seed, wanted.name, count_sources(projections[0], wanted.expanded)]
    made_by = [hash_sources(EDGES), list_versions(("numpy",))]
    return hash_parts([_VERSION, origin, pairs, weights, delays, made_by])


def _describe_pair(projection: Projection, folder: Path) -> list[Any]:
    ends = [[end.name, end.start, end.size] for end in (projection.source, projection.target)]
    return [*ends, describe_numbers(projection.connect, folder), projection.autapses]


def _link_entry(root: BuildRoot, wanted: _Wanted) -> EdgeTable | None:
    """Put an entry's files into the run's folder, and what its edges share; None when there is no sound entry."""
    if not wanted.entry.is_dir():
        return None
    with use_entry(root, LOCK):
        linked = _is_sound(wanted) and _link_files(wanted)
        if linked:
            mark_used(wanted.entry)
    if not linked:
        # Another process has removed it, or somebody has written to a file that several folders share.
        shutil.rmtree(wanted.files.path, ignore_errors=True)
        _drop_damaged(root, wanted)
        return None
    files = wanted.files
    if wanted.weight is not None:
        np.save(files.weight, constant_weight(wanted.weight))
    if wanted.delay is not None:
        np.save(files.delay, constant_delay(wanted.delay, wanted.dt_s))
    return EdgeTable(wanted.name, *(_open_array(p) for p in (files.row, files.target, files.weight, files.delay)))


def _is_sound(wanted: _Wanted) -> bool:
    """Return whether the files of an entry are what was stored."""
    try:
        entry = json.loads((wanted.entry / _ENTRY).read_text(encoding="utf-8"))
        sums = {path.name: checksum_file(wanted.entry / path.name)[1] for path in wanted.list_kept()}
        return bool(entry["key"] == wanted.entry.name and sums.items() <= entry["checksums"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _link_files(wanted: _Wanted) -> bool:
    """Link the files of an entry into the run's folder; return whether that could be done."""
    try:
        wanted.files.path.mkdir(parents=True, exist_ok=True)
        for path in wanted.list_kept():
            link_file(wanted.entry / path.name, path)
    except OSError:
        return False
    return True


def _drop_damaged(root: BuildRoot, wanted: _Wanted) -> None:
    """Remove an entry that is not sound, unless another process has made it anew by now."""
    with suppress(OSError), change_entry(root, LOCK):
        if not _is_sound(wanted):
            shutil.rmtree(wanted.entry, ignore_errors=True)


def _open_array(path: Path) -> NDArray[Any]:
    return cast("NDArray[Any]", np.load(path, mmap_mode="r" if path.stat().st_size >= _MAPPED_BYTES else None))


def _store_entry(root: BuildRoot, wanted: _Wanted, table: EdgeTable) -> bool:
    """Keep the files of a run's folder under the entry's name, too, where that is worth it; return whether they are."""
    kept = wanted.list_kept()
    n_bytes = sum(path.stat().st_size for path in kept)
    if table.n_edges < _MIN_EDGES or n_bytes > _MAX_SHARE * read_limit():
        return False
    try:
        with make_scratch(root) as scratch:
            made = scratch / wanted.entry.name
            made.mkdir()
            for path in kept:
                path.chmod(0o444)
                link_file(path, made / path.name)
            names = {"network": wanted.expanded.spec.network.name, "pathway": wanted.name}
            entry = {"key": wanted.entry.name, **names}
            sums = {path.name: checksum_file(path)[1] for path in kept}
            write_atomically(made / _ENTRY, json.dumps({"version": _VERSION, **entry, "checksums": sums}) + "\n")
            root.edges.mkdir(exist_ok=True)
            with change_entry(root, LOCK):
                made.rename(wanted.entry)
    except OSError:
        # Another process was faster, or the disk is full, or read-only: the run has its own files.
        return False
    return True
