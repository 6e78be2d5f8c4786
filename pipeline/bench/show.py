"""The bench's results for people."""

from collections.abc import Iterator
from statistics import median
from typing import Any

import pandas as pd

from pipeline.memory import format_bytes


def format_bench(results: dict[str, Any]) -> str:
    """Return machine, times, ratios, parts, curves and facts as text; what was not measured is left out."""
    blocks = [_format_machine(results["machine"])]
    if results["comparisons"]:
        blocks.append(_format_comparisons(results["comparisons"]))
    blocks += [_format_parts(table) for table in results["parts"]]
    if results["growth"]:
        rows = [_list_point(point) for point in results["growth"]]
        blocks.append(f"growth, engine, one thread; per second of model time\n{_format_table(rows)}")
    facts = [f"{fact['what']}: {_format_fact(fact)}" for fact in results["facts"]]
    blocks.append("\n".join(facts + [f"left out: {what}" for what in results["left_out"]]))
    return "\n\n".join(block for block in blocks if block)


def _format_table(rows: list[dict[str, str]]) -> str:
    return str(pd.DataFrame(rows).to_string(index=False))


def _format_comparisons(comparisons: list[dict[str, Any]]) -> str:
    lines = [_format_table([row for comparison in comparisons for row in _list_rows(comparison)]), ""]
    lines.append("medians of runs in turn; × how many times as fast as the first (smallest–largest)")
    for comparison in comparisons:
        if comparison["same_spikes"] is not None:
            verdict = "the same" if comparison["same_spikes"] else "DIFFERENT"
            lines.append(f"{comparison['name']}: {verdict} {comparison['compared']}")
    return "\n".join(lines)


def _format_fact(fact: dict[str, Any]) -> str:
    if fact["unit"] == "bytes":
        return format_bytes(fact["value"])
    return f"{fact['value']:.3g} {fact['unit']}".rstrip()


def _format_machine(machine: dict[str, Any]) -> str:
    load = f"load {machine['load_before']} before, {machine['load_after']} after"
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    caches = ", ".join(f"{level} {size}" for level, size in machine["caches"].items())
    return "\n".join(
        [
            f"{machine['cpu']}, {machine['cores']} cores, {load}; outputs on {machine['outputs']}",
            f"{caches}; copying {machine['memory_bytes_per_s'] / 1e9:.1f} GB/s, read and written",
            f"{machine['compiler']['version']}; {versions}; {machine['date']}",
        ]
    )


def _list_rows(comparison: dict[str, Any]) -> list[dict[str, str]]:
    first = comparison["contenders"][0]["name"]
    ratios = {(ratio["fast"], ratio["clock"]): ratio for ratio in comparison["ratios"] if ratio["slow"] == first}
    return [
        {
            "network": comparison["name"],
            "contender": contender["name"],
            "rate (Hz)": f"{contender['rate_hz'][0]:.2f}",
            "simulation (s)": f"{contender['median_simulation_s']:.3f}",
            "simulation ×": _format_ratio(ratios.get((contender["name"], "simulation_s"))),
            "program (s)": f"{contender['median_wall_s']:.3f}",
            "program ×": _format_ratio(ratios.get((contender["name"], "wall_s"))),
            "start (s)": f"{median(contender['start_s']):.3f}" if "start_s" in contender else "–",
            "peak memory": format_bytes(max(contender["peak_memory_bytes"]))
            if "peak_memory_bytes" in contender
            else "–",
        }
        for contender in comparison["contenders"]
    ]


def _format_ratio(ratio: dict[str, Any] | None) -> str:
    return f"{ratio['median']:.2f} ({ratio['min']:.2f}–{ratio['max']:.2f})" if ratio else "1"


def _format_parts(table: dict[str, Any]) -> str:
    whole = (
        f"parts of {table['name']}, engine, one thread: {table['simulation_s']:.3f} s per second of model time, "
        f"start {table['start_s']:.3f} s, end {table['end_s']:.3f} s; "
        f"{table['neuron_update_ns']:.2f} ns per neuron update; "
        f"{format_bytes(table['recording_bytes'])} recorded per second of model time, "
        f"{format_bytes(table['written_bytes_per_s'])}/s written"
    )
    rows = sorted(table["parts"], key=lambda part: -part["share"])
    return f"{whole}\n{_format_table([_list_part(part) for part in rows])}"


def _list_part(part: dict[str, Any]) -> dict[str, str]:
    cost = f"{part['unit_ns']:.2f} ns per {part['unit']}" if part["unit_ns"] is not None else "–"
    return {"part": part["name"], "ms": f"{part['ms']:.1f}", "share": f"{part['share']:.1%}", "cost": cost}


def _list_point(point: dict[str, Any]) -> dict[str, str]:
    return dict(_list_columns(point))


def _list_columns(point: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "curve", point["curve"] + (", own weights" if point["weights"] == "individual" else "")
    yield "at", f"{point['x']:,}"
    yield "neurons", f"{point['n_neurons']:,}"
    yield "synapses", f"{point['n_synapses']:,}"
    yield "rate (Hz)", f"{point['rate_hz']:.2f}"
    yield "simulation (s)", f"{point['simulation_s']:.3f}"
    yield "ns per event", f"{point['event_ns']:.2f}"
    yield "ns per update", f"{point['neuron_update_ns']:.2f}"
    yield "bytes per synapse", f"{point['bytes_per_synapse']:.2f}"
    yield "peak memory", format_bytes(point["peak_memory_bytes"])
    yield "start (s)", f"{point['start_s']:.3f}"
    yield "sampling (s)", f"{point['sampling_s']:.1f}"
