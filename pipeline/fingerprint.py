"""The run fingerprint: equal for runs that give the same numbers, and different for all others.

Two fingerprints identify a run. That of its *build* says which program runs (`emit.fingerprint_sources`); that of the
*run* says which numbers come out: every number and text of the model with settings applied, the contents of the files
that it names, seed, steps, device, and the sources of this package and versions of those that numbers depend on.

Neither how a model file is written nor what it is called counts: comments, the order of keys, units (`0.2 mV` is
`200 uV`), names of files, `network.name` and `network.description`. Compiler and machine do not either, since results
are the same bits. The order of populations, pathways, drives and recorders does count: it numbers neurons, and decides
in which order currents are added.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from models.quantities import Quantity, parse_any_quantity
from models.spec import Connect, LayersTable, NetworkSpec, NetworkTable, SpikeFileDrive
from models.values import ArrayFile, Normal, Series, Uniform, Values
from pipeline.sources import NUMBERS, hash_sources, list_versions

_PACKAGES = ("brian2", "numpy", "mpmath")
"""Whose versions numbers may depend on: one writes the C++, the others compute what the program reads."""
_LABELS: dict[type[BaseModel], frozenset[str]] = {NetworkTable: frozenset({"name", "description", "duration"})}
"""Keys that change no number; the duration counts as the number of steps, which may be asked for otherwise."""
_ORDERED: dict[type[BaseModel], frozenset[str]] = {
    NetworkSpec: frozenset({"pathway", "drive", "record"}),
    LayersTable: frozenset({"population"}),
}
"""Keys of tables whose order counts."""


def fingerprint_run(spec: NetworkSpec, *, seed: int, n_steps: int, device: str) -> str:
    """Return the fingerprint of a run.

    Parameters
    ----------
    spec : NetworkSpec
        With settings applied; the files that it names are read.
    seed, n_steps : int
        The run's.
    device : str

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    model = describe_numbers(spec, spec.folder)
    parts = [model, seed, n_steps, device, hash_sources(NUMBERS), list_versions(_PACKAGES)]
    return hash_parts(parts)


def hash_parts(parts: object) -> str:
    """Return a hash of what JSON can write; tables are the same in any order of their keys."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def describe_numbers(item: Any, folder: Path) -> Any:
    """Return what JSON can write and is equal for all ways of writing the same numbers.

    Parameters
    ----------
    item : any part of a spec
    folder : Path
        What file names are relative to.
    """
    match item:
        case BaseModel():
            return _describe_table(item, folder)
        case Quantity():
            return [_describe_number(item.value), _dimension(item.text)]
        case Uniform(low, high):
            return ["uniform", describe_numbers(low, folder), describe_numbers(high, folder)]
        case Normal(mean, sd):
            return ["normal", describe_numbers(mean, folder), describe_numbers(sd, folder)]
        case Values():
            return ["values", describe_numbers(item.si, folder), _dimension_of_values(item)]
        case ArrayFile():
            contents = hash_file(folder.resolve() / item.file)
            return ["file", contents, _describe_number(item.scale), _dimension(f"1 {item.unit or ''}")]
        case Series(values, interval):
            return ["series", describe_numbers(values, folder), describe_numbers(interval, folder)]
        case Mapping():
            return {str(key): describe_numbers(value, folder) for key, value in item.items()}
        case list() | tuple():
            return [describe_numbers(part, folder) for part in item]
        case float():
            return _describe_number(item)
        case _:
            return item


def _describe_table(table: BaseModel, folder: Path) -> Any:
    kind = type(table)
    fields: dict[str, Any] = {}
    for name in kind.model_fields:
        value = getattr(table, name)
        if name in _LABELS.get(kind, ()):
            continue
        if name == "file" and isinstance(table, Connect | SpikeFileDrive) and value is not None:
            fields[name] = [Path(value).suffix, hash_file(folder.resolve() / value)]
        elif name in _ORDERED.get(kind, ()):
            fields[name] = [[key, describe_numbers(part, folder)] for key, part in value.items()]
        else:
            fields[name] = describe_numbers(value, folder)
    return fields


def _describe_number(value: float) -> str:
    return float(value).hex()


def _dimension(text: str) -> list[float]:
    # + 0: a power of -0 is one of 0.
    return [power + 0.0 for power in parse_any_quantity(text)[1]]


def _dimension_of_values(values: Values) -> list[float]:
    first = values.rows[0][0] if isinstance(values.rows[0], tuple) else values.rows[0]
    return _dimension(f"1 {values.unit}" if values.unit is not None else str(first))


def hash_file(path: Path) -> str:
    """Return a hash of a file's contents."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
