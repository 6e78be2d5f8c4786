"""`recording.json`: which recorders and arrays a recording has, of which shapes and in which files."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from models.errors import Problem
from models.spec_errors import translate_errors
from pipeline.errors import RecordingError

VERSION = 1
"""Of the layout of `recording/`."""


class ArrayEntry(BaseModel):
    """One variable of a recorder, in layout "raw"; file names are relative to `recording/`."""

    layout: Literal["raw"]
    file: str
    offset_bytes: Annotated[int, Field(ge=0)] = 0
    neurons: str
    unit: str = ""


class BinnedEntry(BaseModel):
    """A recorder of currents or states."""

    kind: Literal["currents", "states"]
    steps_per_bin: Annotated[int, Field(ge=1)]
    n_bins: Annotated[int, Field(ge=0)]
    dtype: Literal["float32", "float64"]
    arrays: dict[str, ArrayEntry]


class SpikesEntry(BaseModel):
    """A recorder of spikes."""

    kind: Literal["spikes"]
    step: str
    neuron: str


class RatesEntry(BaseModel):
    """A recorder of rates."""

    kind: Literal["rates"]
    steps_per_bin: Annotated[int, Field(ge=1)]
    n_bins: Annotated[int, Field(ge=0)]
    populations: list[str]
    counts: str


class InputEntry(BaseModel):
    """The spikes of a drive's sources."""

    step: str
    source: str


class Index(BaseModel):
    """All of `recording.json`."""

    version: int
    dt_s: float
    n_steps: Annotated[int, Field(ge=1)]
    recorders: dict[str, Annotated[BinnedEntry | SpikesEntry | RatesEntry, Field(discriminator="kind")]]
    inputs: dict[str, InputEntry] = {}


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
    if version != VERSION:
        next_ = "load it with the version of this package that wrote it"
        problem = Problem(str(path), "is of another version", f"version {VERSION}", f"version {version}", next=next_)
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
