"""Time of recorded data: steps as seconds, and the steps and bins between two times."""

from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor, isfinite

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.errors import Problem, SpecError
from models.quantities import SECOND, QuantityError, parse_quantity, show_value
from models.steps import count_steps, divides, format_time, step_time

type Time = float | str
"""Seconds, or text such as `"10 ms"`."""

_EXACT_INTEGER = 2**53
_EXACT_POWER_OF_TEN = 22


def step_times(steps: ArrayLike, dt_s: float) -> NDArray[np.float64]:
    """Return the times of steps, each the float that `models.steps.step_time` gives.

    With dt = a/b, a and b integers and b a power of ten, a step's time is (step·a)/b: where both are exact as floats,
    the division rounds once, to the float nearest to the decimal number.

    Parameters
    ----------
    steps : (n,) array of int
    dt_s : float

    Returns
    -------
    (n,) float64, seconds
    """
    steps = np.asarray(steps, np.int64)
    _, digits, exponent = Decimal(repr(dt_s)).as_tuple()
    assert isinstance(exponent, int)
    numerator = int("".join(map(str, digits))) * 10 ** max(0, exponent)
    largest = int(steps.max(initial=0)) * numerator
    if largest >= _EXACT_INTEGER or -exponent > _EXACT_POWER_OF_TEN:
        return np.array([step_time(int(step), dt_s) for step in steps], np.float64)
    times: NDArray[np.float64] = (steps * numerator).astype(np.float64)
    times /= 10.0 ** max(0, -exponent)
    return times


@dataclass(frozen=True)
class Window:
    """A stretch of time in steps: start ≤ t < stop for what has a moment, start < t ≤ stop for bins by their ends."""

    first_step: int
    """First step at or after the start."""
    last_step: int
    """First step at or after the stop."""
    bin_start: int
    """Last step at or before the start."""
    bin_stop: int
    """Last step at or before the stop."""

    def bins(self, steps_per_bin: int, n_bins: int) -> tuple[int, int]:
        """Return the first bin, and the one after the last, whose ends lie within."""
        start, stop = min(self.bin_start // steps_per_bin, n_bins), min(self.bin_stop // steps_per_bin, n_bins)
        return start, max(start, stop)

    def rows(self, steps: NDArray[np.int64]) -> slice:
        """Return where the steps within lie in an ascending array of steps."""
        start, stop = np.searchsorted(steps, [self.first_step, self.last_step])
        return slice(int(start), int(stop))


def select_window(start: Time | None, stop: Time | None, n_steps: int, dt_s: float) -> Window:
    """Return the window between two times, each the nearest step's where it is within rounding of one.

    Parameters
    ----------
    start, stop : float, str or None
        Seconds or text such as `"10 ms"`; None is the start or the end of the run.
    n_steps : int
        Length of the run.
    dt_s : float

    Raises
    ------
    SpecError
        If one is not a time, or the window holds no part of the run.
    """
    duration_s = step_time(n_steps, dt_s)
    start_s = 0.0 if start is None else parse_time("start", start)
    stop_s = duration_s if stop is None else parse_time("stop", stop)
    if start is not None and start_s >= duration_s:
        problem = Problem(
            "start", "is not before the end of the run", f"below {format_time(duration_s)}", show_time(start)
        )
        raise SpecError(problem)
    if stop_s <= start_s:
        raise SpecError(Problem("stop", "is not after start", f"above {format_time(start_s)}", show_time(stop)))
    below, above = zip(_surround(start_s, dt_s), _surround(stop_s, dt_s), strict=True)
    return Window(above[0], min(above[1], n_steps), below[0], min(below[1], n_steps))


def _surround(time_s: float, dt_s: float) -> tuple[int, int]:
    """Return the last step at or before a time and the first at or after it."""
    if divides(time_s, dt_s):
        return (count_steps(time_s, dt_s),) * 2
    return floor(time_s / dt_s), ceil(time_s / dt_s)


def parse_time(place: str, time: Time) -> float:
    """Return a time ≥ 0 in seconds; raise `SpecError` that names `place` when it is none."""
    if isinstance(time, str):
        try:
            seconds = parse_quantity(time, SECOND).value
        except QuantityError as error:
            raise SpecError(Problem(place, error.what, error.expected, error.got)) from None
    else:
        seconds = float(time)
    if not isfinite(seconds) or seconds < 0:
        raise SpecError(Problem(place, "is not a time within a run", "0 s or more", show_time(time)))
    return seconds


def show_time(time: Time | None) -> str:
    """Return a time as a message shows it."""
    return "the end of the run" if time is None else show_value(time) if isinstance(time, str) else f"{time:g} s"
