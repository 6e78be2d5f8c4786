"""What a process that was killed while it replaced a run leaves goes, and nothing else does."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.abandoned import mark_folder, remove_abandoned, unmark_folder
from tests.pipeline.processes import PATIENCE_S

KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.abandoned import mark_folder
mark = mark_folder(Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def leave(path: Path) -> None:
    """Leave a folder as a process does that is killed while it computes a run."""
    for name in ("recording", "inputs"):
        (path / name).mkdir(parents=True)
    for name in ("manifest.json", "recording/chunk-00000000.cur.partial", ".program.12.tmp", "program.json.partial"):
        (path / name).write_text("x")
    words = [sys.executable, "-c", KILLED, str(path)]
    ended = subprocess.run(words, cwd=Path(__file__).resolve().parents[2], timeout=PATIENCE_S, check=False)
    assert ended.returncode == -9


@pytest.mark.parametrize("name", ["run-new-1", "run-new-17", "run-old-x_3ab7"])
def test_what_a_killed_process_has_left_goes(tmp_path: Path, name: str) -> None:
    """Whichever of the two folders it is, whole."""
    (tmp_path / "run").mkdir()
    leave(tmp_path / name)
    remove_abandoned(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def _rename(path: Path) -> Path:
    return path.rename(path.with_name("run-new-mine"))


def _copy(path: Path) -> Path:
    copy = path.with_name("run-new-2")
    shutil.copytree(path, copy)
    return copy


def _add(path: Path) -> Path:
    (path / "notes.txt").touch()
    return path


def _unmark(path: Path) -> Path:
    (path / ".replacing").unlink()
    return path


def _spoil(path: Path) -> Path:
    (path / ".replacing").write_text("5")
    return path


def _link(path: Path) -> Path:
    elsewhere = path.rename(path.with_name("elsewhere"))
    path.symlink_to(elsewhere)
    return elsewhere


SOMEBODYS: list[Callable[[Path], Path]] = [_rename, _copy, _add, _unmark, _spoil, _link]


@pytest.mark.parametrize("make", SOMEBODYS, ids=lambda make: make.__name__.lstrip("_"))
def test_what_somebody_made_of_it_stays(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    """A folder that was renamed, copied, added to, or is not marked by us."""
    leave(tmp_path / "run-new-1")
    path = make(tmp_path / "run-new-1")
    before = sorted(path.rglob("*"))
    remove_abandoned(tmp_path / "run")
    assert sorted(path.rglob("*")) == before


def test_what_is_of_another_run_stays(tmp_path: Path) -> None:
    """Folders beside `run` are no folders beside `ru`, nor the other way round."""
    leave(tmp_path / "run-new-1")
    for name in ("ru", "run-new", "run-new-1", "n", "..."):
        remove_abandoned(tmp_path / name)
    assert (tmp_path / "run-new-1" / "recording").is_dir()


def test_the_folder_of_a_living_process_stays(tmp_path: Path) -> None:
    """As long as it has the mark; once it has said that the folder stays, too."""
    path = tmp_path / "run-new-1"
    path.mkdir()
    mark = mark_folder(path)
    remove_abandoned(tmp_path / "run")
    assert path.is_dir()
    unmark_folder(path, mark)
    remove_abandoned(tmp_path / "run")
    assert list(path.iterdir()) == []


def test_a_folder_whose_mark_cannot_be_removed_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody was told that it does."""
    path = tmp_path / "run-new-1"
    path.mkdir()
    mark = mark_folder(path)

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with pytest.raises(PermissionError):
            unmark_folder(path, mark)
    assert mark.closed
    remove_abandoned(tmp_path / "run")
    assert [entry.name for entry in path.iterdir()] == [".replacing"]


def test_the_folder_of_a_living_program_stays(tmp_path: Path) -> None:
    """A program ends a moment after the process that started it was killed."""
    path = tmp_path / "run-new-1"
    leave(path)
    lock = path / "program.lock"
    lock.touch()
    with subprocess.Popen(["flock", lock, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        os.write(program.stdin.fileno(), b"locked\n")
        program.stdout.readline()
        remove_abandoned(tmp_path / "run")
        assert (path / "recording").is_dir()
        program.stdin.close()
        program.wait(PATIENCE_S)
    remove_abandoned(tmp_path / "run")
    assert not path.exists()
