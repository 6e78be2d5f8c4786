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
    everything_s: float = 1.0
    """Model time where everything is recorded: gigabytes per second of it."""
    n_traced: int = 400
    """Neurons of `traced_synapses`, all-to-all."""
    traced_s: float = 1.0
    """Model time."""
    n_repetitions: int = 5
    """Measured runs of each contender, after one that builds and is not counted."""
    n_everything: int = 3
    """The same where everything is recorded."""
    memory_s: tuple[float, ...] = (10.0, 100.0)
    """Model times of the runs whose peak memory is compared."""
    reading_bytes: float = 2e9
    """Size of the recording that is read; 0 for none."""
    build_layers: tuple[int, ...] = (3, 12)
    """Numbers of layers of the programs that are built from nothing."""


FULL = Sizes()
QUICK = Sizes(
    hierarchy_s=0.5,
    everything_s=0.1,
    traced_s=0.2,
    n_repetitions=2,
    n_everything=2,
    memory_s=(),
    reading_bytes=0,
    build_layers=(3,),
)
TINY = Sizes(2, 40, 10, 0.05, 0.02, 20, 0.05, 2, 2, (0.1, 0.2), 1e5, (2,))
"""For tests of the bench itself: its times mean nothing."""
