"""Starting `currents` as a process of its own, and watching what it starts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 60.0
"""How long anything may take on a busy machine."""


def start_currents(*arguments: str | Path, **environment: str) -> "subprocess.Popen[str]":
    """Start `python -m pipeline` in the checkout, as if in the foreground: it heeds Ctrl-C."""
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", *map(str, arguments)],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
        preexec_fn=_heed_interrupts,
    )


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_currents(*arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `python -m pipeline` to its end."""
    process = start_currents(*arguments, **environment)
    out, err = process.communicate(timeout=PATIENCE_S * 3)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait until something is the case; fail when it takes too long."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE_S:g} s for {what}"
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, though nobody may have asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def find_program(pid: int) -> int | None:
    """Return the process id of the simulation program that a process has started, if there is one."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    for child in children.read_text().split() if children.exists() else ():
        try:
            if Path(f"/proc/{child}/exe").readlink().name == "program":
                return int(child)
        except OSError:
            continue
    return None


def wait_for_program(process: "subprocess.Popen[str]") -> int:
    """Wait until a process runs a simulation program, and return the program's process id."""
    wait_until(lambda: process.poll() is not None or find_program(process.pid), "the program")
    pid = find_program(process.pid)
    assert pid is not None, process.communicate()
    return pid
