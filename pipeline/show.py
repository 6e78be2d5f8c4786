"""Tables for people."""

import math

import pandas as pd

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
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def _format_spread(mean: float, sd: float) -> str:
    return "–" if math.isnan(mean) else f"{mean * _MILLIVOLTS:.2f} ± {sd * _MILLIVOLTS:.2f}"
