"""Lists, matrices and files in a spec against the populations that they are for."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.array_files import find_file, open_array, open_pairs, show_shape
from models.checks.basics import Problems, yield_file_problems
from models.errors import Problem
from models.populations import Population
from models.quantities import Quantity
from models.spec import Connect, NetworkSpec, SpikeFileDrive
from models.steps import count_steps, divides, format_time
from models.values import ArrayFile, Normal, Series, Uniform, Value, Values

_REACH_SD = 8.3
"""No sample of a normal distribution is further from the mean, in standard deviations (`distributions`)."""


def _measure(place: str, value: Values | ArrayFile, folder: Path) -> tuple[tuple[int, ...], float, str]:
    """Return the shape, the smallest number in SI units, and where it was read, of listed numbers."""
    if isinstance(value, Values):
        return value.shape, float(np.min(value.si)), ""
    array = open_array(place, folder, value.file)
    lowest = float(array.min()) * value.scale if array.size else 0.0
    return array.shape, lowest, f" in {folder.resolve() / value.file}"


@yield_file_problems
def check_edge_values(
    place: str, value: Value, source: Population, target: Population, connect: Connect, folder: Path
) -> Problems:
    """Check weights or delays: a matrix of the populations' sizes, or for explicit pairs one value per pair."""
    if not isinstance(value, (Values, ArrayFile)):
        return
    shape, lowest, origin = _measure(place, value, folder)
    got = f"{show_shape(shape)}{origin}"
    wanted = f"{source.size} rows (sources, {source.name}) by {target.size} columns (targets, {target.name})"
    if len(shape) == 1 and connect.rule == "pairs" and connect.file is not None:
        n_pairs = len(open_pairs(place.rpartition(".")[0] + ".connect", folder, connect.file))
        if shape != (n_pairs,):
            yield Problem(place, "has the wrong number of values", f"{n_pairs}, one per pair", got)
    elif len(shape) != 2:
        yield Problem(place, "is not a matrix", wanted, got)
    elif shape != (source.size, target.size):
        yield Problem(place, "is a matrix of the wrong shape", wanted, got)
    if lowest < 0:
        remedy = "write magnitudes; `polarity` says which way they act" if place.endswith("weight") else None
        yield Problem(place, "has a negative number", "0 or more", f"{lowest:g} in SI units{origin}", next=remedy)


@yield_file_problems
def check_neuron_values(place: str, value: Value, populations: Iterable[Population], folder: Path) -> Problems:
    """Check a parameter: where values are given one by one, there is one per neuron of each population."""
    if not isinstance(value, (Values, ArrayFile)):
        return
    shape, _, origin = _measure(place, value, folder)
    for population in populations:
        if shape != (population.size,):
            wanted = f"a list of {population.size}, one per neuron of {population.name}"
            yield Problem(place, "has the wrong number of values", wanted, f"{show_shape(shape)}{origin}")
            return


@yield_file_problems
def check_series(place: str, series: Series, folder: Path) -> Problems:
    """Check values over time: one list, of numbers that are not negative."""
    shape, lowest, origin = _measure(place, series.values, folder)
    if len(shape) != 1 or 0 in shape:
        yield Problem(place, "is not a list of values", "one value per interval", f"{show_shape(shape)}{origin}")
    if lowest < 0:
        yield Problem(place, "has a negative number", "0 or more", f"{lowest:g} in SI units{origin}")


@yield_file_problems
def check_length(place: str, series: Series, duration: Quantity, spec: NetworkSpec) -> Problems:
    """Check that values over time last as long as a run."""
    dt_s = spec.network.dt.value
    shape, _, origin = _measure(place, series.values, spec.folder)
    if len(shape) != 1 or not all(divides(time.value, dt_s) for time in (series.interval, duration)):
        return  # reported as that
    n_covered, n_steps = shape[0] * count_steps(series.interval.value, dt_s), count_steps(duration.value, dt_s)
    if n_covered < n_steps:
        needed, covered = (format_time(n * dt_s) for n in (n_steps, n_covered))
        remedy = "give more values, or a shorter duration"
        yield Problem(
            place, "ends before the run does", f"values for {needed}", f"values for {covered}{origin}", next=remedy
        )


@yield_file_problems
def check_sign(place: str, value: Value, folder: Path) -> Problems:
    """Check that numbers from a file, which nothing has looked at yet, are not negative."""
    if isinstance(value, ArrayFile):
        _, lowest, origin = _measure(place, value, folder)
        if lowest < 0:
            yield Problem(place, "has a negative number", "0 or more", f"{lowest:g} in SI units{origin}")


def highest_value(place: str, value: Quantity | Series, folder: Path) -> float:
    """Return the largest value over time, in SI units."""
    if isinstance(value, Quantity):
        return value.value
    if isinstance(value.values, Values):
        return float(np.max(value.values.si))
    return float(open_array(place, folder, value.values.file).max(initial=0)) * value.values.scale


def largest_edge_value(place: str, value: Value, folder: Path) -> float:
    """Return the largest weight or delay that can occur, in SI units."""
    match value:
        case Quantity():
            return value.value
        case Uniform():
            return value.high.value
        case Normal():
            return value.mean.value + _REACH_SD * value.sd.value
        case Values():
            return float(np.max(value.si))
        case ArrayFile():
            return float(open_array(place, folder, value.file).max(initial=0)) * value.scale


def lowest_value(place: str, value: Value, folder: Path) -> float:
    """Return the smallest value that can occur, in SI units."""
    match value:
        case Quantity():
            return value.value
        case Uniform():
            return value.low.value
        case Normal():
            return value.mean.value - _REACH_SD * value.sd.value
        case _:
            return _measure(place, value, folder)[1]


@yield_file_problems
def check_connect_file(place: str, connect: Connect, source: Population, target: Population, folder: Path) -> Problems:
    """Check the file of explicit pairs or of a matrix against the sizes of the populations."""
    if connect.file is None:
        return
    path = folder.resolve() / connect.file
    if connect.rule == "matrix":
        shape = open_array(place, folder, connect.file).shape
        if shape != (source.size, target.size):
            wanted = f"{source.size} rows (sources, {source.name}) by {target.size} columns (targets, {target.name})"
            yield Problem(place, "is a matrix of the wrong shape", wanted, f"{show_shape(shape)} in {path}")
        return
    pairs = open_pairs(place, folder, connect.file)
    yield from _check_range(place, "source", pairs[:, 0], source, path)
    yield from _check_range(place, "target", pairs[:, 1], target, path)
    unique, counts = np.unique(pairs, axis=0, return_counts=True)
    if len(unique) < len(pairs):
        twice = unique[counts > 1][0]
        yield Problem(place, "has a pair twice", "each pair once", f"{twice[0]}, {twice[1]} in {path}")


def _check_range(place: str, side: str, numbers: NDArray[np.integer], population: Population, path: Path) -> Problems:
    outside = numbers[(numbers < 0) | (numbers >= population.size)]
    if outside.size:
        wanted = f"0 to {population.size - 1} ({population.name})"
        yield Problem(place, f"has a {side} that does not exist", wanted, f"{outside[0]} in {path}")


@yield_file_problems
def check_spike_file(place: str, drive: SpikeFileDrive, spec: NetworkSpec) -> Problems:
    """Check that a spike file can be read and names sources that exist."""
    from models.spikes import load_spikes  # late: pandas takes half a second, and few models need it

    path = find_file(f"{place}.file", spec.folder, drive.file)
    load_spikes(path, drive.sources, spec.network.dt.value, place)
    yield from ()
