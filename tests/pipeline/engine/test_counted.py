"""Which channels are recorded as numbers of events, and in how many bytes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import load_network
from models.expand import expand_network
from models.poisson import poisson_thresholds
from pipeline.engine.counted import CountedChannel, find_counted


def find(network: str | Path, settings: dict[str, Any] | None = None) -> dict[str, CountedChannel]:
    """Return what is counted in a network."""
    return find_counted(expand_network(load_network(network, settings or {})), 1000)


def test_impulses_of_one_weight_are_counted() -> None:
    """Of `hierarchy` all but the slow pathway; by what is the most that can arrive in a step."""
    counted = find("hierarchy")
    assert {name: channel.most for name, channel in counted.items()} == {
        "local": 3200,
        "inhibition": 800,
        "feedforward": 3200,
        "background": poisson_thresholds(500 * 11 * 1e-4).size,
    }
    assert set(counted["feedforward"].weights) == {"L2E", "L2I", "L3E", "L3I"}
    assert set(counted["background"].weights.values()) == {float(np.float32(0.2e-3))}


@pytest.mark.parametrize(
    ("most", "steps", "kind"),
    [
        (255, 1, "uint8"),
        (256, 1, "uint16"),
        (25, 10, "uint8"),
        (6553, 10, "uint16"),
        (6554, 10, None),
        (0, 10, "uint8"),
    ],
)
def test_the_smallest_type_that_holds_a_bin(most: int, steps: int, kind: str | None) -> None:
    """A byte, two, or values where two do not do."""
    assert CountedChannel({}, most).choose_type(steps) == kind


UNEQUAL: dict[str, dict[str, Any]] = {
    "weights that are drawn": {"pathway.inhibition.weight": {"uniform": ["0 mV", "1 mV"]}},
    "weights from two pathways": {
        "pathway.inhibition.channel": "fast",
        "pathway.calming": {
            "source": "I",
            "target": "E",
            "between": "next",
            "polarity": "inhibitory",
            "kinetics": "delta",
            "weight": "0.5 mV",
            "connect": {"probability": 0.1},
            "delay": "1.5 ms",
            "channel": "fast",
        },
    },
}


@pytest.mark.parametrize("settings", UNEQUAL.values(), ids=list(UNEQUAL))
def test_weights_that_differ_at_a_population_are_not_counted(settings: dict[str, Any]) -> None:
    """Their sum does not say how many there were."""
    counted = find("hierarchy", settings)
    assert {"local", "feedforward", "background"} == set(counted)


def test_weights_may_differ_between_populations() -> None:
    """Each population has its own; a channel of two pathways to the same one has the events of both."""
    counted = find("hierarchy", {"pathway.feedforward.layer": {"3": {"weight": "0.1 mV"}}})
    weights = counted["feedforward"].weights
    assert (weights["L2E"], weights["L3E"]) == tuple(float(np.float32(w)) for w in (0.05e-3, 0.1e-3))
    counted = find("hierarchy", {"pathway.feedforward.channel": "local", "pathway.feedforward.weight": "0.1 mV"})
    assert counted["local"].most == 2 * 3200
