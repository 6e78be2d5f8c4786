"""Spikes of drives' sources: what was recorded against what it should have been."""

from functools import cached_property

import numpy as np

from models.errors import SpecError
from models.expand import Expanded, SourceGroup
from models.spikes import load_spikes
from models.steps import step_time
from pipeline.recording import Recording
from pipeline.verification.binned import Difference, Tally
from pipeline.verification.drive import RegeneratedSources
from pipeline.verification.report import Row, tally_row, unchecked_row
from pipeline.verification.trains import Train


class FileSources:
    """The spikes of a `spike_file` drive, from its file."""

    def __init__(self, group: SourceGroup, network: Expanded, n_steps: int) -> None:
        assert group.file is not None
        spec, place = network.spec, f"drive.{group.drive}"
        spikes = load_spikes(spec.folder / group.file, group.size, spec.network.dt.value, place)
        kept = spikes.step < n_steps
        self.train = Train(spikes.step[kept], spikes.source[kept])

    def between(self, start: int, stop: int) -> Train:
        """Return the spikes with start ≤ step < stop."""
        return Train(*self.train.between(start, stop))


type Expected = RegeneratedSources | FileSources


def expect_sources(group: SourceGroup, network: Expanded, seed: int, n_steps: int) -> Expected:
    """Return where the spikes of a drive's sources come from.

    Raises
    ------
    SpecError
        If they come from a file that is no longer there.
    """
    if group.file is None:
        return RegeneratedSources(group, network, seed, n_steps)
    return FileSources(group, network, n_steps)


class SourceCheck:
    """Compares the recorded spikes of one drive's sources; without a recording, takes the expected ones for them."""

    def __init__(self, group: SourceGroup, recording: Recording, seed: int) -> None:
        self.group, self.dt_s, self.tally = group, recording.dt_s, Tally()
        self.expected: Expected | None = None
        self.reason = ""
        try:
            self.expected = expect_sources(group, recording.network, seed, recording.n_steps)
        except SpecError as error:
            self.reason = str(error.problems[0])
        recorded = recording.inputs.get(group.drive)
        self.recorded = None if recorded is None else Train(recorded.step, recorded.source)
        self.n_steps = recording.n_steps

    @cached_property
    def train(self) -> Train | None:
        """The spikes that the channels are checked with; None when there are none."""
        if self.recorded is not None or self.expected is None:
            return self.recorded
        return self.expected.between(0, self.n_steps)

    def advance(self, start: int, stop: int) -> None:
        """Compare the spikes with start ≤ step < stop."""
        if self.expected is None or self.recorded is None:
            return
        expected, recorded = self.expected.between(start, stop), Train(*self.recorded.between(start, stop))
        should_be, is_there = (train.step * self.group.size + train.source for train in (expected, recorded))
        differing = np.setxor1d(should_be, is_there)
        doubled = is_there.size - np.unique(is_there).size
        self.tally.n_values += should_be.size
        self.tally.exercised = self.tally.exercised or should_be.size > 0
        if differing.size or doubled:
            at = int(differing[0]) if differing.size else int(is_there[0])
            should = float(np.isin(at, should_be))
            place = at % self.group.size, step_time(at // self.group.size, self.dt_s)
            self.tally.widen(1.0, np.inf)
            self.tally.note(Difference(*place, should, 1 - should), differing.size + doubled)

    def row(self) -> Row:
        """Return what came of it."""
        name = self.group.drive
        if self.recorded is None:
            return unchecked_row(name, "sources", name, "its spikes were not recorded")
        if self.expected is None:
            return unchecked_row(name, "sources", name, self.reason)
        return tally_row(name, "sources", name, self.tally, 0.0)
