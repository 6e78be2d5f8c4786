"""Fixtures of the whole suite: programs compiled once, and runs simulated once, for all tests and all workers."""

import fcntl
import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import pytest

from pipeline import Run, load_run, simulate

HERE = Path(__file__).resolve().parent
ARCH: Final = "x86-64-v2"
"""What tests compile for: programs that any machine can run."""


class SimulateOnce(Protocol):
    """Simulate a model, or open the run of an equal call earlier in this session."""

    def __call__(self, model: str | Path, **arguments: Any) -> Run:
        """Return the run."""


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time do what follows."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def build_root() -> Path:
    """Return where tests build: kept between sessions, since a program is found again by its fingerprint."""
    return HERE.parent / "build" / "tests"


@pytest.fixture(scope="session")
def networks() -> Path:
    """Return the folder of the models that only tests use."""
    return HERE / "networks"


@pytest.fixture(scope="session")
def shared_tmp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a temporary folder of this session that all its workers see."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.fixture(scope="session")
def simulate_once(build_root: Path, shared_tmp: Path) -> SimulateOnce:
    """Return a `simulate` whose runs are shared; a run is read-only for tests."""

    def run(model: str | Path, **arguments: Any) -> Run:
        call = json.dumps([str(model), arguments], sort_keys=True)
        folder = shared_tmp / hashlib.sha256(call.encode()).hexdigest()[:16]
        with _locked(folder.with_suffix(".lock")):
            if not folder.exists():
                simulate(model, out=folder, arch=ARCH, build_root=build_root, **arguments)
        return load_run(folder)

    return run


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Return what makes a disk of so many kB; only root can."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def mount(n_kilobytes: int) -> Path:
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={n_kilobytes}k", "tmpfs", disk], capture_output=True, check=False
        )
        if made.returncode != 0:
            pytest.skip("needs the right to mount a tmpfs")
        return disk

    yield mount
    subprocess.run(["umount", disk], capture_output=True, check=False)
