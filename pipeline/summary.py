"""One row per population: how it fired, and what it received."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.expand import Expanded, Population
from models.tables import summary_columns
from pipeline.frames import NeuronLookup, build_frame
from pipeline.recording import Reader, Recording, SpikeTrains, recorded_seconds
from pipeline.tabulate import find_spikes

_SPIKES_AT_A_TIME = 1 << 22
_VALUES_AT_A_TIME = 1 << 22

type PerPopulation = Mapping[str, float]
"""A number by population; populations that were not recorded are absent."""


def summarize_recording(recording: Recording) -> pd.DataFrame:
    """Return one row per population, in global order; NaN where something was not recorded.

    Rates and intervals are of the whole recording. The mean and SD of a channel are over all recorded bins and neurons,
    from the first recorder that has the population and the channel; a recorded channel that does not reach a
    population is 0 there. The E/I balance is given where every channel that reaches the population was recorded; it is
    infinite without inhibition. Memory is bounded, whatever the length of the run.

    Returns
    -------
    DataFrame of `models.tables.summary_columns`
    """
    network = recording.network
    names = tuple(population.name for population in network.populations)
    firing = _summarize_firing(recording)
    channels, means, deviations = _summarize_channels(recording)
    numbers: dict[str, PerPopulation] = {**firing}
    for channel in channels:
        numbers |= {f"{channel}_mean": means[channel], f"{channel}_sd": deviations[channel]}
    numbers["ei_balance"] = {p.name: _balance(network, p, means) for p in network.populations}
    data = {name: np.array([values.get(p, nan) for p in names]) for name, values in numbers.items()}
    data |= {"size": np.array([population.size for population in network.populations], np.int64)}
    return build_frame(NeuronLookup(network).population_columns(names) | data, summary_columns(channels))


def _summarize_firing(recording: Recording) -> dict[str, PerPopulation]:
    """Return `mean_rate`, `cv_isi` and `silent_fraction`."""
    if not recording.spikes:
        return {"mean_rate": _rates_from_counts(recording), "cv_isi": {}, "silent_fraction": {}}
    trains, duration_s = find_spikes(recording), recorded_seconds(recording)
    n_spikes, cv = measure_intervals(trains, recording.network.n_neurons, recording.n_steps)
    recorded = [recording.network.population[name] for name in trains.populations]
    parts = {p.name: slice(p.start, p.stop) for p in recorded}
    return {
        "mean_rate": {
            name: float(n_spikes[part].mean()) / duration_s if duration_s else nan for name, part in parts.items()
        },
        "cv_isi": {name: _mean_of_known(cv[part]) for name, part in parts.items()},
        "silent_fraction": {name: float((n_spikes[part] == 0).mean()) for name, part in parts.items()},
    }


def _rates_from_counts(recording: Recording) -> PerPopulation:
    rates: dict[str, float] = {}
    for item in recording.rates.values():
        duration_s = len(item.counts) * item.steps_per_bin * recording.dt_s
        for name, count in zip(item.populations, item.counts.sum(axis=0), strict=True):
            rates.setdefault(
                name, float(count) / (recording.network.population[name].size * duration_s) if duration_s else nan
            )
    return rates


def _mean_of_known(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else nan


def measure_intervals(
    trains: SpikeTrains, n_neurons: int, n_steps: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each neuron's number of spikes, and the CV of its interspike intervals (NaN below 3 spikes).

    The CV is the population SD over the mean. With n intervals, their sum S and sum of squares Q in steps, it is
    sqrt(n·Q - S²)/S, whose terms are exact integers up to 2^53: a regular train gives 0.

    Returns
    -------
    (n_neurons,) int64, (n_neurons,) float64
    """
    count, last = np.zeros(n_neurons, np.int64), np.full(n_neurons, -1, np.int64)
    total, squares = np.zeros(n_neurons), np.zeros(n_neurons)
    end = int(np.searchsorted(trains.step, n_steps))
    for start in range(0, end, _SPIKES_AT_A_TIME):
        rows = slice(start, min(start + _SPIKES_AT_A_TIME, end))
        neuron, interval, last = _intervals(trains.step[rows], trains.neuron[rows], last)
        known = interval > 0
        count += np.bincount(neuron, minlength=n_neurons)
        total += np.bincount(neuron[known], interval[known], n_neurons)
        squares += np.bincount(neuron[known], interval[known].astype(np.float64) ** 2, n_neurons)
    enough = count >= 3
    cv = np.full(n_neurons, nan)
    spread = (count[enough] - 1) * squares[enough] - total[enough] ** 2
    cv[enough] = np.sqrt(np.maximum(spread, 0)) / total[enough]
    return count, cv


def _intervals(
    step: NDArray[np.int64], neuron: NDArray[np.int32], last: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Return neurons, the steps since their previous spike (0 where there is none), and each neuron's last spike."""
    order = np.argsort(neuron, kind="stable")
    step, neuron = step[order], neuron[order]
    first = np.ones(neuron.size, bool)
    first[1:] = neuron[1:] != neuron[:-1]
    previous = np.concatenate([step[:1], step[:-1]])
    previous[first] = last[neuron[first]]
    interval = np.where(previous >= 0, step - previous, 0)
    final = np.roll(first, -1)
    last = last.copy()
    last[neuron[final]] = step[final]
    return neuron, interval, last


def _summarize_channels(
    recording: Recording,
) -> tuple[tuple[str, ...], dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """Return the recorded channels in the order of the spec, and their means and SDs by channel and population."""
    readers = list(recording.readers_of("currents").values())
    recorded = {variable for reader in readers for variable in reader.variables()}
    channels = tuple(channel.name for channel in recording.network.channels if channel.name in recorded)
    means: dict[str, dict[str, float]] = {name: {} for name in channels}
    deviations: dict[str, dict[str, float]] = {name: {} for name in channels}
    for reader in readers:
        for channel in (name for name in channels if name in reader.variables() and reader.n_bins):
            new = [p for p in _populations_of(recording.network, reader, "v") if p.name not in means[channel]]
            for population, moments in measure_channel(recording.network, reader, channel, new).items():
                means[channel][population] = moments.mean
                deviations[channel][population] = moments.deviation
    return channels, means, deviations


def _populations_of(network: Expanded, reader: Reader, variable: str) -> list[Population]:
    """Return the populations of which a variable was recorded."""
    return [p for p in network.populations if _span(reader.neurons(variable), p)[1]]


def _span(neurons: NDArray[np.int32], population: Population) -> tuple[int, int]:
    """Return where a population's neurons begin in an ascending array, and how many they are."""
    start, stop = (int(place) for place in np.searchsorted(neurons, [population.start, population.stop]))
    return start, stop - start


@dataclass
class Moments:
    """Mean and squared deviations of a stream of values, merged block by block.

    Nothing cancels, unlike in Σx² - (Σx)²/n (Chan, Golub & LeVeque 1983, doi:10.1080/00031305.1983.10483115).
    """

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, values: NDArray[np.float64]) -> None:
        """Take in a block of values."""
        mean = float(values.mean())
        shift, n = mean - self.mean, self.n + values.size
        self.squares += float(np.square(values - mean).sum()) + shift * shift * self.n * values.size / n
        self.mean += shift * values.size / n
        self.n = n

    @property
    def deviation(self) -> float:
        """Population SD."""
        return sqrt(self.squares / self.n) if self.n else 0.0


def measure_channel(
    network: Expanded, reader: Reader, channel: str, populations: list[Population]
) -> dict[str, Moments]:
    """Return the moments of a channel over bins and neurons by population; those it does not reach have 0."""
    neurons = reader.neurons(channel)
    moments = {population.name: Moments() for population in populations}
    spans = {p.name: _span(neurons, p) for p in populations if _span(neurons, p)[1]}
    n_bins = max(1, _VALUES_AT_A_TIME // max(1, neurons.size))
    for start in range(0, reader.n_bins if spans else 0, n_bins):
        block = reader.read(channel, start, min(start + n_bins, reader.n_bins))
        for name, (first, n_neurons) in spans.items():
            moments[name].add(block[:, first : first + n_neurons].astype(np.float64))
    return moments


def _balance(network: Expanded, population: Population, means: Mapping[str, PerPopulation]) -> float:
    """Return mean excitatory over |mean inhibitory|, or NaN when a channel that reaches the population is unknown."""
    reaching = [channel for channel in network.channels if population.name in channel.reach]
    if not reaching or any(population.name not in means.get(channel.name, {}) for channel in reaching):
        return nan
    excitatory, inhibitory = (
        sum(means[channel.name][population.name] for channel in reaching if channel.polarity == polarity)
        for polarity in ("excitatory", "inhibitory")
    )
    if inhibitory == 0:
        return inf if excitatory else nan
    return excitatory / abs(inhibitory)
