"""The cache: what is in it, what is removed and in which order, and what stays."""

import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from models import SpecError
from pipeline.amounts import parse_age, parse_bytes
from pipeline.atomic import lock_file, try_lock
from pipeline.build_root import BuildRoot
from pipeline.cache import (
    DEFAULT_LIMIT,
    Entry,
    clean_cache,
    enforce_limit,
    list_entries,
    mark_used,
    note_use,
    read_limit,
    use_entry,
)
from pipeline.cli import main
from pipeline.structure import Structure, load_structure, save_structure

DAY_S = 86400


@pytest.fixture
def root(tmp_path: Path) -> BuildRoot:
    """Return a build root with two builds, one that failed, what builds share, edges, and a run; oldest first."""
    root = BuildRoot(tmp_path / "root")
    for days, path, name in (
        (50, root.binaries / "old", "main"),
        (40, root.binaries / "runtime-shared", "program.o"),
        (30, root.edges / "some", "target.npy"),
        (20, root.binaries / "bad.failed", "make.log"),
        (10, root.binaries / "new", "main"),
        (90, root.runs / "net-1", "manifest.json"),
    ):
        path.mkdir(parents=True)
        (path / name).write_bytes(b"x" * 1000)
        os.utime(path, (time.time() - days * DAY_S,) * 2)
    for fingerprint in ("old", "new"):
        save_structure(root, f"of-{fingerprint}", Structure(fingerprint, {}))
    return root


def names(entries: list[Entry]) -> list[str]:
    """Return kinds and fingerprints."""
    return [f"{entry.kind} {entry.fingerprint}" for entry in entries]


ALL = ["build old", "runtime shared", "edges some", "failed bad", "build new"]


def test_everything_but_runs_is_listed_by_last_use(root: BuildRoot) -> None:
    """With its size; names of networks and machine where they were noted."""
    entries = list_entries(root)
    assert names(entries) == ALL
    assert {entry.n_bytes for entry in entries} == {1000}
    assert list_entries(BuildRoot(root.path / "nothing")) == []


def test_use_is_noted(root: BuildRoot) -> None:
    """What was used is the last, with the names of all networks that used it, and what it was compiled for."""
    for network in ("b", "a", "b"):
        note_use(root.binaries / "old", network, "x86-64-v2")
    mark_used(root.edges / "some")
    *_, build, edges = list_entries(root)
    assert (build.fingerprint, build.networks, build.arch) == ("old", ("a", "b"), "x86-64-v2")
    assert edges.fingerprint == "some"
    assert time.time() - edges.last_used < 100


CLEANED: dict[str, tuple[dict[str, object], list[str]]] = {
    "nothing asked": ({}, ["failed bad"]),
    "older than": ({"older_than_s": 35 * DAY_S}, ["build old", "runtime shared", "failed bad"]),
    "keep": ({"keep_bytes": 2500}, ["build old", "runtime shared", "edges some", "failed bad"]),
    "keep much": ({"keep_bytes": 10_000}, ["failed bad"]),
    "everything": ({"everything": True}, ALL),
}


@pytest.mark.parametrize("what", CLEANED)
def test_cleaning_removes_what_it_is_asked_to(root: BuildRoot, what: str) -> None:
    """What would be removed is what is removed; runs stay, and so do structures of builds that do."""
    arguments, expected = CLEANED[what]
    assert names(clean_cache(root, dry_run=True, **arguments).removed) == expected  # type: ignore[arg-type]
    assert names(list_entries(root)) == ALL
    assert names(clean_cache(root, **arguments).removed) == expected  # type: ignore[arg-type]
    assert names(list_entries(root)) == [name for name in ALL if name not in expected]
    assert (root.runs / "net-1" / "manifest.json").is_file()
    for fingerprint in ("old", "new"):
        assert (load_structure(root, f"of-{fingerprint}") is None) == (f"build {fingerprint}" in expected)
    assert not [path for path in root.scratch.iterdir() if path.is_dir()]


def test_the_limit_removes_what_was_used_longest_ago(root: BuildRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the cache has its size; a failed build may stay, to be looked at."""
    monkeypatch.setenv("CURRENTS_CACHE_SIZE", "2 kB")
    assert names(enforce_limit(root)) == ALL[:3]
    assert names(enforce_limit(root)) == []
    monkeypatch.setenv("CURRENTS_CACHE_SIZE", "0 MB")
    assert names(enforce_limit(root)) == ALL[3:]


def test_what_is_in_use_stays(root: BuildRoot) -> None:
    """A build whose lock somebody holds, shared or alone, is not removed; afterwards it is."""
    with use_entry(root, "new"), use_entry(root, "edges"), lock_file(root.scratch / "old.lock"):
        cleaned = clean_cache(root, everything=True)
        assert names(cleaned.removed) == ["runtime shared", "failed bad"]
        assert names(list(cleaned.left)) == ["build old", "edges some", "build new"]
        assert set(cleaned.left.values()) == {"in use"}
    assert names(clean_cache(root, everything=True).removed) == ["build old", "edges some", "build new"]


def test_a_removed_lock_is_made_again(tmp_path: Path) -> None:
    """Who waits for a lock whose file is removed meanwhile gets the one that others then see."""
    path = tmp_path / "lock"
    first = try_lock(path)
    assert first is not None
    path.unlink()
    second = try_lock(path)
    assert second is not None
    assert try_lock(path) is None
    first.close()
    assert try_lock(path) is None
    second.close()
    with lock_file(path, shared=True), lock_file(path, shared=True):
        assert try_lock(path) is None


def test_a_root_that_cannot_be_written_to_is_used_without_a_lock(tmp_path: Path) -> None:
    """Nobody can remove anything there."""
    (tmp_path / "file").touch()
    with use_entry(BuildRoot(tmp_path / "file"), "x"):
        mark_used(tmp_path / "nothing")


def test_the_limit_is_2_gb_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A size as people write it; nonsense is an error before anything is built."""
    monkeypatch.delenv("CURRENTS_CACHE_SIZE", raising=False)
    assert read_limit() == DEFAULT_LIMIT == 2_000_000_000
    monkeypatch.setenv("CURRENTS_CACHE_SIZE", "500 MB")
    assert read_limit() == 500_000_000
    monkeypatch.setenv("CURRENTS_CACHE_SIZE", "much")
    with pytest.raises(SpecError) as caught:
        read_limit()
    assert str(caught.value) == 'CURRENTS_CACHE_SIZE: is not a size (expected "500 MB" or "2 GB", say; got "much").'


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [("0 B", 0), ("1.5 GB", 1_500_000_000), ("2KB", 2000), ("1 GiB", 1 << 30), (" 3 TB ", 3 * 10**12), (".5 kB", 500)],
)
def test_sizes(text: str, n_bytes: int) -> None:
    """Decimal and binary units."""
    assert parse_bytes(text, "here") == n_bytes


@pytest.mark.parametrize(
    ("text", "seconds"), [("30 days", 2_592_000), ("1 day", 86_400), ("12 h", 43_200), ("2 weeks", 1_209_600)]
)
def test_ages(text: str, seconds: float) -> None:
    """Singular and plural."""
    assert parse_age(text, "here") == seconds


@pytest.mark.parametrize("text", ["", "5", "MB", "-1 MB", "1 mb", "1e3 MB", "1 MB!"])
def test_what_is_no_size_or_age_is_refused(text: str) -> None:
    """One error that shows what was meant."""
    with pytest.raises(SpecError, match="here: is not a size"):
        parse_bytes(text, "here")
    with pytest.raises(SpecError, match="here: is not an age"):
        parse_age(text, "here")


@pytest.fixture
def call(root: BuildRoot, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return what runs `currents cache` on the root and returns what it prints."""

    def run(*words: str) -> str:
        assert main(["cache", *words, "--build-root", str(root.path)]) == 0
        return capsys.readouterr().out

    return run


def test_the_verb_lists(root: BuildRoot, call: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A table, last used first, and the whole size; the same as JSON."""
    monkeypatch.delenv("CURRENTS_CACHE_SIZE", raising=False)
    note_use(root.binaries / "old", "net", "native")
    lines = call("list").splitlines()
    assert lines[0].split() == ["kind", "fingerprint", "size", "last", "used", "arch", "networks"]
    assert [line.split()[0] for line in lines[1:-1]] == ["build", "build", "failed", "edges", "runtime"]
    assert lines[1].split()[1::5] == ["old", "net"]
    assert lines[-1].startswith("5 entries, 0.005")
    assert lines[-1].endswith(" MB of 2.0 GB (CURRENTS_CACHE_SIZE)")
    content = json.loads(call("list", "--json"))
    assert content["limit_bytes"] == 2_000_000_000
    assert content["bytes"] == sum(entry["bytes"] for entry in content["entries"]) > 5000
    assert content["entries"][0]["networks"] == ["net"]


def test_the_verb_cleans(root: BuildRoot, call: Callable[..., str]) -> None:
    """It says what it removed, or would; the same as JSON."""
    assert call("clean", "--all", "--dry-run").endswith("would remove 5 entries, 0.005 MB\n")
    assert call("clean", "--older-than", "45 days").endswith("removed 2 entries, 0.002 MB\n")
    assert [e["fingerprint"] for e in json.loads(call("clean", "--keep", "1.5 kB", "--json"))["removed"]] == [
        "shared",
        "some",
    ]
    assert call("clean") == "removed 0 entries, 0 MB\n"
    assert call("list").splitlines()[1].split()[1] == "new"
    assert call("clean", "--all").endswith("removed 1 entries, 0.001 MB\n")
    assert call("list").startswith("0 entries")


def test_the_verb_says_what_it_left(root: BuildRoot, call: Callable[..., str]) -> None:
    """Because it is in use; the same as JSON."""
    with use_entry(root, "new"):
        *_, removed, left = call("clean", "--all").splitlines()
        assert removed.startswith("removed 4 entries, ")
        assert left == "left: build new, 0.001 MB: in use"
        (entry,) = json.loads(call("clean", "--all", "--json"))["left"]
        assert (entry["fingerprint"], entry["reason"]) == ("new", "in use")
    assert "left" not in call("clean", "--all").splitlines()


def test_what_cannot_be_removed_is_told(
    root: BuildRoot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a root that cannot be written to: exit 1, since what was promised did not happen."""

    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr("pipeline.cache.try_lock", refuse)
    assert main(["cache", "clean", "--build-root", str(root.path)]) == 1
    out = capsys.readouterr().out
    assert out == "removed 0 entries, 0 MB\nleft: failed bad, 0.001 MB: Read-only file system\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--older-than", "long"], '--older-than: is not an age (expected "30 days" or "12 h", say; got "long").\n'),
        (["--keep", "much"], '--keep: is not a size (expected "500 MB" or "2 GB", say; got "much").\n'),
    ],
)
def test_a_mistake_removes_nothing(
    root: BuildRoot, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 and one error."""
    assert main(["cache", "clean", *words, "--build-root", str(root.path)]) == 2
    assert capsys.readouterr().err == message
    assert names(list_entries(root)) == ALL
