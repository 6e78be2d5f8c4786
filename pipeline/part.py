"""How much there is of a run that did not finish: recorders end with their last whole chunk, each at its own time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import Problem
from models.steps import format_time, step_time
from pipeline.errors import UnfinishedRunError
from pipeline.recorded_spikes import SourceSpikes, SpikeTrains
from pipeline.recording import Recording

if TYPE_CHECKING:
    from pipeline.run import Run

_WHOLE = 1 << 62


@dataclass(frozen=True)
class Part:
    """Until when there is something of a run, and until when all of each recorder."""

    status: str
    """Of the run: a part may be of one that is still under way, or of a finished one that was damaged."""
    dt_s: float
    n_steps: int
    """Steps that the recorder that goes on longest holds."""
    duration_s: float | None
    """Of the whole run, where that is known."""
    recorders: Mapping[str, int]
    """Steps by recorder: before that, nothing is missing at its end."""
    inputs: Mapping[str, int]
    """The same of the sources of each drive."""

    @property
    def until_s(self) -> float:
        """Model time until which there is something."""
        return step_time(self.n_steps, self.dt_s)

    def __str__(self) -> str:
        """Return `until 3 s of 10 s`, and which recorders end before."""
        ends = dict(self.recorders) | {f"inputs of {drive}": end for drive, end in self.inputs.items()}
        earlier = [
            f"{name} until {format_time(step_time(end, self.dt_s))}" for name, end in ends.items() if end < self.n_steps
        ]
        whole = "" if self.duration_s is None else f" of {format_time(self.duration_s)}"
        return f"until {format_time(self.until_s)}{whole}" + (f"; {', '.join(earlier)}" if earlier else "")

    def to_json(self) -> dict[str, Any]:
        """Return it with all ends in seconds."""
        recorders, inputs = (
            {name: step_time(end, self.dt_s) for name, end in ends.items()} for ends in (self.recorders, self.inputs)
        )
        until = {"until_s": self.until_s, "duration_s": self.duration_s}
        return {"status": self.status, **until, "recorders": recorders, "inputs": inputs}

    def cut(self, recording: Recording) -> Recording:
        """Return a recording that is as long as this part, without the spikes of a step that may lack others."""
        spikes = {name: _cut_trains(trains, self.recorders[name]) for name, trains in recording.spikes.items()}
        inputs = {drive: _cut_sources(item, self.inputs[drive]) for drive, item in recording.inputs.items()}
        return replace(recording, n_steps=self.n_steps, spikes=spikes, inputs=inputs)


def find_part(run: "Run", *, comparable: bool = False) -> Part | None:
    """Return how much there is of a run that was opened as a part; None of one that was opened as a whole.

    Parameters
    ----------
    run : Run
    comparable : bool
        Only as much as there are spikes of all neurons and sources for: all else is recomputed from them. Recorders
        that hold no spikes at all do not count.

    Raises
    ------
    UnfinishedRunError
        If there is nothing at all.
    """
    recording = run.recording
    if not recording.partial:
        return None
    events: list[SpikeTrains | SourceSpikes] = [*recording.spikes.values(), *recording.inputs.values()]
    open_ends = [item.n_steps for item in events if item.n_steps and not item.is_ended]
    binned = _count_binned(recording, min(open_ends, default=_WHOLE) if comparable else _WHOLE)
    n_steps = max(binned.values(), default=0) or max((item.n_steps for item in events), default=0)
    if not n_steps:
        raise _holds_nothing(run)
    return Part(
        run.manifest["status"],
        recording.dt_s,
        n_steps,
        run.manifest.get("duration_s"),
        binned | {name: _end_of(trains, n_steps) for name, trains in recording.spikes.items()},
        {drive: _end_of(item, n_steps) for drive, item in recording.inputs.items()},
    )


def _count_binned(recording: Recording, most: int) -> dict[str, int]:
    """Return the steps of the complete bins of each recorder that has bins, up to a step."""
    lengths = {name: (reader.n_bins, reader.steps_per_bin) for name, reader in recording.readers.items()}
    lengths |= {name: (len(rates.counts), rates.steps_per_bin) for name, rates in recording.rates.items()}
    return {name: min(n_bins, most // per_bin) * per_bin for name, (n_bins, per_bin) in lengths.items()}


def _end_of(events: SpikeTrains | SourceSpikes, n_steps: int) -> int:
    # What was ended properly was so at or after the last complete bin, however long ago its last spike was.
    return n_steps if events.is_ended else min(n_steps, events.n_steps)


def _cut_trains(trains: SpikeTrains, n_steps: int) -> SpikeTrains:
    n_spikes = int(np.searchsorted(trains.step, n_steps))
    return SpikeTrains(trains.name, trains.populations, trains.step[:n_spikes], trains.neuron[:n_spikes])


def _cut_sources(item: SourceSpikes, n_steps: int) -> SourceSpikes:
    n_spikes = int(np.searchsorted(item.step, n_steps))
    return SourceSpikes(item.drive, item.step[:n_spikes], item.source[:n_spikes])


def _holds_nothing(run: "Run") -> UnfinishedRunError:
    problem = Problem(str(run.path), "holds nothing yet that could be taken", got=f'status "{run.manifest["status"]}"')
    error = UnfinishedRunError(problem, has_part=False, is_running=run.manifest["status"] == "running")
    return error.advise("run it again")
