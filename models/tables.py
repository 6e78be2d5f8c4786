"""The one dictionary of table columns: it names them, types them, documents them and reserves their names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    dtype : str
        NumPy or pandas dtype.
    unit : str
        SI unit; empty for names and counts.
    """

    dtype: str
    unit: str
    meaning: str


NEURON_COLUMNS = {
    "neuron": Column("int32", "", "global index, 0 to N-1 over all populations, layer by layer"),
    "population": Column("category", "", "population, such as L1E"),
    "layer": Column("int8", "", "layer, from 1"),
    "index": Column("int32", "", "position in the population, from 0"),
}

SPIKE_COLUMNS = {"time": Column("float64", "s", "start of the step in which v crossed the threshold"), **NEURON_COLUMNS}

CURRENT_COLUMNS = {
    "time": Column("float64", "s", "end of the bin"),
    **NEURON_COLUMNS,
    "v": Column("float32", "V", "membrane potential at the end of the bin, or its mean over the bin"),
}
"""Followed by one column per channel (`CHANNEL_COLUMN`) and then by `SUM_COLUMNS`."""

CHANNEL_COLUMN = Column(
    "float32", "V", "mean current of the channel over the bin; excitatory positive, inhibitory negative"
)

SUM_COLUMNS = {
    "excitatory": Column("float32", "V", "sum of the excitatory channels"),
    "inhibitory": Column("float32", "V", "sum of the inhibitory channels, negative"),
    "total": Column("float32", "V", "sum of all channels"),
}

RATE_COLUMNS = {
    "time": Column("float64", "s", "end of the bin"),
    "population": Column("category", "", "population, such as L1E"),
    "layer": Column("int8", "", "layer, from 1"),
    "rate": Column("float64", "Hz", "spikes per neuron and second within the bin"),
}

EDGE_COLUMNS = {
    "source": Column("int32", "", "global index of the source neuron, or the source's number for a drive"),
    "target": Column("int32", "", "global index of the target neuron"),
    "weight": Column("float32", "V", "magnitude"),
    "delay": Column("float64", "s", "from a spike's emission to its delivery"),
}

INPUT_COLUMNS = {
    "time": Column("float64", "s", "start of the step in which the source fired"),
    "drive": Column("category", "", "drive that the source belongs to"),
    "source": Column("int32", "", "number of the source within its drive, from 0"),
}

SUMMARY_COLUMNS = {
    "population": Column("category", "", "population, such as L1E"),
    "layer": Column("int8", "", "layer, from 1"),
    "size": Column("int64", "", "number of neurons"),
    "mean_rate": Column("float64", "Hz", "spikes per neuron and second over the whole run"),
    "cv_isi": Column(
        "float64", "", "SD over mean of a neuron's interspike intervals, mean over neurons with ≥ 3 spikes"
    ),
    "silent_fraction": Column("float64", "", "fraction of the neurons that never fired"),
}
"""Followed by the mean and SD of each recorded channel, and then by `BALANCE_COLUMN`."""

BALANCE_COLUMN = Column(
    "float64", "", "mean excitatory over |mean inhibitory| current, where all channels were recorded"
)

RESERVED_COLUMNS = frozenset({*SPIKE_COLUMNS, *CURRENT_COLUMNS, *SUM_COLUMNS, *RATE_COLUMNS})
"""Names that no channel may have."""


def current_columns(channels: Iterable[str], dtype: str = "float32") -> dict[str, Column]:
    """Return the columns of a currents table, in order; `dtype` is that of the recording."""
    columns = CURRENT_COLUMNS | dict.fromkeys(channels, CHANNEL_COLUMN) | SUM_COLUMNS
    return {name: c if name in SPIKE_COLUMNS else replace(c, dtype=dtype) for name, c in columns.items()}


def state_columns(units: Mapping[str, str], dtype: str = "float32") -> dict[str, Column]:
    """Return the columns of a states table, in order.

    Parameters
    ----------
    units : mapping of str to str
        SI unit by variable; empty where it is not known.
    dtype : str
        That of the recording.
    """
    variables = {name: Column(dtype, unit, f"{name} at the end of the bin") for name, unit in units.items()}
    return {"time": CURRENT_COLUMNS["time"], **NEURON_COLUMNS, **variables}


def summary_columns(channels: Iterable[str]) -> dict[str, Column]:
    """Return the columns of a summary, in order."""
    moments = {
        f"{channel}_{short}": Column("float64", "V", f"{long} of {channel} over bins and neurons")
        for channel in channels
        for short, long in (("mean", "mean"), ("sd", "standard deviation"))
    }
    return SUMMARY_COLUMNS | moments | {"ei_balance": BALANCE_COLUMN}
