"""Where the time of the engine goes: the parts of a step, and what each costs per piece of its work."""

from dataclasses import dataclass
from statistics import median
from typing import get_args

from pipeline.bench.contenders import VALUE_BYTES, Recorded, count_recorded, hierarchy_spec, model_seconds
from pipeline.bench.place import Place
from pipeline.bench.programs import Prepared, ProgramRun, add_up_parts, prepare, sample_program
from pipeline.bench.sizes import Sizes

NEURON_UPDATE = ("update", "arrivals")
"""Parts whose work is each neuron in each step."""
_NS, _MS = 1e9, 1e3
_MOST_BYTES = 2.5e9
"""Of a recording: these are in memory."""


@dataclass(frozen=True)
class Part:
    """A part of the engine's time."""

    name: str
    share: float
    """Of the time of the steps."""
    ms: float
    """Per second of model time."""
    unit: str
    """What it has to do; empty where nothing is counted."""
    unit_ns: float | None
    """Per unit; None where there are none."""


@dataclass(frozen=True)
class PartsTable:
    """The parts of a network's time."""

    name: str
    model_s: float
    """Model time of each run."""
    n_runs: int
    simulation_s: float
    """Per second of model time."""
    start_s: float
    end_s: float
    """From the last step until all is written."""
    rate_hz: float
    parts: tuple[Part, ...]
    """Of the simulating thread; another one writes."""
    neuron_update_ns: float
    """`update` and `arrivals` together, per neuron and step."""
    recording_bytes: float
    """Per second of model time."""
    written_bytes_per_s: float
    """Per second of wall time."""


@dataclass(frozen=True)
class PartsCase:
    """`hierarchy` on the engine, one thread, before it is sampled."""

    sizes: Sizes
    recorded: Recorded

    @property
    def name(self) -> str:
        """For notices, and of the table."""
        return f"hierarchy, {self.recorded}"

    @property
    def values_per_s(self) -> float:
        """Recorded values of currents and v per second of model time."""
        return count_recorded(self.sizes, self.recorded) / model_seconds(self.sizes, self.recorded)

    @property
    def model_s(self) -> float:
        """Model time of a run: whole seconds whose recording fits, but at least one."""
        longest_s = self.sizes.parts_s
        fitting_s = _MOST_BYTES / (VALUE_BYTES * self.values_per_s) if self.values_per_s else longest_s
        return max(1.0, float(int(min(longest_s, fitting_s))))

    @property
    def n_bytes(self) -> float:
        """Memory and room for outputs that it needs."""
        return VALUE_BYTES * self.values_per_s * self.model_s

    def measure(self, place: Place) -> PartsTable:
        """Sample what the program does."""
        prepared = prepare(hierarchy_spec(self.sizes, self.recorded), place)
        runs = sample_program(prepared, self.model_s, self.sizes.sampled_s)
        return describe_parts(self.name, prepared, runs, self.values_per_s)


def list_parts_cases(sizes: Sizes) -> list[PartsCase]:
    """Return what is taken apart: one case per recording."""
    return [PartsCase(sizes, recorded) for recorded in get_args(Recorded.__value__)]


def describe_parts(name: str, prepared: Prepared, runs: list[ProgramRun], values_per_s: float) -> PartsTable:
    """Return the table of sampled runs."""
    seconds = add_up_parts(runs)
    model_s, simulation_s = sum(run.model_s for run in runs), sum(run.simulation_s for run in runs)
    n_updates = prepared.n_neurons * model_s / prepared.run.spec.network.dt.value
    work = {
        "update": ("neuron and step", n_updates),
        "arrivals": ("neuron and step", n_updates),
        "drive": ("count", n_updates),
        "delivery": ("synaptic event", sum(run.n_events for run in runs)),
        "recording": ("value", values_per_s * model_s),
    }
    parts = tuple(
        _describe_part(part, part_s, simulation_s, model_s, *work.get(part, ("", 0.0)))
        for part, part_s in seconds.items()
    )
    n_bytes = sum(run.recording_bytes for run in runs)
    return PartsTable(
        name=name,
        model_s=runs[0].model_s,
        n_runs=len(runs),
        simulation_s=simulation_s / model_s,
        start_s=median(run.start_s for run in runs),
        end_s=median(run.end_s for run in runs),
        rate_hz=median(run.rate_hz for run in runs),
        parts=parts,
        neuron_update_ns=_NS * sum(seconds[part] for part in NEURON_UPDATE) / n_updates,
        recording_bytes=n_bytes / model_s,
        written_bytes_per_s=n_bytes / (simulation_s + sum(run.end_s for run in runs)),
    )


def _describe_part(name: str, part_s: float, simulation_s: float, model_s: float, unit: str, n_units: float) -> Part:
    return Part(name, part_s / simulation_s, _MS * part_s / model_s, unit, _NS * part_s / n_units if n_units else None)
