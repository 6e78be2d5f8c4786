"""Sampled edges: all of a pathway in one table, in one order, whatever parts they were sampled in."""

from pathlib import Path

import numpy as np
import pytest

from models import load_network
from models.expand import expand_network
from models.sample import EdgeTable, group_projections, sample_edges, sample_pathway

SCALED = {f"layers.population.{name}.size": size for name, size in (("E", 80), ("I", 20))}


@pytest.fixture(scope="module")
def edges() -> dict[str, EdgeTable]:
    """Return the edges of a small hierarchy."""
    weight = {"normal": ["1 mV", "0.1 mV"]}
    return sample_edges(expand_network(load_network("hierarchy", {**SCALED, "pathway.inhibition.weight": weight})))


def test_edges_are_sorted_by_source_then_target(edges: dict[str, EdgeTable]) -> None:
    """Within a layer and across layers, from one population to two: each pair once, in ascending order."""
    for table in edges.values():
        place = table.source.astype(np.int64) * table.n_sources + table.target
        assert table.n_edges > 400
        assert (np.diff(place) > 0).all(), table.name


def test_rows_say_where_the_edges_of_a_source_are(edges: dict[str, EdgeTable]) -> None:
    """The first and the last edge of each source, and none for neurons that are no source."""
    for table in edges.values():
        assert table.row[0] == 0
        np.testing.assert_array_equal(np.diff(table.row), np.bincount(table.source, minlength=table.n_sources))


def test_weights_stay_with_their_edges(edges: dict[str, EdgeTable]) -> None:
    """Sampled part by part alone, each pair of populations has the same edges with the same weights."""
    weight = {"normal": ["1 mV", "0.1 mV"]}
    expanded = expand_network(load_network("hierarchy", {**SCALED, "pathway.inhibition.weight": weight}))
    whole = edges["inhibition"]
    projections = group_projections(expanded)["inhibition"]
    assert len(projections) == 6
    for projection in projections:
        part = sample_pathway("inhibition", [projection], expanded)
        source, target = projection.source, projection.target
        inside = (whole.source >= source.start) & (whole.source < source.stop)
        inside &= (whole.target >= target.start) & (whole.target < target.stop)
        assert part.n_edges > 10
        np.testing.assert_array_equal(whole.source[inside], part.source)
        np.testing.assert_array_equal(whole.target[inside], part.target)
        np.testing.assert_array_equal(whole.weight[inside], part.weight)


def test_a_pathway_without_edges_has_empty_rows(networks: Path) -> None:
    """No edge at all is a table, too."""
    expanded = expand_network(load_network(networks / "steady.toml", {"pathway.slow.connect.probability": 0.0}))
    table = sample_edges(expanded)["slow"]
    assert (table.n_edges, table.source.size, int(table.row.max())) == (0, 0, 0)
