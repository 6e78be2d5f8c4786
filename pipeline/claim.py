"""A folder for a run, which nobody else then has; and the turns of those who ask for the same run at the same time."""

import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from models.errors import CurrentsError, Problem, SpecError
from pipeline.abandoned import list_others, mark_folder, remove_abandoned, remove_marked, remove_run, unmark_folder
from pipeline.atomic import lock_file, try_lock
from pipeline.build_root import BuildRoot
from pipeline.errors import OutputError, StorageError
from pipeline.places import choose_another
from pipeline.run_folder import RunFolder
from pipeline.signals import delay_signals

_MAX_SAME_NAME = 10_000


@dataclass(frozen=True)
class Claim:
    """A claimed folder."""

    folder: RunFolder
    made: bool
    """Whether the folder is new."""
    replaces: Path | None = None
    """The folder of an equal run, whose place the run's folder takes when it has finished."""
    mark: IO[str] | None = None
    """Open while the folder is one that goes if this process is killed (`pipeline.abandoned`)."""

    def settle(self) -> Path:
        """Return where the finished run is, after it has taken the place of the one that it replaces.

        What somebody has put there meanwhile stays there, beside the new run.

        Raises
        ------
        StorageError
            If something of that is in the way of something else: then it stays where the error says.
        """
        if self.replaces is None:
            return self.folder.path
        self.keep()
        with ExitStack() as marked:
            with delay_signals():
                aside = _swap(self.folder.path, self.replaces)
                with suppress(OSError):  # on a disk that is full it goes without
                    marked.enter_context(mark_folder(aside))
                _move_others(aside, self.replaces)
            with suppress(OSError):
                remove_marked(aside)
        _refuse_rest(aside, self.replaces)
        return self.replaces

    def keep(self) -> None:
        """Let the folder stay, whatever becomes of this process: it was told what is there."""
        if self.mark is not None:
            with suppress(OSError):
                unmark_folder(self.folder.path, self.mark)

    def release(self) -> None:
        """Leave the folder as it was found, for a run that never was."""
        remove_run(self.folder.path)
        if self.mark is not None:
            self.mark.close()
        if self.made:
            with suppress(OSError):  # somebody has put something there
                self.folder.path.rmdir()


def _swap(new: Path, kept: Path) -> Path:
    """Let a folder take the place of another one; return where that is from then on."""
    # There is a moment without a run of that name, but none in which a finished run is not on the disk.
    # A new name each time: a process that was killed here has left the one that it had.
    aside = Path(tempfile.mkdtemp(prefix=f"{kept.name}-old-", dir=kept.parent))
    try:
        kept.rename(aside)  # in the place of the empty folder
        new.rename(kept)
    except BaseException:
        with suppress(OSError):
            aside.rmdir() if kept.exists() else aside.rename(kept)
        raise
    return aside


def _move_others(aside: Path, kept: Path) -> None:
    """Move what was put into a folder while its run was computed again, so that it is where it was put."""
    for other in list_others(aside):
        with suppress(OSError):
            if not os.path.lexists(kept / other.name):
                other.rename(kept / other.name)


def _refuse_rest(aside: Path, kept: Path) -> None:
    """Raise `StorageError` where something is left of a folder that was replaced which is not its run's."""
    rest = [other.name for other in list_others(aside)] if aside.is_dir() else []
    if rest:
        what = f"holds what was put into {kept} while its run was computed again"
        raise StorageError(Problem(str(aside), what, got=", ".join(rest), next=f"move it; the new run is in {kept}"))


def claim_folder(
    root: BuildRoot,
    network: str,
    out: Path | None,
    *,
    replace: bool = False,
    explain: Callable[[Path], Problem | None] | None = None,
) -> Claim:
    """Return a new folder under the root, or `out`, which must be new or empty.

    To `replace` what `out` holds, the folder is a new one beside it, until it is settled. `explain` is asked which run
    it is that `out` holds, where it holds one.

    Raises
    ------
    SpecError
        If `out` holds something.
    OutputError
        If it cannot be written to.
    """
    try:
        if out is not None and replace:
            kept = out.resolve()
            _refuse_others(kept)
            remove_abandoned(kept)
            return _claim_beside(kept)
        return _claim_numbered(root.runs, network) if out is None else _claim_chosen(out, explain)
    except CurrentsError:
        raise
    except OSError as error:
        place, option = (f"--out {out}", "--out") if out is not None else (str(root.path), "--build-root")
        remedy = choose_another(option)
        raise OutputError(Problem(place, "cannot be written to", evidence=str(error), next=remedy)) from None


def _claim_chosen(out: Path, explain: Callable[[Path], Problem | None] | None) -> Claim:
    made = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(out.resolve())
    try:
        if any(out.iterdir()):
            raise FileExistsError
        # Of two runs that both found the folder empty, one can make this file.
        folder.log.touch(exist_ok=False)
    except FileExistsError:
        raise SpecError(_refuse_taken(out, folder, explain)) from None
    return Claim(folder, made)


def _refuse_taken(out: Path, folder: RunFolder, explain: Callable[[Path], Problem | None] | None) -> Problem:
    place, expected = f"--out {out}", "a new or an empty folder"
    if not folder.log.is_file():
        return Problem(place, "is not empty", expected)
    found = None if explain is None else explain(folder.path)
    if found is not None:
        return dataclasses.replace(found, where=place, expected=expected)
    what = "holds a run that is not this one, or did not finish"
    return Problem(place, what, expected, next="choose another folder, or delete it")


def _claim_beside(kept: Path) -> Claim:
    claim = _claim_numbered(kept.parent, f"{kept.name}-new")
    try:
        return dataclasses.replace(claim, replaces=kept, mark=mark_folder(claim.folder.path))
    except OSError:
        claim.release()
        raise


def _refuse_others(path: Path) -> None:
    """Raise `SpecError` where a folder that is to be replaced holds more than its run."""
    others = [other.name for other in list_others(path)]
    if others:
        what = "holds something else than a run, which would be lost"
        raise SpecError(Problem(f"--out {path}", what, got=", ".join(others), next="move it, or choose another folder"))


def _claim_numbered(runs: Path, network: str) -> Claim:
    runs.mkdir(parents=True, exist_ok=True)
    for number in range(1, _MAX_SAME_NAME + 1):
        path = runs / f"{network}-{number}"
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return Claim(RunFolder(path.resolve()), made=True)
    raise OutputError(Problem(str(runs), f"holds {_MAX_SAME_NAME} runs of {network} already", next="delete old runs"))


@contextmanager
def take_turn(root: BuildRoot, fingerprint: str, wait: Callable[[], None]) -> Iterator[None]:
    """Let one process at a time compute a run under the root; call `wait`, once, before waiting for another one.

    The turn ends with the process, however that ends. In a build root that cannot be written to nobody waits.
    """
    path = root.scratch / f"run-{fingerprint}.lock"
    with ExitStack() as stack:
        with suppress(OSError):
            root.scratch.mkdir(parents=True, exist_ok=True)
            lock = try_lock(path)
            if lock is None:
                wait()
            stack.enter_context(lock_file(path) if lock is None else lock)
            stack.callback(_discard_lock, path)
        yield


def _discard_lock(path: Path) -> None:
    """Remove a lock that we have: whoever waits for it notices, and makes it anew."""
    with suppress(OSError):
        path.unlink()
