"""What a manifest that was read must be, so that nothing that uses it meets a value of another type."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.errors import Problem
from models.spec_errors import translate_errors
from models.steps import MAX_STEPS

MAX_SEED = 2**63 - 1
type _Count = Annotated[int, Field(ge=0)]
type _Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Manifest(BaseModel):
    """The entries that are used, of which those without a value here must be there."""

    model_config = ConfigDict(strict=True)

    status: str
    spec: dict[str, Any]
    network: str = ""
    notes: list[str] = []
    settings: dict[str, str] = {}
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0
    n_steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] = 1
    dt_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    duration_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    wall_s: _Seconds = 0.0
    start_s: _Seconds = 0.0
    simulation_s: _Seconds = 0.0
    peak_memory_bytes: _Count = 0
    edges: dict[str, _Count] = {}
    build: dict[str, Any] = {}
    fingerprint: str = ""
    finished: str = ""
    error: str = ""


_FINISHED = ("seed", "n_steps", "dt_s", "duration_s")
"""What the manifest of a finished run has, too."""
_REMEDY = "compute the run again; its model is in model.toml"


def check_manifest(manifest: dict[str, Any]) -> list[Problem]:
    """Return what is wrong with a manifest of this version."""
    needed = ("status", "spec", *(_FINISHED if manifest.get("status") == "finished" else ()))
    lacking = [f'"{key}"' for key in needed if key not in manifest]
    if lacking:
        return [Problem("", f"lacks {' and '.join(lacking)}", next=_REMEDY)]
    try:
        _Manifest.model_validate(manifest)
    except ValidationError as error:
        return [replace(problem, next=_REMEDY) for problem in translate_errors(error.errors())]
    return []
