"""`verify`: recompute every recorded current of a run from its spikes, drive and edges, and compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from pipeline.part import Part, find_part
from pipeline.recording import Recording
from pipeline.recording_origin import read_origin, refuse_damage
from pipeline.verification.connectivity import check_edges
from pipeline.verification.plan import Plan
from pipeline.verification.report import VerifyReport

if TYPE_CHECKING:
    from pipeline.run import Run

_CHUNK_VALUES = 1 << 19
"""Values of the widest channel that are worked on at a time: 4 MB each for a channel's arrivals and series."""
_MOST_STEPS = 4096


def verify(
    run: Run | str | Path, *, partial: bool = False, progress: Callable[[float], None] | None = None
) -> VerifyReport:
    """Recompute every recorded channel and v of a run, and compare with what was recorded.

    From the recorded spikes, the regenerated drive and the edges alone, with code that shares nothing with the
    simulation. The edges, and the neurons that recorders have, are compared with what the model says: they are sampled
    again. Spikes are compared where v is recomputed: at neurons that a recorder of currents or states has; recorded
    rates with the recorded spikes. What cannot be compared has a row that says why. `pipeline.verification.tolerance`
    says when numbers count as equal. Memory is bounded by the number of recorded neurons and of edges, not by the
    length of the run.

    Parameters
    ----------
    run : Run or path
        A run, or its folder.
    partial : bool
        Of a folder: take what there is of a run that did not finish, as a run that was opened as a part always is. Then
        each recorder is compared as far as it goes, up to the step until which all spikes were recorded; the report's
        `part` says until when. Recorders that hold no spikes at all are left out.
    progress : callable, optional
        Called with the completed fraction.

    Returns
    -------
    VerifyReport
        `passed`, `table`, `failed`, and how long it took.

    Raises
    ------
    RunFolderError, UnfinishedRunError, RecordingError
        If the run cannot be loaded, or its files are damaged, or do not fit each other.
    """
    from pipeline.run import load_run

    loaded = load_run(run, partial=partial) if isinstance(run, (str, Path)) else run
    refuse_damage(loaded.folder, read_origin(loaded.folder))
    edges = list(check_edges(loaded.folder, loaded.network))
    began = perf_counter()
    part = find_part(loaded, comparable=True)
    recording = loaded.recording if part is None else _take_part(loaded.recording, part)
    plan = Plan(loaded.folder, recording, int(loaded.manifest["seed"]), edges)
    source_s = _run_plan(plan, progress or (lambda completed: None))
    drive_s = source_s + sum(channel.drive_s for channel in plan.channels)
    n_currents = sum(channel.n_columns for channel in plan.channels) * plan.recording.n_steps
    rows = (*(make_row() for make_row in plan.rows), *plan.compared)
    return VerifyReport(rows, n_currents, perf_counter() - began - drive_s, drive_s, part)


def _take_part(recording: Recording, part: Part) -> Recording:
    """Return what can be compared: without recorders of spikes that hold none, though there may have been some."""
    cut = part.cut(recording)
    spikes = {name: trains for name, trains in cut.spikes.items() if part.recorders[name]}
    inputs = {drive: sources for drive, sources in cut.inputs.items() if part.inputs[drive]}
    return replace(cut, spikes=spikes, inputs=inputs)


def _run_plan(plan: Plan, progress: Callable[[float], None]) -> float:
    """Go through the run in chunks of steps; return the seconds that comparing drives' sources took."""
    n_steps, source_s = plan.recording.n_steps, 0.0
    widest = max((channel.n_columns for channel in plan.channels), default=1)
    size = max(1, min(_MOST_STEPS, _CHUNK_VALUES // widest))
    for start in range(0, n_steps, size):
        n_chunk = min(size, n_steps - start)
        for membrane in plan.membranes.values():
            membrane.begin(n_chunk)
        for channel in plan.channels:
            channel.advance(start, n_chunk)
        for membrane in plan.membranes.values():
            membrane.advance(start)
        began = perf_counter()
        for source in plan.sources.values():
            source.advance(start, start + n_chunk)
        source_s += perf_counter() - began
        progress((start + n_chunk) / n_steps)
    return source_s
