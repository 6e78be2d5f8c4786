"""What a run recorded, opened but not read: its index is checked, and its arrays are read when and where asked for.

All reading of per-neuron data goes through `Reader`, so that a layout is one class here and nothing elsewhere.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any, Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from models.errors import Problem
from models.expand import Expanded
from models.spec import SpikesRecord
from models.steps import step_time
from models.variables import list_variables
from pipeline import chunk_tiles
from pipeline.chunk_format import Factors, Section
from pipeline.chunk_reader import ChunkReader, Counts, Events, Values, open_counts, open_events
from pipeline.chunks import Stream, open_stream
from pipeline.errors import RecordingError
from pipeline.raw_reader import RawArray, RawReader
from pipeline.recorded_spikes import SourceSpikes as SourceSpikes
from pipeline.recorded_spikes import SpikeCounts as SpikeCounts
from pipeline.recorded_spikes import SpikeTrains as SpikeTrains
from pipeline.recorded_spikes import StreamedCounts, StreamedSources, StreamedTrains
from pipeline.recording_index import (
    ArrayEntry,
    BinnedEntry,
    ChunksEntry,
    Index,
    InputEntry,
    RatesEntry,
    SpikesEntry,
    list_columns,
    read_index,
)
from pipeline.recording_origin import Origin, refuse_damage
from pipeline.run_folder import RunFolder

type Columns = chunk_tiles.Columns


class Reader(Protocol):
    """A recorder of currents or states: values per bin and neuron, of one or more variables."""

    @property
    def name(self) -> str:
        """The recorder's name in the spec."""

    @property
    def kind(self) -> Literal["currents", "states"]:
        """The kind of its table."""

    @property
    def steps_per_bin(self) -> int:
        """Length of a bin."""

    @property
    def n_bins(self) -> int:
        """Number of complete bins."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values: float32 or float64."""

    @property
    def units(self) -> Mapping[str, str]:
        """SI unit by variable, in the order of the recording; empty where it is not known."""

    def variables(self) -> tuple[str, ...]:
        """Return the names of what was recorded: `v` and channels, or state variables."""

    def neurons(self, variable: str) -> NDArray[np.int32]:
        """Return the neurons that a variable was recorded of: (n_neurons,) global indices, ascending."""

    def read(self, variable: str, i_bin_start: int, i_bin_stop: int, columns: Columns | None = None) -> Values:
        """Return (n_bins, n_neurons) values in SI units; `columns` are places in `neurons(variable)`, None for all."""


@dataclass(frozen=True, eq=False)
class Recording:
    """All that a run recorded."""

    folder: RunFolder
    network: Expanded
    dt_s: float
    n_steps: int
    """Steps that are recorded: of a run that finished, all."""
    readers: Mapping[str, Reader]
    """Recorders of currents and of states."""
    spikes: Mapping[str, SpikeTrains]
    rates: Mapping[str, SpikeCounts]
    inputs: Mapping[str, SourceSpikes]
    partial: bool
    """Whether the run may not have finished."""

    def readers_of(self, kind: Literal["currents", "states"]) -> dict[str, Reader]:
        """Return the recorders of one kind, by name."""
        return {name: reader for name, reader in self.readers.items() if reader.kind == kind}

    @property
    def recorders(self) -> tuple[str, ...]:
        """Names of all recorders."""
        return (*self.readers, *self.spikes, *self.rates)


def load_array[T: np.generic](path: Path, dtype: type[T], n_dimensions: int) -> NDArray[T]:
    """Return the array of a .npy file, mapped.

    Raises
    ------
    RecordingError
        If it is missing, cannot be read, or is of another type.
    """
    try:
        array = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except FileNotFoundError:
        raise RecordingError(Problem(str(path), "is missing")) from None
    except (OSError, ValueError, EOFError, TokenError) as error:
        raise RecordingError(Problem(str(path), "cannot be read as a .npy file", evidence=str(error))) from None
    if array.dtype != dtype or array.ndim != n_dimensions:
        expected = f"{n_dimensions} dimension{'s' * (n_dimensions > 1)} of {np.dtype(dtype)}"
        raise RecordingError(Problem(str(path), "holds something else", expected, f"{array.ndim} of {array.dtype}"))
    return cast(NDArray[T], array)


def open_recording(
    folder: RunFolder,
    network: Expanded,
    *,
    n_steps: int | None = None,
    origin: Origin | None = None,
    partial: bool = False,
) -> Recording:
    """Open the recording of a run; every file is checked to be there and to have the size that the index says.

    What says which values are of which neurons is checked by its checksum, too; values are when they are read.

    Parameters
    ----------
    folder : RunFolder
    network : Expanded
        The network that ran.
    n_steps : int, optional
        Its steps, where they are known from elsewhere: the index must say the same.
    origin : Origin, optional
        Checksums of what has none of its own.
    partial : bool
        Take the complete bins and spikes of a run that did not finish.

    Raises
    ------
    RecordingError
        If something is missing, damaged, of another size or type, or of another version; all that is wrong, together.
    """
    refuse_damage(folder, origin, [folder.recording_index.name])
    index = read_index(folder.recording_index)
    refuse_damage(folder, origin, list_columns(index))
    return _Opener(folder, network, index, partial).open(n_steps)


class _Opener:
    """Opens one recording; gathers problems instead of stopping at the first."""

    def __init__(self, folder: RunFolder, network: Expanded, index: Index, partial: bool) -> None:
        self.folder, self.network, self.index, self.partial = folder, network, index, partial
        self.problems: list[Problem] = []
        self.channels = frozenset(channel.name for channel in network.channels)

    def open(self, n_steps: int | None) -> Recording:
        self._check_clock(n_steps)
        recorders = self.index.recorders.items()
        readers = {name: self._open_binned(name, r) for name, r in recorders if isinstance(r, BinnedEntry)}
        spikes = {name: self._open_spikes(name, r) for name, r in recorders if isinstance(r, SpikesEntry)}
        rates = {name: self._open_rates(name, r) for name, r in recorders if isinstance(r, RatesEntry)}
        inputs = {drive: self._open_input(drive, item) for drive, item in self.index.inputs.items()}
        if self.problems:
            raise RecordingError(*self.problems)
        n_recorded = self._count_steps(readers, spikes, rates) if self.partial else self.index.n_steps
        return Recording(
            self.folder, self.network, self.index.dt_s, n_recorded, readers, spikes, rates, inputs, self.partial
        )

    def _complain(self, place: Path | str, what: str, expected: str | None = None, got: str | None = None) -> None:
        self.problems.append(Problem(str(place), what, expected, got))

    def _complain_of(self, key: str, what: str, expected: str | None = None, got: str | None = None) -> None:
        self._complain(f"{self.folder.recording_index}: {key}", what, expected, got)

    def _check_clock(self, n_steps: int | None) -> None:
        if n_steps is not None and self.index.n_steps != n_steps:
            self._complain_of("n_steps", "is not the length of the run", str(n_steps), str(self.index.n_steps))
        dt_s = self.network.spec.network.dt.value
        if self.index.dt_s != dt_s:
            self._complain_of("dt_s", "is not the dt of the model", f"{dt_s:g}", f"{self.index.dt_s:g}")

    def _count_steps(
        self,
        readers: Mapping[str, Reader],
        spikes: Mapping[str, SpikeTrains],
        rates: Mapping[str, SpikeCounts],
    ) -> int:
        """Return the steps that all recorders hold, as far as a run that did not finish can tell.

        One that holds nothing does not count: of a run that was killed, the first chunk of a few wide bins may be all
        that a recorder with many small ones has to wait for.
        """
        ends = [reader.n_bins * reader.steps_per_bin for reader in readers.values()]
        ends += [item.n_steps for item in rates.values()]
        # Spikes are read only where nothing else tells.
        return min(filter(None, ends), default=0) or max((item.n_steps for item in spikes.values()), default=0)

    def _check_bins(self, name: str, recorder: BinnedEntry | RatesEntry) -> None:
        most = self.index.n_steps // recorder.steps_per_bin
        if recorder.n_bins != most:
            run = f"{most} bins of {recorder.steps_per_bin} steps in {self.index.n_steps} steps"
            self._complain_of(f"recorders.{name}.n_bins", "is not the length of the run", run, str(recorder.n_bins))

    def _open_binned(self, name: str, recorder: BinnedEntry) -> Reader:
        self._check_bins(name, recorder)
        self._check_variables(name, recorder)
        if recorder.chunks is not None:
            return self._open_chunked(name, recorder, recorder.chunks)
        dtype = np.dtype(recorder.dtype)
        arrays = {variable: self._open_array(variable, array) for variable, array in recorder.arrays.items()}
        n_bins = [self._count_bins(array, recorder.n_bins, dtype) for array in arrays.values()]
        return RawReader(name, recorder.kind, recorder.steps_per_bin, min(n_bins, default=0), dtype, arrays)

    def _open_chunked(self, name: str, recorder: BinnedEntry, chunks: ChunksEntry) -> ChunkReader:
        dtype, n_problems = np.dtype(recorder.dtype), len(self.problems)
        recorded = {variable: self._load_neurons(array) for variable, array in recorder.arrays.items()}
        factors = {v: self._load_factors(array, recorded[v].size, dtype) for v, array in recorder.arrays.items()}
        stream = Stream(self.folder.recording / chunks.folder)
        if len(self.problems) == n_problems:  # else it is not known how many columns there should be
            sections = [
                Section(variable, recorder.stored_type(variable), n.size, chunks.tile_columns, factors[variable])
                for variable, n in recorded.items()
            ]
            with self._noting():
                stream = open_stream(stream.folder, sections, partial=self.partial)
                self._check_rows(stream, recorder.n_bins)
        units = {variable: self._find_unit(variable, array) for variable, array in recorder.arrays.items()}
        n_bins = min(recorder.n_bins, stream.n_rows)
        return ChunkReader(name, recorder.kind, recorder.steps_per_bin, n_bins, dtype, stream, recorded, units)

    def _check_rows(self, stream: Stream, n_bins: int) -> None:
        if not self.partial and stream.n_rows != n_bins:
            self._complain(stream.folder, "has the wrong number of rows", f"{n_bins} bins", f"{stream.n_rows}")

    def _check_variables(self, name: str, recorder: BinnedEntry) -> None:
        place = f"recorders.{name}.arrays"
        if recorder.kind == "states":
            return
        known = self.channels | {"v"}
        for variable in recorder.arrays:
            if variable not in known:
                self._complain_of(place, "has an array that is neither v nor a channel", got=f'"{variable}"')
        if "v" not in recorder.arrays:
            self._complain_of(place, 'lacks "v", which says which neurons were recorded')

    def _load_neurons(self, array: ArrayEntry) -> NDArray[np.int32]:
        path = self.folder.recording / array.neurons
        neurons = self._load(path, np.int32, 1)
        if neurons.size and (neurons[0] < 0 or neurons[-1] >= self.network.n_neurons or np.any(np.diff(neurons) <= 0)):
            self._complain(path, "does not hold neurons", f"0 to {self.network.n_neurons - 1}, ascending")
        return np.array(neurons)

    def _load_factors(self, array: ArrayEntry, n_neurons: int, dtype: np.dtype[Any]) -> Factors | None:
        if array.numbers is None:
            return None
        path, n_problems = self.folder.recording / array.numbers.factors, len(self.problems)
        factors = self._load(path, np.float64, 2)
        if len(self.problems) == n_problems and factors.shape == (2, n_neurons):
            return Factors(np.array(factors[0]), np.array(factors[1]), dtype)
        if len(self.problems) == n_problems and n_neurons:  # else its neurons could not be read
            self._complain(path, "is of the wrong shape", f"2 by {n_neurons}", "{} by {}".format(*factors.shape))
        return None

    def _open_array(self, variable: str, array: ArrayEntry) -> RawArray:
        path, neurons = self.folder.recording / array.file, self._load_neurons(array)
        return RawArray(path, array.offset_bytes, neurons, self._find_unit(variable, array))

    def _find_unit(self, variable: str, array: ArrayEntry) -> str:
        """Return the SI unit of an array: what the index says, or else the model of the first neurons that have it."""
        if array.unit or variable in self.channels:
            return array.unit
        known = filter(None, list_variables(self.network.spec).values())
        return next((variables[variable].si_unit for variables in known if variable in variables), "")

    def _count_bins(self, array: RawArray, n_bins: int, dtype: np.dtype[Any]) -> int:
        """Return the number of bins in a file; it must be `n_bins` unless a part will do."""
        if not array.path.is_file():
            self._complain(array.path, "is missing")
            return 0
        if self.problems and not array.neurons.size:
            return n_bins  # its neurons could not be read: the size of a row is not known
        row_bytes, size = array.neurons.size * dtype.itemsize, array.path.stat().st_size
        expected = array.offset_bytes + n_bins * row_bytes
        if self.partial and row_bytes:
            return min(n_bins, max(0, size - array.offset_bytes) // row_bytes)
        if size != expected:
            shape = f"{array.offset_bytes} + {n_bins} bins × {array.neurons.size} neurons × {dtype.itemsize}"
            self._complain(array.path, "is of the wrong size", f"{expected} bytes = {shape}", f"{size} bytes")
        return n_bins

    def _open_spikes(self, name: str, recorder: SpikesEntry) -> SpikeTrains:
        record = self.network.spec.record.get(name)
        names = record.population if isinstance(record, SpikesRecord) else None
        populations = tuple(population.name for population in self.network.select_populations(names))
        if recorder.chunks is not None:
            return StreamedTrains(name, populations, self._open_events(recorder.chunks, "neuron"))
        return SpikeTrains(name, populations, *self._load_pair(recorder.step, recorder.neuron))

    def _open_rates(self, name: str, recorder: RatesEntry) -> SpikeCounts:
        self._check_bins(name, recorder)
        for population in recorder.populations:
            if population not in self.network.population:
                self._complain_of(f"recorders.{name}.populations", "has an unknown population", got=f'"{population}"')
        populations = tuple(recorder.populations)
        if recorder.chunks is not None:
            counts = Counts(Stream(self.folder.recording / recorder.chunks.folder))
            with self._noting():
                counts = open_counts(counts.stream.folder, len(populations), partial=self.partial)
                self._check_rows(counts.stream, recorder.n_bins)
            return StreamedCounts(name, populations, recorder.steps_per_bin, counts)
        return SpikeCounts(name, populations, recorder.steps_per_bin, self._load_counts(recorder))

    def _load_counts(self, recorder: RatesEntry) -> NDArray[np.int64]:
        path = self.folder.recording / recorder.counts
        counts = self._load(path, np.int64, 2)
        shape = (min(len(counts), recorder.n_bins) if self.partial else recorder.n_bins, len(recorder.populations))
        if not self.problems and counts.shape != shape:
            self._complain(path, "is of the wrong shape", f"{shape[0]} by {shape[1]}", "{} by {}".format(*counts.shape))
        return counts

    def _open_input(self, drive: str, entry: InputEntry) -> SourceSpikes:
        if drive not in self.network.spec.drive:
            self._complain_of("inputs", "has an unknown drive", got=f'"{drive}"')
        if entry.chunks is not None:
            return StreamedSources(drive, self._open_events(entry.chunks, "source"))
        return SourceSpikes(drive, *self._load_pair(entry.step, entry.source))

    def _open_events(self, chunks: ChunksEntry, number: str) -> Events:
        events = Events(Stream(self.folder.recording / chunks.folder))
        with self._noting():
            events = open_events(events.stream.folder, number, partial=self.partial)
        return events

    def _load_pair(self, step_file: str, number_file: str) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        path = self.folder.recording / number_file
        step, number = self._load(self.folder.recording / step_file, np.int64, 1), self._load(path, np.int32, 1)
        n_whole = min(step.size, number.size)
        if not self.partial and step.size != number.size:
            self._complain(path, f"is not as long as {step_file}", f"{step.size} spikes", str(number.size))
        return step[:n_whole], number[:n_whole]

    def _load[T: np.generic](self, path: Path, dtype: type[T], n_dimensions: int) -> NDArray[T]:
        """Return the array of a file; an empty one when something is wrong with it."""
        array = np.empty((0,) * n_dimensions, dtype)
        with self._noting():
            array = load_array(path, dtype, n_dimensions)
        return array

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Go on after an error, which is noted."""
        try:
            yield
        except RecordingError as error:
            self.problems += error.problems


def recorded_seconds(recording: Recording) -> float:
    """Return how much model time is recorded, in seconds."""
    return step_time(recording.n_steps, recording.dt_s)
