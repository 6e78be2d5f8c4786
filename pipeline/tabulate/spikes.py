"""Tables of spikes, and of the spikes of drives' sources."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.expand import Expanded
from models.tables import INPUT_COLUMNS, SPIKE_COLUMNS
from pipeline.frames import NeuronLookup, build_frame, categorize, code_type
from pipeline.recording import Recording, SpikeTrains
from pipeline.selection import Names, Neurons, NeuronSelection, select_names, select_neurons, select_recorder
from pipeline.time_axis import Time, select_window, step_times

_SPIKES_AT_A_TIME = 1 << 22


def tabulate_spikes(
    recording: Recording,
    *,
    populations: Names = None,
    neurons: Neurons = None,
    start: Time | None = None,
    stop: Time | None = None,
    recorder: str | None = None,
) -> pd.DataFrame:
    """Return the spikes with start ≤ t < stop, sorted by time, then neuron.

    Parameters
    ----------
    recording : Recording
    populations, neurons, start, stop : optional
        See `pipeline.tabulate`.
    recorder : str, optional
        The recorders of spikes together, each spike once, when not given.

    Returns
    -------
    DataFrame of `models.tables.SPIKE_COLUMNS`
    """
    trains = find_spikes(recording, recorder)
    selection = select_neurons(recording.network, populations, neurons)
    selection.check(trains.name, neurons_of_populations(recording.network, trains.populations))
    rows = select_window(start, stop, recording.n_steps, recording.dt_s).rows(trains.step)
    return _fill_spikes(recording, trains.step[rows], trains.neuron[rows], selection)


def _fill_spikes(
    recording: Recording,
    step: NDArray[np.int64],
    neuron: NDArray[np.int32],
    selection: NeuronSelection,
    first_row: int = 0,
) -> pd.DataFrame:
    if not selection.is_all:
        kept = selection.mask[neuron]
        step, neuron = step[kept], neuron[kept]
    data = {"time": step_times(step, recording.dt_s), **NeuronLookup(recording.network).columns(neuron)}
    return build_frame(data, SPIKE_COLUMNS, first_row)


def iterate_spikes(
    recording: Recording,
    *,
    populations: Names = None,
    neurons: Neurons = None,
    start: Time | None = None,
    stop: Time | None = None,
    recorder: str | None = None,
    n_spikes: int = _SPIKES_AT_A_TIME,
) -> Iterator[pd.DataFrame]:
    """Return an iterator of frames that are, one below the other, the frame of `tabulate_spikes`.

    Parameters
    ----------
    recording, populations, neurons, start, stop, recorder
        See `tabulate_spikes`; they are checked before the first frame is asked for.
    n_spikes : int
        Spikes of each frame at most.
    """
    trains = find_spikes(recording, recorder)
    selection = select_neurons(recording.network, populations, neurons)
    selection.check(trains.name, neurons_of_populations(recording.network, trains.populations))
    rows = select_window(start, stop, recording.n_steps, recording.dt_s).rows(trains.step)
    return _iterate_spikes(recording, trains, selection, rows, n_spikes)


def _iterate_spikes(
    recording: Recording, trains: SpikeTrains, selection: NeuronSelection, rows: slice, n_spikes: int
) -> Iterator[pd.DataFrame]:
    first_row = 0
    for begin in range(rows.start, max(rows.stop, rows.start + 1), n_spikes):
        part = slice(begin, min(begin + n_spikes, rows.stop))
        frame = _fill_spikes(recording, trains.step[part], trains.neuron[part], selection, first_row)
        yield frame
        first_row += len(frame)


def find_spikes(recording: Recording, recorder: str | None = None) -> SpikeTrains:
    """Return what a recorder of spikes holds; without a name, what all of them hold together, each spike once."""
    recorders = list(recording.spikes.values())
    if recorder is not None or len(recorders) < 2:
        return select_recorder("spikes", recording.spikes, recorder)
    step = np.concatenate([trains.step for trains in recorders])
    neuron = np.concatenate([trains.neuron for trains in recorders])
    order = np.lexsort((neuron, step))
    step, neuron = step[order], neuron[order]
    first = np.ones(step.size, bool)
    first[1:] = (np.diff(step) > 0) | (np.diff(neuron) > 0)
    held = {name for trains in recorders for name in trains.populations}
    names = tuple(population.name for population in recording.network.populations if population.name in held)
    return SpikeTrains(" + ".join(recording.spikes), names, step[first], neuron[first])


def neurons_of_populations(network: Expanded, populations: tuple[str, ...]) -> NDArray[np.int32]:
    """Return the neurons of populations that are given in global order, ascending."""
    ranges = [np.arange(network.population[name].start, network.population[name].stop) for name in populations]
    return np.concatenate([*ranges, []]).astype(np.int32)


def tabulate_inputs(
    recording: Recording, *, drives: Names = None, start: Time | None = None, stop: Time | None = None
) -> pd.DataFrame:
    """Return the spikes of drives' sources with start ≤ t < stop, sorted by time, then drive, then source.

    Parameters
    ----------
    recording : Recording
    drives : str or sequence of str, optional
        Names of drives that have sources (`shared_poisson`, `spike_file`).
    start, stop : optional
        See `pipeline.tabulate`.

    Returns
    -------
    DataFrame of `models.tables.INPUT_COLUMNS`, without rows where no drive has sources
    """
    valid = tuple(recording.inputs)
    chosen = [recording.inputs[name] for name in select_names("drives", "drive with sources", drives, valid)]
    window = select_window(start, stop, recording.n_steps, recording.dt_s)
    rows = [window.rows(item.step) for item in chosen]
    step = np.concatenate([np.empty(0, np.int64), *(i.step[r] for i, r in zip(chosen, rows, strict=True))])
    source = np.concatenate([np.empty(0, np.int32), *(i.source[r] for i, r in zip(chosen, rows, strict=True))])
    n_rows = [r.stop - r.start for r in rows]
    code = np.repeat(np.array([valid.index(i.drive) for i in chosen], code_type(len(valid))), n_rows)
    order = np.lexsort((source, code, step))
    drive = categorize(code[order], pd.CategoricalDtype(list(valid)))
    data = {"time": step_times(step[order], recording.dt_s), "drive": drive, "source": source[order]}
    return build_frame(data, INPUT_COLUMNS)
