"""Recorders whose arrays are files of their own, as the reference device leaves them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.chunk_reader import Values
from pipeline.chunk_tiles import Columns


@dataclass(frozen=True, eq=False)
class RawArray:
    """One variable of layout "raw": one file with a row of neurons per bin."""

    path: Path
    offset_bytes: int
    neurons: NDArray[np.int32]
    unit: str


@dataclass(frozen=True, eq=False)
class RawReader:
    """A recorder whose arrays are all of layout "raw"."""

    name: str
    kind: Literal["currents", "states"]
    steps_per_bin: int
    n_bins: int
    dtype: np.dtype[Any]
    arrays: Mapping[str, RawArray]

    @property
    def units(self) -> dict[str, str]:
        """SI unit by variable."""
        return {name: array.unit for name, array in self.arrays.items()}

    def variables(self) -> tuple[str, ...]:
        """Return the names of what was recorded."""
        return tuple(self.arrays)

    def neurons(self, variable: str) -> NDArray[np.int32]:
        """Return the recorded neurons of a variable."""
        return self.arrays[variable].neurons

    def read(self, variable: str, i_bin_start: int, i_bin_stop: int, columns: Columns | None = None) -> Values:
        """Return values: a view of the file where `columns` is a slice or None, else a copy.

        The file is mapped anew each time: pages that were read do not stay with the process once the view is gone.
        """
        array = self.arrays[variable]
        shape = (i_bin_stop - i_bin_start, array.neurons.size)
        if 0 in shape:
            return np.empty(shape, self.dtype)[:, slice(None) if columns is None else columns]
        offset = array.offset_bytes + i_bin_start * array.neurons.size * self.dtype.itemsize
        rows = np.asarray(np.memmap(array.path, self.dtype, "r", offset, shape))
        return rows if columns is None else rows[:, columns]
