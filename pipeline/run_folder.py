"""The run folder: one class that owns every file name in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pipeline.chunk_format import chunk_name

COLUMNS_FILE = "columns.json"
"""What tells a folder of exported tables from a run: the columns of every table, and where the run was."""


@dataclass(frozen=True)
class EdgeFiles:
    """The files of one pathway's or drive's edges; those of source s are numbers `row[s]` to `row[s + 1]` - 1."""

    path: Path

    @property
    def row(self) -> Path:
        """(n_sources + 1,) int64: where each source's edges begin, and the last ones end."""
        return self.path / "row.npy"

    @property
    def target(self) -> Path:
        """(n_edges,) int32: global index of the target, ascending within a source."""
        return self.path / "target.npy"

    @property
    def weight(self) -> Path:
        """(n_edges,) float32, or (1,) when constant: magnitude, volts."""
        return self.path / "weight.npy"

    @property
    def delay(self) -> Path:
        """(n_edges,) int32, or (1,) when constant: steps."""
        return self.path / "delay.npy"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run, format version 1. File names within `recording` are written in its index, too."""

    NAMES: ClassVar[frozenset[str]] = frozenset(
        ("manifest.json", "model.toml", "program", "program.log", "program.json", "program.lock")
        + ("edges", "inputs", "recording", "files")
    )
    """All that it holds at its top."""

    path: Path

    @property
    def manifest(self) -> Path:
        """What the run was made of and how it ended."""
        return self.path / "manifest.json"

    @property
    def model(self) -> Path:
        """The spec with settings applied, as a model file."""
        return self.path / "model.toml"

    @property
    def program(self) -> Path:
        """The program that runs, of which the cache of builds may have another name."""
        return self.path / "program"

    @property
    def log(self) -> Path:
        """Everything that the program printed."""
        return self.path / "program.log"

    @property
    def edges(self) -> Path:
        """One folder per pathway, and per drive with sources."""
        return self.path / "edges"

    def edge_files(self, pathway: str) -> EdgeFiles:
        """Return the files of the edges of a pathway, or of a drive with sources."""
        return EdgeFiles(self.edges / pathway)

    @property
    def inputs(self) -> Path:
        """The numbers that the engine's program reads."""
        return self.path / "inputs"

    @property
    def program_inputs(self) -> Path:
        """What the numbers are, line by line, with the checksum of every file that it names."""
        return self.inputs / "program.txt"

    @property
    def program_report(self) -> Path:
        """How far the engine's program is, or how it ended; there is none of other devices."""
        return self.path / "program.json"

    @property
    def recording(self) -> Path:
        """What was recorded, one folder per recorder."""
        return self.path / "recording"

    @property
    def recording_index(self) -> Path:
        """Which recorders and arrays there are, of which shapes and in which files."""
        return self.recording / "recording.json"

    @property
    def recording_origin(self) -> Path:
        """What the recording was made with, and the checksums of the files that have none of their own."""
        return self.recording / "origin.json"

    def recorder(self, name: str) -> Path:
        """Return the folder of a recorder."""
        return self.recording / name

    def recorded_inputs(self, drive: str) -> Path:
        """Return the folder of the spikes of a drive's sources."""
        return self.recording / "inputs" / drive

    def chunk(self, folder: str, index: int) -> Path:
        """Return the file of a chunk of a stream in a folder within `recording` (docs/recording-format.md)."""
        return self.recording / folder / chunk_name(index)

    def array(self, recorder: str, variable: str) -> Path:
        """Return the file of a recorded variable: (n_bins, n_neurons) values in time order, after a stated offset."""
        return self.recorder(recorder) / f"{variable}.bin"

    def neurons(self, recorder: str, variable: str) -> Path:
        """Return the file of the neurons of a recorded variable: (n_neurons,) int32 global indices, ascending."""
        return self.recorder(recorder) / f"{variable}.neurons.npy"

    def factors(self, recorder: str, variable: str) -> Path:
        """Return the file of what makes currents of a channel's numbers of events: (2, n_neurons) float64."""
        return self.recorder(recorder) / f"{variable}.factors.npy"

    def spike_steps(self, recorder: str) -> Path:
        """Return the file of a recorder's spikes' steps: (n_spikes,) int64."""
        return self.recorder(recorder) / "step.npy"

    def spike_neurons(self, recorder: str) -> Path:
        """Return the file of a recorder's spikes' neurons: (n_spikes,) int32 global indices."""
        return self.recorder(recorder) / "neuron.npy"

    def counts(self, recorder: str) -> Path:
        """Return the file of a rates recorder: (n_bins, n_populations) int64 spikes."""
        return self.recorder(recorder) / "counts.npy"

    def input_steps(self, drive: str) -> Path:
        """Return the file of the steps at which a drive's sources fired: (n_spikes,) int64."""
        return self.recorded_inputs(drive) / "step.npy"

    def input_sources(self, drive: str) -> Path:
        """Return the file of the numbers of the sources that fired: (n_spikes,) int32."""
        return self.recorded_inputs(drive) / "source.npy"
