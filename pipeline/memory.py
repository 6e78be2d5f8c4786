"""How much memory is free, and whether a table may take it."""

from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)
"""Limit and use of memory in a container or a Slurm job, versions 2 and 1."""


def free_bytes() -> int | None:
    """Return the memory that this process may still take without swapping; None where the system does not say."""
    limits = [_machine_bytes(), *(_group_bytes(limit, use) for limit, use in _CGROUPS)]
    return min((limit for limit in limits if limit is not None), default=None)


def _machine_bytes() -> int | None:
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    return kilobytes[0] * 1024 if kilobytes else None


def _group_bytes(limit: Path, use: Path) -> int | None:
    try:
        return max(0, int(limit.read_text()) - int(use.read_text()))
    except (OSError, ValueError):  # ValueError: the limit is "max"
        return None


def format_bytes(n_bytes: float) -> str:
    """Return a number of bytes as text, in GB or MB."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.3g} MB"
