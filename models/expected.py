"""How many edges a rule makes between two populations, without sampling them."""

from pathlib import Path

import numpy as np

from models.array_files import open_array, open_pairs
from models.populations import Population
from models.spec import Connect


def expect_edges(connect: Connect, source: Population, target: Population, *, autapses: bool, folder: Path) -> float:
    """Return the expected number of edges between two populations; exact unless they are drawn by probability.

    Parameters
    ----------
    connect : Connect
    source, target : Population
    autapses : bool
        Whether neurons of one population may connect to themselves.
    folder : Path
        What the file of a rule is relative to.

    Raises
    ------
    SpecError
        If the file of a rule cannot be read.
    """
    own = source == target and not autapses
    pairs = source.size * target.size - (source.size if own else 0)
    match connect.rule:
        case "one_to_one":
            return float(source.size)
        case "probability":
            return pairs * (connect.probability or 0.0)
        case "in_degree":
            return float(target.size * (connect.degree or 0))
        case "out_degree":
            return float(source.size * (connect.degree or 0))
        case "pairs" | "matrix":
            return _count_given(connect, own, folder)
        case _:
            return float(pairs)


def _count_given(connect: Connect, own: bool, folder: Path) -> float:
    assert connect.file is not None
    if connect.rule == "pairs":
        edges = open_pairs("connect", folder, connect.file)
        return float(np.count_nonzero(edges[:, 0] != edges[:, 1]) if own else len(edges))
    matrix = open_array("connect", folder, connect.file)
    return float(np.count_nonzero(matrix) - (np.count_nonzero(np.diagonal(matrix)) if own else 0))
