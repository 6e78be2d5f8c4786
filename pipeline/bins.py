"""Tables of binned recordings, currents and states: what is asked for, how large it is, and frames of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.errors import Problem
from models.tables import Column
from pipeline.errors import TooLargeError
from pipeline.frames import NeuronLookup, build_frame, code_type
from pipeline.memory import format_bytes, free_bytes
from pipeline.recording import Columns, Reader
from pipeline.time_axis import step_times

MEMORY_FRACTION = 0.8
"""Part of the free memory that one frame may take."""
_BLOCK_VALUES = 1 << 17
"""Values of one variable that are summed at a time, so that the sums stay in the cache."""


@dataclass(frozen=True, eq=False)
class BinTable:
    """A table with one row per bin and neuron, sorted by neuron within time, that is not yet filled."""

    reader: Reader
    lookup: NeuronLookup
    columns: dict[str, Column]
    dt_s: float
    neurons: NDArray[np.int32]
    """(n_neurons,) ascending global indices."""
    i_bin_start: int
    i_bin_stop: int

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return (self.i_bin_stop - self.i_bin_start) * self.neurons.size

    @cached_property
    def row_bytes(self) -> int:
        """Memory of one row."""
        code = np.dtype(code_type(len(self.lookup.populations))).itemsize
        dtypes = [column.dtype for column in self.columns.values()]
        return sum(code if dtype == "category" else np.dtype(dtype).itemsize for dtype in dtypes)

    def check_fit(self, instead: str) -> None:
        """Raise `TooLargeError`, which names `instead`, when the table would take too much of the free memory."""
        free, n_bytes = free_bytes(), self.n_rows * self.row_bytes
        if free is not None and n_bytes > MEMORY_FRACTION * free:
            raise TooLargeError(
                Problem(
                    f'the table of recorder "{self.reader.name}"',
                    f"does not fit into memory, with {self.n_rows} rows",
                    f"at most {MEMORY_FRACTION:.0%} of the {format_bytes(free)} that are free",
                    format_bytes(n_bytes),
                    next=instead,
                )
            )

    def split(self, max_bytes: float) -> Iterator["BinTable"]:
        """Yield parts, in order, of at most so many bytes each (but of one row at least); one part when empty."""
        most = max(1, int(max_bytes // self.row_bytes))
        if self.n_rows <= most:
            yield self
        elif self.neurons.size <= most:
            n_bins = most // self.neurons.size
            for start in range(self.i_bin_start, self.i_bin_stop, n_bins):
                yield replace(self, i_bin_start=start, i_bin_stop=min(start + n_bins, self.i_bin_stop))
        else:
            for i_bin in range(self.i_bin_start, self.i_bin_stop):
                for start in range(0, self.neurons.size, most):
                    neurons = self.neurons[start : start + most]
                    yield replace(self, neurons=neurons, i_bin_start=i_bin, i_bin_stop=i_bin + 1)

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Yield ranges of bins that are small enough to work on at a time."""
        n_bins = max(1, _BLOCK_VALUES // max(1, self.neurons.size))
        for start in range(self.i_bin_start, self.i_bin_stop, n_bins):
            yield start, min(start + n_bins, self.i_bin_stop)

    def locate(self, variable: str) -> tuple[Columns, Columns]:
        """Return where a variable's neurons are in the table's, and where the table's are in the variable's."""
        _, here, there = np.intersect1d(
            self.neurons, self.reader.neurons(variable), assume_unique=True, return_indices=True
        )
        return _as_slice(here), _as_slice(there)

    def allocate(self, name: str, fill: float = 0.0) -> NDArray[Any]:
        """Return a column as (n_bins, n_neurons), filled; zeros cost nothing until they are written."""
        shape, dtype = (self.i_bin_stop - self.i_bin_start, self.neurons.size), self.columns[name].dtype
        return np.zeros(shape, dtype) if fill == 0 else np.full(shape, fill, dtype)

    def copy_variable(self, variable: str, fill: float) -> NDArray[Any]:
        """Return the column of a variable; `fill` where it was not recorded."""
        here, there = self.locate(variable)
        complete = self.reader.neurons(variable)[there].size == self.neurons.size
        column = self.allocate(variable, 0.0 if complete else fill)
        for start, stop in self.blocks():
            column[start - self.i_bin_start : stop - self.i_bin_start, here] = self.reader.read(
                variable, start, stop, there
            )
        return column

    def build(self, values: dict[str, NDArray[Any]], first_row: int) -> pd.DataFrame:
        """Return the frame of the value columns, (n_bins, n_neurons) each, with those that all bin tables have."""
        n_bins = self.i_bin_stop - self.i_bin_start
        ends = np.arange(self.i_bin_start + 1, self.i_bin_stop + 1) * self.reader.steps_per_bin
        time = np.empty((n_bins, self.neurons.size), np.float64)
        time[...] = step_times(ends, self.dt_s)[:, np.newaxis]
        data = {"time": time.reshape(-1), **self.lookup.columns(self.neurons, n_bins)}
        data |= {name: column.reshape(-1) for name, column in values.items()}
        return build_frame(data, self.columns, first_row)


def _as_slice(positions: NDArray[np.intp]) -> Columns:
    """Return ascending positions as a slice where they are consecutive: a slice reads without a copy."""
    if positions.size and positions[-1] - positions[0] + 1 == positions.size:
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions


def fill_currents(table: BinTable, first_row: int = 0) -> pd.DataFrame:
    """Return the frame of a currents table.

    `excitatory` and `inhibitory` are sums, in float64, of all recorded channels of their polarity in the order of the
    spec, whichever of them are columns; `total` is the sum of these two; each is rounded once, to the recording's type.
    """
    sums = {name: table.allocate(name) for name in ("excitatory", "inhibitory", "total")}
    recorded = set(table.reader.variables())
    channels = [channel for channel in table.lookup.network.channels if channel.name in recorded]
    shown = {channel.name: table.allocate(channel.name) for channel in channels if channel.name in table.columns}
    places = {channel.name: table.locate(channel.name) for channel in channels}
    for start, stop in table.blocks():
        rows = slice(start - table.i_bin_start, stop - table.i_bin_start)
        block = {name: np.zeros((stop - start, table.neurons.size)) for name in ("excitatory", "inhibitory")}
        for channel in channels:
            here, there = places[channel.name]
            values = table.reader.read(channel.name, start, stop, there)
            block[channel.polarity][:, here] += values
            if channel.name in shown:
                shown[channel.name][rows, here] = values
        sums["excitatory"][rows], sums["inhibitory"][rows] = block["excitatory"], block["inhibitory"]
        sums["total"][rows] = block["excitatory"] + block["inhibitory"]
    return table.build({"v": table.copy_variable("v", 0.0)} | shown | sums, first_row)


def fill_states(table: BinTable, first_row: int = 0) -> pd.DataFrame:
    """Return the frame of a states table; NaN where a neuron has no such variable."""
    return table.build(
        {name: table.copy_variable(name, np.nan) for name in table.reader.variables() if name in table.columns},
        first_row,
    )
