"""The load stage: from a recording to tables.

The columns, their types and units are those of `models.tables`. Selections are the same everywhere: `populations` are
names (`L1E`) or labels (`E`), `neurons` global indices, `start` and `stop` seconds or text such as `"10 ms"`. What is
named and does not exist, or was not recorded, is a `SpecError`.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.errors import Problem, SpecError
from models.expand import Expanded
from models.steps import step_time
from models.tables import EDGE_COLUMNS, INPUT_COLUMNS, RATE_COLUMNS, SPIKE_COLUMNS, current_columns, state_columns
from pipeline.bins import BinTable, fill_currents, fill_states
from pipeline.counting import count_bin_steps, count_in_bins
from pipeline.errors import RecordingError
from pipeline.frames import NeuronLookup, build_frame, categorize, code_type
from pipeline.recording import Reader, Recording, SpikeCounts, SpikeTrains, load_array
from pipeline.run_folder import RunFolder
from pipeline.selection import (
    Names,
    Neurons,
    NeuronSelection,
    select_names,
    select_neurons,
    select_recorder,
    unknown_name,
)
from pipeline.time_axis import Time, Window, select_window, step_times

DEFAULT_PART_MB = 256.0
"""Size of the frames that `iterate_currents` yields unless told otherwise."""
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
        See the module.
    recorder : str, optional
        The recorders of spikes together, each spike once, when not given.

    Returns
    -------
    DataFrame of `models.tables.SPIKE_COLUMNS`
    """
    trains = find_spikes(recording, recorder)
    selection = select_neurons(recording.network, populations, neurons)
    selection.check(trains.name, neurons_of_populations(recording.network, trains.populations))
    rows = _select_window(recording, start, stop).rows(trains.step)
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
    rows = _select_window(recording, start, stop).rows(trains.step)
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


def _select_window(recording: Recording, start: Time | None, stop: Time | None) -> Window:
    return select_window(start, stop, recording.n_steps, recording.dt_s)


def neurons_of_populations(network: Expanded, populations: tuple[str, ...]) -> NDArray[np.int32]:
    """Return the neurons of populations that are given in global order, ascending."""
    ranges = [np.arange(network.population[name].start, network.population[name].stop) for name in populations]
    return np.concatenate([*ranges, []]).astype(np.int32)


def tabulate_currents(
    recording: Recording,
    *,
    populations: Names = None,
    neurons: Neurons = None,
    channels: Names = None,
    start: Time | None = None,
    stop: Time | None = None,
    recorder: str | None = None,
) -> pd.DataFrame:
    """Return every recorded current of each neuron in the bins with start < t ≤ stop, sorted by neuron within time.

    A channel that does not reach a population is 0 in its rows: the sum over no input.

    Parameters
    ----------
    recording : Recording
    populations, neurons, start, stop : optional
        See the module.
    channels : str or sequence of str, optional
        Channels that become columns, always in the order of the spec. `excitatory`, `inhibitory` and `total` are sums
        over all recorded channels whichever are chosen.
    recorder : str, optional
        Needed where there are several recorders of currents.

    Returns
    -------
    DataFrame of `models.tables.current_columns`; values in volts, of the recording's type

    Raises
    ------
    SpecError
        If something is named that does not exist or was not recorded.
    TooLargeError
        If the frame would take more than `bins.MEMORY_FRACTION` of the free memory.
    """
    table = plan_currents(recording, populations, neurons, channels, start, stop, recorder)
    table.check_fit("take it in parts, run.iter_currents(…) with the same arguments, or select less of it")
    return fill_currents(table)


def iterate_currents(
    recording: Recording,
    *,
    populations: Names = None,
    neurons: Neurons = None,
    channels: Names = None,
    start: Time | None = None,
    stop: Time | None = None,
    recorder: str | None = None,
    memory_mb: float = DEFAULT_PART_MB,
) -> Iterator[pd.DataFrame]:
    """Return an iterator of frames that are, one below the other, the frame of `tabulate_currents`.

    Parameters
    ----------
    recording, populations, neurons, channels, start, stop, recorder
        See `tabulate_currents`; they are checked before the first frame is asked for.
    memory_mb : float
        Size of each frame at most. Row labels run on from frame to frame.
    """
    if not memory_mb > 0:
        raise SpecError(Problem("memory_mb", "is not above 0", got=f"{memory_mb:g}"))
    table = plan_currents(recording, populations, neurons, channels, start, stop, recorder)
    return _iterate_parts(table, memory_mb, fill_currents)


def _iterate_parts(
    table: BinTable, memory_mb: float, fill: Callable[[BinTable, int], pd.DataFrame]
) -> Iterator[pd.DataFrame]:
    first_row = 0
    for part in table.split(memory_mb * 1e6):
        yield fill(part, first_row)
        first_row += part.n_rows


def plan_currents(
    recording: Recording,
    populations: Names = None,
    neurons: Neurons = None,
    channels: Names = None,
    start: Time | None = None,
    stop: Time | None = None,
    recorder: str | None = None,
) -> BinTable:
    """Return the currents table that is asked for, checked and not yet read."""
    reader = select_recorder("currents", recording.readers_of("currents"), recorder)
    recorded = [channel.name for channel in recording.network.channels if channel.name in reader.variables()]
    shown = select_names("channels", f'channel of recorder "{reader.name}"', channels, recorded)
    columns = current_columns(shown, str(reader.dtype))
    selection = select_neurons(recording.network, populations, neurons)
    selection.check(reader.name, reader.neurons("v"))
    window = _select_window(recording, start, stop)
    return BinTable(
        reader,
        NeuronLookup(recording.network),
        columns,
        recording.dt_s,
        selection.within(reader.neurons("v")),
        *window.bins(reader.steps_per_bin, reader.n_bins),
    )


def tabulate_states(
    recording: Recording,
    *,
    populations: Names = None,
    neurons: Neurons = None,
    variables: Names = None,
    start: Time | None = None,
    stop: Time | None = None,
    recorder: str | None = None,
) -> pd.DataFrame:
    """Return recorded state variables in the bins with start < t ≤ stop, sorted by neuron within time.

    Parameters
    ----------
    recording, populations, neurons, start, stop, recorder
        As for `tabulate_currents`.
    variables : str or sequence of str, optional
        Variables that become columns, in the order of the recording.

    Returns
    -------
    DataFrame of `models.tables.state_columns`; NaN where a neuron has no such variable
    """
    table = _plan_states(recording, populations, neurons, variables, start, stop, recorder)
    table.check_fit("select populations, neurons, variables, or a stretch of time")
    return fill_states(table)


def iterate_states(
    recording: Recording,
    *,
    populations: Names = None,
    neurons: Neurons = None,
    variables: Names = None,
    start: Time | None = None,
    stop: Time | None = None,
    recorder: str | None = None,
    memory_mb: float = DEFAULT_PART_MB,
) -> Iterator[pd.DataFrame]:
    """Return an iterator of frames that are, one below the other, the frame of `tabulate_states`."""
    table = _plan_states(recording, populations, neurons, variables, start, stop, recorder)
    return _iterate_parts(table, memory_mb, fill_states)


def _plan_states(
    recording: Recording,
    populations: Names,
    neurons: Neurons,
    variables: Names,
    start: Time | None,
    stop: Time | None,
    recorder: str | None,
) -> BinTable:
    reader = select_recorder("states", recording.readers_of("states"), recorder)
    shown = select_names("variables", f'variable of recorder "{reader.name}"', variables, reader.variables())
    recorded = neurons_of_reader(reader)
    selection = select_neurons(recording.network, populations, neurons)
    selection.check(reader.name, recorded)
    return BinTable(
        reader,
        NeuronLookup(recording.network),
        state_columns({name: reader.units[name] for name in shown}, str(reader.dtype)),
        recording.dt_s,
        selection.within(recorded),
        *_select_window(recording, start, stop).bins(reader.steps_per_bin, reader.n_bins),
    )


def neurons_of_reader(reader: Reader) -> NDArray[np.int32]:
    """Return the neurons of which any variable was recorded, ascending."""
    found = [reader.neurons(variable) for variable in reader.variables()]
    return np.unique(np.concatenate([np.empty(0, np.int32), *found]))


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
        See the module.

    Returns
    -------
    DataFrame of `models.tables.INPUT_COLUMNS`, without rows where no drive has sources
    """
    valid = tuple(recording.inputs)
    chosen = [recording.inputs[name] for name in select_names("drives", "drive with sources", drives, valid)]
    window = _select_window(recording, start, stop)
    rows = [window.rows(item.step) for item in chosen]
    step = np.concatenate([np.empty(0, np.int64), *(i.step[r] for i, r in zip(chosen, rows, strict=True))])
    source = np.concatenate([np.empty(0, np.int32), *(i.source[r] for i, r in zip(chosen, rows, strict=True))])
    n_rows = [r.stop - r.start for r in rows]
    code = np.repeat(np.array([valid.index(i.drive) for i in chosen], code_type(len(valid))), n_rows)
    order = np.lexsort((source, code, step))
    drive = categorize(code[order], pd.CategoricalDtype(list(valid)))
    data = {"time": step_times(step[order], recording.dt_s), "drive": drive, "source": source[order]}
    return build_frame(data, INPUT_COLUMNS)


def tabulate_rates(
    recording: Recording,
    bin: Time = "10 ms",
    *,
    populations: Names = None,
    start: Time | None = None,
    stop: Time | None = None,
    recorder: str | None = None,
) -> pd.DataFrame:
    """Return the rate of each population in the bins with start < t ≤ stop, sorted by population within time.

    Parameters
    ----------
    recording : Recording
    bin : float or str
        Length of a bin, which must divide the run; of a run that did not finish, complete bins are given.
    populations, start, stop : optional
        See the module.
    recorder : str, optional
        A recorder of spikes, or of rates if its bins make up the one asked for. When not given: the recorded spikes
        where there are any, else the only recorder of rates.

    Returns
    -------
    DataFrame of `models.tables.RATE_COLUMNS`
    """
    steps_per_bin = count_bin_steps(recording, bin)
    source = _find_rate_source(recording, recorder)
    # Of a run that did not finish, no bin is given that its source may know only a part of.
    n_steps = min(recording.n_steps, source.n_steps) if recording.partial else recording.n_steps
    first, last = _select_window(recording, start, stop).bins(steps_per_bin, n_steps // steps_per_bin)
    selection = select_neurons(recording.network, populations)
    selection.check(source.name, neurons_of_populations(recording.network, source.populations))
    names = tuple(name for name in source.populations if _asked(selection, name))
    counts = count_in_bins(recording.network, source, steps_per_bin, first, last)
    counts = counts[:, [source.populations.index(name) for name in names]]
    sizes = np.array([recording.network.population[name].size for name in names])
    data = {
        "time": np.repeat(step_times(np.arange(first + 1, last + 1) * steps_per_bin, recording.dt_s), len(names)),
        **NeuronLookup(recording.network).population_columns(names, last - first),
        "rate": (counts / (sizes * step_time(steps_per_bin, recording.dt_s))).reshape(-1),
    }
    return build_frame(data, RATE_COLUMNS)


def _asked(selection: NeuronSelection, population: str) -> bool:
    return selection.populations is None or population in selection.populations


def _find_rate_source(recording: Recording, recorder: str | None) -> SpikeTrains | SpikeCounts:
    if recorder is None:
        return find_spikes(recording) if recording.spikes else select_recorder("rates", recording.rates, None)
    sources: dict[str, SpikeTrains | SpikeCounts] = {**recording.spikes, **recording.rates}
    if recorder not in sources:
        raise SpecError(unknown_name("recorder", "recorder of spikes or rates", recorder, sources))
    return sources[recorder]


def tabulate_connectivity(folder: RunFolder, network: Expanded, pathway: str) -> pd.DataFrame:
    """Return the edges of a pathway, or of a drive with sources, sorted by source, then target.

    Parameters
    ----------
    folder : RunFolder
    network : Expanded
        The network that ran.
    pathway : str
        Name of a pathway or of a drive with sources.

    Returns
    -------
    DataFrame of `models.tables.EDGE_COLUMNS`

    Raises
    ------
    SpecError
        If there is no such pathway.
    RecordingError
        If its files are missing or contradict each other.
    """
    valid = sorted(path.name for path in folder.edges.iterdir()) if folder.edges.is_dir() else []
    select_names("pathway", "pathway or drive with edges", pathway, valid)
    files = folder.edge_files(pathway)
    row, target = load_array(files.row, np.int64, 1), load_array(files.target, np.int32, 1)
    n_edges = target.size
    if row.size == 0 or row[-1] != n_edges:
        got = f"{row[-1]} in {files.row.name}" if row.size else f"an empty {files.row.name}"
        raise RecordingError(Problem(str(files.target), "does not match its rows", f"{n_edges} edges", got))
    delay = step_times(load_array(files.delay, np.int32, 1), network.spec.network.dt.value)
    data = {
        "source": np.repeat(np.arange(row.size - 1, dtype=np.int32), np.diff(row)),
        "target": np.array(target),
        "weight": _per_edge(load_array(files.weight, np.float32, 1), n_edges, files.weight.name, folder),
        "delay": _per_edge(delay, n_edges, files.delay.name, folder),
    }
    return build_frame(data, EDGE_COLUMNS)


def _per_edge[T: np.generic](values: NDArray[T], n_edges: int, name: str, folder: RunFolder) -> NDArray[T]:
    if values.size not in (1, n_edges):
        raise RecordingError(
            Problem(f"{folder.edges}: {name}", "has neither one value nor one per edge", f"{n_edges}", f"{values.size}")
        )
    return np.full(n_edges, values[0]) if values.size == 1 and n_edges != 1 else np.array(values)
