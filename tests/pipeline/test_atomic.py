"""Files that are there whole or not at all."""

import errno
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from pipeline.atomic import is_locked, make_locked, write_together


def write(text: str) -> Callable[[IO[bytes]], None]:
    """Return what writes a text."""

    def act(file: IO[bytes]) -> None:
        file.write(text.encode())

    return act


def read_all(folder: Path) -> dict[str, str]:
    """Return all files of a folder by name."""
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_failure_while_writing_leaves_the_old_files(tmp_path: Path) -> None:
    """And no temporary one; what a killed process has left is no obstacle, and goes."""
    first, second = tmp_path / "first", tmp_path / "second"
    second.write_text("old")
    (tmp_path / ".first.partial").write_text("a longer text that a killed process left")

    def fail(file: IO[bytes]) -> None:
        file.write(b"half")
        assert read_all(tmp_path) == {"second": "old", ".first.partial": "new", ".second.partial": ""}
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_together({first: write("new"), second: fail})
    assert read_all(tmp_path) == {"second": "old"}
    (tmp_path / ".first.replaced").write_text("left by a killed process")
    write_together({first: write("new"), second: write("newer")})
    assert read_all(tmp_path) == {"first": "new", "second": "newer"}


def test_whenever_we_are_killed_the_first_file_is_there_with_all_others_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a manifest, which is the first one, never stands beside files of another time."""
    names = ("manifest", "one", "two")
    for name in names:
        (tmp_path / name).write_text("old")
    seen: list[dict[str, str]] = []
    rename = Path.rename

    def look(path: Path, target: Path) -> Path:
        seen.append(read_all(tmp_path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", look)
    write_together({tmp_path / name: write("new") for name in names})
    assert len(seen) == 6
    for files in seen:
        if "manifest" in files:
            assert {files.get(name) for name in names} == {"old"}
    assert read_all(tmp_path) == dict.fromkeys(names, "new")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Have SIGINT interrupt, which may be ignored where tests are started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_waits_until_all_files_are_in_their_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C between two renames; and each file is synced once, with the folder."""
    synced: list[bool] = []
    rename, fsync = Path.rename, os.fsync

    def interrupt(path: Path, target: Path) -> Path:
        signal.raise_signal(signal.SIGINT)
        return rename(path, target)

    def count(file: int) -> None:
        synced.append(True)
        fsync(file)

    monkeypatch.setattr(Path, "rename", interrupt)
    monkeypatch.setattr(os, "fsync", count)
    with pytest.raises(KeyboardInterrupt):
        write_together({tmp_path / name: write("new") for name in "ab"})
    assert read_all(tmp_path) == {"a": "new", "b": "new"}
    assert len(synced) == 3


def test_a_file_is_locked_until_it_is_closed(tmp_path: Path) -> None:
    """By whoever has made it, with what it holds; no file is locked by nobody."""
    path = tmp_path / "mark"
    assert not is_locked(path)
    with make_locked(path, "text"):
        assert is_locked(path)
        assert read_all(tmp_path) == {"mark": "text"}
    assert not is_locked(path)


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file there counts as locked: nobody can tell that it is not."""

    def refuse(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    make_locked(tmp_path / "mark").close()
    assert is_locked(tmp_path / "mark")


def test_a_mark_that_cannot_be_written_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is left of it."""

    def refuse(path: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        make_locked(tmp_path / "mark")
    assert not list(tmp_path.iterdir())
