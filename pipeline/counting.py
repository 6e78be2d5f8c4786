"""Spikes counted in bins of any length: what rates are made of."""

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from models.errors import Problem, SpecError, list_choices
from models.expand import Expanded
from models.quantities import Quantity
from models.steps import check_multiple, count_steps, format_time, step_time
from pipeline.frames import NeuronLookup
from pipeline.recording import Recording, SpikeCounts, SpikeTrains
from pipeline.time_axis import Time, parse_time, show_time

_SPIKES_AT_A_TIME = 1 << 22


def count_bin_steps(recording: Recording, bin: Time) -> int:
    """Return the steps of a bin; raise `SpecError` when it is no multiple of dt or does not divide the run."""
    length = Quantity(bin if isinstance(bin, str) else f"{bin:g} s", parse_time("bin", bin))
    if problems := check_multiple("bin", length, recording.dt_s, "dt"):
        raise SpecError(*problems)
    n_steps, steps_per_bin = recording.n_steps, count_steps(length.value, recording.dt_s)
    if n_steps % steps_per_bin and not recording.partial:
        what = f"does not divide the run of {format_time(step_time(n_steps, recording.dt_s))}"
        near = [f'"{format_time(step_time(n, recording.dt_s))}"' for n in _nearest_divisors(n_steps, steps_per_bin)]
        raise SpecError(Problem("bin", what, list_choices(near), show_time(bin)))
    return steps_per_bin


def _nearest_divisors(n: int, near: int) -> list[int]:
    """Return the largest divisor of n below `near` and the smallest above it, if any."""
    divisors = {d for i in range(1, isqrt(n) + 1) if n % i == 0 for d in (i, n // i)}
    below, above = [d for d in divisors if d < near], [d for d in divisors if d > near]
    return [*([max(below)] if below else []), *([min(above)] if above else [])]


def count_in_bins(
    network: Expanded, source: SpikeTrains | SpikeCounts, steps_per_bin: int, first: int, last: int
) -> NDArray[np.int64]:
    """Return spikes per bin and population of the source: (last - first, n_populations)."""
    if isinstance(source, SpikeTrains):
        counts = count_spikes(network, source, steps_per_bin, first, last)
        return counts[:, [list(network.population).index(name) for name in source.populations]]
    ratio, rest = divmod(steps_per_bin, source.steps_per_bin)
    if rest:
        what = f'is not made of whole bins of recorder "{source.name}"'
        raise SpecError(Problem("bin", what, f"a multiple of {source.steps_per_bin} steps", f"{steps_per_bin} steps"))
    within: NDArray[np.int64] = source.counts[first * ratio : last * ratio]
    return within.reshape(last - first, ratio, -1).sum(axis=1)


def count_spikes(
    network: Expanded, trains: SpikeTrains, steps_per_bin: int, first: int, last: int
) -> NDArray[np.int64]:
    """Return spikes per bin and population of the network: (last - first, n_populations); in bounded memory."""
    n_populations, code = len(network.populations), NeuronLookup(network).code
    counts = np.zeros((last - first, n_populations), np.int64)
    begin, end = (int(row) for row in np.searchsorted(trains.step, [first * steps_per_bin, last * steps_per_bin]))
    for start in range(begin, end, _SPIKES_AT_A_TIME):
        rows = slice(start, min(start + _SPIKES_AT_A_TIME, end))
        i_bin = trains.step[rows] // steps_per_bin - first
        lowest, highest = int(i_bin[0]), int(i_bin[-1]) + 1
        cells = (i_bin - lowest) * n_populations + code[trains.neuron[rows]]
        found = np.bincount(cells, minlength=(highest - lowest) * n_populations)
        counts[lowest:highest] += found.reshape(-1, n_populations)
    return counts
