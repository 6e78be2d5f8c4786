"""Run contenders in turn, and make ratios of what was measured side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Literal, get_args

from pipeline.bench.contenders import HIERARCHY_CONTENDERS, Contender, Recorded, Timing, traced_contenders
from pipeline.bench.sizes import Sizes

type Clock = Literal["simulation_s", "wall_s"]
CLOCKS: tuple[Clock, ...] = get_args(Clock.__value__)


@dataclass(frozen=True)
class Comparison:
    """Contenders for the same work."""

    name: str
    contenders: Sequence[Contender]


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

    @property
    def same_spikes(self) -> bool | None:
        """Whether contenders with the same random numbers gave the same spikes; None for fewer than two of them."""
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
    """Return everything that the bench compares."""
    kinds: tuple[Recorded, ...] = get_args(Recorded.__value__)
    hierarchy = [
        Comparison(f"hierarchy, {recorded}", [make(sizes, recorded) for make in HIERARCHY_CONTENDERS.values()])
        for recorded in kinds
    ]
    traced = Comparison(f"traced_synapses, {sizes.n_traced} neurons all-to-all", traced_contenders(sizes))
    return [*hierarchy, traced]


def measure_comparison(
    comparison: Comparison, n_repetitions: int, folder: Path, notify: Callable[[str], None]
) -> Measured:
    """Build all contenders, then run them in turn.

    Parameters
    ----------
    comparison : Comparison
    n_repetitions : int
        Measured runs of each contender.
    folder : Path
        Receives builds and outputs: on tmpfs, so that no disk is measured.
    notify : callable
        Called with a line before each run.
    """
    timings: dict[str, list[Timing]] = {contender.name: [] for contender in comparison.contenders}
    for i_repetition in range(n_repetitions + 1):
        for i_contender, contender in enumerate(comparison.contenders):
            part = f"{i_repetition} of {n_repetitions}" if i_repetition else "build"
            notify(f"{comparison.name}: {contender.name}, {part}")
            own = folder / f"contender{i_contender}"
            own.mkdir(parents=True, exist_ok=True)
            timing = contender.run(own)
            if i_repetition > 0:
                timings[contender.name].append(timing)
    return Measured(comparison.name, timings)


def compare_pairs(slow: str, fast: str, of_slow: list[Timing], of_fast: list[Timing], clock: Clock) -> Ratio:
    """Return the ratios of the runs of two contenders, repetition by repetition."""
    pairs = zip(of_slow, of_fast, strict=True)
    return Ratio(slow, fast, clock, tuple(getattr(a, clock) / getattr(b, clock) for a, b in pairs))
