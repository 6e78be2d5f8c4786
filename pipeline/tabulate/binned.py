"""Tables of currents and of states: a row per bin and neuron."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.errors import Problem, SpecError
from models.tables import current_columns, state_columns
from pipeline.bins import BinTable, fill_currents, fill_states
from pipeline.frames import NeuronLookup
from pipeline.recording import Reader, Recording
from pipeline.selection import Names, Neurons, select_names, select_neurons, select_recorder
from pipeline.time_axis import Time, select_window

DEFAULT_PART_MB = 256.0
"""Size of the frames that `iterate_currents` yields unless told otherwise."""


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
        See `pipeline.tabulate`.
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
    window = select_window(start, stop, recording.n_steps, recording.dt_s)
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
        *select_window(start, stop, recording.n_steps, recording.dt_s).bins(reader.steps_per_bin, reader.n_bins),
    )


def neurons_of_reader(reader: Reader) -> NDArray[np.int32]:
    """Return the neurons of which any variable was recorded, ascending."""
    found = [reader.neurons(variable) for variable in reader.variables()]
    return np.unique(np.concatenate([np.empty(0, np.int32), *found]))
