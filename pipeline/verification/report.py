"""The outcome of a verification."""

from dataclasses import asdict, dataclass, fields
from typing import Literal

import numpy as np
import pandas as pd

from pipeline.part import Part
from pipeline.verification.binned import Tally

type Verdict = Literal["ok", "differs", "not exercised", "not checked"]


@dataclass(frozen=True)
class Row:
    """One quantity of one recorder at one population."""

    recorder: str
    """Name of the recorder; of the drive for its sources; of the pathway, or drive, for its edges; of the `[neuron]`
    table for parameters; `program` for its inputs."""
    quantity: str
    """A channel, `v` or another variable, `spikes`, `rates`, or `sources` of a drive; `neurons` that a recorder has;
    `inputs`, the files that a program was given; a parameter of neurons; and of a pathway, or of a drive with sources,
    `edges` (how many leave each source), `targets`, `weights` and `delays`."""
    population: str
    """Empty for what is not of one population."""
    channel: bool
    """Whether the quantity is a channel's current."""
    n_values: int
    """Values compared; for spikes, recorded ones and crossings."""
    n_different: int
    largest_absolute: float
    """Largest absolute difference, SI units."""
    largest_relative: float
    """Largest difference relative to the expected value."""
    tolerance: float
    """Relative tolerance."""
    verdict: Verdict
    neuron: int | None = None
    """Where the first difference is: global index, or number of a drive's source; of an edge, its target."""
    time: float = np.nan
    """When, seconds: end of the bin, or the spike's step."""
    expected: float = np.nan
    """The value there; for spikes and sources 1 or 0, whether there should be one; of weights volts, of delays
    steps."""
    recorded: float = np.nan
    reason: str = ""
    """Why something was not checked; of what differs as a whole, in what."""
    source: int | None = None
    """Of an edge, where it begins: global index, or number of a drive's source."""
    compared: str = ""
    """Of spikes, those of which neurons were compared, where that is not all: `20 of 800 neurons`."""
    n_left_out: int = 0
    """Of spikes, recorded ones that were not compared."""


def tally_row(
    recorder: str, quantity: str, population: str, tally: Tally, tolerance: float, *, channel: bool = False
) -> Row:
    """Return the row of what was compared."""
    verdict: Verdict = "differs" if tally.n_different else "ok" if tally.exercised else "not exercised"
    first = tally.first
    place = () if first is None else (first.neuron, first.time_s, first.expected, first.recorded)
    largest = tally.largest_absolute, tally.largest_relative
    counts = tally.n_values, tally.n_different
    return Row(recorder, quantity, population, channel, *counts, *largest, tolerance, verdict, *place)


def unchecked_row(recorder: str, quantity: str, population: str, reason: str, *, channel: bool = False) -> Row:
    """Return the row of what was not compared."""
    nothing = 0, 0, np.nan, np.nan, np.nan
    return Row(recorder, quantity, population, channel, *nothing, "not checked", reason=reason)


@dataclass(frozen=True)
class VerifyReport:
    """What `verify` found."""

    rows: tuple[Row, ...]
    n_currents: int
    """Neurons × steps × channels that were recomputed."""
    currents_s: float
    """Seconds that recomputing and comparing took, the drive apart."""
    drive_s: float
    """Seconds that regenerating the drive took."""
    part: Part | None = None
    """How much of the run was compared, where that was opened as a part."""

    @property
    def currents_per_s(self) -> float:
        """Speed: neurons × steps × channels per second, the drive apart."""
        return self.n_currents / self.currents_s

    @property
    def passed(self) -> bool:
        """Whether nothing differs, and at least one channel held a value other than 0."""
        verdicts = [row.verdict for row in self.rows]
        return "differs" not in verdicts and any(row.channel and row.verdict == "ok" for row in self.rows)

    @property
    def n_unchecked(self) -> int:
        """Rows of what could not be checked."""
        return sum(row.verdict == "not checked" for row in self.rows)

    @property
    def why_not(self) -> str:
        """Why nothing that differs does not mean that it passed; empty when it passed, or something differs."""
        if self.passed or self.failed:
            return ""
        currents = [row for row in self.rows if row.channel or row.quantity == "v"]
        if not currents:
            return "no currents were recorded"
        if any(row.verdict != "not checked" for row in currents):
            return "no channel that could be checked held a value other than 0"
        reasons = ", ".join(dict.fromkeys(row.reason for row in currents))
        remedy = "; record the spikes of all populations" if "spikes" in reasons else ""
        return f"none of the recorded currents could be checked ({reasons}){remedy}"

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the quantities that differ, each once."""
        return tuple(dict.fromkeys(row.quantity for row in self.rows if row.verdict == "differs"))

    @property
    def table(self) -> pd.DataFrame:
        """One row per recorder, quantity and population; the columns are the fields of `Row`."""
        frame = pd.DataFrame([asdict(row) for row in self.rows], columns=[item.name for item in fields(Row)])
        return frame.astype({"neuron": "Int64", "source": "Int64"})
