"""Parts that all tables share: columns about neurons, and frames made of columns without a copy."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.expand import Expanded, Population
from models.tables import Column

_INT8_CATEGORIES = 127


def build_frame(
    data: Mapping[str, Any], columns: Mapping[str, Column], first_row: int = 0, n_rows: int | None = None
) -> pd.DataFrame:
    """Return a frame of the columns of a table, in its order, with units in `attrs["units"]`.

    Parameters
    ----------
    data : mapping of str to (n_rows,) array or Categorical
        Values by column; the frame holds these arrays themselves.
    columns : mapping of str to Column
    first_row : int
        Label of the first row, so that parts of a table join to the whole.
    n_rows : int, optional
        Needed only where `data` is empty.
    """
    n_rows = len(next(iter(data.values()))) if n_rows is None else n_rows
    frame = pd.DataFrame(
        {name: data[name] for name in columns}, index=pd.RangeIndex(first_row, first_row + n_rows), copy=False
    )
    frame.attrs["units"] = {name: column.unit for name, column in columns.items()}
    return frame


def categorize(codes: NDArray[np.integer[Any]], categories: pd.CategoricalDtype) -> pd.Categorical:
    """Return a categorical of codes that are known to be right, without a copy."""
    return pd.Categorical.from_codes(codes, dtype=categories, validate=False)


def code_type(n_categories: int) -> type[np.int8] | type[np.int16]:
    """Return the type of codes that pandas would choose, so that it need not convert them."""
    return np.int8 if n_categories <= _INT8_CATEGORIES else np.int16


@dataclass(frozen=True, eq=False)
class NeuronLookup:
    """What the tables say about a neuron, by its global index."""

    network: Expanded

    @property
    def populations(self) -> tuple[Population, ...]:
        """All populations, in global order."""
        return self.network.populations

    @cached_property
    def categories(self) -> pd.CategoricalDtype:
        """Names of all populations, in global order: the same in every table of a run."""
        return pd.CategoricalDtype([population.name for population in self.populations])

    @cached_property
    def code(self) -> NDArray[np.integer[Any]]:
        """(n_neurons,) position of each neuron's population in `categories`."""
        codes = np.arange(len(self.populations), dtype=code_type(len(self.populations)))
        return np.repeat(codes, [population.size for population in self.populations])

    @cached_property
    def layer(self) -> NDArray[np.int8]:
        """(n_neurons,) layer, from 1."""
        layers: NDArray[np.int8] = np.array([population.layer for population in self.populations], np.int8)
        return np.repeat(layers, [population.size for population in self.populations])

    @cached_property
    def index(self) -> NDArray[np.int32]:
        """(n_neurons,) position of each neuron in its population."""
        return np.concatenate([np.arange(population.size, dtype=np.int32) for population in self.populations])

    def columns(self, neurons: NDArray[np.int32], n_repeats: int = 1) -> dict[str, Any]:
        """Return the columns `neuron`, `population`, `layer` and `index` of neurons, repeated as a whole."""

        def repeat(values: NDArray[Any]) -> NDArray[Any]:
            # np.tile would copy twice.
            column = np.empty((n_repeats, values.size), values.dtype)
            column[...] = values
            return column.reshape(-1)

        return {
            "neuron": repeat(neurons),
            "population": categorize(repeat(self.code[neurons]), self.categories),
            "layer": repeat(self.layer[neurons]),
            "index": repeat(self.index[neurons]),
        }

    def population_columns(self, names: tuple[str, ...], n_repeats: int = 1) -> dict[str, Any]:
        """Return the columns `population` and `layer` of populations, repeated as a whole."""
        first = np.array([self.network.population[name].start for name in names], np.int32)
        columns = self.columns(first, n_repeats)
        return {"population": columns["population"], "layer": columns["layer"]}
