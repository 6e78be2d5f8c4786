"""What a measurement was made on."""

import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.compiler import find_compiler
from pipeline.manifest import describe_git, now

_PACKAGES = ("brian2currents", "brian2", "numpy")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_N_COPIES = 10


def describe_machine(copied_bytes: int) -> dict[str, Any]:
    """Return processor, memory, load, compiler, versions and date: the facts without which seconds say nothing.

    Parameters
    ----------
    copied_bytes : int
        Size of the array by whose copies the memory's bandwidth is measured: many times that of the caches.
    """
    load_before = round(os.getloadavg()[0], 2)
    compiler = find_compiler()
    return {
        "date": now(),
        "cpu": _read_cpu(),
        "cores": os.process_cpu_count() or 1,
        "caches": _read_caches(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "memory_bytes_per_s": measure_bandwidth(copied_bytes),
        "load_before": load_before,
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


def _read_caches() -> dict[str, str]:
    """Return the sizes of the first processor's caches of data, and how many processors share each."""
    caches = {}
    for folder in sorted(_CACHES.glob("index*")):
        level, kind, size, shared = (
            (folder / name).read_text(encoding="ascii").strip() for name in ("level", "type", "size", "shared_cpu_list")
        )
        if kind != "Instruction":
            caches[f"L{level}"] = f"{size}, of processors {shared}"
    return caches


def measure_bandwidth(n_bytes: int) -> float:
    """Return how many bytes per second one thread reads and writes when it copies an array, at best of some copies."""
    source, target = np.ones(n_bytes, np.uint8), np.zeros(n_bytes, np.uint8)
    seconds = []
    for _ in range(_N_COPIES):
        started = time.perf_counter()
        np.copyto(target, source)
        seconds.append(time.perf_counter() - started)
    return 2 * n_bytes / min(seconds)
