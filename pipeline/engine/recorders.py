"""What the engine's program records: the lines of its inputs, and the index of the recording."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.assembly import Assembly, BinnedArray, BinnedRecorder
from models.expand import Population
from models.spec import RatesRecord, SpikesRecord
from models.steps import count_steps
from pipeline.atomic import write_atomically
from pipeline.engine.counted import CountedChannel
from pipeline.recording_index import (
    VERSION,
    BinnedEntry,
    Index,
    InputEntry,
    RatesEntry,
    SpikesEntry,
    chunk_binned,
    chunk_input,
    chunk_rates,
    chunk_spikes,
    write_index,
)
from pipeline.run_folder import RunFolder

if TYPE_CHECKING:
    from pipeline.engine.inputs import InputWriter

type Line = tuple[str | int | float, ...]
type Counted = Mapping[str, CountedChannel]
"""By name of the channel."""

_INDEX = "recording.json"


def plan_recording(assembly: Assembly, counted: Counted) -> Index:
    """Return the index of what will be recorded; `counted` are the channels of which numbers of events may be."""
    spec = assembly.expanded.spec
    binned = {recorder.name: _plan_values(assembly, recorder, counted) for recorder in assembly.recorders}
    entries: dict[str, BinnedEntry | SpikesEntry | RatesEntry] = {}
    for name, record in spec.record.items():
        if isinstance(record, SpikesRecord):
            entries[name] = chunk_spikes(name)
        elif isinstance(record, RatesRecord):
            entries[name] = _plan_rates(assembly, name, record)
        else:
            entries[name] = binned[name]
    inputs = {source.drive: chunk_input(f"inputs/{source.drive}") for source in assembly.expanded.source_groups}
    return Index(
        version=VERSION, dt_s=spec.network.dt.value, n_steps=assembly.n_steps, recorders=entries, inputs=inputs
    )


def prepare_recording(assembly: Assembly, counted: Counted, index: Index, folder: RunFolder) -> None:
    """Write, among the inputs, what the program puts beside what it records, so that a recording explains itself."""
    folder.inputs.mkdir(parents=True, exist_ok=True)
    for recorder in assembly.recorders:
        for variable, arrays in _group_arrays(recorder).items():
            np.save(folder.inputs / _name_neurons(recorder, variable), _neurons_of(arrays))
            if _has_numbers(index, recorder, variable):
                factors = _find_factors(arrays, counted[variable], assembly.expanded.populations)
                np.save(folder.inputs / _name_factors(recorder, variable), factors)
    write_atomically(folder.inputs / _INDEX, write_index(index))


def _name_neurons(recorder: BinnedRecorder, variable: str) -> str:
    return f"record.{recorder.name}.{variable}.neurons.npy"


def _name_factors(recorder: BinnedRecorder, variable: str) -> str:
    return f"record.{recorder.name}.{variable}.factors.npy"


def describe_recorders(writer: "InputWriter", index: Index) -> Iterator[Line]:
    """Yield the lines of `program.txt` about what is recorded; the arrays that they name are saved."""
    for recorder in writer.assembly.recorders:
        yield from _describe_values(writer, recorder, index.recorders[recorder.name])
    for name, record in writer.spec.record.items():
        populations = writer.expanded.select_populations(getattr(record, "population", None))
        entry = index.recorders[name]
        if isinstance(entry, SpikesEntry):
            yield "spikes", *_locate_stream(entry)
            yield from _describe_maps(writer, name, populations, by_neuron=True)
        elif isinstance(entry, RatesEntry):
            place, rows = _locate_stream(entry)
            yield "rates", place, entry.steps_per_bin, len(populations), rows
            yield from _describe_maps(writer, name, populations, by_neuron=False)
    for source in writer.expanded.source_groups:
        yield "sources", source.drive, *_locate_stream(index.inputs[source.drive])
    for recorder in writer.assembly.recorders:
        for variable in _group_arrays(recorder):
            copies = {_name_neurons(recorder, variable): writer.folder.neurons(recorder.name, variable)}
            if _has_numbers(index, recorder, variable):
                copies[_name_factors(recorder, variable)] = writer.folder.factors(recorder.name, variable)
            for file, copy in copies.items():
                yield "copy", writer.list_file(file), str(copy.relative_to(writer.folder.recording))
    yield "index", writer.list_file(_INDEX)


def _locate_stream(entry: BinnedEntry | SpikesEntry | RatesEntry | InputEntry) -> tuple[str, int]:
    """Return the folder of a stream, relative to `recording/`, and how many rows its chunks have."""
    assert entry.chunks is not None
    return entry.chunks.folder, entry.chunks.rows


def _group_arrays(recorder: BinnedRecorder) -> dict[str, list[BinnedArray]]:
    """Return the recorder's arrays by variable, one of each group of neurons that has it."""
    grouped: dict[str, list[BinnedArray]] = {}
    for array in recorder.arrays:
        if array.local.size:
            grouped.setdefault(array.variable, []).append(array)
    return grouped


def _neurons_of(arrays: list[BinnedArray]) -> NDArray[np.int32]:
    return np.sort(np.concatenate([array.neurons for array in arrays]))


def _has_numbers(index: Index, recorder: BinnedRecorder, variable: str) -> bool:
    entry = index.recorders[recorder.name]
    return isinstance(entry, BinnedEntry) and entry.arrays[variable].numbers is not None


def _find_factors(
    arrays: list[BinnedArray], channel: CountedChannel, populations: tuple[Population, ...]
) -> NDArray[np.float64]:
    """Return (2, n_recorded): what an event weighs, and what makes a mean current of the sum of a bin."""
    neurons = _neurons_of(arrays)
    factors = np.zeros((2, neurons.size))
    for population in populations:
        members = (neurons >= population.start) & (neurons < population.stop)
        factors[0, members] = channel.weights.get(population.name, 0.0)
    for array in arrays:
        assert array.scale is not None
        scale = array.scale if array.scale.size == 1 else array.scale[array.local]
        factors[1, np.searchsorted(neurons, array.neurons)] = scale
    return factors


def _plan_values(assembly: Assembly, recorder: BinnedRecorder, counted: Counted) -> BinnedEntry:
    n_neurons = {variable: _neurons_of(arrays).size for variable, arrays in _group_arrays(recorder).items()}
    n_bins = assembly.n_steps // recorder.steps_per_bin
    steps, folder = recorder.steps_per_bin, recorder.name
    chosen = counted if recorder.kind == "currents" else {}
    numbers = {name: kind for name in n_neurons if name in chosen and (kind := chosen[name].choose_type(steps))}
    return chunk_binned(recorder.kind, steps, n_bins, recorder.dtype, folder, n_neurons, numbers=numbers)


def _plan_rates(assembly: Assembly, name: str, record: RatesRecord) -> RatesEntry:
    names = [population.name for population in assembly.expanded.select_populations(record.population)]
    steps = count_steps(record.interval.value, assembly.expanded.spec.network.dt.value)
    return chunk_rates(name, steps, assembly.n_steps // steps, names)


def _describe_values(
    writer: "InputWriter", recorder: BinnedRecorder, entry: BinnedEntry | SpikesEntry | RatesEntry
) -> Iterator[Line]:
    grouped = _group_arrays(recorder)
    if not grouped:
        return
    assert isinstance(entry, BinnedEntry)
    assert entry.chunks is not None
    place, rows = _locate_stream(entry)
    yield "recorder", place, recorder.steps_per_bin, rows, entry.chunks.tile_columns, len(grouped)
    for variable, arrays in grouped.items():
        yield "section", _neurons_of(arrays).size, entry.stored_type(variable).itemsize
    for i_section, (variable, arrays) in enumerate(grouped.items()):
        neurons = _neurons_of(arrays)
        for array in arrays:
            name = f"record.{recorder.name}.{variable}.{array.group}"
            columns = np.searchsorted(neurons, array.neurons).astype(np.int32)
            scale = f"scale_{recorder.name}_{variable}" if array.scale is not None else "-"
            files = [writer.save(f"{name}.local", array.local), writer.save(f"{name}.columns", columns)]
            if entry.arrays[variable].numbers:
                weights, _ = np.load(writer.folder.inputs / _name_factors(recorder, variable))
                scale = "-"
                files.append(writer.save(f"{name}.weights", weights[columns]))
            yield "part", i_section, array.group, _find_values(writer, recorder, array), scale, *files
    for plan in writer.assembly.plans:
        if recorder.name in plan.sums:
            yield "keep", plan.name, f"keep_{recorder.name}"


def _find_values(writer: "InputWriter", recorder: BinnedRecorder, array: BinnedArray) -> str:
    """Return the variable that is recorded; of a sum that the group's own loops do not make, what it is made of."""
    plan = next(plan for plan in writer.assembly.plans if plan.name == array.group)
    by_loops = array.scale is None or array.final in plan.sums.get(recorder.name, ())
    return array.final if by_loops else f"in_{array.variable}"


def _describe_maps(
    writer: "InputWriter", name: str, populations: tuple[Population, ...], *, by_neuron: bool
) -> Iterator[Line]:
    """Yield what each neuron is called in a record of spikes: its global index, or the place of its population."""
    numbers = np.full(writer.expanded.n_neurons, -1, np.int32)
    for i_population, population in enumerate(populations):
        members = np.arange(population.start, population.stop, dtype=np.int32)
        numbers[members] = members if by_neuron else i_population
    for plan in writer.assembly.plans:
        yield "map", plan.name, writer.save(f"record.{name}.{plan.name}", numbers[plan.neurons])
