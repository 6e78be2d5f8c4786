"""How large the measured networks are, and how often they are run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Sizes of one bench."""

    layers: int = 3
    n_excitatory: int = 3200
    """Of `hierarchy`, per layer."""
    n_inhibitory: int = 800
    """Of `hierarchy`, per layer."""
    hierarchy_s: float = 1.0
    """Model time."""
    n_traced: int = 400
    """Neurons of `traced_synapses`, all-to-all."""
    traced_s: float = 1.0
    """Model time."""
    n_repetitions: int = 5
    """Measured runs of each contender, after one that builds and is not counted."""


FULL = Sizes()
QUICK = Sizes(n_repetitions=2)
TINY = Sizes(2, 40, 10, 0.05, 20, 0.05, 2)
"""For tests of the bench itself: its times mean nothing."""
