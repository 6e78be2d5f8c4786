"""`origin.json`: what a recording was made with, and the checksums of those of its files that have none of their own.

The last member of the file is the checksum of all bytes before it, so that a seed that was damaged is none.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Literal

from crc32c import crc32c
from pydantic import BaseModel, Field, ValidationError

from models.errors import Problem
from models.spec_errors import translate_errors
from pipeline.atomic import write_atomically
from pipeline.checksums import checksum_file, find_damage
from pipeline.errors import RecordingError
from pipeline.run_folder import RunFolder

_MARK = b', "checksum": '


class Origin(BaseModel):
    """All of `origin.json`, which recordings of earlier versions do not have."""

    version: Literal[1]
    seed: Annotated[int, Field(ge=0)]
    dt_s: float
    n_steps: Annotated[int, Field(ge=1)]
    files: dict[str, tuple[int, int]]
    """Size in bytes and CRC-32C of each file, by its name relative to `recording/`."""


def write_origin(folder: RunFolder, *, seed: int, dt_s: float, n_steps: int) -> None:
    """Write what a recording was made with, and the checksums of all files that it has so far."""
    paths = sorted(p for p in folder.recording.rglob("*") if p.is_file() and p != folder.recording_origin)
    files = {path.relative_to(folder.recording).as_posix(): checksum_file(path) for path in paths}
    origin = Origin(version=1, seed=seed, dt_s=dt_s, n_steps=n_steps, files=files)
    text = json.dumps(origin.model_dump()).removesuffix("}").encode()
    write_atomically(folder.recording_origin, text + _MARK + b"%d}\n" % crc32c(text))


def read_origin(folder: RunFolder) -> Origin | None:
    """Return what a recording was made with; None when it does not say.

    Raises
    ------
    RecordingError
        If that is damaged, or of another version.
    """
    path, next_ = folder.recording_origin, f'load what there is with: load_run("{folder.path}", partial=True)'
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordingError(Problem(str(path), "cannot be read", evidence=error.strerror, next=next_)) from None
    text, _, checksum = content.rpartition(_MARK)
    if checksum != b"%d}\n" % crc32c(text):
        raise RecordingError(Problem(str(path), "is damaged: its checksum is wrong", next=next_))
    try:
        return Origin.model_validate_json(text + b"}")
    except ValidationError as error:
        problems = [replace(problem.within(str(path)), next=next_) for problem in translate_errors(error.errors())]
        raise RecordingError(*problems) from None


def refuse_damage(folder: RunFolder, origin: Origin | None, names: Iterable[str] | None = None) -> None:
    """Raise `RecordingError` for files that are there, but not as they were written; of all when no names are given.

    Names are relative to `recording/`.
    """
    listed = {} if origin is None else origin.files
    known = {folder.recording / name: listed[name] for name in (listed if names is None else names) if name in listed}
    found = [find_damage(path, expected, missing_ok=True) for path, expected in known.items()]
    if problems := [problem for problem in found if problem is not None]:
        raise RecordingError(*problems)
