"""How large the measured networks are, and how often they are run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GrowthSizes:
    """What the curves of growth are measured at; each curve changes one number of a network like `hierarchy`."""

    neurons: tuple[int, ...] = (3_000, 10_000, 30_000, 100_000)
    """Of one layer, at `in_degree` synapses each."""
    in_degree: int = 400
    synapses: tuple[int, ...] = (1_000_000, 7_000_000, 30_000_000, 100_000_000)
    """Of one layer of `n_neurons`, all synapses of a pathway having one weight."""
    weighted_synapses: tuple[int, ...] = (7_000_000, 100_000_000)
    """The same, each synapse having its own."""
    n_neurons: int = 25_000
    layers: tuple[int, ...] = (1, 2, 4, 8, 16)
    """Of `hierarchy`."""
    recorded: tuple[int, ...] = (0, 100, 10, 1)
    """Of `hierarchy`: v and currents every 1 ms of one neuron in so many; of none for 0."""
    model_s: float = 1.0
    n_repetitions: int = 3
    sampled_s: float = 8.0
    """How long a program runs while it is sampled what it does: some 250 samples per second."""


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
    parts_s: float = 10.0
    """Longest model time of the runs whose parts are measured, one after another ..."""
    sampled_s: float = 12.0
    """... until they have taken so long."""
    memory_s: tuple[float, ...] = (10.0, 100.0)
    """Model times of the runs whose peak memory is compared."""
    reading_bytes: float = 2e9
    """Size of the recording that is read; 0 for none."""
    build_layers: tuple[int, ...] = (3, 12)
    """Numbers of layers of the programs that are built from nothing."""
    copied_bytes: int = 256_000_000
    """Size of the array by whose copies the memory's bandwidth is measured."""
    growth: GrowthSizes | None = GrowthSizes()
    """None for no curves."""


FULL = Sizes()
QUICK = Sizes(
    hierarchy_s=0.5,
    everything_s=0.1,
    traced_s=0.2,
    n_repetitions=2,
    n_everything=2,
    sampled_s=2.0,
    memory_s=(),
    reading_bytes=0,
    build_layers=(3,),
    growth=None,
)
TINY = Sizes(
    layers=2,
    n_excitatory=40,
    n_inhibitory=10,
    hierarchy_s=0.05,
    everything_s=0.02,
    n_traced=20,
    traced_s=0.05,
    n_repetitions=2,
    n_everything=2,
    parts_s=2.0,
    sampled_s=0.3,
    memory_s=(0.1, 0.2),
    reading_bytes=1e5,
    build_layers=(2,),
    copied_bytes=1_000_000,
    growth=GrowthSizes(
        neurons=(500, 1_000),
        in_degree=100,
        synapses=(100_000, 1_000_000),
        weighted_synapses=(1_000_000,),
        n_neurons=2_000,
        layers=(1, 2),
        recorded=(0, 10, 1),
        model_s=0.05,
        n_repetitions=2,
        sampled_s=0.2,
    ),
)
"""For tests of the bench itself: its times mean nothing."""
