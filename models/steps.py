"""Time as an integer number of steps, rounded once; what does not divide is refused."""

from decimal import Decimal

from models.errors import Problem
from models.quantities import Quantity, show_value

MAX_STEPS = 2**53
"""Step numbers up to here are exact in float64 too."""
_TOLERANCE = 1e-9
"""Steps by which a float such as 0.3/0.1 may be off its whole number ..."""
_ROUNDING = 1e-15
"""... and what is added to that per step: the rounding of the two floats and of their ratio."""


def count_steps(duration_s: float, dt_s: float) -> int:
    """Return duration/dt rounded to the nearest integer."""
    return round(duration_s / dt_s)


def divides(duration_s: float, dt_s: float) -> bool:
    """Return whether a duration is a whole number of steps, of not more than `MAX_STEPS`."""
    ratio = duration_s / dt_s
    return ratio <= MAX_STEPS and abs(ratio - round(ratio)) <= _TOLERANCE + _ROUNDING * ratio


def step_time(i_step: int, dt_s: float) -> float:
    """Return the time of a step in seconds, as the float nearest to the decimal number that a reader would write."""
    return float(Decimal(i_step) * Decimal(repr(dt_s)))


def format_time(time_s: float) -> str:
    """Return seconds as text, in s from one second on and in ms below."""
    scale, unit = (1.0, "s") if time_s >= 1 or time_s == 0 else (1e-3, "ms")
    return f"{float(f'{time_s / scale:.12g}'):.12g} {unit}"


def check_multiple(place: str, quantity: Quantity, step_s: float, step_name: str) -> list[Problem]:
    """Return the problem of a time that is not a whole number ≥ 1 of steps, naming the two nearest that are."""
    ratio, got = quantity.value / step_s, show_value(quantity.text)
    if ratio > MAX_STEPS:
        return [
            Problem(place, f"has too many steps of {step_name} = {format_time(step_s)}", f"at most {MAX_STEPS}", got)
        ]
    if divides(quantity.value, step_s) and round(ratio) > 0:
        return []
    below = max(int(ratio), 0)
    near = [show_value(format_time(n * step_s)) for n in (below, below + 1) if n > 0]
    what = f"is not a multiple of {step_name} = {format_time(step_s)}" if ratio > 0 else "is not above 0"
    return [Problem(place, what, " or ".join(near), got)]
