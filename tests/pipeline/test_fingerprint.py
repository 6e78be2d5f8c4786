"""The run fingerprint: every number of a model is part of it, and no way of writing it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models import NetworkSpec, load_network
from models.files import NETWORKS, list_networks, parse_model, to_tables
from pipeline import sources
from pipeline.fingerprint import fingerprint_run
from pipeline.sources import NUMBERS, PROGRAM, hash_sources, list_sources

ROOT = Path(__file__).parents[2]


def fingerprint(spec: NetworkSpec, *, seed: int = 1, n_steps: int = 1000, device: str = "engine") -> str:
    """Return the fingerprint of a run."""
    return fingerprint_run(spec, seed=seed, n_steps=n_steps, device=device)


def list_numbers(item: Any, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield the place of each number and quantity of a model's tables, with another value for it."""
    if isinstance(item, dict | list):
        pairs = item.items() if isinstance(item, dict) else enumerate(item)
        for key, part in pairs:
            yield from list_numbers(part, f"{path}.{key}" if path else str(key))
    elif isinstance(item, bool):
        return
    elif isinstance(item, int):
        yield path, item + 1
    elif isinstance(item, float):
        yield path, 0.5 * item or 0.5
    elif isinstance(item, str) and item[:1].isdigit():
        number, _, unit = item.partition(" ")
        yield path, f"{1.01 * float(number) or 1.0!r} {unit}".strip()


def change_at(tables: Any, place: str, value: object) -> Any:
    """Return tables with another value at one place."""
    key, _, rest = place.partition(".")
    if isinstance(tables, list):
        index = int(key)
        return [*tables[:index], change_at(tables[index], rest, value) if rest else value, *tables[index + 1 :]]
    return tables | {key: change_at(tables[key], rest, value) if rest else value}


@pytest.mark.parametrize("model", ["hierarchy", "mixed", "steady", "small_hierarchy", "rules"])
def test_every_number_is_part_of_it(model: str, networks: Path) -> None:
    """Each number alone: another value, another fingerprint; but for the duration, which counts as steps."""
    path = NETWORKS / f"{model}.toml" if model in list_networks() else networks / f"{model}.toml"
    spec = load_network(path)
    tables = to_tables(spec)
    found = {fingerprint(spec): "nothing"}
    numbers = [(place, value) for place, value in list_numbers(tables) if place != "network.duration"]
    assert len(numbers) > 15
    for place, value in numbers:
        changed = NetworkSpec.model_validate(change_at(tables, place, value)).with_origin(spec.folder)
        new = fingerprint(changed)
        assert new not in found, f"{place} gives the fingerprint of {found.get(new)}"
        found[new] = place


MODEL = """
[network]
name = "one"
dt = "0.1 ms"
duration = "10 ms"

[neuron.lif]
model = "lif"
tau_m = "20 ms"
v_threshold = "20 mV"
v_reset = "10 mV"

[layers.population.E]
size = 10
neuron = "lif"

[pathway.a]
source = "E"
target = "E"
polarity = "excitatory"
kinetics = "delta"
weight = "0.2 mV"
connect = { pairs = "pairs.csv" }

[pathway.b]
source = "E"
target = "E"
polarity = "excitatory"
kinetics = "delta"
weight = "0.2 mV"
connect = "all_to_all"
"""
WRITTEN: dict[str, tuple[str, str]] = {
    "a comment": ("[network]", "# what it is\n[network]"),
    "white space": ('dt = "0.1 ms"', 'dt     =   "0.1 ms"'),
    "the order of keys": ('tau_m = "20 ms"\nv_threshold = "20 mV"', 'v_threshold = "20 mV"\ntau_m = "20 ms"'),
    "a unit": ('tau_m = "20 ms"', 'tau_m = "0.02 s"'),
    "a number": ('tau_m = "20 ms"', 'tau_m = "20.0 ms"'),
    "a default": ('v_reset = "10 mV"', 'v_reset = "10 mV"\nrefractory = "0 ms"'),
    "its name": ('name = "one"', 'name = "other"'),
    "its description": ('name = "one"', 'name = "one"\ndescription = "more"'),
    "its own duration": ('duration = "10 ms"', 'duration = "20 ms"'),
    "a list of one": ('source = "E"', 'source = ["E"]'),
    "the name of a file": ("pairs.csv", "same.csv"),
}
OTHER: dict[str, tuple[str, str]] = {
    "the order of pathways": ("[pathway.a]", "[pathway.c]"),
    "the contents of a file": ("pairs.csv", "others.csv"),
    "the name of a pathway": ("[pathway.b]", "[pathway.x]"),
    "kinetics": ('kinetics = "delta"', 'kinetics = "exponential"\ntau = "5 ms"'),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of the model, with two equal files and another one."""
    for name, text in (("pairs", "0,1\n2,3\n"), ("same", "0,1\n2,3\n"), ("others", "0,1\n2,4\n")):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


@pytest.mark.parametrize("what", WRITTEN)
def test_how_a_model_is_written_is_no_part_of_it(folder: Path, what: str) -> None:
    """The same numbers in other words."""
    before, after = WRITTEN[what]
    assert before in MODEL
    assert fingerprint(parse_model(MODEL.replace(before, after), folder)) == fingerprint(parse_model(MODEL, folder))


@pytest.mark.parametrize("what", OTHER)
def test_what_decides_about_numbers_is_part_of_it(folder: Path, what: str) -> None:
    """Names key the random numbers, and the order of channels is that in which they are added."""
    before, after = OTHER[what]
    assert before in MODEL
    assert fingerprint(parse_model(MODEL.replace(before, after, 1), folder)) != fingerprint(parse_model(MODEL, folder))


def test_swapped_pathways_are_another_run(folder: Path) -> None:
    """They are added in the order of the file: floating point numbers do not add up to the same in any order."""
    head, a, b = MODEL.partition("[pathway.a]")[0], *MODEL.split("[pathway.")[1:]
    swapped = f"{head}[pathway.{b}[pathway.{a}"
    assert fingerprint(parse_model(swapped, folder)) != fingerprint(parse_model(MODEL, folder))


def test_settings_count_as_if_they_stood_in_the_file(folder: Path) -> None:
    """A setting and an edit that say the same are the same."""
    edited = MODEL.replace('tau_m = "20 ms"', 'tau_m = "21 ms"')
    setting = {"neuron.lif.tau_m": "21 ms"}
    assert fingerprint(parse_model(edited, folder)) == fingerprint(parse_model(MODEL, folder, settings=setting))


def test_seed_steps_and_device_are_part_of_it() -> None:
    """Each makes another run of one model."""
    spec = load_network("ei_layer")
    prints = [
        fingerprint(spec),
        fingerprint(spec, seed=2),
        fingerprint(spec, n_steps=2000),
        fingerprint(spec, device="reference"),
    ]
    assert len(set(prints)) == 4
    assert all(len(text) == 16 and int(text, 16) >= 0 for text in prints)


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let the hashed sources be those of a copy of the packages, which may be changed."""
    for name in ("models", "pipeline"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(sources, "_ROOT", tmp_path)
    hash_sources.cache_clear()
    yield tmp_path
    hash_sources.cache_clear()


@pytest.mark.parametrize("place", ["models/poisson.py", "pipeline/engine/include/row_table.h", "models/units.txt"])
def test_a_changed_source_makes_all_runs_new(copied: Path, place: str) -> None:
    """After a bug fix, no result from before it is found."""
    spec = load_network("ei_layer")
    before = fingerprint(spec)
    with (copied / place).open("a") as file:
        file.write("\n// changed\n")
    hash_sources.cache_clear()
    assert fingerprint(spec) != before


def test_hashed_sources_exist() -> None:
    """Each place that is named holds source files, and no bytecode."""
    for place in {*NUMBERS, *PROGRAM, *sources.EDGES}:
        found = list_sources(ROOT, (place,))
        assert found, place
        assert not [path for path in found if "__pycache__" in path.parts]
