"""The whole bench: measure everything in a temporary folder, and return the results as plain data."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from pipeline.bench.contenders import Timing
from pipeline.bench.machine import describe_machine
from pipeline.bench.measure import CLOCKS, Measured, Ratio, list_comparisons, measure_comparison
from pipeline.bench.sizes import Sizes
from pipeline.signals import interrupt_on_signals

FORMAT = 1
_TMPFS = Path("/dev/shm")


def run_bench(sizes: Sizes, notify: Callable[[str], None]) -> dict[str, Any]:
    """Measure all contenders.

    Parameters
    ----------
    sizes : Sizes
    notify : callable
        Called with a line before each run.

    Returns
    -------
    dict
        `machine`, `sizes`, and per comparison the times in seconds of each contender, one per repetition, and the
        ratios of every two. Ready for JSON.
    """
    machine = describe_machine()
    tmpfs = find_tmpfs()
    comparisons = []
    with interrupt_on_signals():
        for comparison in list_comparisons(sizes):
            # One folder at a time: builds and recordings on tmpfs are memory.
            with tempfile.TemporaryDirectory(prefix="currents-bench-", dir=tmpfs) as folder:
                measured = measure_comparison(comparison, sizes.n_repetitions, Path(folder), notify)
            comparisons.append(_describe_measured(measured))
    machine["load_after"] = round(os.getloadavg()[0], 2)
    machine["outputs"] = "tmpfs" if tmpfs else tempfile.gettempdir()
    return {"format": FORMAT, "machine": machine, "sizes": asdict(sizes), "comparisons": comparisons}


def find_tmpfs() -> Path | None:
    """Return a file system in memory that programs can be run from, or None."""
    if not (_TMPFS.is_dir() and os.access(_TMPFS, os.W_OK)):
        return None
    return None if os.statvfs(_TMPFS).f_flag & os.ST_NOEXEC else _TMPFS


def _describe_measured(measured: Measured) -> dict[str, Any]:
    return {
        "name": measured.name,
        "contenders": [_describe_timings(name, timings) for name, timings in measured.timings.items()],
        "ratios": [_describe_ratio(ratio) for ratio in measured.ratios],
        "same_spikes": measured.same_spikes,
    }


def _describe_timings(name: str, timings: list[Timing]) -> dict[str, Any]:
    times: dict[str, list[float]] = {clock: [getattr(timing, clock) for timing in timings] for clock in CLOCKS}
    medians = {f"median_{clock}": median(values) for clock, values in times.items()}
    return {"name": name, **times, **medians, "rate_hz": [timing.rate_hz for timing in timings]}


def _describe_ratio(ratio: Ratio) -> dict[str, Any]:
    spread = {"median": ratio.median, "min": min(ratio.values), "max": max(ratio.values)}
    return asdict(ratio) | {"values": list(ratio.values)} | spread
