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
    lines.append("verified: everything agrees" if report.passed else "NOT verified")
    return "\n".join(lines)


def _explain(row: "Row") -> str:
    """Return what is wrong with a row of a verification, or why it was not checked; nothing when all is well."""
    what = f"{row.quantity} {'at' if row.population else 'of'} {row.population or row.recorder}"
    if row.verdict != "differs":
        return f"{what}: not checked: {row.reason}" if row.reason else ""
    if row.reason:
        return f"{what}: {row.reason}"
    values = f"expected {row.expected:.9g}, recorded {row.recorded:.9g}"
    return f"{what}: {row.n_different} differ; first {_place(row)}: {values}"


def _place(row: "Row") -> str:
    if row.source is not None:
        return f"from {row.source}" + ("" if row.neuron is None else f" to {row.neuron}")
    return f"at neuron {row.neuron}" + ("" if math.isnan(row.time) else f", t = {row.time:.9g} s")
