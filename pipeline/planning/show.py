"""A plan for people."""

from collections.abc import Callable, Iterator

from pipeline.memory import format_bytes
from pipeline.planning.plan import Part, Plan

_LARGEST = 3
_MINUTE_S, _HOUR_S = 60, 3600
_LEAST_SHARE = 0.01
"""Parts that are smaller than this of the whole are not named."""


def format_plan(plan: Plan) -> str:
    """Return quantities, amounts and what they consist of."""
    rows = [("quantity", "amount", "of which"), *_list_rows(plan)]
    wide, amount_wide = (max(len(row[i]) for row in rows) for i in (0, 1))
    table = [f"{quantity:{wide}}  {amount:>{amount_wide}}  {parts}" for quantity, amount, parts in rows]
    lines = [f"{plan.network}, {plan.duration_s:g} s of model time on the {plan.device} device", "", *table, ""]
    lines.append(f"measured by simulating {plan.calibration_s:g} s")
    if plan.compile_s is not None:
        lines.append(f"compiled the program in {format_seconds(plan.compile_s)}: the run will find it")
    return "\n".join([*lines, *(f"warning: {warning}" for warning in plan.warnings)])


def _list_rows(plan: Plan) -> Iterator[tuple[str, str, str]]:
    most = plan.memory_most_bytes
    late = [f"up to {format_bytes(most)} if the disk is slow"] if most > 1.05 * plan.memory_bytes else []
    yield "disk", format_bytes(plan.disk_bytes), _list_parts(plan.disk, format_bytes)
    yield "memory", format_bytes(plan.memory_bytes), ", ".join([_list_parts(plan.memory, format_bytes), *late])
    yield "time", format_seconds(plan.time_s), _list_parts(plan.time, format_seconds)
    yield "before it", format_seconds(plan.prepare_s), "sampling and writing edges"
    for frame in plan.frames:
        yield frame.what, format_bytes(frame.amount), "memory as one table"


def _list_parts(parts: tuple[Part, ...], show: Callable[[float], str]) -> str:
    whole = sum(part.amount for part in parts)
    largest = sorted(parts, key=lambda part: -part.amount)[:_LARGEST]
    return ", ".join(f"{part.what} {show(part.amount)}" for part in largest if part.amount > _LEAST_SHARE * whole)


def format_seconds(seconds: float) -> str:
    """Return a time as text, in the unit that people would use."""
    if seconds >= _HOUR_S:
        return f"{seconds / _HOUR_S:.1f} h"
    if seconds >= 2 * _MINUTE_S:
        return f"{seconds / _MINUTE_S:.1f} min"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"
