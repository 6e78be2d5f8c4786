"""The whole bench: measure everything, and return the results as plain data."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from pipeline.bench.contenders import Timing
from pipeline.bench.machine import describe_machine
from pipeline.bench.measure import (
    CLOCKS,
    RECORDING,
    Comparison,
    Measured,
    Ratio,
    list_comparisons,
    measure_comparison,
)
from pipeline.bench.place import find_tmpfs, free_output_bytes, temporary_place
from pipeline.bench.probes import Fact, Probe, list_probes, recording_cost
from pipeline.bench.sizes import Sizes
from pipeline.memory import format_bytes, free_bytes
from pipeline.signals import interrupt_on_signals

FORMAT = 2
_FILLED = 0.8
"""Part of what is free that a measurement may take."""


def run_bench(sizes: Sizes, programs: Path, notify: Callable[[str], None]) -> dict[str, Any]:
    """Measure all contenders, and the engine alone.

    Parameters
    ----------
    sizes : Sizes
    programs : Path
        A build root, whose programs are used and added to.
    notify : callable
        Called with a line before each run.

    Returns
    -------
    dict
        `machine`, `sizes`, and per comparison the times in seconds of each contender, one per repetition, and the
        ratios of every two; `facts`, each of them a number and its unit; `left_out`. Ready for JSON.
    """
    machine = describe_machine()
    comparisons: list[dict[str, Any]] = []
    facts: list[Fact] = []
    left_out: list[str] = []
    with interrupt_on_signals():
        for comparison in list_comparisons(sizes):
            if _fits(comparison, left_out):
                # One folder at a time: recordings on tmpfs are memory.
                with temporary_place(programs) as place:
                    measured = measure_comparison(comparison, place, notify)
                comparisons.append(_describe_measured(measured))
                if comparison.name == RECORDING:
                    facts.append(recording_cost(measured, sizes.hierarchy_s))
        for probe in list_probes(sizes):
            if _fits(probe, left_out):
                notify(probe.name)
                with temporary_place(programs) as place:
                    facts += probe.measure(place)
    machine["load_after"] = round(os.getloadavg()[0], 2)
    machine["outputs"] = "tmpfs" if find_tmpfs() else tempfile.gettempdir()
    return {
        "format": FORMAT,
        "machine": machine,
        "sizes": asdict(sizes),
        "comparisons": comparisons,
        "facts": [asdict(fact) for fact in facts],
        "left_out": left_out,
    }


def _fits(work: Comparison | Probe, left_out: list[str]) -> bool:
    """Return whether there is room for what a measurement records; if not, note what is left out."""
    memory = free_bytes()
    room = min(free_output_bytes(), memory if memory is not None else free_output_bytes())
    if work.n_bytes > _FILLED * room:
        left_out.append(f"{work.name}: needs {format_bytes(work.n_bytes)}, and {format_bytes(room)} are free")
    return work.n_bytes <= _FILLED * room


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
    others = {key: [getattr(timing, key) for timing in timings] for key in ("rate_hz", "start_s", "peak_memory_bytes")}
    return {"name": name, **times, **medians, **{key: values for key, values in others.items() if None not in values}}


def _describe_ratio(ratio: Ratio) -> dict[str, Any]:
    spread = {"median": ratio.median, "min": min(ratio.values), "max": max(ratio.values)}
    return asdict(ratio) | {"values": list(ratio.values)} | spread
