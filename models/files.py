"""Model files: found by name or path, read with settings applied, written back."""

import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from pydantic import ValidationError

from models.checks import check_spec
from models.errors import Problem, SpecError, list_choices, suggest_spelling
from models.notes import note_network
from models.quantities import show_value
from models.repair import check_sound_parts
from models.spec import NetworkSpec, NetworkTable
from models.spec_errors import translate_errors

NETWORKS = Path(__file__).parent / "networks"
"""Folder of the shipped networks."""
_MAX_BYTES = 64 * 2**20
"""Size of the largest model file: what is larger is no model file, or has numbers that belong into arrays."""


def list_networks() -> dict[str, Path]:
    """Return the shipped networks' files by name."""
    return {path.stem: path for path in sorted(NETWORKS.glob("*.toml"))}


def read_description(path: Path) -> str:
    """Return the one line that a shipped network says of itself, without checking the file."""
    return str(tomllib.loads(path.read_text(encoding="utf-8"))["network"].get("description", ""))


def load_network(model: str | Path | NetworkSpec, settings: Mapping[str, object] | None = None) -> NetworkSpec:
    """Return a checked network.

    Parameters
    ----------
    model : str, Path or NetworkSpec
        A shipped network's name, a path to a model file, or a spec (to apply `settings` to).
    settings : mapping of str to object, optional
        Values by path, such as `{"drive.background.rate": "12 Hz"}`.

    Raises
    ------
    SpecError
        If the file cannot be read, or for everything that is wrong in it, all together.
    """
    if isinstance(model, NetworkSpec):
        return _build_spec(to_tables(model), model.folder, model.network.name, settings or {}, _keep_notes(model))
    path = find_model(model)
    return parse_model(_read_text(path), path.resolve().parent, str(model), settings)


def parse_model(
    text: str, folder: Path, place: str = "model", settings: Mapping[str, object] | None = None
) -> NetworkSpec:
    """Return a checked network from the text of a model file.

    Parameters
    ----------
    text : str
        TOML.
    folder : Path
        What file names in it are relative to.
    place : str
        What errors call the model.
    settings : mapping of str to object, optional
        As for `load_network`.

    Raises
    ------
    SpecError
        If the text is not TOML, or for everything that is wrong in it, all together.
    """
    if not text.strip():
        raise SpecError(Problem(place, "is empty", next="see a shipped network for an example: currents list"))
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # plain ValueError: numbers of thousands of digits
        raise SpecError(Problem(place, "is not a TOML file", evidence=str(error))) from None
    return _build_spec(tables, folder, place, settings or {})


def _keep_notes(spec: NetworkSpec) -> tuple[str, ...]:
    """Return the notes on settings that were applied before; those on the network itself may no longer hold."""
    try:
        own = note_network(spec)
    except SpecError:  # a file is gone, which is reported when the spec is checked
        return spec.notes
    return tuple(note for note in spec.notes if note not in own)


def find_model(model: str | Path) -> Path:
    """Return the file of a shipped network or of a path; raise `SpecError` when there is none."""
    shipped = list_networks()
    if str(model) in shipped:
        return shipped[str(model)]
    path = Path(model)
    try:
        found, is_folder = path.is_file(), path.is_dir()
    except OSError:  # a name too long, a folder that may not be entered
        found, is_folder = False, False
    if found:
        return path
    near = suggest_spelling(path.stem, shipped)
    what = "is a folder, not a model file" if is_folder else "is neither a shipped network nor a file"
    expected = show_value(near) if near else None
    raise SpecError(Problem(str(model), what, expected, next="list the networks with: currents list"))


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            what, remedy = "is too large for a model file", "put long lists of numbers into .npy files"
            got = f"{path.stat().st_size / 2**20:.0f} MiB"
            raise SpecError(Problem(str(path), what, f"at most {_MAX_BYTES >> 20} MiB", got, next=remedy))
        return path.read_text(encoding="utf-8-sig")  # some editors put a byte order mark first
    except UnicodeDecodeError as error:
        what, remedy = "is not text in UTF-8, which TOML is", "save it in UTF-8"
        raise SpecError(Problem(str(path), what, evidence=str(error), next=remedy)) from None
    except OSError as error:
        raise SpecError(Problem(str(path), "cannot be read", evidence=str(error))) from None


def _build_spec(
    tables: dict[str, Any], folder: Path, place: str, settings: Mapping[str, object], notes: tuple[str, ...] = ()
) -> NetworkSpec:
    tables, new_notes, problems = apply_settings(tables, settings)
    if problems:
        raise SpecError(*problems)
    try:
        spec = NetworkSpec.model_validate(tables).with_origin(folder)
    except ValidationError as error:
        found = translate_errors(error.errors()) + check_sound_parts(tables, error.errors(), folder)
    else:
        found = check_spec(spec)
    if found:
        raise SpecError(*(problem.within(place) for problem in found))
    return spec.with_origin(folder, (*notes, *new_notes, *note_network(spec)))


def apply_settings(
    tables: Mapping[str, Any], settings: Mapping[str, object]
) -> tuple[dict[str, Any], list[str], list[Problem]]:
    """Return the tables with settings applied, notes on what they leave alone, and settings that reach nothing.

    A setting reaches a key that the file has, or one that its table could have; whether the key exists at all and the
    value fits it is found when the tables are validated.
    """
    changed = deepcopy(dict(tables))
    problems = [
        problem
        for path, value in settings.items()
        if (problem := _apply_setting(changed, path, _read_setting(value))) is not None
    ]
    notes = [note for path in settings for note in _note_exceptions(changed, path, settings)] if not problems else []
    return changed, notes, problems


def _read_setting(value: object) -> object:
    """Return a setting's value: TOML where it is that (`12`, `{ uniform = […] }`), else the text itself (`0.2 mV`)."""
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, str):
        return value
    try:
        tables = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):
        return value
    return tables["value"] if len(tables) == 1 else value


def _apply_setting(tables: dict[str, Any], path: str, value: object) -> Problem | None:
    *parents, last = path.split(".")
    place: Any = tables
    if not parents and last not in NetworkSpec.model_fields:
        return _unknown_path(path, last, tables, tables)
    if not parents and value and isinstance(value, Mapping) and tables.get(last):
        what = f"would replace all of [{last}], and not only what it names"
        return Problem(f"--set {path}", what, f'paths, such as "{last}.{_spell_path(tables[last], value)}"')
    for i_part, part in enumerate(parents):
        if _may_add(place, parents[:i_part], part):
            place[part] = {}
        if not _has(place, part):
            return _unknown_path(path, part, place, tables if i_part == 0 else {})
        place = _enter(place, part)
    if isinstance(place, dict):
        place[last] = value
    elif _has(place, last):
        place[int(last)] = value
    else:
        return _unknown_path(path, last, place, {})
    return None


def _spell_path(place: object, value: Mapping[str, object]) -> str:
    """Return the path of the first value in tables that are written within each other; a distribution is a value."""
    key, inner = next(iter(value.items()))
    there = place.get(key) if isinstance(place, Mapping) else None
    within = isinstance(there, Mapping) and isinstance(inner, Mapping) and next(iter(inner), None) in there
    return f"{key}.{_spell_path(there, inner)}" if within else str(key)  # type: ignore[arg-type]


def _may_add(place: object, parents: list[str], part: str) -> bool:
    """Return whether a path may name a table that is not there yet: an exception for a layer."""
    return isinstance(place, dict) and part not in place and (part == "layer" or parents[-1:] == ["layer"])


def _has(place: object, part: str) -> bool:
    if isinstance(place, list):
        return part.isdecimal() and int(part) < len(place)
    return isinstance(place, dict) and part in place


def _enter(place: Any, part: str) -> Any:
    return place[int(part)] if isinstance(place, list) else place[part]


_MAX_SUGGESTED = 4
_OPTIONS = ("duration", "seed", "threads", "device", "arch")
"""Of the command line, which are no settings, or have one of a similar name."""


def _unknown_path(path: str, part: str, place: object, tables: Mapping[str, Any]) -> Problem:
    if isinstance(place, list):
        expected: str | None = f"0 to {len(place) - 1}"
    else:
        near = suggest_spelling(part, place) if isinstance(place, dict) else None
        expected = _suggest_endings(path, tables) or (show_value(near) if near else _suggest_key(path, tables))
    return Problem(f"--set {path}", f'reaches nothing: there is no "{part}"', expected)


def _suggest_endings(path: str, tables: Mapping[str, Any]) -> str | None:
    """Return what may have been meant by a path that lacks its beginning."""
    found = [known for known in _list_paths(tables) if known.endswith(f".{path}")]
    shown = [show_value(known) for known in found[:_MAX_SUGGESTED]] + ["…"] * (len(found) > _MAX_SUGGESTED)
    options = [f"--{name}" for name in _OPTIONS if tables and name == path]
    return list_choices([*shown, *options]) or None


def _suggest_key(path: str, tables: Mapping[str, Any]) -> str | None:
    """Return what may have been meant by a misspelt key that lacks its beginning."""
    near = suggest_spelling(path, dict.fromkeys(known.rpartition(".")[2] for known in _list_paths(tables)))
    return _suggest_endings(near, tables) if near else None


def _list_paths(tables: Mapping[str, Any]) -> list[str]:
    """Return the path of everything in the tables of a model, and of what `[network]` may have."""
    named = [f"network.{name}" for name in NetworkTable.model_fields] if tables else []
    return list(dict.fromkeys([*_walk(tables), *named]))


def _walk(item: object) -> Iterator[str]:
    for key, inner in item.items() if isinstance(item, Mapping) else ():
        yield str(key)
        yield from (f"{key}.{path}" for path in _walk(inner))


def _note_exceptions(tables: dict[str, Any], path: str, settings: Mapping[str, object]) -> Iterator[str]:
    """Yield a note for every layer whose exception a setting, at the same key or within its value, leaves alone."""
    parts = path.split(".")
    place: Any = tables
    for i_part, part in enumerate(parts):
        exceptions = place.get("layer") if isinstance(place, dict) else None
        for layer, table in exceptions.items() if isinstance(exceptions, dict) else ():
            kept = ".".join([*parts[:i_part], "layer", str(layer), part])
            if isinstance(table, dict) and part in table and kept not in settings:
                yield f"{path}: layer {layer} keeps its own value, {show_value(table[part])} ({kept})"
        if not _has(place, part):
            return
        place = _enter(place, part)


def to_tables(spec: NetworkSpec) -> dict[str, Any]:
    """Return the tables of a model file that reads back as `spec`; defaults are left out."""
    tables: dict[str, Any] = _tidy(spec.model_dump(exclude_none=True, exclude_defaults=True))
    return tables


def _tidy(item: Any) -> Any:
    """Return nested tables with text keys, as TOML wants, and `kind` first where there is one."""
    if isinstance(item, dict):
        ordered = sorted(item.items(), key=lambda pair: pair[0] != "kind")
        return {str(key): _tidy(value) for key, value in ordered}
    return [_tidy(part) for part in item] if isinstance(item, (list, tuple)) else item


def to_toml(spec: NetworkSpec) -> str:
    """Return the text of a model file that reads back as `spec`."""
    return tomli_w.dumps(to_tables(spec))
