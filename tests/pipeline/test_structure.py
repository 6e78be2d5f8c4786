"""The structure key: what shapes a program is part of it, numbers are not; what is noted for it is read back."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from models import SpecError, load_network
from models.assembly import GroupVariables
from models.expand import expand_network
from models.groups import plan_groups
from pipeline import sources
from pipeline.build_root import BuildRoot
from pipeline.compiler import Compiler, find_compiler
from pipeline.sources import hash_sources
from pipeline.structure import Structure, key_structure, load_structure, save_structure
from tests.pipeline.engine.test_engine_builds import NUMBERS, STRUCTURE
from tests.pipeline.test_fingerprint import copied as copied

COMPILER = Compiler("g++", "g++ 12", ("-O3",), "this one")
KNOWN = Structure(
    "0123456789abcdef", {"neurons_lif": GroupVariables(("I", "v"), {"v": (2.0, 1.0, -3.0, -1.0, 0, 0, 0)})}
)


def key(model: Path, compiler: Compiler = COMPILER, seed: int = 1, settings: Mapping[str, object] | None = None) -> str:
    """Return the structure key of a model."""
    return key_structure(plan_groups(expand_network(load_network(model, settings)), seed, "engine"), compiler)


@pytest.fixture
def steady(networks: Path) -> Path:
    """Return the model that is varied."""
    return networks / "steady.toml"


@pytest.mark.parametrize("what", NUMBERS)
def test_a_number_is_no_part_of_it(steady: Path, what: str) -> None:
    """Another value leads to the same program, whatever the seed."""
    assert key(steady, seed=2, settings=NUMBERS[what]) == key(steady)


@pytest.mark.parametrize("what", STRUCTURE)
def test_structure_is_part_of_it(steady: Path, what: str) -> None:
    """What is computed differs, and the key with it."""
    assert key(steady, settings=STRUCTURE[what]) != key(steady)


@pytest.mark.parametrize(
    "compiler",
    [
        Compiler("g++", "g++ 13", ("-O3",), "this one"),
        Compiler("g++", "g++ 12", ("-O2",), "this one"),
        Compiler("g++", "g++ 12", ("-O3",), "another machine"),
    ],
    ids=["version", "flags", "machine"],
)
def test_the_compiler_is_part_of_it(steady: Path, compiler: Compiler) -> None:
    """Its version, its flags, and what `native` stands for; so a program for another machine is never taken."""
    assert key(steady, compiler) != key(steady)


def test_what_calls_the_compiler_is_no_part_of_it(steady: Path) -> None:
    """Neither its name nor ccache."""
    assert key(steady, Compiler("/usr/bin/g++", "g++ 12", ("-O3",), "this one", "ccache")) == key(steady)


@pytest.mark.parametrize(
    "place", ["pipeline/engine/templates/network.cpp", "pipeline/engine/include/group.h", "models/assembly/neurons.py"]
)
def test_a_changed_source_makes_another_program(copied: Path, steady: Path, place: str) -> None:
    """Who edits a template, a header or what writes code gets a new program."""
    before = key(steady)
    (copied / place).write_text((copied / place).read_text() + "\n")
    hash_sources.cache_clear()
    assert key(steady) != before
    assert copied == sources._ROOT


def test_a_changed_plan_makes_another_program(networks: Path) -> None:
    """One group's equations, seen through a model with equations of its own."""
    model = networks / "mixed.toml"
    reset = "v = E_L\na += 2*b"
    assert key(model, settings={"neuron.adaptive.reset": reset}) != key(model)
    assert key(model, settings={"neuron.adaptive.parameters.v_t": "13 mV"}) != key(
        model
    )  # shared by all: no array any more


def test_what_a_structure_has_become_is_read_back(tmp_path: Path) -> None:
    """The build, and what the equations declare."""
    root = BuildRoot(tmp_path)
    assert load_structure(root, "key") is None
    save_structure(root, "key", KNOWN)
    assert load_structure(root, "key") == KNOWN
    assert [path.name for path in root.structures.iterdir()] == ["key.json"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "fingerprint": "x", "groups": [1]}']
)
def test_a_damaged_note_is_none(tmp_path: Path, text: str) -> None:
    """As if the structure had not been seen."""
    root = BuildRoot(tmp_path)
    save_structure(root, "key", KNOWN)
    (root.structures / "key.json").write_text(text)
    assert load_structure(root, "key") is None


def test_ccache_is_found_and_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is on the PATH, unless CXX names it or CURRENTS_CCACHE is off; the compiler stays the same."""
    (tmp_path / "ccache").write_text('#!/bin/sh\nexec "$@"\n')
    (tmp_path / "ccache").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = find_compiler("x86-64-v2")
    assert (found.command, found.launcher, found.arch) == ("g++", "ccache", "x86-64-v2")
    monkeypatch.setenv("CURRENTS_CCACHE", "off")
    off = find_compiler("x86-64-v2")
    assert off.launcher == ""
    assert (off.version, off.flags) == (found.version, found.flags)
    monkeypatch.delenv("CURRENTS_CCACHE")
    monkeypatch.setenv("CXX", "ccache g++")
    assert find_compiler("x86-64-v2").launcher == ""


def test_the_compiler_s_own_options_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CXX with options is another compiler than one without; one that is no command is refused."""
    plain = find_compiler("x86-64-v2")
    monkeypatch.setenv("CXX", "g++ -fno-inline")
    assert find_compiler("x86-64-v2").machine == "-fno-inline" != plain.machine
    monkeypatch.setenv("CXX", "g++ '")
    with pytest.raises(SpecError) as caught:
        find_compiler("x86-64-v2")
    assert str(caught.value) == "CXX: is no command (expected g++, say; got g++ ').\n  evidence: No closing quotation"
