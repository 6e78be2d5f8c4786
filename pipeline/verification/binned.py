"""A recorded variable of one population, compared bin by bin with what is expected step by step."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.steps import step_time
from pipeline.recording import Reader
from pipeline.verification.tolerance import Tolerance

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """Where a recorded value is not the expected one."""

    neuron: int
    """Global index; for a drive's sources, the source's number."""
    time_s: float
    """End of the bin, or the step of a spike."""
    expected: float
    recorded: float


@dataclass
class Tally:
    """What came of comparing one quantity at one population."""

    n_values: int = 0
    n_different: int = 0
    largest_absolute: float = 0.0
    largest_relative: float = 0.0
    """Relative to the expected value; infinite where that is 0 and the recorded one is not."""
    exercised: bool = False
    """Whether any value was not 0."""
    first: Difference | None = None

    def note(self, difference: Difference, n_different: int) -> None:
        """Count values that differ, and keep the first one."""
        self.n_different += n_different
        self.first = self.first or difference

    def widen(self, absolute: float, relative: float) -> None:
        """Let the largest differences be at least these."""
        self.largest_absolute = max(self.largest_absolute, absolute)
        self.largest_relative = max(self.largest_relative, relative)


class Fold(Protocol):
    """From rows of steps to rows of bins, (n_bins, n_neurons), whatever the chunks."""

    def __call__(self, rows: Floats) -> Floats:
        """Return the bins that these next steps complete."""


@dataclass
class MeanFold:
    """The mean over the steps of each bin."""

    steps_per_bin: int
    n_columns: int
    filled: int = 0
    partial: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.partial = np.zeros(self.n_columns)

    def __call__(self, rows: Floats) -> Floats:
        """Return the bins that these next steps complete."""
        head = min(len(rows), -self.filled % self.steps_per_bin)
        n_whole = (len(rows) - head) // self.steps_per_bin
        tail = head + n_whole * self.steps_per_bin
        bins = [self._fill(rows[:head])]
        bins.append(rows[head:tail].reshape(n_whole, self.steps_per_bin, self.n_columns).sum(axis=1))
        bins.append(self._fill(rows[tail:]))
        return np.concatenate(bins) / self.steps_per_bin

    def _fill(self, rows: Floats) -> Floats:
        """Add to the bin that is not complete; return it, as a row, if it then is."""
        if not len(rows):
            return np.empty((0, self.n_columns))
        self.partial += rows.sum(axis=0)
        self.filled = (self.filled + len(rows)) % self.steps_per_bin
        if self.filled:
            return np.empty((0, self.n_columns))
        done, self.partial = self.partial, np.zeros(self.n_columns)
        return done[np.newaxis]


@dataclass
class SampleFold:
    """The value at the end of each bin."""

    steps_per_bin: int
    n_columns: int
    filled: int = 0

    def __call__(self, rows: Floats) -> Floats:
        """Return the bins that these next steps complete."""
        first = self.steps_per_bin - 1 - self.filled
        self.filled = (self.filled + len(rows)) % self.steps_per_bin
        return rows[first :: self.steps_per_bin]


class BinnedCheck:
    """One variable of one recorder at one population; expected values are a combination of series of steps."""

    def __init__(
        self,
        reader: Reader,
        variable: str,
        neurons: NDArray[np.int32],
        factors: list[Floats],
        fold: type[MeanFold] | type[SampleFold],
        tolerance: Tolerance,
        dt_s: float,
    ) -> None:
        """Prepare.

        Parameters
        ----------
        reader : Reader
        variable : str
        neurons : (n_checked,) int32
            Global indices of the population's neurons whose series will come, ascending.
        factors : list of (1,) or (n_checked,) float64
            What each series is multiplied by, sign included.
        fold : type
            What makes a bin of steps.
        tolerance : Tolerance
        dt_s : float
        """
        self.reader, self.variable, self.tolerance, self.dt_s = reader, variable, tolerance, dt_s
        recorded = reader.neurons(variable)
        first, last = np.searchsorted(recorded, [neurons[0], neurons[-1] + 1])
        self.recorded_columns, self.neurons = slice(int(first), int(last)), recorded[first:last]
        picked = np.searchsorted(neurons, self.neurons)
        self.columns = slice(None) if picked.size == neurons.size else picked
        self.factors = [factor if factor.size == 1 else factor[self.columns] for factor in factors]
        self.folds = [fold(reader.steps_per_bin, self.neurons.size) for _ in factors]
        self.tally = Tally()
        self.i_bin = 0

    def add(self, series: list[Floats]) -> None:
        """Compare the bins that the next steps complete; each series is (n_steps, n_checked)."""
        folded = [fold(rows[:, self.columns]) for fold, rows in zip(self.folds, series, strict=True)]
        n_bins = min(len(folded[0]), self.reader.n_bins - self.i_bin)
        if n_bins <= 0:
            return
        expected = folded[0][:n_bins] * self.factors[0]
        for factor, rows in zip(self.factors[1:], folded[1:], strict=True):
            expected += rows[:n_bins] * factor
        recorded = self.reader.read(self.variable, self.i_bin, self.i_bin + n_bins, self.recorded_columns)
        self._compare(expected, np.asarray(recorded, np.float64))
        self.i_bin += n_bins

    def _compare(self, expected: Floats, recorded: Floats) -> None:
        difference, size, tally = np.abs(recorded - expected), np.abs(expected), self.tally
        tally.n_values += difference.size
        tally.exercised = tally.exercised or bool(expected.any()) or bool(recorded.any())
        right = difference <= self.tolerance.allowed(size)  # false for NaN
        absolute = float(difference.max(initial=0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.divide(difference, size, out=size)
        if np.isfinite(absolute):
            tally.widen(absolute, float(np.fmax.reduce(relative, axis=None, initial=0.0)))  # 0/0 is no difference
        else:
            tally.widen(np.inf, np.inf)
        if not right.all():
            row, column = np.unravel_index(int(np.argmin(right)), right.shape)
            end = (self.i_bin + int(row) + 1) * self.reader.steps_per_bin
            values = float(expected[row, column]), float(recorded[row, column])
            place = int(self.neurons[column]), step_time(end, self.dt_s)
            tally.note(Difference(*place, *values), right.size - int(np.count_nonzero(right)))
