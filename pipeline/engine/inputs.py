"""The inputs of a run of the engine: its numbers as files, and `program.txt`, which says what they are.

The lines of `program.txt` are described where they are read, in `include/builder.cpp`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from models.assembly import Assembly
from models.counter_rng import bernoulli_threshold
from models.drives import poisson_rows, read_series, source_key, source_probabilities
from models.expand import Channel, SourceGroup
from models.groups import GroupPlan
from models.poisson import poisson_thresholds
from models.populations import drive_owner
from models.propagators import membrane_decay
from models.spikes import load_spikes
from pipeline.engine.recorders import describe_recorders
from pipeline.recording_index import Index
from pipeline.run_folder import RunFolder

_VERSION = 1


def write_inputs(assembly: Assembly, index: Index, folder: RunFolder) -> None:
    """Write everything that the engine's program reads, except the edges.

    Parameters
    ----------
    assembly : Assembly
        Made for the engine.
    index : Index
        Of what is recorded.
    folder : RunFolder
        The run's, with its edges.
    """
    InputWriter(assembly, index, folder).write_all()


class InputWriter:
    """Writes the inputs of one run."""

    def __init__(self, assembly: Assembly, index: Index, folder: RunFolder) -> None:
        self.assembly, self.index, self.folder = assembly, index, folder
        self.expanded, self.spec = assembly.expanded, assembly.expanded.spec
        self.dt_s = self.spec.network.dt.value
        self.lines: list[str] = []

    def write_all(self) -> None:
        """Write all files; `program.txt`, without which they mean nothing, comes last."""
        self.folder.inputs.mkdir(parents=True, exist_ok=True)
        self.add("currents", _VERSION)
        self.add("time", self.dt_s, self.assembly.n_steps)
        for plan in self.assembly.plans:
            self._write_group(plan)
        self._write_drives()
        for channel in self.expanded.channels:
            self._write_channel(channel)
        for event in self.assembly.events:
            self.add("event", event.step, event.group, event.variable, event.local, event.value)
        for line in describe_recorders(self, self.index):
            self.add(*line)
        self.lines.append("end")
        self.folder.program_inputs.write_text("\n".join(self.lines) + "\n", encoding="utf-8")

    def add(self, *words: str | int | float) -> None:
        """Add a line; real numbers keep every bit."""
        self.lines.append(" ".join(float(word).hex() if isinstance(word, float) else str(word) for word in words))

    def save(self, name: str, values: NDArray[np.generic] | Sequence[int]) -> str:
        """Save an array; return its name as the program knows it."""
        path = self.folder.inputs / f"{name}.npy"
        np.save(path, np.ascontiguousarray(values))
        return str(path.relative_to(self.folder.path))

    def locate(self, population: str) -> tuple[str, int, int]:
        """Return the group of a population, and where its neurons begin and end in the group."""
        for plan in self.assembly.plans:
            start = 0
            for member in plan.populations:
                if member.name == population:
                    return plan.name, start, start + member.size
                start += member.size
        raise KeyError(population)

    def _write_group(self, plan: GroupPlan) -> None:
        self.add("group", plan.name, plan.n_neurons, self.save(f"{plan.name}.neurons", plan.neurons))
        numbers = {name: parameter.values for name, parameter in plan.parameters.items()} | plan.initial
        for name, values in numbers.items():
            if values.size == 1 or (values == values.flat[0]).all():
                self.add("number", plan.name, name, float(values.flat[0]))
            else:
                self.add("values", plan.name, name, self.save(f"{plan.name}.{name}", values.astype(np.float64)))
        if plan.refractory is not None:
            period = plan.parameters[plan.refractory].values
            # As Brian2's `timestep` rounds: what is no multiple of dt counts its complete steps.
            steps = ((period + 1e-3 * self.dt_s) / self.dt_s).astype(np.int64)
            self.add("refractory", plan.name, self.save(f"{plan.name}.refractory_steps", steps))

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
        key = source_key(self.assembly.seed, source.drive)
        file = self.save(f"{source.drive}.thresholds", thresholds)
        self.add("shared", source.drive, source.size, *map(int, key), series.steps_per_value, file)

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
            stream: tuple[str | int, ...] = (*map(int, row.key), row.means.steps_per_value, *files)
            self.add("poisson", group, f"in_{channel}", begin, end, weight, *stream)

    def _write_channel(self, channel: Channel) -> None:
        for source, target, members in self._find_pairs(channel):
            if channel.summed and channel.trace == "synapse":
                decay = float(membrane_decay(self.dt_s, channel.constants["tau"]).item())
                self.add("summed", source, target, f"I_{channel.name}", "per_synapse", decay)
            elif channel.summed:
                self.add("summed", source, target, f"I_{channel.name}", "per_source", f"x_{channel.name}")
            else:
                trace = f"x_{channel.name}" if channel.trace == "source" else "-"
                self.add("projection", source, target, f"in_{channel.name}", trace)
            for member in members:
                initial = float(getattr(self.spec.pathway.get(member), "trace_initial", 0.0) or 0.0)
                self.add("edges", f"edges/{member}", initial)
            if channel.trace == "source":
                delay = self.assembly.edges[members[0]].delay
                self.add("trace", source, f"x_{channel.name}", int(delay[0]) if delay.size else 0)

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
