"""`recording.json`: which recorders and arrays a recording has, of which shapes and in which files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, Field, ValidationError, model_validator

from models.errors import Problem
from models.spec_errors import translate_errors
from models.values import fail
from pipeline.chunks import TILE_COLUMNS, plan_chunk_rows
from pipeline.errors import RecordingError

VERSION = 2
"""Of the layout of `recording/`; version 1 is the same without numbers of events, and is read, too."""
SPIKE_ROWS = 65536
"""Spikes per chunk: some 800 kB, so that even a long silent run has little to lose and a busy one few files."""


type NumbersType = Literal["uint8", "uint16"]


class ChunksEntry(BaseModel):
    """A stream of chunks (docs/recording-format.md)."""

    folder: str
    rows: Annotated[int, Field(ge=1)]
    """Rows of a full chunk."""
    tile_columns: Annotated[int, Field(ge=1)] = 1
    """Of currents and states; the sections of other recorders are one tile each, whatever this says."""


class NumbersEntry(BaseModel):
    """Numbers of events in place of values: each value is weight · number · scale + 0, in float64, then rounded."""

    dtype: NumbersType
    factors: str
    """File of (2, n_neurons) float64: what an event weighs, and what makes a mean current of the sum of a bin."""


class ArrayEntry(BaseModel):
    """One variable of a recorder; file names are relative to `recording/`."""

    layout: Literal["raw", "chunks"]
    file: str = ""
    """In layout "raw"; of the others, the recorder says which chunks."""
    offset_bytes: Annotated[int, Field(ge=0)] = 0
    neurons: str
    unit: str = ""
    numbers: NumbersEntry | None = None
    """In layout "chunks"."""


class BinnedEntry(BaseModel):
    """A recorder of currents or states."""

    kind: Literal["currents", "states"]
    steps_per_bin: Annotated[int, Field(ge=1)]
    n_bins: Annotated[int, Field(ge=0)]
    dtype: Literal["float32", "float64"]
    chunks: ChunksEntry | None = None
    """A row per bin, and a section per array, in their order."""
    arrays: dict[str, ArrayEntry]

    @model_validator(mode="after")
    def _check_layouts(self) -> Self:
        layout = "chunks" if self.chunks else "raw"
        for name, array in self.arrays.items():
            if array.layout != layout:
                has = "chunks" if self.chunks else "no chunks"
                raise fail(f"has {has}, unlike its array {name}", expected=f'"{layout}"', got=f'"{array.layout}"')
            if layout == "raw" and not array.file:
                raise fail(f"does not say in which file its array {name} is")
            if layout == "raw" and array.numbers:
                raise fail(f"has no chunks, and yet numbers of events in its array {name}")
        return self

    def stored_type(self, array: str) -> np.dtype[Any]:
        """Return the type of the items of an array: that of its values, or of numbers of events."""
        numbers = self.arrays[array].numbers
        return np.dtype(numbers.dtype if numbers else self.dtype)


class SpikesEntry(BaseModel):
    """A recorder of spikes, in two files or in chunks with the sections `step` and `neuron`."""

    kind: Literal["spikes"]
    step: str = ""
    neuron: str = ""
    chunks: ChunksEntry | None = None

    @model_validator(mode="after")
    def _check_place(self) -> Self:
        return _check_place(self, self.chunks, "step", "neuron")


class RatesEntry(BaseModel):
    """A recorder of rates, in one file or in chunks with one section."""

    kind: Literal["rates"]
    steps_per_bin: Annotated[int, Field(ge=1)]
    n_bins: Annotated[int, Field(ge=0)]
    populations: list[str]
    counts: str = ""
    chunks: ChunksEntry | None = None

    @model_validator(mode="after")
    def _check_place(self) -> Self:
        return _check_place(self, self.chunks, "counts")


class InputEntry(BaseModel):
    """The spikes of a drive's sources, in two files or in chunks with the sections `step` and `source`."""

    step: str = ""
    source: str = ""
    chunks: ChunksEntry | None = None

    @model_validator(mode="after")
    def _check_place(self) -> Self:
        return _check_place(self, self.chunks, "step", "source")


def _check_place[E: BaseModel](entry: E, chunks: ChunksEntry | None, *files: str) -> E:
    """Refuse an entry that says neither in which chunks nor in which files it is, or both."""
    given = [file for file in files if getattr(entry, file)]
    if len(given) != (0 if chunks else len(files)):
        got = ", ".join((["chunks"] if chunks else []) + given) or "neither"
        raise fail("does not say, once, where it is", expected=f"chunks, or {' and '.join(files)}", got=got)
    return entry


class Index(BaseModel):
    """All of `recording.json`."""

    version: int
    dt_s: float
    n_steps: Annotated[int, Field(ge=1)]
    recorders: dict[str, Annotated[BinnedEntry | SpikesEntry | RatesEntry, Field(discriminator="kind")]]
    inputs: dict[str, InputEntry] = {}


def list_columns(index: Index) -> list[str]:
    """Return the names of the files that say what the columns of arrays are, relative to `recording/`."""
    binned = [recorder for recorder in index.recorders.values() if isinstance(recorder, BinnedEntry)]
    arrays = [array for recorder in binned for array in recorder.arrays.values()]
    return [array.neurons for array in arrays] + [array.numbers.factors for array in arrays if array.numbers]


def chunk_binned(
    kind: Literal["currents", "states"],
    steps_per_bin: int,
    n_bins: int,
    dtype: Literal["float32", "float64"],
    folder: str,
    n_neurons: Mapping[str, int],
    units: Mapping[str, str] | None = None,
    numbers: Mapping[str, NumbersType] | None = None,
) -> BinnedEntry:
    """Return the entry of a recorder of currents or states that is written in chunks.

    Parameters
    ----------
    kind, steps_per_bin, n_bins, dtype
        As in `BinnedEntry`.
    folder : str
        The recorder's, relative to `recording/`; `VARIABLE.neurons.npy` lies there, too.
    n_neurons : mapping of str to int
        Recorded neurons by variable, in the order in which the program has them as sections.
    units : mapping of str to str, optional
        SI unit by variable; those of currents need none.
    numbers : mapping of str to str, optional
        Type of the numbers of events that are recorded instead of values, by variable; `VARIABLE.factors.npy` lies in
        the folder, too.
    """
    numbers = numbers or {}
    # No wider than what is recorded, so that small networks are not padded.
    width = min(TILE_COLUMNS, max(n_neurons.values(), default=1))
    sizes = {name: np.dtype(numbers.get(name, dtype)).itemsize for name in n_neurons}
    rows = plan_chunk_rows(sum(-(-n // width) * width * sizes[name] for name, n in n_neurons.items()))
    chunks = ChunksEntry(folder=folder, rows=rows, tile_columns=width)
    counted = {name: NumbersEntry(dtype=kind, factors=f"{folder}/{name}.factors.npy") for name, kind in numbers.items()}
    arrays = {
        name: ArrayEntry(
            layout="chunks",
            neurons=f"{folder}/{name}.neurons.npy",
            unit=(units or {}).get(name, ""),
            numbers=counted.get(name),
        )
        for name in n_neurons
    }
    return BinnedEntry(kind=kind, steps_per_bin=steps_per_bin, n_bins=n_bins, dtype=dtype, chunks=chunks, arrays=arrays)


def chunk_spikes(folder: str) -> SpikesEntry:
    """Return the entry of a recorder of spikes that is written in chunks."""
    return SpikesEntry(kind="spikes", chunks=ChunksEntry(folder=folder, rows=SPIKE_ROWS))


def chunk_rates(folder: str, steps_per_bin: int, n_bins: int, populations: list[str]) -> RatesEntry:
    """Return the entry of a recorder of rates that is written in chunks."""
    chunks = ChunksEntry(folder=folder, rows=plan_chunk_rows(8 * len(populations)))
    return RatesEntry(kind="rates", steps_per_bin=steps_per_bin, n_bins=n_bins, populations=populations, chunks=chunks)


def chunk_input(folder: str) -> InputEntry:
    """Return the entry of a drive whose sources' spikes are written in chunks."""
    return InputEntry(chunks=ChunksEntry(folder=folder, rows=SPIKE_ROWS))


def write_index(index: Index) -> str:
    """Return the text of `recording.json`."""
    return index.model_dump_json(indent=1, exclude_defaults=True)


def read_index(path: Path) -> Index:
    """Return the index of a recording; raise `RecordingError` when it is missing, damaged or of another version."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        cause = "the run was stopped before it recorded anything, or the file was deleted"
        raise RecordingError(Problem(str(path), "is missing", likely_cause=cause)) from None
    except (OSError, ValueError) as error:
        raise RecordingError(Problem(str(path), "cannot be read as JSON", evidence=str(error))) from None
    version = raw.get("version") if isinstance(raw, dict) else None
    if version not in (1, VERSION):
        next_ = "load it with the version of this package that wrote it"
        expected = f"version 1 or {VERSION}"
        problem = Problem(str(path), "is of another version", expected, f"version {version}", next=next_)
        raise RecordingError(problem)
    try:
        return Index.model_validate(raw)
    except ValidationError as error:
        # The third part of a recorder's location is its kind, which is not a key of the file.
        lines = [line | {"loc": _drop_kind(line["loc"])} for line in error.errors()]
        problems = translate_errors(lines)
        raise RecordingError(*(problem.within(str(path)) for problem in problems)) from None


def _drop_kind(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    return location[:2] + location[3:] if location[0] == "recorders" else location
