"""Which neurons a recorder records."""

import numpy as np
from numpy.typing import NDArray

from models.counter_rng import derive_key, uniform53
from models.expand import Expanded, Population
from models.spec import CurrentsRecord, Every, RandomSubset, Selection, Slice, StatesRecord


def select_neurons(expanded: Expanded, record: CurrentsRecord | StatesRecord, recorder: str) -> NDArray[np.int32]:
    """Return the recorded neurons of a recorder.

    Returns
    -------
    (n_recorded,) int32
        Global indices, ascending.
    """
    populations = expanded.select_populations(record.population)
    seed = expanded.spec.network.seed
    parts = [p.start + _select_within(p, record.neurons, recorder, seed) for p in populations]
    return np.concatenate(parts).astype(np.int32)


def _select_within(population: Population, selection: Selection | None, recorder: str, seed: int) -> NDArray[np.int64]:
    every = np.arange(population.size)
    match selection:
        case None:
            return every
        case Every():
            return every[:: selection.every]
        case Slice():
            return every[selection.start : selection.stop : selection.step]
        case RandomSubset():
            key = derive_key(seed, "record", recorder, population.name)
            return np.sort(np.argsort(uniform53(key, every), kind="stable")[: selection.random])
        case _:
            return np.unique(np.array(selection, np.int64))
