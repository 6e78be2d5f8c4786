"""A run that was computed again takes the place of the one that it replaces; nothing of anybody else's is lost."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from models.errors import SpecError
from pipeline.build_root import BuildRoot
from pipeline.claim import Claim, claim_folder
from pipeline.errors import StorageError

NAMES = ("manifest.json", "recording")


@pytest.fixture
def claim(tmp_path: Path) -> Claim:
    """Return the claim of a run that has finished, and is to replace the one in `run`."""
    (tmp_path / "run").mkdir()
    claim = claim_folder(BuildRoot(tmp_path / "root"), "network", tmp_path / "run", replace=True)
    for path, content in ((tmp_path / "run", "old"), (claim.folder.path, "new")):
        (path / "manifest.json").write_text(content)
        (path / "recording").mkdir()
    return claim


def list_names(path: Path) -> list[str]:
    """Return the names of what is in a folder."""
    return sorted(entry.name for entry in path.iterdir())


def test_the_new_run_is_where_the_old_one_was(claim: Claim, tmp_path: Path) -> None:
    """And nothing is left beside it."""
    assert claim.settle() == tmp_path / "run"
    assert (tmp_path / "run" / "manifest.json").read_text() == "new"
    assert (list_names(tmp_path), list_names(tmp_path / "run")) == (["run"], list(NAMES))


def test_what_is_put_there_meanwhile_stays(claim: Claim, tmp_path: Path) -> None:
    """A file, a folder and a link, beside the new run."""
    run = tmp_path / "run"
    (run / "tables").mkdir()
    (run / "tables" / "spikes.csv").write_text("mine")
    (run / "notes.txt").write_text("mine")
    (run / "link").symlink_to("nowhere")
    claim.settle()
    assert list_names(tmp_path) == ["run"]
    assert list_names(run) == ["link", "manifest.json", "notes.txt", "recording", "tables"]
    assert (run / "manifest.json").read_text() == "new"
    assert (run / "tables" / "spikes.csv").read_text() == (run / "notes.txt").read_text() == "mine"


def test_what_is_in_the_way_stays_where_it_is(claim: Claim, tmp_path: Path) -> None:
    """Of two files of one name the error says where the one is that could not stay."""
    run = tmp_path / "run"
    (run / "notes.txt").write_text("one")
    (claim.folder.path / "notes.txt").write_text("another")
    with pytest.raises(StorageError) as caught:
        claim.settle()
    (aside,) = tmp_path.glob("run-old-*")
    assert str(caught.value) == (
        f"{aside}: holds what was put into {run} while its run was computed again (got notes.txt).\n"
        f"  next: move it; the new run is in {run}"
    )
    assert list_names(aside) == ["notes.txt"]
    assert ((aside / "notes.txt").read_text(), (run / "notes.txt").read_text()) == ("one", "another")
    assert (run / "manifest.json").read_text() == "new"


def test_a_run_that_never_was_takes_nothing_with_it(claim: Claim, tmp_path: Path) -> None:
    """What somebody has put into its folder, or into the one that it was to replace."""
    (tmp_path / "run" / "notes.txt").touch()
    (claim.folder.path / "notes.txt").touch()
    claim.release()
    assert list_names(claim.folder.path) == ["notes.txt"]
    assert list_names(tmp_path / "run") == ["manifest.json", "notes.txt", "recording"]
    with pytest.raises(SpecError, match="holds something else than a run"):
        claim_folder(BuildRoot(tmp_path / "root"), "network", tmp_path / "run", replace=True)


def between_renames(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Let something happen when the old run is aside, and the new one not yet in its place."""
    rename = Path.rename

    def act_first(path: Path, target: Path) -> Path:
        if target.name == "run" and "-old-" not in path.name:
            act()
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", act_first)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_until_the_new_run_is_in_its_place(
    claim: Claim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Ctrl-C, or a signal to end, between two renames; what is left of the old run goes with the next one."""
    between_renames(monkeypatch, lambda: signal.raise_signal(number))
    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            claim.settle()
    finally:
        signal.signal(number, before)
    assert (tmp_path / "run" / "manifest.json").read_text() == "new"
    assert not (tmp_path / "run-new-1").exists()
    claim_folder(BuildRoot(tmp_path / "root"), "network", tmp_path / "run", replace=True).release()
    assert list_names(tmp_path) == ["run"]


@pytest.mark.parametrize("error", [OSError, MemoryError])
def test_a_swap_that_fails_is_undone(
    claim: Claim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Both runs are where they were."""

    def fail() -> None:
        raise error

    between_renames(monkeypatch, fail)
    with pytest.raises(error):
        claim.settle()
    assert list_names(tmp_path) == ["run", "run-new-1"]
    assert (tmp_path / "run" / "manifest.json").read_text() == "old"
    assert (tmp_path / "run-new-1" / "manifest.json").read_text() == "new"
