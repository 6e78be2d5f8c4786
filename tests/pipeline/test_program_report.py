"""What a run's status is, from its manifest and from what the engine's program says of itself."""

import os
import socket
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.program_report import ProgramReport, follow_program

HOST = socket.gethostname()


@pytest.fixture(scope="module")
def dead() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def make_manifest(status: str, pid: int) -> dict[str, Any]:
    """Return a manifest with what says how a run goes."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    host = {"name": HOST}
    return {"status": status, "pid": pid, "host": host, "started": started, "seed": 1, "n_steps": 10, "error": "why"}


def make_report(status: Any, pid: int) -> ProgramReport:
    """Return a program's report of a run with another seed and length."""
    now = datetime.now(UTC).timestamp()
    return ProgramReport(version=1, status=status, pid=pid, host=HOST, started=now, seed=7, dt_s=1e-4, n_steps=2000)


ALIVE, DEAD = True, False
STATUSES = [
    # The manifest's status and process, the program's, and what is told.
    ("running", ALIVE, None, ALIVE, "running"),
    ("running", DEAD, None, ALIVE, "died"),
    ("finished", DEAD, None, ALIVE, "finished"),
    ("running", ALIVE, "running", ALIVE, "running"),
    ("running", ALIVE, "finished", DEAD, "running"),
    ("running", DEAD, "running", DEAD, "died"),
    ("running", DEAD, "running", ALIVE, "running"),
    ("running", DEAD, "finished", DEAD, "finished"),
    ("running", DEAD, "stopped", DEAD, "interrupted"),
    ("finished", DEAD, "finished", DEAD, "finished"),
    ("finished", DEAD, "stopped", DEAD, "interrupted"),
    ("finished", DEAD, "failed", DEAD, "failed"),
    ("finished", DEAD, "running", DEAD, "died"),
    ("finished", DEAD, "running", ALIVE, "running"),
    ("failed", DEAD, "running", DEAD, "failed"),
    ("interrupted", DEAD, "stopped", DEAD, "interrupted"),
    ("interrupted", DEAD, "finished", DEAD, "finished"),
]


@pytest.mark.parametrize(("own", "starter", "programs", "program", "told"), STATUSES)
def test_the_status_of_a_run(
    dead: int, own: str, starter: bool, programs: str | None, program: bool, told: str
) -> None:
    """Finished is what the program has finished; what says that it is running must have a process."""
    manifest = make_manifest(own, os.getpid() if starter else dead)
    report = None if programs is None else make_report(programs, os.getpid() if program else dead)
    assert follow_program(manifest, report)["status"] == told


def test_seed_and_length_are_the_programs(dead: int) -> None:
    """They may be others than those that the inputs were written for; an old error goes."""
    followed = follow_program(make_manifest("failed", dead), make_report("finished", dead))
    assert (followed["seed"], followed["n_steps"]) == (7, 2000)
    assert followed["duration_s"] == pytest.approx(0.2)
    assert "error" not in followed


def test_of_another_machine_nothing_is_known(dead: int) -> None:
    """A process there may well be running."""
    manifest = make_manifest("running", dead) | {"host": {"name": f"not-{HOST}"}}
    assert follow_program(manifest, None)["status"] == "running"
