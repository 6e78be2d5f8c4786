"""Whether a process that wrote its number into a file is still there."""

import os
import socket
from pathlib import Path

_SLACK_S = 60.0
"""By how much a process may seem younger than it is: the clock may have been set since the machine was started."""


def is_gone(pid: int, host: str, seen_s: float) -> bool:
    """Return whether a process of this machine has certainly ended: none has its number, or a later one has.

    Parameters
    ----------
    pid : int
    host : str
        The machine that it ran on.
    seen_s : float
        When it was there for certain, seconds since 1970.
    """
    if host != socket.gethostname():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass  # somebody else's, or what no process can be called
    if _is_zombie(pid):
        return True
    started_s = _find_start(pid)
    return started_s is not None and started_s > seen_s + _SLACK_S


def _is_zombie(pid: int) -> bool:
    """Return whether a process has ended, and only whoever started it has not asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except (OSError, ValueError, IndexError):
        return False


def _find_start(pid: int) -> float | None:
    """Return when a process was started, seconds since 1970; None where that cannot be told."""
    try:
        # The name, in brackets, may hold anything; the 20th field after it is the start, in ticks since the machine's.
        ticks = int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
        lines = Path("/proc/stat").read_text(encoding="utf-8").splitlines()
        boot_s = next(int(line.split()[1]) for line in lines if line.startswith("btime "))
    except (OSError, ValueError, IndexError, StopIteration):
        return None
    return boot_s + ticks / os.sysconf("SC_CLK_TCK")
