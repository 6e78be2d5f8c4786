"""The bench's results for people."""

from statistics import median
from typing import Any

import pandas as pd

from pipeline.memory import format_bytes


def format_bench(results: dict[str, Any]) -> str:
    """Return machine, times, ratios and facts as text; a ratio is median (smallest to largest) of the repetitions."""
    rows = [row for comparison in results["comparisons"] for row in _list_rows(comparison)]
    lines = [_format_machine(results["machine"]), "", str(pd.DataFrame(rows).to_string(index=False)), ""]
    lines.append("medians of runs in turn; × how many times as fast as the first (smallest–largest)")
    for comparison in results["comparisons"]:
        if comparison["same_spikes"] is not None:
            verdict = "the same spikes" if comparison["same_spikes"] else "DIFFERENT spikes"
            lines.append(f"{comparison['name']}: {verdict}")
    lines += ["", *(f"{fact['what']}: {_format_fact(fact)}" for fact in results["facts"])]
    lines += [f"left out: {what}" for what in results["left_out"]]
    return "\n".join(lines)


def _format_fact(fact: dict[str, Any]) -> str:
    if fact["unit"] == "bytes":
        return format_bytes(fact["value"])
    return f"{fact['value']:.3g} {fact['unit']}".rstrip()


def _format_machine(machine: dict[str, Any]) -> str:
    load = f"load {machine['load_before']} before, {machine['load_after']} after"
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return "\n".join(
        [
            f"{machine['cpu']}, {machine['cores']} cores, {load}; outputs on {machine['outputs']}",
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
