"""Finished runs, found again by their fingerprint: a file per fingerprint in the build root says where the run is.

Whatever that file says is only believed if the folder holds a finished run of that fingerprint, so that runs can be
moved and deleted at any time; a run that was moved is computed again.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.errors import CurrentsError, Problem
from models.steps import format_time
from pipeline.atomic import write_atomically
from pipeline.build_root import BuildRoot
from pipeline.errors import RecordingError, UnfinishedRunError
from pipeline.program_report import follow_program, read_report
from pipeline.recording_origin import read_origin
from pipeline.run import Run, load_run, read_manifest
from pipeline.run_folder import RunFolder

_MOVE_ON = "choose another folder, or delete it"


@dataclass(frozen=True)
class Wanted:
    """A run that is asked for."""

    fingerprint: str
    seed: int
    n_steps: int


def find_run(root: BuildRoot, wanted: Wanted) -> Run | None:
    """Return the finished run of a fingerprint, wherever it is; None when there is none."""
    try:
        place = (root.run_index / wanted.fingerprint).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    with suppress(RecordingError):
        return open_same(root.runs / place, wanted)
    return None


def open_same(path: Path, wanted: Wanted) -> Run | None:
    """Return the run of a folder if it is finished and the one that is wanted, else None.

    Raises
    ------
    RecordingError
        If it is, but its recording is damaged.
    """
    try:
        run = load_run(path)
    except RecordingError as error:
        if _is_damaged(RunFolder(path), wanted):
            raise advise_force(error) from None
        return None
    except (CurrentsError, OSError):
        return None
    return run if _is_wanted(run.manifest, wanted) else None


def _is_damaged(folder: RunFolder, wanted: Wanted) -> bool:
    """Return whether a folder whose recording cannot be opened is that of the run that is wanted."""
    report = read_report(folder)
    try:
        origin = read_origin(folder)
    except RecordingError:
        if report is None:
            return False  # its program may have been run by hand, with another seed
        origin = None
    manifest = follow_program(read_manifest(folder), report, origin)
    return manifest["status"] == "finished" and _is_wanted(manifest, wanted)


def advise_force(error: RecordingError) -> RecordingError:
    """Return the error of a run that was found with what can be done about it."""
    return RecordingError(*(replace(problem, next="compute the run again with --force") for problem in error.problems))


def explain_taken(path: Path, wanted: Wanted) -> Problem | None:
    """Return which run it is that is in the way of the one that is wanted; None when that cannot be told."""
    folder = RunFolder(path)
    try:
        manifest = follow_program(read_manifest(folder), read_report(folder), read_origin(folder))
    except CurrentsError:
        return None
    if not _is_wanted(manifest, wanted):
        return Problem("", "holds another run", got=_describe(manifest), next=_MOVE_ON)
    try:
        load_run(path)
    except UnfinishedRunError as error:
        (problem,) = error.problems
        what = "holds this run, which has not finished"
        return Problem("", what, got=problem.got, evidence=problem.evidence, next=_advise_unfinished(error))
    except CurrentsError as error:
        return Problem("", "holds this run, which cannot be loaded", evidence=str(error), next=_MOVE_ON)
    return None  # it has finished since


def _advise_unfinished(error: UnfinishedRunError) -> str | None:
    """Return what can be done about a run that has not finished, in whose folder it cannot be run again."""
    (problem,) = error.problems
    if error.is_running:
        return problem.next
    return f"{problem.next}; or {_MOVE_ON}" if error.has_part else _MOVE_ON


def _describe(manifest: dict[str, Any]) -> str:
    duration = f", {format_time(manifest['duration_s'])}" if "duration_s" in manifest else ""
    return f'{manifest.get("network")}{duration}, seed {manifest.get("seed")}, status "{manifest["status"]}"'


def _is_wanted(manifest: dict[str, Any], wanted: Wanted) -> bool:
    # Its program may have been run again since, by hand, with another seed or duration.
    found = (manifest.get("fingerprint"), manifest.get("seed"), manifest.get("n_steps"))
    return found == (wanted.fingerprint, wanted.seed, wanted.n_steps)


def remember_run(root: BuildRoot, fingerprint: str, folder: RunFolder) -> None:
    """Let a finished run be found; without consequence where the build root cannot be written to."""
    if folder.path.is_relative_to(root.scratch.resolve()):
        return  # it will soon be gone
    runs = root.runs.resolve()
    inside = folder.path.is_relative_to(runs)
    with suppress(OSError):
        root.run_index.mkdir(parents=True, exist_ok=True)
        # Relative, so that a build root can be moved with its runs.
        write_atomically(root.run_index / fingerprint, f"{folder.path.relative_to(runs) if inside else folder.path}\n")
