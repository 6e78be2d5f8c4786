"""`program.json`: how far the engine's program is, or how it ended, as it says itself."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from models.errors import Problem
from models.spec_errors import translate_errors
from pipeline.errors import RunFolderError
from pipeline.liveness import is_gone
from pipeline.recording_origin import Origin
from pipeline.run_folder import RunFolder

_MEASURED = ("start_s", "simulation_s", "peak_memory_bytes")
_WORDS = {"stopped": "interrupted"}
"""What the manifest calls an end that the program calls otherwise."""


class ProgramReport(BaseModel):
    """What `load_run` needs of `program.json`."""

    version: Literal[1]
    status: Literal["running", "finished", "stopped", "failed"]
    pid: int
    host: str
    started: float
    """Seconds since 1970."""
    seed: Annotated[int, Field(ge=0)]
    dt_s: float
    n_steps: Annotated[int, Field(ge=1)]
    step: Annotated[int, Field(ge=0)] | None = None
    """That it has reached, once it has ended."""
    start_s: float | None = None
    simulation_s: float | None = None
    peak_memory_bytes: int | None = None


def read_report(folder: RunFolder) -> ProgramReport | None:
    """Return what the engine's program says of a run; None when it has not begun, or another device ran it.

    Raises
    ------
    RunFolderError
        If it cannot be read, or is of another version.
    """
    place = str(folder.program_report)
    try:
        return ProgramReport.model_validate_json(folder.program_report.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunFolderError(Problem(place, "cannot be read", evidence=error.strerror)) from None
    except ValidationError as error:
        raise RunFolderError(*(problem.within(place) for problem in translate_errors(error.errors()))) from None


def follow_program(
    manifest: dict[str, Any], report: ProgramReport | None, origin: Origin | None = None
) -> dict[str, Any]:
    """Return a manifest with what the program says of its run, which may have been started by hand, and a true status.

    Without its report, what the recording says that it was made with is followed.

    `died` is the status of what says that it is running though its process is gone. A run that the program has finished
    is finished, unless what started it is still at work.
    """
    own = _find_own_status(manifest)
    if report is None:
        return manifest | ({} if origin is None else _describe_clock(origin)) | {"status": own}
    status = _find_program_status(report)
    followed = manifest | {
        **_describe_clock(report),
        **{key: getattr(report, key) for key in _MEASURED if getattr(report, key) is not None},
    }
    if own == "running" or (own in ("failed", "interrupted") and status != "finished"):
        return followed | {"status": own}
    return {key: item for key, item in followed.items() if key != "error"} | {"status": status}


def _describe_clock(source: ProgramReport | Origin) -> dict[str, Any]:
    return {
        "seed": source.seed,
        "dt_s": source.dt_s,
        "n_steps": source.n_steps,
        "duration_s": source.n_steps * source.dt_s,
    }


def _find_own_status(manifest: dict[str, Any]) -> str:
    status = str(manifest["status"])
    try:
        pid, host = int(manifest["pid"]), str(manifest["host"]["name"])
        seen_s = datetime.fromisoformat(manifest["started"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return status
    return "died" if status == "running" and is_gone(pid, host, seen_s) else status


def _find_program_status(report: ProgramReport) -> str:
    if report.status == "running" and is_gone(report.pid, report.host, report.started):
        return "died"
    return _WORDS.get(report.status, report.status)
