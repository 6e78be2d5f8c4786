"""What the engine's program records: the lines of its inputs, and the index of the recording."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.assembly import Assembly, BinnedArray, BinnedRecorder
from models.expand import Population
from models.spec import RatesRecord, SpikesRecord
from models.steps import count_steps
from pipeline.atomic import write_atomically
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

_INDEX = "recording.json"


def plan_recording(assembly: Assembly) -> Index:
    """Return the index of what will be recorded."""
    spec = assembly.expanded.spec
    binned = {recorder.name: _plan_values(assembly, recorder) for recorder in assembly.recorders}
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


def prepare_recording(assembly: Assembly, index: Index, folder: RunFolder) -> None:
    """Write, among the inputs, what the program puts beside what it records, so that a recording explains itself."""
    folder.inputs.mkdir(parents=True, exist_ok=True)
    for recorder in assembly.recorders:
        for variable, arrays in _group_arrays(recorder).items():
            np.save(folder.inputs / _name_neurons(recorder, variable), _neurons_of(arrays))
    write_atomically(folder.inputs / _INDEX, write_index(index))


def _name_neurons(recorder: BinnedRecorder, variable: str) -> str:
    return f"record.{recorder.name}.{variable}.neurons.npy"


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
            copied = writer.folder.neurons(recorder.name, variable).relative_to(writer.folder.recording)
            yield "copy", writer.list_file(_name_neurons(recorder, variable)), str(copied)
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


def _plan_values(assembly: Assembly, recorder: BinnedRecorder) -> BinnedEntry:
    n_neurons = {variable: _neurons_of(arrays).size for variable, arrays in _group_arrays(recorder).items()}
    n_bins = assembly.n_steps // recorder.steps_per_bin
    return chunk_binned(recorder.kind, recorder.steps_per_bin, n_bins, recorder.dtype, recorder.name, n_neurons)


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
    assert entry.chunks is not None
    place, rows = _locate_stream(entry)
    shape = (recorder.steps_per_bin, np.dtype(recorder.dtype).itemsize, rows, entry.chunks.tile_columns)
    yield "recorder", place, *shape, len(grouped)
    for arrays in grouped.values():
        yield "section", _neurons_of(arrays).size
    for i_section, (variable, arrays) in enumerate(grouped.items()):
        neurons = _neurons_of(arrays)
        for array in arrays:
            name = f"record.{recorder.name}.{variable}.{array.group}"
            scale = f"scale_{recorder.name}_{variable}" if array.scale is not None else "-"
            files = (
                writer.save(f"{name}.local", array.local),
                writer.save(f"{name}.columns", np.searchsorted(neurons, array.neurons).astype(np.int32)),
            )
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
