"""Every connection rule."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import Run
from tests.pipeline.recount import deliver, recorded, spike_steps

pytestmark = pytest.mark.compiled

RULES: dict[str, Callable[[np.ndarray], bool]] = {
    "all_to_all": lambda m: bool((m == 1).all()),
    "one_to_one": lambda m: bool((m == np.eye(10)).all()),
    "probability": lambda m: 20 < m.sum() < 60 and m.max() == 1,
    "in_degree": lambda m: bool((m.sum(axis=0) == 3).all()),
    "out_degree": lambda m: bool((m.sum(axis=1) == 4).all()),
    "pairs": lambda m: sorted(zip(*np.nonzero(m), strict=True)) == [(0, 9), (3, 0), (3, 4), (7, 7)],
    "matrix": lambda m: bool((m == np.load(Path(__file__).parents[2] / "networks" / "matrix.npy")).all()),
}


@pytest.mark.parametrize("rule", RULES)
def test_every_connection_rule_arrives_as_it_says(rules: Run, rule: str) -> None:
    """The edges obey the rule, and each source's one spike arrives at exactly its targets, as late as it should."""
    edges = rules.connectivity(rule)
    matrix = np.zeros((10, 10))
    np.add.at(matrix, (edges["source"], edges["target"] - 10), 1)
    assert RULES[rule](matrix)
    step, neuron = np.arange(1, 11) * 10, np.arange(10)
    np.testing.assert_array_equal(np.stack(spike_steps(rules)), np.stack([step, neuron]))
    arrived = deliver(rules, rule, step, neuron)[:, 10:]
    assert np.count_nonzero(arrived) > 3
    sign = -1 if rule.endswith("degree") else 1
    np.testing.assert_allclose(recorded(rules, rule, "currents"), sign * arrived * 0.01 / 1e-4, rtol=1e-13, atol=0)


def test_weights_of_pairs_are_in_the_order_of_the_file(rules: Run) -> None:
    """The file says 3→4, 0→9, 7→7, 3→0 with 0.5, 0.6, 0.7 and 0.8 mV."""
    edges = rules.connectivity("pairs")
    got = {(s, t - 10): round(w * 1e3, 6) for s, t, w, _ in edges.itertuples(index=False)}
    assert got == {(3, 4): 0.5, (0, 9): 0.6, (7, 7): 0.7, (3, 0): 0.8}
