"""The inputs of a run of the engine: its numbers as files, and `program.txt`, which says what they are.

The lines of `program.txt` are described where they are read, in `include/*_reader.h`. None depends on the run's seed or
length, except two that say what these are unless the program is told otherwise.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from crc32c import crc32c
from numpy.typing import NDArray

from models.assembly import Assembly
from models.counter_rng import bernoulli_threshold
from models.drives import poisson_rows, read_series, source_probabilities
from models.expand import Channel, SourceGroup
from models.groups import GroupPlan, Start
from models.poisson import poisson_thresholds
from models.populations import drive_owner
from models.propagators import membrane_decay
from models.spikes import load_spikes
from models.values import Normal, Uniform
from pipeline.atomic import write_atomically
from pipeline.checksums import checksum_file
from pipeline.engine.recorders import describe_recorders
from pipeline.recording_index import Index
from pipeline.run_folder import RunFolder
from pipeline.structure import hash_network

_VERSION = 4


def write_inputs(assembly: Assembly, index: Index, folder: RunFolder) -> None:
    """Write everything that the engine's program reads, except the edges and what goes with the recording.

    Parameters
    ----------
    assembly : Assembly
        Made for the engine.
    index : Index
        Of what is recorded.
    folder : RunFolder
        The run's, with its edges and what `prepare_recording` writes.
    """
    InputWriter(assembly, index, folder).write_all()


class InputWriter:
    """Writes the inputs of one run."""

    def __init__(self, assembly: Assembly, index: Index, folder: RunFolder) -> None:
        self.assembly, self.index, self.folder = assembly, index, folder
        self.expanded, self.spec = assembly.expanded, assembly.expanded.spec
        self.dt_s = self.spec.network.dt.value
        self.lines: list[str] = []
        self.files: dict[str, None] = {}

    def write_all(self) -> None:
        """Write all files; `program.txt`, without which they mean nothing, comes last."""
        self.folder.inputs.mkdir(parents=True, exist_ok=True)
        for plan in self.assembly.plans:
            file = self.save(f"{plan.name}.neurons", plan.neurons)
            self.add("group", plan.name, plan.n_neurons, file, len(_find_numbers(plan)))
        for plan in self.assembly.plans:
            self._write_variables(plan)
        self._write_drives()
        for channel in self.expanded.channels:
            self._write_channel(channel)
        self.add("events", len(self.assembly.events))
        for event in self.assembly.events:
            self.add("event", event.step, event.group, event.variable, event.local, event.value)
        for line in describe_recorders(self, self.index):
            self.add(*line)
        write_atomically(self.folder.program_inputs, self._compose())

    def _compose(self) -> bytes:
        """Return the text of `program.txt`."""
        head = [
            _write_line("currents", _VERSION, hash_network(self.assembly.plans)),
            _write_line("time", self.dt_s, self.assembly.n_steps),
            _write_line("seed", self.assembly.seed),
            *(_write_line("file", name, *checksum_file(self.folder.inputs / name)) for name in self.files),
        ]
        text = "".join(f"{line}\n" for line in [*head, *self.lines]).encode()
        return text + _write_line("end", crc32c(text)).encode() + b"\n"

    def add(self, *words: str | int | float) -> None:
        """Add a line."""
        self.lines.append(_write_line(*words))

    def save(self, name: str, values: NDArray[np.generic] | Sequence[int]) -> str:
        """Save an array; return the name of its file as the program knows it."""
        np.save(self.folder.inputs / f"{name}.npy", np.ascontiguousarray(values))
        return self.list_file(f"{name}.npy")

    def list_file(self, name: str) -> str:
        """Let the program know of a file, by its path relative to the inputs; return that."""
        self.files[name] = None
        return name

    def locate(self, population: str) -> tuple[str, int, int]:
        """Return the group of a population, and where its neurons begin and end in the group."""
        for plan in self.assembly.plans:
            start = 0
            for member in plan.populations:
                if member.name == population:
                    return plan.name, start, start + member.size
                start += member.size
        raise KeyError(population)

    def _write_variables(self, plan: GroupPlan) -> None:
        for name, values in _find_numbers(plan).items():
            starts = [start for start in plan.starts if start.variable == name]
            drawn = [start for start in starts if isinstance(start.value, Uniform | Normal)]
            if not drawn or len(drawn) < len(starts):
                self._write_numbers(plan, name, values, drawn)
            for start in drawn:
                self._write_sample(start)
        if plan.refractory is not None:
            period = plan.parameters[plan.refractory].values
            # As Brian2's `timestep` rounds: what is no multiple of dt counts its complete steps.
            steps = ((period + 1e-3 * self.dt_s) / self.dt_s).astype(np.int64)
            self.add("refractory", plan.name, self.save(f"{plan.name}.refractory_steps", steps))

    def _write_numbers(self, plan: GroupPlan, name: str, values: NDArray[np.float64], drawn: Sequence[Start]) -> None:
        """Write what does not depend on the run's seed; NaN in place of what is drawn."""
        values = values.astype(np.float64)  # a copy
        for start in drawn:
            _, begin, end = self.locate(start.population.name)
            values[begin:end] = np.nan
        if values.size == 1 or (values == values.flat[0]).all():
            self.add("number", plan.name, name, float(values.flat[0]))
        else:
            self.add("values", plan.name, name, self.save(f"{plan.name}.{name}", values))

    def _write_sample(self, start: Start) -> None:
        place, value = self.locate(start.population.name), start.value
        if isinstance(value, Uniform):
            numbers = ("uniform", value.low.value, value.high.value)
        else:
            assert isinstance(value, Normal)
            numbers = ("normal", value.mean.value, value.sd.value)
        group, begin, end = place
        self.add("sample", group, start.variable, begin, end, *numbers, "/".join(start.stream))

    def _write_drives(self) -> None:
        for source in self.expanded.source_groups:
            self._write_sources(source)
        channel_of = {member: channel.name for channel in self.expanded.channels for member in channel.members}
        for drive in dict.fromkeys(item.drive for item in self.expanded.poisson_inputs):
            self._write_poisson(drive, channel_of[drive])
        for i_input, item in enumerate(self.expanded.injected_currents):
            place = f"drive.{item.drive}.value"
            series = read_series(item.value, self.dt_s, self.assembly.n_steps, self.spec.folder, place)
            values = self.save(f"{item.drive}.{i_input}.values", series.values)
            group, begin, end = self.locate(item.target.name)
            self.add("injected", group, f"injected_{item.drive}", begin, end, series.steps_per_value, values)

    def _write_sources(self, source: SourceGroup) -> None:
        if source.file is not None:
            place = f"drive.{source.drive}"
            spikes = load_spikes(self.spec.folder / source.file, source.size, self.dt_s, place)
            files = self.save(f"{source.drive}.steps", spikes.step), self.save(f"{source.drive}.sources", spikes.source)
            self.add("spike_file", source.drive, source.size, *files)
            return
        series = source_probabilities(source, self.dt_s, self.assembly.n_steps, self.spec.folder)
        thresholds = np.array([bernoulli_threshold(float(p)) for p in series.values], np.uint64)
        file = self.save(f"{source.drive}.thresholds", thresholds)
        stream = f"shared_poisson/{source.drive}"
        self.add("shared", source.drive, source.size, stream, series.steps_per_value, file)

    def _write_poisson(self, drive: str, channel: str) -> None:
        inputs = [item for item in self.expanded.poisson_inputs if item.drive == drive]
        rows = poisson_rows(drive, inputs, self.assembly.seed, self.dt_s, self.assembly.n_steps, self.spec.folder)
        for item, row in zip(inputs, rows, strict=True):
            tables = [poisson_thresholds(float(mean)) for mean in row.means.values]
            counts = np.array([table.size for table in tables], np.int64)
            name = f"{drive}.{item.target.name}"
            files = (
                self.save(f"{name}.first", np.cumsum(counts) - counts),
                self.save(f"{name}.count", counts),
                self.save(f"{name}.thresholds", np.concatenate([*tables, np.zeros(1, np.uint32)])),
            )
            weight = float(np.float32(getattr(item.weight, "value", np.nan)))
            group, begin, end = self.locate(item.target.name)
            stream = f"poisson/{drive}/{item.target.name}"
            self.add("poisson", group, f"in_{channel}", begin, end, weight, stream, row.means.steps_per_value, *files)

    def _write_channel(self, channel: Channel) -> None:
        for source, target, members in self._find_pairs(channel):
            if channel.summed and channel.trace == "synapse":
                decay = float(membrane_decay(self.dt_s, channel.constants["tau"]).item())
                self.add("summed", source, target, len(members), f"I_{channel.name}", "per_synapse", decay)
            elif channel.summed:
                trace = f"x_{channel.name}"
                self.add("summed", source, target, len(members), f"I_{channel.name}", "per_source", trace)
            else:
                trace = f"x_{channel.name}" if channel.trace == "source" else "-"
                self.add("projection", source, target, len(members), f"in_{channel.name}", trace)
            for member in members:
                initial = float(getattr(self.spec.pathway.get(member), "trace_initial", 0.0) or 0.0)
                self.add("edges", self._list_edges(member), initial)
            if channel.trace == "source":
                delay = self.assembly.edges[members[0]].delay
                self.add("trace", source, f"x_{channel.name}", int(delay[0]) if delay.size else 0)

    def _list_edges(self, pathway: str) -> str:
        """Let the program know of the files of a pathway's edges; return their folder, relative to the inputs."""
        files = self.folder.edge_files(pathway)
        for path in (files.row, files.target, files.weight, files.delay):
            self.list_file(self._relate(path))
        return self._relate(files.path)

    def _relate(self, path: Path) -> str:
        return os.path.relpath(path, self.folder.inputs)

    def _find_pairs(self, channel: Channel) -> Iterator[tuple[str, str, list[str]]]:
        """Yield source (a group, or a drive), target group, and the pathways and drives between them."""
        pairs: dict[tuple[str, str], dict[str, None]] = {}
        for projection in self.expanded.projections:
            name = projection.pathway
            if name in channel.members and name in self.assembly.edges:
                is_drive = name in self.spec.drive
                source = drive_owner(self.spec, name) if is_drive else self.locate(projection.source.name)[0]
                pairs.setdefault((source, self.locate(projection.target.name)[0]), {})[name] = None
        yield from ((source, target, list(names)) for (source, target), names in pairs.items())


def _find_numbers(plan: GroupPlan) -> dict[str, NDArray[np.float64]]:
    """Return what the variables of a group start from: parameters, and states that do not start at 0."""
    return {name: parameter.values for name, parameter in plan.parameters.items()} | plan.initial


def _write_line(*words: str | int | float) -> str:
    """Return a line; real numbers keep every bit."""
    return " ".join(float(word).hex() if isinstance(word, float) else str(word) for word in words)
