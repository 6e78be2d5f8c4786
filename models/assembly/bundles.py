"""Edges in bundles: those of one channel between two groups with one delay, in the groups' own indices."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.expand import Channel, Expanded
from models.groups import GroupPlan
from models.populations import drive_owner
from models.sample import EdgeTable


@dataclass(frozen=True, eq=False)
class Bundle:
    """Edges of one pathway or drive between two groups, in their own indices."""

    name: str
    i: NDArray[np.int32]
    j: NDArray[np.int32]
    weight: NDArray[np.float32]
    delay: NDArray[np.int32]


def _take_edges(table: EdgeTable, sources: NDArray[np.int32], targets: NDArray[np.int32], n_neurons: int) -> Bundle:
    """Return the edges from some sources to some targets, which are given by their ascending indices in the table."""
    if sources.size == table.n_sources and targets.size == n_neurons:
        return Bundle(table.name, table.source, table.target, table.weight, table.delay)
    inside = np.isin(table.source, sources) & np.isin(table.target, targets)
    return Bundle(
        table.name,
        np.searchsorted(sources, table.source[inside]).astype(np.int32),
        np.searchsorted(targets, table.target[inside]).astype(np.int32),
        table.weight if table.weight.size == 1 else table.weight[inside],
        table.delay if table.delay.size == 1 else table.delay[inside],
    )


def bundle_edges(
    expanded: Expanded, plans: tuple[GroupPlan, ...], channel: Channel, edges: dict[str, EdgeTable]
) -> dict[tuple[str, str, int], list[Bundle]]:
    """Return the channel's edges by source group, target group and delay; -1 stands for several delays."""
    bundles: dict[tuple[str, str, int], list[Bundle]] = {}
    for name in channel.members:
        for source, target, bundle in _split(expanded, plans, name, edges[name]) if name in edges else ():
            delay = int(bundle.delay[0]) if bundle.delay.size == 1 else -1
            bundles.setdefault((source, target, delay), []).append(bundle)
    return bundles


def _split(
    expanded: Expanded, plans: tuple[GroupPlan, ...], name: str, table: EdgeTable
) -> Iterator[tuple[str, str, Bundle]]:
    """Yield the edges of a table by source and target group, in the groups' own indices."""
    sources = {plan.name: plan.neurons for plan in plans}
    if name in expanded.spec.drive:
        sources = {f"sources_{drive_owner(expanded.spec, name)}": np.arange(table.n_sources, dtype=np.int32)}
    for source, source_neurons in sources.items():
        for plan in plans:
            bundle = _take_edges(table, source_neurons, plan.neurons, expanded.n_neurons)
            if bundle.i.size:
                yield source, plan.name, bundle
