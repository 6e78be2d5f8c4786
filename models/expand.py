"""From the spec to what it stands for: populations in every layer, and who projects to whom with which values."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from models.channels import Channel, gather_channels
from models.checks import check_spec
from models.errors import SpecError
from models.populations import (
    ChannelMember,
    Population,
    choose_populations,
    drive_owner,
    drive_sources,
    drive_targets,
    expand_populations,
    find_populations,
    list_members,
    pair_populations,
    value_in_layer,
)
from models.quantities import Quantity
from models.spec import (
    Connect,
    CurrentDrive,
    NetworkSpec,
    PathwayTable,
    PoissonDrive,
    SharedPoissonDrive,
    SourcedDrive,
    SpikeFileDrive,
)
from models.values import Series, Value

__all__ = [
    "Channel",
    "ChannelMember",
    "Expanded",
    "InjectedCurrent",
    "PoissonInput",
    "Population",
    "Projection",
    "SourceGroup",
    "drive_targets",
    "expand_network",
    "expand_populations",
    "find_populations",
    "list_members",
    "pair_populations",
]


@dataclass(frozen=True)
class Projection:
    """The edges of one pathway, or of a drive with sources, between two populations."""

    pathway: str
    source: Population
    """For a drive: its sources, as a population that is not part of the network."""
    target: Population
    weight: Value
    connect: Connect
    delay: Value
    autapses: bool


@dataclass(frozen=True)
class PoissonInput:
    """Independent Poisson input to one population."""

    drive: str
    target: Population
    sources: int
    rate: Quantity | Series
    weight: Value


@dataclass(frozen=True)
class InjectedCurrent:
    """A current from outside into one population."""

    drive: str
    target: Population
    value: Quantity | Series


@dataclass(frozen=True)
class SourceGroup:
    """The sources of a `shared_poisson` or `spike_file` drive."""

    drive: str
    size: int
    rate: Quantity | Series | None
    file: str | None


@dataclass(frozen=True)
class Expanded:
    """A network with nothing left to repeat or resolve; all lists are in the order of the spec."""

    spec: NetworkSpec
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    source_groups: tuple[SourceGroup, ...]
    poisson_inputs: tuple[PoissonInput, ...]
    injected_currents: tuple[InjectedCurrent, ...]
    channels: tuple[Channel, ...] = ()

    @cached_property
    def population(self) -> dict[str, Population]:
        """Populations by name."""
        return {population.name: population for population in self.populations}

    @property
    def n_neurons(self) -> int:
        """Number of neurons of all populations."""
        return self.populations[-1].stop

    def select_populations(self, names: list[str] | None) -> tuple[Population, ...]:
        """Return the populations that `names` (labels such as `E`, or names such as `L2E`) stand for; None is all."""
        return choose_populations(self.populations, names)


def _expand_pathway(name: str, pathway: PathwayTable, populations: tuple[Population, ...]) -> Iterator[Projection]:
    for source, target in pair_populations(populations, pathway):
        yield _project(name, pathway, source, target, pathway.autapses)


def _expand_sources(name: str, spec: NetworkSpec, populations: tuple[Population, ...]) -> Iterator[Projection]:
    drive, source = spec.drive[name], drive_sources(spec, name)
    assert isinstance(drive, SharedPoissonDrive | SpikeFileDrive)
    for target in drive_targets(drive, populations):
        yield _project(name, drive, source, target, True)


def _project(
    name: str, table: PathwayTable | SourcedDrive, source: Population, target: Population, autapses: bool
) -> Projection:
    weight, connect, delay = (value_in_layer(table, target.layer, key) for key in ("weight", "connect", "delay"))
    return Projection(name, source, target, weight, connect, delay, autapses)


def _expand_poisson(name: str, drive: PoissonDrive, populations: tuple[Population, ...]) -> Iterator[PoissonInput]:
    for target in drive_targets(drive, populations):
        sources, rate, weight = (value_in_layer(drive, target.layer, key) for key in ("sources", "rate", "weight"))
        yield PoissonInput(name, target, sources, rate, weight)


def _expand_current(name: str, drive: CurrentDrive, populations: tuple[Population, ...]) -> Iterator[InjectedCurrent]:
    for target in drive_targets(drive, populations):
        yield InjectedCurrent(name, target, value_in_layer(drive, target.layer, "value"))


def _source_group(name: str, drive: SourcedDrive) -> SourceGroup:
    size = drive.sources or 0
    if isinstance(drive, SharedPoissonDrive):
        return SourceGroup(name, size, drive.rate, None)
    return SourceGroup(name, size, None, drive.file)


def expand_network(spec: NetworkSpec, *, has_run: bool = False) -> Expanded:
    """Return the network that a checked spec stands for.

    Parameters
    ----------
    spec : NetworkSpec
    has_run : bool
        Ask nothing of it that only what shall run needs (`models.checks`).

    Raises
    ------
    SpecError
        If the tables contradict each other; all contradictions together (`models.checks`).
    """
    if problems := check_spec(spec, has_run=has_run):
        raise SpecError(*problems)
    populations, drives = expand_populations(spec), spec.drive.items()
    sourced = [(name, drive) for name, drive in drives if isinstance(drive, (SharedPoissonDrive, SpikeFileDrive))]
    projections = [p for name, pathway in spec.pathway.items() for p in _expand_pathway(name, pathway, populations)]
    projections += [p for name, _ in sourced for p in _expand_sources(name, spec, populations)]
    return Expanded(
        spec,
        populations,
        tuple(projections),
        tuple(_source_group(name, drive) for name, drive in sourced if drive_owner(spec, name) == name),
        tuple(i for n, d in drives if isinstance(d, PoissonDrive) for i in _expand_poisson(n, d, populations)),
        tuple(i for n, d in drives if isinstance(d, CurrentDrive) for i in _expand_current(n, d, populations)),
        gather_channels(spec),
    )
