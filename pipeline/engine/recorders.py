"""What the engine's program records: the lines of its inputs, and the index of the recording."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.assembly import Assembly, BinnedArray, BinnedRecorder
from models.expand import Population
from models.spec import RatesRecord, SpikesRecord
from models.steps import count_steps
from pipeline.atomic import write_atomically
from pipeline.chunks import plan_chunk_rows
from pipeline.run_folder import RunFolder

if TYPE_CHECKING:
    from pipeline.engine.inputs import InputWriter

type Line = tuple[str | int | float, ...]

SPIKES_PER_CHUNK = 65536
"""0.8 MB: what is lost of a program that is killed is seconds of a network's spikes."""
_TILE_COLUMNS = 32
"""128 bytes of float32, two cache lines: a chunk of 1000 bins keeps 128 kB of a neuron and its neighbours together."""
_COUNT_BYTES = 8


def write_index(assembly: Assembly, folder: RunFolder) -> None:
    """Write `recording.json`: what will be recorded, so that whatever is recorded can be read."""
    entries = {recorder.name: _index_values(assembly, recorder) for recorder in assembly.recorders}
    for name, record in assembly.expanded.spec.record.items():
        if isinstance(record, SpikesRecord):
            entries[name] = {"kind": "spikes", "chunks": {"folder": name, "rows": SPIKES_PER_CHUNK}}
        elif isinstance(record, RatesRecord):
            entries[name] = _index_rates(assembly, name, record)
    drives = [source.drive for source in assembly.expanded.source_groups]
    index = {
        "version": 1,
        "dt_s": assembly.expanded.spec.network.dt.value,
        "n_steps": assembly.n_steps,
        "recorders": {name: entries[name] for name in assembly.expanded.spec.record},
        "inputs": {drive: {"chunks": {"folder": f"inputs/{drive}", "rows": SPIKES_PER_CHUNK}} for drive in drives},
    }
    folder.recording.mkdir(parents=True, exist_ok=True)
    for stream in [*assembly.expanded.spec.record, *(f"inputs/{drive}" for drive in drives)]:
        (folder.recording / stream).mkdir(parents=True, exist_ok=True)
    for recorder in assembly.recorders:
        for variable, arrays in _group_arrays(recorder).items():
            np.save(folder.neurons(recorder.name, variable), _neurons_of(arrays))
    write_atomically(folder.recording_index, json.dumps(index, indent=1))


def describe_recorders(writer: "InputWriter") -> Iterator[Line]:
    """Yield the lines of `program.txt` about what is recorded; the arrays that they name are saved."""
    for recorder in writer.assembly.recorders:
        yield from _describe_values(writer, recorder)
    for name, record in writer.spec.record.items():
        populations = writer.expanded.select_populations(getattr(record, "population", None))
        if isinstance(record, SpikesRecord):
            yield "spikes", f"recording/{name}", SPIKES_PER_CHUNK
            yield from _describe_maps(writer, name, populations, by_neuron=True)
        elif isinstance(record, RatesRecord):
            n_populations = len(populations)
            steps = count_steps(record.interval.value, writer.dt_s)
            yield "rates", f"recording/{name}", steps, n_populations, plan_chunk_rows(_COUNT_BYTES * n_populations)
            yield from _describe_maps(writer, name, populations, by_neuron=False)


def _group_arrays(recorder: BinnedRecorder) -> dict[str, list[BinnedArray]]:
    """Return the recorder's arrays by variable, one of each group of neurons that has it."""
    grouped: dict[str, list[BinnedArray]] = {}
    for array in recorder.arrays:
        if array.local.size:
            grouped.setdefault(array.variable, []).append(array)
    return grouped


def _neurons_of(arrays: list[BinnedArray]) -> NDArray[np.int32]:
    return np.sort(np.concatenate([array.neurons for array in arrays]))


def _tile_columns(recorder: BinnedRecorder) -> int:
    """Return the width of tiles: no wider than what is recorded, so that small networks are not padded."""
    most = max((_neurons_of(arrays).size for arrays in _group_arrays(recorder).values()), default=1)
    return min(_TILE_COLUMNS, most)


def _chunk_rows(recorder: BinnedRecorder) -> int:
    width = _tile_columns(recorder)
    n_tiles = sum(-(-_neurons_of(arrays).size // width) for arrays in _group_arrays(recorder).values())
    return plan_chunk_rows(max(1, n_tiles * width * np.dtype(recorder.dtype).itemsize))


def _index_values(assembly: Assembly, recorder: BinnedRecorder) -> dict[str, Any]:
    name = recorder.name
    units = {array.variable: "V" if recorder.kind == "currents" else "" for array in recorder.arrays}
    return {
        "kind": recorder.kind,
        "steps_per_bin": recorder.steps_per_bin,
        "n_bins": assembly.n_steps // recorder.steps_per_bin,
        "dtype": recorder.dtype,
        "chunks": {"folder": name, "rows": _chunk_rows(recorder), "tile_columns": _tile_columns(recorder)},
        "arrays": {
            variable: {"layout": "chunks", "neurons": f"{name}/{variable}.neurons.npy", "unit": units[variable]}
            for variable in _group_arrays(recorder)
        },
    }


def _index_rates(assembly: Assembly, name: str, record: RatesRecord) -> dict[str, Any]:
    names = [population.name for population in assembly.expanded.select_populations(record.population)]
    steps = count_steps(record.interval.value, assembly.expanded.spec.network.dt.value)
    return {
        "kind": "rates",
        "steps_per_bin": steps,
        "n_bins": assembly.n_steps // steps,
        "populations": names,
        "chunks": {"folder": name, "rows": plan_chunk_rows(_COUNT_BYTES * len(names))},
    }


def _describe_values(writer: "InputWriter", recorder: BinnedRecorder) -> Iterator[Line]:
    grouped = _group_arrays(recorder)
    if not grouped:
        return
    shape = (recorder.steps_per_bin, np.dtype(recorder.dtype).itemsize, _chunk_rows(recorder), _tile_columns(recorder))
    yield "recorder", f"recording/{recorder.name}", *shape, len(grouped)
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
