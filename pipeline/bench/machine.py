"""What a measurement was made on."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.compiler import find_compiler
from pipeline.manifest import describe_git, now

_PACKAGES = ("brian2currents", "brian2", "numpy")


def describe_machine() -> dict[str, Any]:
    """Return processor, memory, load, compiler, versions and date: the facts without which seconds say nothing."""
    compiler = find_compiler()
    return {
        "date": now(),
        "cpu": _read_cpu(),
        "cores": os.process_cpu_count() or 1,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "compiler": {"version": compiler.version, "flags": list(compiler.flags)},
        "versions": {"python": sys.version.split()[0], **{name: version(name) for name in _PACKAGES}},
        "git": describe_git(),
    }


def _read_cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
