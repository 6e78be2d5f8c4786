"""Tables for people."""

import math
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from pipeline.verification.report import (
        Row,
        VerifyReport,
    )  # which imports SciPy: a summary should not wait for that

_MILLIVOLTS = 1e3


def format_summary(summary: pd.DataFrame) -> str:
    """Return the summary of a run as text: one line per population, each channel as mean ± SD in mV."""
    shown = summary[["population", "size"]].copy()
    for column, label, digits in (
        ("mean_rate", "rate (Hz)", 2),
        ("cv_isi", "CV of ISI", 2),
        ("silent_fraction", "silent", 3),
        ("ei_balance", "E/I", 2),
    ):
        shown[label] = [_format_number(value, digits) for value in summary[column]]
    for channel in [column.removesuffix("_mean") for column in summary.columns if column.endswith("_mean")]:
        pairs = zip(summary[f"{channel}_mean"], summary[f"{channel}_sd"], strict=True)
        shown[f"{channel} (mV)"] = [_format_spread(mean, sd) for mean, sd in pairs]
    return str(shown.to_string(index=False))


def _format_number(value: float, digits: int) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.{digits}f}" if math.isfinite(value) else "∞"


def _format_spread(mean: float, sd: float) -> str:
    return "–" if math.isnan(mean) else f"{mean * _MILLIVOLTS:.2f} ± {sd * _MILLIVOLTS:.2f}"


def format_report(report: "VerifyReport") -> str:
    """Return a verification as text: one line per quantity and population, and what is wrong with it, if anything."""
    table = report.table
    shown = table[["recorder", "quantity", "population", "n_values"]].rename(columns={"n_values": "compared"})
    for column, label in (("largest_absolute", "largest diff"), ("largest_relative", "relative"), ("tolerance", "tol")):
        shown[label] = [f"{value:.1e}" if math.isfinite(value) else "–" for value in table[column]]
    shown["verdict"] = table["verdict"]
    lines = [str(shown.to_string(index=False)), ""]
    lines += [line for row in report.rows if (line := _explain(row))]
    speed = (
        f"{report.n_currents:.3g} neurons × steps × channels at {report.currents_per_s / 1e6:.3g} million per second"
    )
    lines.append(f"{speed}; the drive was regenerated in {report.drive_s:.1f} s")
    lines.append(_conclude(report))
    return "\n".join(lines)


def _conclude(report: "VerifyReport") -> str:
    until = "" if report.part is None else f" {report.part}"
    if not report.passed:
        return f"NOT verified{until}: {report.why_not}" if report.why_not else f"NOT verified{until}"
    if not report.n_unchecked:
        return f"verified{until}: everything agrees"
    rows = f"{report.n_unchecked} of {len(report.rows)} rows"
    return f"verified{until}, but for {rows}, which could not be checked: see `not checked` above"


def _explain(row: "Row") -> str:
    """Return what is wrong with a row of a verification, or why it was not checked; nothing when all is well."""
    what = f"{row.quantity} {'at' if row.population else 'of'} {row.population or row.recorder}"
    left_out = f"{row.n_left_out} recorded {'spike was' if row.n_left_out == 1 else 'spikes were'} not compared"
    if row.verdict == "not checked" and row.reason:
        return f"{what}: not checked: {row.reason}" + (f"; {left_out}" if row.quantity == "spikes" else "")
    if row.verdict == "differs" and row.reason:
        return f"{what}: {row.reason}"
    said = []
    if row.verdict == "differs":
        values = f"expected {row.expected:.9g}, recorded {row.recorded:.9g}"
        said.append(f"{row.n_different} differ; first {_place(row)}: {values}")
    if row.compared:
        said.append(f"those of {row.compared} were compared; {left_out}: the v of their neurons was not recorded")
    return f"{what}: {'; '.join(said)}" if said else ""


def _place(row: "Row") -> str:
    if row.source is not None:
        return f"from {row.source}" + ("" if row.neuron is None else f" to {row.neuron}")
    neuron = [] if row.neuron is None else [f"neuron {row.neuron}"]
    return "at " + ", ".join(neuron + ([] if math.isnan(row.time) else [f"t = {row.time:.9g} s"]))
