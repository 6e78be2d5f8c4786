"""Recorded spikes, counted: what a recorder of rates should have, and what was left out of the comparison."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.expand import Population
from models.steps import step_time
from pipeline.recorded_spikes import SpikeCounts
from pipeline.recording import Recording
from pipeline.verification.binned import Difference, Tally
from pipeline.verification.report import Row, tally_row, unchecked_row
from pipeline.verification.trains import NetworkSpikes, Train, refuse_unknown

_WINDOW_STEPS = 4096
"""Steps whose spikes are counted at a time."""


def count_spikes(train: Train, n_steps: int, n_neurons: int) -> NDArray[np.int64]:
    """Return (n_neurons,) how often each neuron of the network fired in the first steps."""
    counts = np.zeros(n_neurons, np.int64)
    for start in range(0, n_steps, _WINDOW_STEPS):
        _, neuron = train.between(start, min(start + _WINDOW_STEPS, n_steps))
        refuse_unknown(neuron, n_neurons)
        np.add.at(counts, neuron, 1)
    return counts


def check_rates(recording: Recording, spikes: NetworkSpikes) -> Iterator[Callable[[], Row]]:
    """Yield what makes the row of each population of each recorder of rates, which is compared with its spikes."""
    for counts in recording.rates.values():
        for i_column, name in enumerate(counts.populations):
            if name in spikes.populations:
                column = recording.network.population[name], i_column
                yield partial(_compare_counts, recording, counts, spikes.train, *column)
            else:
                reason = f"the spikes of {name} were not recorded"
                yield partial(unchecked_row, counts.name, "rates", name, reason)


def _compare_counts(
    recording: Recording, recorded: SpikeCounts, train: Train, population: Population, i_column: int
) -> Row:
    tally, per_bin = Tally(), recorded.steps_per_bin
    n_bins = min(len(recorded.counts), recording.n_steps // per_bin)
    n_window = max(1, _WINDOW_STEPS // per_bin)
    for first in range(0, n_bins, n_window):
        last = min(first + n_window, n_bins)
        step, neuron = train.between(first * per_bin, last * per_bin)
        inside = (neuron >= population.start) & (neuron < population.stop)
        expected = np.bincount(step[inside] // per_bin - first, minlength=last - first)
        _tally_counts(tally, expected, np.asarray(recorded.counts[first:last, i_column]), first, recording, per_bin)
    # A count is of no single neuron.
    return replace(tally_row(recorded.name, "rates", population.name, tally, 0.0), neuron=None)


def _tally_counts(
    tally: Tally, expected: NDArray[np.int64], found: NDArray[np.int64], first: int, recording: Recording, per_bin: int
) -> None:
    tally.n_values += expected.size
    tally.exercised = tally.exercised or bool(expected.any() or found.any())
    wrong = np.flatnonzero(expected != found)
    if wrong.size:
        should, off = expected[wrong], np.abs(expected - found)[wrong]
        relative = np.divide(off, should, out=np.full(off.size, np.inf), where=should > 0)
        tally.widen(float(off.max()), float(relative.max()))
        end_s = step_time((first + int(wrong[0]) + 1) * per_bin, recording.dt_s)
        tally.note(Difference(-1, end_s, float(should[0]), float(found[wrong[0]])), wrong.size)
