"""Tables of population rates."""

import numpy as np
import pandas as pd

from models.errors import SpecError
from models.steps import step_time
from models.tables import RATE_COLUMNS
from pipeline.counting import count_bin_steps, count_in_bins
from pipeline.frames import NeuronLookup, build_frame
from pipeline.recording import Recording, SpikeCounts, SpikeTrains
from pipeline.selection import Names, NeuronSelection, select_neurons, select_recorder, unknown_name
from pipeline.tabulate.spikes import find_spikes, neurons_of_populations
from pipeline.time_axis import Time, select_window, step_times


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
        See `pipeline.tabulate`.
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
    first, last = select_window(start, stop, recording.n_steps, recording.dt_s).bins(
        steps_per_bin, n_steps // steps_per_bin
    )
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
