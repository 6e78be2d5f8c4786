"""The whole bench: measure everything, and return the results as plain data."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from pipeline.bench.contenders import Timing
from pipeline.bench.growth import Point, list_cases, measure_case
from pipeline.bench.machine import describe_machine
from pipeline.bench.measure import (
    CLOCKS,
    RECORDING,
    Measured,
    Ratio,
    list_comparisons,
    measure_comparison,
)
from pipeline.bench.parts import PartsTable, list_parts_cases
from pipeline.bench.place import find_tmpfs, free_output_bytes, temporary_place
from pipeline.bench.probes import Fact, list_probes, recording_cost
from pipeline.bench.sizes import Sizes
from pipeline.memory import format_bytes, free_bytes
from pipeline.signals import interrupt_on_signals

FORMAT = 3
_FILLED = 0.8
"""Part of what is free that a measurement may take."""


def run_bench(
    sizes: Sizes, programs: Path, notify: Callable[[str], None], *, only_growth: bool = False
) -> dict[str, Any]:
    """Measure all contenders, and the engine alone.

    Parameters
    ----------
    sizes : Sizes
    programs : Path
        A build root, whose programs are used and added to.
    notify : callable
        Called with a line before each run.
    only_growth : bool
        Whether nothing but the curves of growth is wanted.

    Returns
    -------
    dict
        `machine`, `sizes`, and per comparison the times in seconds of each contender, one per repetition, and the
        ratios of every two; `parts`, one table per recording; `growth`, the points of all curves; `facts`, each of
        them a number and its unit; `left_out`. Ready for JSON.
    """
    machine = describe_machine(sizes.copied_bytes)
    bench = _Bench(sizes, programs, notify)
    with interrupt_on_signals():
        if not only_growth:
            bench.compare()
            bench.take_apart()
            bench.probe()
        bench.grow()
    machine["load_after"] = round(os.getloadavg()[0], 2)
    machine["outputs"] = "tmpfs" if find_tmpfs() else tempfile.gettempdir()
    return {
        "format": FORMAT,
        "machine": machine,
        "sizes": asdict(sizes),
        "comparisons": [_describe_measured(measured) for measured in bench.comparisons],
        "parts": [asdict(table) for table in bench.parts],
        "growth": [asdict(point) for point in bench.points],
        "facts": [asdict(fact) for fact in bench.facts],
        "left_out": bench.left_out,
    }


@dataclass
class _Bench:
    """What is measured, and what has been; one folder at a time, since recordings on tmpfs are memory."""

    sizes: Sizes
    programs: Path
    notify: Callable[[str], None]
    comparisons: list[Measured] = field(default_factory=list)
    parts: list[PartsTable] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def compare(self) -> None:
        for comparison in list_comparisons(self.sizes):
            if _fits(comparison, self.left_out):
                with temporary_place(self.programs) as place:
                    measured = measure_comparison(comparison, place, self.notify)
                self.comparisons.append(measured)
                if comparison.name == RECORDING:
                    self.facts.append(recording_cost(measured, self.sizes.hierarchy_s))

    def take_apart(self) -> None:
        for case in list_parts_cases(self.sizes):
            if _fits(case, self.left_out):
                self.notify(f"parts: {case.name}")
                with temporary_place(self.programs) as place:
                    self.parts.append(case.measure(place))

    def probe(self) -> None:
        for probe in list_probes(self.sizes):
            if _fits(probe, self.left_out):
                self.notify(probe.name)
                with temporary_place(self.programs) as place:
                    self.facts += probe.measure(place)

    def grow(self) -> None:
        growth = self.sizes.growth
        for case in list_cases(self.sizes, growth) if growth else ():
            if growth and _fits(case, self.left_out):
                self.notify(case.name)
                with temporary_place(self.programs) as place:
                    self.points.append(measure_case(case, growth, place))


class _Work(Protocol):
    """Something to be measured."""

    @property
    def name(self) -> str: ...

    @property
    def n_bytes(self) -> float:
        """Memory and room for outputs that it needs, beyond what is not worth mentioning."""


def _fits(work: _Work, left_out: list[str]) -> bool:
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
        "compared": measured.compared,
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
