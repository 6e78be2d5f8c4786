"""Run contenders in turn, and make ratios of what was measured side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Literal, get_args

from pipeline.bench.contenders import (
    HIERARCHY_CONTENDERS,
    VALUE_BYTES,
    Contender,
    Recorded,
    Timing,
    count_recorded,
    recording_contenders,
    threaded_contenders,
    traced_contenders,
)
from pipeline.bench.place import Place
from pipeline.bench.sizes import Sizes

type Clock = Literal["simulation_s", "wall_s"]
type Compared = Literal["spikes", "bytes"]
"""What must be the same of contenders with the same random numbers: spikes, or all that is recorded."""
CLOCKS: tuple[Clock, ...] = get_args(Clock.__value__)
RECORDING = "hierarchy, engine"
"""The comparison that tells what recording costs."""


@dataclass(frozen=True)
class Comparison:
    """Contenders for the same work."""

    name: str
    contenders: Sequence[Contender]
    n_repetitions: int
    """Measured runs of each."""
    n_bytes: float = 0
    """Memory and room for outputs that it needs, beyond what is not worth mentioning."""
    compared: Compared = "spikes"


@dataclass(frozen=True)
class Ratio:
    """How many times faster one contender is than another, by the runs that stood side by side."""

    slow: str
    """What the ratio's numerator is the time of."""
    fast: str
    clock: Clock
    values: tuple[float, ...]
    """One per repetition."""

    @property
    def median(self) -> float:
        """Of the repetitions."""
        return median(self.values)


@dataclass(frozen=True)
class Measured:
    """What a comparison gave."""

    name: str
    timings: dict[str, list[Timing]]
    """By contender: one per repetition."""
    compared: Compared = "spikes"

    @property
    def same_spikes(self) -> bool | None:
        """Whether contenders with the same random numbers gave the same; None for fewer than two of them."""
        digests = {name: {timing.spikes for timing in timings} for name, timings in self.timings.items()}
        ours = [found for found in digests.values() if None not in found]
        return len(set().union(*ours)) == 1 if len(ours) > 1 else None

    @property
    def ratios(self) -> list[Ratio]:
        """Of every two contenders and both clocks; the one listed first is the numerator."""
        return [
            compare_pairs(slow, fast, self.timings[slow], self.timings[fast], clock)
            for slow, fast in combinations(self.timings, 2)
            for clock in CLOCKS
        ]


def list_comparisons(sizes: Sizes) -> list[Comparison]:
    """Return everything that the bench compares, what writes most last."""
    kinds: tuple[Recorded, ...] = get_args(Recorded.__value__)
    traced = f"traced_synapses, {sizes.n_traced} neurons all-to-all"
    # Two threads were seen to gain less for seconds after gigabytes were written and removed.
    spikes, currents, everything = (
        [make(sizes, recorded) for make in (_compare_threads, _compare_hierarchy)] for recorded in kinds
    )
    return [
        Comparison(traced, traced_contenders(sizes), sizes.n_repetitions),
        *reversed(spikes),
        Comparison(RECORDING, recording_contenders(sizes), sizes.n_repetitions),
        *currents,
        *everything,
    ]


def _compare_hierarchy(sizes: Sizes, recorded: Recorded) -> Comparison:
    contenders = [make(sizes, recorded) for make in HIERARCHY_CONTENDERS.values()]
    n_repetitions = sizes.n_everything if recorded == "everything" else sizes.n_repetitions
    # Brian2's monitors keep float64 in memory, and then write them.
    return Comparison(f"hierarchy, {recorded}", contenders, n_repetitions, 2 * 8 * count_recorded(sizes, recorded))


def _compare_threads(sizes: Sizes, recorded: Recorded) -> Comparison:
    n_repetitions = sizes.n_everything if recorded == "everything" else sizes.n_repetitions
    n_bytes = VALUE_BYTES * count_recorded(sizes, recorded)
    contenders = threaded_contenders(sizes, recorded)
    return Comparison(f"hierarchy, {recorded}, threads", contenders, n_repetitions, n_bytes, "bytes")


def measure_comparison(comparison: Comparison, place: Place, notify: Callable[[str], None]) -> Measured:
    """Build all contenders, then run them in turn.

    Parameters
    ----------
    comparison : Comparison
    place : Place
        Each contender gets a folder of its own in it.
    notify : callable
        Called with a line before each run.
    """
    timings: dict[str, list[Timing]] = {contender.name: [] for contender in comparison.contenders}
    for i_repetition in range(comparison.n_repetitions + 1):
        for i_contender, contender in enumerate(comparison.contenders):
            part = f"{i_repetition} of {comparison.n_repetitions}" if i_repetition else "build"
            notify(f"{comparison.name}: {contender.name}, {part}")
            timing = contender.run(place.within(f"contender{i_contender}"))
            if i_repetition > 0:
                timings[contender.name].append(timing)
    return Measured(comparison.name, timings, comparison.compared)


def compare_pairs(slow: str, fast: str, of_slow: list[Timing], of_fast: list[Timing], clock: Clock) -> Ratio:
    """Return the ratios of the runs of two contenders, repetition by repetition."""
    pairs = zip(of_slow, of_fast, strict=True)
    return Ratio(slow, fast, clock, tuple(getattr(a, clock) / getattr(b, clock) for a, b in pairs))
