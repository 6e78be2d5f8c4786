"""The files that a model names, copied into the run's folder, so that the run can be understood without the model's."""

import shutil
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from models.files import to_tables
from models.spec import NetworkSpec
from pipeline.run_folder import RunFolder

_FOLDER = "files"
_KEYS = ("file", "pairs", "matrix")
_ENDINGS = (".npy", ".csv", ".parquet")


def copy_input_files(spec: NetworkSpec, folder: RunFolder) -> NetworkSpec:
    """Copy every file that a spec names into a run's folder.

    Returns
    -------
    NetworkSpec
        The same network, naming the copies.
    """
    names = dict.fromkeys(table[key] for table, key in _find_names(to_tables(spec)))
    if not names:
        return spec
    (folder.path / _FOLDER).mkdir()
    copies = {name: f"{_FOLDER}/{i_file}_{PurePath(name).name}" for i_file, name in enumerate(names)}
    for name, copy in copies.items():
        shutil.copyfile(spec.folder.resolve() / name, folder.path / copy)
    tables = to_tables(spec)
    for table, key in _find_names(tables):
        table[key] = copies[table[key]]
    return NetworkSpec.model_validate(tables).with_origin(folder.path, spec.notes)


def _find_names(item: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the tables that name a file, each with the key; a quantity never ends like a file's name."""
    if isinstance(item, dict):
        yield from ((item, key) for key in _KEYS if str(item.get(key, "")).endswith(_ENDINGS))
    for part in item.values() if isinstance(item, dict) else item if isinstance(item, list) else ():
        yield from _find_names(part)
