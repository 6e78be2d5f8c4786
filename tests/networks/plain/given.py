"""What a hand-written script is given of a network: edges, initial values, the drive's spikes; no equation."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from brian2 import SpikeGeneratorGroup, Synapses, TimedArray, ms, volt
from numpy.typing import NDArray

from models import NetworkSpec
from models.counter_rng import bernoulli, bernoulli_threshold, bits32, derive_key
from models.expand import Expanded, PoissonInput, expand_network
from models.poisson import poisson_counts, poisson_thresholds
from models.sample import EdgeTable, sample_edges, sample_parameter

DT = 0.1 * ms
DT_S = 1e-4

type Floats = NDArray[np.float64]


def as_single(weight: Any) -> Any:
    """Return a weight rounded to float32, which all weights are by definition."""
    return float(np.float32(weight / volt)) * volt


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges between two Brian2 groups, in their own indices; what is the same for all edges is repeated."""

    i: NDArray[np.intp]
    j: NDArray[np.intp]
    w: Floats
    """(n_edges,) volts."""
    delay: NDArray[np.int64]
    """(n_edges,) steps."""

    def make(self, source: Any, target: Any, on_pre: str, model: str = "w : volt", **arguments: Any) -> Any:
        """Return Synapses with these edges, weights and delays."""
        synapses = Synapses(source, target, model, on_pre=on_pre, **arguments)
        synapses.connect(i=self.i, j=self.j)
        synapses.w = self.w * volt
        synapses.pre.delay = self.delay * DT
        return synapses


@dataclass(frozen=True, eq=False)
class Given:
    """A network and a seed, as far as a script may know of them."""

    spec: NetworkSpec
    n_steps: int
    seed: int = 1

    @cached_property
    def expanded(self) -> Expanded:
        """The network's populations and who projects to whom."""
        return expand_network(self.spec)

    @cached_property
    def tables(self) -> dict[str, EdgeTable]:
        """The edges by pathway or drive."""
        return sample_edges(self.expanded)

    def neurons(self, name: str) -> NDArray[np.intp]:
        """Return the global indices of a population (`L1E`), or of those of all layers (`E`)."""
        chosen = self.expanded.select_populations([name])
        return np.concatenate([np.arange(population.start, population.stop) for population in chosen])

    def edges(self, name: str, source: str, target: str) -> Edges:
        """Return the edges of a pathway, or of a drive whose `source` is then its own name, as groups number them."""
        table = self.tables[name]
        sources = np.arange(table.n_sources) if name in self.spec.drive else self.neurons(source)
        targets = self.neurons(target)
        kept = np.isin(table.source, sources) & np.isin(table.target, targets)
        weight, delay = (np.broadcast_to(values, table.n_edges)[kept] for values in (table.weight, table.delay))
        i, j = np.searchsorted(sources, table.source[kept]), np.searchsorted(targets, table.target[kept])
        return Edges(i, j, weight.astype(np.float64), delay.astype(np.int64))

    def initial_v(self, name: str) -> Any:
        """Return the initial v of a population's neurons."""
        tables = {key: neuron.v_initial for key, neuron in self.spec.neuron.items()}  # type: ignore[union-attr]
        populations = self.expanded.select_populations([name])
        return sample_parameter("v_initial", tables, populations, self.seed, "initial", self.spec.folder) * volt

    def counts(self, drive: str, name: str) -> Any:
        """Return the events of a `poisson` drive as a function of time and neuron of a population."""
        inputs = {item.target.name: item for item in self.expanded.poisson_inputs if item.drive == drive}
        chosen = self.expanded.select_populations([name])
        columns = [self._count(inputs[population.name]) for population in chosen]
        return TimedArray(np.concatenate(columns, axis=1), dt=DT, name=f"counts_{drive}_{name}")

    def _count(self, item: PoissonInput) -> Floats:
        mean = item.sources * item.rate.value * DT_S  # type: ignore[union-attr]
        key = derive_key(self.seed, "poisson", item.drive, item.target.name)
        bits = bits32(key, np.arange(item.target.size), np.arange(self.n_steps)[:, np.newaxis])
        return poisson_counts(poisson_thresholds(mean), bits).astype(np.float64)

    def sources(self, drive: str) -> Any:
        """Return the sources of a `shared_poisson` drive as a group that emits their spikes."""
        (group,) = (group for group in self.expanded.source_groups if group.drive == drive)
        threshold = bernoulli_threshold(group.rate.value * DT_S)  # type: ignore[union-attr]
        key, steps = derive_key(self.seed, "shared_poisson", drive), np.arange(self.n_steps)[:, np.newaxis]
        bits = bits32(key, np.arange(group.size), steps)
        step, source = np.nonzero(bernoulli(threshold, bits))
        return SpikeGeneratorGroup(group.size, source, step * DT, dt=DT)
