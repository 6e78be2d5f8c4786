"""The manifest: what a run was made of, and how it ended."""

import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.files import to_tables
from models.spec import NetworkSpec
from pipeline.atomic import write_atomically
from pipeline.compile import Binary
from pipeline.compiler import Compiler
from pipeline.run_folder import RunFolder

FORMAT = 1
_PACKAGES = ("brian2currents", "brian2", "numpy", "pandas", "pyarrow", "pydantic")


def describe_run(
    spec: NetworkSpec,
    *,
    model: str,
    settings: Mapping[str, object],
    seed: int,
    n_steps: int,
    device: str,
    fingerprint: str,
) -> dict[str, Any]:
    """Return the part of a manifest that is known before anything is built."""
    dt_s = spec.network.dt.value
    return {
        "format": FORMAT,
        "status": "running",
        "network": spec.network.name,
        "model": model,
        "settings": {path: str(value) for path, value in settings.items()},
        "notes": list(spec.notes),
        "seed": seed,
        "duration_s": n_steps * dt_s,
        "n_steps": n_steps,
        "dt_s": dt_s,
        "device": device,
        "fingerprint": fingerprint,
        "spec": to_tables(spec),
        "started": now(),
        "pid": os.getpid(),
        "host": {"name": socket.gethostname(), "machine": platform.machine(), "system": platform.platform()},
        "versions": {"python": sys.version.split()[0], **{name: version(name) for name in _PACKAGES}},
        "git": describe_git(),
        "command": sys.argv,
    }


def describe_build(binary: Binary, compiler: Compiler) -> dict[str, Any]:
    """Return the part of a manifest that says what was run."""
    return {
        "build": {"fingerprint": binary.fingerprint, "path": str(binary.path), "compiled": binary.compiled},
        "compiler": {"command": compiler.command, "version": compiler.version, "flags": list(compiler.flags)},
    }


def describe_git() -> dict[str, Any] | None:
    """Return the commit of the checkout that this package is in, and whether it has changes; None outside of one."""
    here = Path(__file__).resolve().parent.parent
    if not (here / ".git").exists():
        return None
    # Without its optional locks, git status never stands in the way of what else uses the checkout.
    git = ["git", "--no-optional-locks"]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        status = subprocess.run([*git, "status", "--porcelain"], cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": commit.stdout.strip(), "changed": bool(status.stdout.strip())}


def now() -> str:
    """Return the time of day in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def save_manifest(folder: RunFolder, manifest: Mapping[str, Any]) -> None:
    """Write a manifest, whole or not at all."""
    write_atomically(folder.manifest, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
