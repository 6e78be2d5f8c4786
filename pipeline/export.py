"""Tables of a run as files, with their units and the run's manifest beside them."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from models.errors import CurrentsError, Problem, SpecError
from models.steps import step_time
from models.tables import INPUT_COLUMNS, RATE_COLUMNS, SPIKE_COLUMNS, Column, current_columns, state_columns
from pipeline.atomic import write_together
from pipeline.errors import ExistingFileError, OutputError
from pipeline.part import Part, find_part
from pipeline.places import check_place, choose_another
from pipeline.recording import Recording
from pipeline.run import Run
from pipeline.run_folder import COLUMNS_FILE
from pipeline.selection import Names, Neurons, NeuronSelection, select_names, select_neurons, unknown_name
from pipeline.storage import explain_failed_writes
from pipeline.tabulate import (
    iterate_currents,
    iterate_spikes,
    iterate_states,
    neurons_of_populations,
    neurons_of_reader,
    tabulate_inputs,
    tabulate_rates,
)
from pipeline.time_axis import Time

type Format = Literal["parquet", "csv"]

COLUMNS_VERSION = 1
_PART_MB = 64.0
"""Memory of the part of a table that is written at a time: one row group in Parquet."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table that is about to be written, in parts."""

    name: str
    columns: Mapping[str, Column]
    frames: Iterator[pd.DataFrame]
    """At least one, which may be empty."""


def export_tables(
    run: Run,
    folder: str | Path,
    format: str = "parquet",
    populations: Names = None,
    neurons: Neurons = None,
    channels: Names = None,
    start: Time | None = None,
    stop: Time | None = None,
    *,
    overwrite: bool = False,
) -> list[Path]:
    """Write every recorded table of a run: one file per recorder, named after it, and `inputs` of drives' sources.

    Tables larger than memory are written in parts. All files take their places together, when they are whole, with
    `manifest.json` last: after a failure those that were there are there again, and where this process is killed
    meanwhile, there is no `manifest.json`. In Parquet, values are compressed by BYTE_STREAM_SPLIT and zstd, and units
    are in the metadata of the fields.

    Parameters
    ----------
    run : Run
        One that was opened with `partial=True` gives what each recorder holds: `manifest.json` and `columns.json` then
        have an entry `partial`, which says until when that is (`pipeline.part.find_part`).
    folder : path
        Made if need be.
    format : {"parquet", "csv"}
    populations, neurons, channels, start, stop : optional
        As for `Run.currents`. A recorder that holds nothing of what is named gives no file (`list_left_out`); rates
        are of whole populations, and inputs of all drives.
    overwrite : bool
        Replace files of the same names.

    Returns
    -------
    list of Path
        The tables' files.

    Raises
    ------
    SpecError
        If something that is named does not exist, or nothing of it was recorded.
    UnfinishedRunError
        If nothing at all was recorded yet.
    ExistingFileError
        If a file is there already, or a folder of its name; nothing was written.
    OutputError, StorageError
        If the folder cannot be written to, or not all of it: then nothing of it is left, unless the disk refuses to
        rename and remove files, too.
    """
    if format not in _WRITERS:
        raise SpecError(unknown_name("format", "format", format, _WRITERS))
    folder = check_place("--to", folder).resolve()
    part = find_part(run)
    recording = run.recording if part is None else part.cut(run.recording)
    tables = list(_list_tables(recording, populations, neurons, channels, start, stop))
    if not tables:
        raise SpecError(Problem("populations and neurons", "select nothing that was recorded"))
    files = [folder / f"{table.name}.{format}" for table in tables]
    contents = {
        folder / run.folder.manifest.name: partial(_write_bytes, _copy_manifest(run, part)),
        folder / COLUMNS_FILE: partial(_write_bytes, _describe_columns(run, tables, format, part)),
        **{path: partial(_WRITERS[format], table) for path, table in zip(files, tables, strict=True)},
    }
    made = _prepare(run, folder, list(contents), overwrite)
    try:
        with explain_failed_writes({folder: "--to"}):
            write_together(contents)
    except BaseException:
        if made:
            with suppress(OSError):
                folder.rmdir()
        raise
    return files


def list_left_out(run: Run, populations: Names = None, neurons: Neurons = None) -> dict[str, str]:
    """Return the recorders that hold nothing of what is selected, so that no table of theirs is written, and why.

    Raises
    ------
    SpecError
        If something that is named does not exist.
    """
    recording, selection = run.recording, select_neurons(run.network, populations, neurons)
    held = {name: neurons_of_populations(run.network, item.populations) for name, item in recording.spikes.items()}
    held |= {name: neurons_of_reader(reader) for name, reader in recording.readers_of("states").items()}
    held |= {name: reader.neurons("v") for name, reader in recording.readers_of("currents").items()}
    left_out = {name: neurons for name, neurons in held.items() if _held(selection, neurons) is None}
    asked = selection.populations
    rates = {
        name: neurons_of_populations(run.network, counts.populations)
        for name, counts in recording.rates.items()
        if asked is not None and not set(asked) & set(counts.populations)
    }
    return {name: _explain_left_out(run, neurons) for name, neurons in (left_out | rates).items()}


def _explain_left_out(run: Run, recorded: NDArray[np.int32]) -> str:
    there = np.zeros(run.network.n_neurons, bool)
    there[recorded] = True
    counts = {p.name: int(there[p.start : p.stop].sum()) for p in run.network.populations}
    sizes = [f"{n} of {run.network.population[name].size} in {name}" for name, n in counts.items() if n]
    return f"it recorded none of the selected neurons, but {', '.join(sizes) or 'none at all'}"


def _prepare(run: Run, folder: Path, files: list[Path], overwrite: bool) -> bool:
    """Make the folder if need be; return whether it is new."""
    if folder == run.path.resolve():
        raise SpecError(Problem(str(folder), "is the run itself", "another folder"))
    if folder.is_relative_to(run.path.resolve()):
        remedy = f"name a folder beside it, such as --to {run.path.with_name(f'{run.path.name}-tables')}"
        raise SpecError(Problem(str(folder), "is in the folder of the run, which holds nothing else", next=remedy))
    try:
        for path in filter(Path.is_dir, files):
            raise ExistingFileError(Problem(str(path), "is a folder, in the place of a table", next="move it"))
        there = sorted(path.name for path in files if path.exists())
        if there and not overwrite:
            next_ = "choose another folder, or allow it with --overwrite (overwrite=True)"
            problem = Problem(str(folder), "holds files that would be replaced", got=", ".join(there), next=next_)
            raise ExistingFileError(problem)
        made = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{COLUMNS_FILE}.partial"
        probe.touch()
        probe.unlink()
    except CurrentsError:
        raise
    except OSError as error:
        remedy = choose_another("--to")
        raise OutputError(Problem(str(folder), "cannot be written to", evidence=str(error), next=remedy)) from None
    return made


def _list_tables(
    recording: Recording, populations: Names, neurons: Neurons, channels: Names, start: Time | None, stop: Time | None
) -> Iterator[Table]:
    """Yield the tables that hold some of what is asked for; all of them are checked before one is written."""
    selection = select_neurons(recording.network, populations, neurons)
    window: dict[str, Any] = {"start": start, "stop": stop}
    for name, trains in recording.spikes.items():
        held = _held(selection, neurons_of_populations(recording.network, trains.populations))
        if held is not None:
            yield Table(name, SPIKE_COLUMNS, iterate_spikes(recording, recorder=name, **held, **window))
    yield from _list_currents(recording, selection, channels, window)
    for name, reader in recording.readers_of("states").items():
        held = _held(selection, neurons_of_reader(reader))
        if held is not None:
            frames = iterate_states(recording, recorder=name, memory_mb=_PART_MB, **held, **window)
            yield Table(name, state_columns(reader.units, str(reader.dtype)), frames)
    yield from _list_rates(recording, selection, window)
    if recording.inputs:
        # A recorder may have this name, too; no recorder's name has a hyphen.
        name = "inputs" if "inputs" not in recording.recorders else "drive-inputs"
        yield Table(name, INPUT_COLUMNS, iter([tabulate_inputs(recording, **window)]))


def _held(selection: NeuronSelection, recorded: NDArray[np.int32]) -> dict[str, Any] | None:
    """Return arguments that select those of the recorded neurons that are asked for, or None when there are none."""
    if selection.is_all:
        return {}
    held = selection.within(recorded)
    return {"neurons": held} if held.size else None


def _list_currents(
    recording: Recording, selection: NeuronSelection, channels: Names, window: dict[str, Any]
) -> Iterator[Table]:
    readers = recording.readers_of("currents")
    recorded = {variable for reader in readers.values() for variable in reader.variables()}
    known = [channel.name for channel in recording.network.channels if channel.name in recorded]
    chosen = select_names("channels", "recorded channel", channels, known)
    for name, reader in readers.items():
        held = _held(selection, reader.neurons("v"))
        if held is not None:
            shown = [channel for channel in chosen if channel in reader.variables()]
            frames = iterate_currents(recording, recorder=name, channels=shown, memory_mb=_PART_MB, **held, **window)
            yield Table(name, current_columns(shown, str(reader.dtype)), frames)


def _list_rates(recording: Recording, selection: NeuronSelection, window: dict[str, Any]) -> Iterator[Table]:
    for name, counts in recording.rates.items():
        asked = [p for p in counts.populations if selection.populations is None or p in selection.populations]
        if asked:
            length_s = step_time(counts.steps_per_bin, recording.dt_s)
            frame = tabulate_rates(recording, length_s, populations=asked, recorder=name, **window)
            yield Table(name, RATE_COLUMNS, iter([frame]))


def _copy_manifest(run: Run, part: Part | None) -> bytes:
    """Return a run's manifest; of a part, with its true status, which a run that was killed could not write itself."""
    return run.folder.manifest.read_bytes() if part is None else _to_json(run.manifest | {"partial": part.to_json()})


def _to_json(content: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(content, indent=1, ensure_ascii=False)}\n".encode()


def _describe_columns(run: Run, tables: list[Table], format: str, part: Part | None) -> bytes:
    described = {
        table.name: {
            "file": f"{table.name}.{format}",
            "columns": {name: asdict(column) for name, column in table.columns.items()},
        }
        for table in tables
    }
    partial = {} if part is None else {"partial": part.to_json()}
    return _to_json({"version": COLUMNS_VERSION, "run": str(run.path), **partial, "tables": described})


def _write_bytes(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def _write_parquet(table: Table, file: IO[bytes]) -> None:
    values = [name for name, column in table.columns.items() if column.dtype.startswith("float") and name != "time"]
    first = next(table.frames)
    schema = _schema(first, table.columns)
    writer = pa.parquet.ParquetWriter(
        file,
        schema,
        compression="zstd",
        use_dictionary=[name for name in table.columns if name not in values],
        use_byte_stream_split=values,
    )
    with writer:
        for frame in chain([first], table.frames):
            part = pa.Table.from_pandas(frame, preserve_index=False)
            writer.write_table(part, row_group_size=max(1, len(frame)))


def _schema(frame: pd.DataFrame, columns: Mapping[str, Column]) -> pa.Schema:
    """Return the schema of a table, with unit and meaning in the metadata of each field."""
    schema = pa.Schema.from_pandas(frame, preserve_index=False)
    fields = [
        field.with_metadata({"unit": columns[field.name].unit, "meaning": columns[field.name].meaning})
        for field in schema
    ]
    # The schema's own metadata hold what pandas needs to give back categories and `attrs`.
    return pa.schema(fields, metadata=schema.metadata)


def _write_csv(table: Table, file: IO[bytes]) -> None:
    """Write comma-separated values: numbers as the shortest text that reads back the same, NaN as nothing."""
    file.write((",".join(table.columns) + "\n").encode())
    options = pa.csv.WriteOptions(include_header=False, quoting_style="none", batch_size=1 << 16)
    for frame in table.frames:
        part = pa.Table.from_pandas(frame, preserve_index=False)
        fields = [pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in part.schema]
        pa.csv.write_csv(part.cast(pa.schema(fields)), file, options)


_WRITERS: dict[str, Callable[[Table, IO[bytes]], None]] = {"parquet": _write_parquet, "csv": _write_csv}
