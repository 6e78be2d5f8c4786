"""What the names in a spec stand for: a population in every layer, the pairs that a pathway joins, a drive's targets.

Nothing here presumes that the spec is consistent: `models.checks` uses it to find out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from models.spec import (
    CurrentDrive,
    Drive,
    EquationsNeuron,
    NetworkSpec,
    Neuron,
    PathwayTable,
    Polarity,
    PopulationTable,
)

TIME_CONSTANTS = ("tau", "tau_rise", "tau_trace")
"""Keys of a pathway that hold a time constant; which of them it needs, its kinetics say."""

_SHIFTS = {"within": 0, "next": 1, "previous": -1}


@dataclass(frozen=True)
class Population:
    """One kind of neuron within one layer, as a range of global neuron indices."""

    name: str
    layer: int
    label: str
    start: int
    size: int
    neuron: str
    """Name of its `[neuron.<name>]` table."""

    @property
    def stop(self) -> int:
        """One past the last global neuron index."""
        return self.start + self.size


def value_in_layer(table: PathwayTable | Drive | PopulationTable, layer: int, key: str) -> Any:
    """Return a key's value in a layer: that of the layer's exception, where it has one, else the table's own."""
    own = getattr(table.layer.get(layer), key, None)
    return getattr(table, key) if own is None else own


def expand_populations(spec: NetworkSpec) -> tuple[Population, ...]:
    """Return the populations of all layers in global order."""
    populations: list[Population] = []
    start = 0
    for layer, (label, table) in product(range(1, spec.layers.count + 1), spec.layers.population.items()):
        size, neuron = value_in_layer(table, layer, "size"), value_in_layer(table, layer, "neuron")
        populations.append(Population(f"L{layer}{label}", layer, label, start, size, neuron))
        start += size
    return tuple(populations)


def group_populations(spec: NetworkSpec) -> dict[str, tuple[Population, ...]]:
    """Return the populations by NeuronGroup: all of one model together, others by their `[neuron]` table's equations.

    Those of a neuron that does not exist are left out.
    """
    grouped: dict[object, list[Population]] = {}
    for population in expand_populations(spec):
        neuron = spec.neuron.get(population.neuron)
        if neuron is not None:
            grouped.setdefault(_identify_group(neuron), []).append(population)
    return {_name_group(key, members): tuple(members) for key, members in grouped.items()}


def _identify_group(neuron: Neuron) -> object:
    """Return what all neurons of a group share."""
    if isinstance(neuron, EquationsNeuron):
        names = tuple(sorted(neuron.parameters)), tuple(sorted(neuron.initial))
        return neuron.equations, neuron.threshold, neuron.reset, neuron.method, *names
    return neuron.model


def _name_group(key: object, members: list[Population]) -> str:
    """Return the name of a group's Brian2 object."""
    return f"neurons_{key}" if isinstance(key, str) else f"neurons_own_{members[0].neuron}"


def find_populations(populations: tuple[Population, ...], name: str) -> tuple[Population, ...]:
    """Return the populations that a label (`E`: one per layer) or a name (`L1E`) stands for; none when unknown."""
    return choose_populations(populations, [name])


def choose_populations(populations: tuple[Population, ...], names: Iterable[str] | None) -> tuple[Population, ...]:
    """Return the populations that any of the `names` stands for, in global order; None is all."""
    if names is None:
        return populations
    chosen = frozenset(names)
    return tuple(p for p in populations if p.name in chosen or p.label in chosen)


def pair_populations(
    populations: tuple[Population, ...], pathway: PathwayTable
) -> Iterator[tuple[Population, Population]]:
    """Yield the (source, target) populations that a pathway connects, in the order of its lists."""
    shift = None if pathway.between is None else _SHIFTS[pathway.between]
    for source_name, target_name in product(pathway.source, pathway.target):
        pairs = product(find_populations(populations, source_name), find_populations(populations, target_name))
        for source, target in pairs:
            if shift is None or target.layer == source.layer + shift:
                yield source, target


def drive_targets(drive: Drive, populations: tuple[Population, ...]) -> tuple[Population, ...]:
    """Return the populations that a drive reaches, in global order."""
    return choose_populations(populations, drive.target)


def drive_owner(spec: NetworkSpec, name: str) -> str:
    """Return the drive whose sources a drive with sources uses: itself, or the one that its `sources_of` names."""
    owner = getattr(spec.drive[name], "sources_of", None)
    return name if owner is None else str(owner)


def drive_sources(spec: NetworkSpec, name: str) -> Population:
    """Return the sources of a drive as a population that is not part of the network."""
    owner = drive_owner(spec, name)
    return Population(owner, 0, owner, 0, getattr(spec.drive.get(owner), "sources", None) or 0, "")


@dataclass(frozen=True)
class ChannelMember:
    """What one pathway or drive says about the channel that it belongs to."""

    name: str
    place: Literal["pathway", "drive"]
    channel: str
    polarity: Polarity
    kinetics: str
    constants: dict[str, float]
    lower: bool = True

    @property
    def signature(self) -> tuple[object, ...]:
        """What all members of one channel must share."""
        return self.polarity, self.kinetics, self.lower, *sorted(self.constants.items())


def list_members(spec: NetworkSpec) -> list[ChannelMember]:
    """Return every pathway and drive with the channel that it belongs to, pathways first, in the order of the spec."""
    return [_describe_member("pathway", name, table) for name, table in spec.pathway.items()] + [
        _describe_member("drive", name, table) for name, table in spec.drive.items()
    ]


def _describe_member(place: Literal["pathway", "drive"], name: str, table: PathwayTable | Drive) -> ChannelMember:
    channel = table.channel or name
    if isinstance(table, CurrentDrive):
        return ChannelMember(name, place, channel, table.polarity, "current", {})
    given = {key: getattr(table, key, None) for key in TIME_CONSTANTS}
    constants = {key: quantity.value for key, quantity in given.items() if quantity is not None}
    return ChannelMember(name, place, channel, table.polarity, table.kinetics, constants, getattr(table, "lower", True))


def list_reached(spec: NetworkSpec) -> dict[str, tuple[str, ...]]:
    """Return the names of the populations that each channel can reach, in global order."""
    populations = expand_populations(spec)
    reached: dict[str, set[str]] = {}
    for member in list_members(spec):
        targets = (
            [target for _, target in pair_populations(populations, spec.pathway[member.name])]
            if member.place == "pathway"
            else drive_targets(spec.drive[member.name], populations)
        )
        reached.setdefault(member.channel, set()).update(target.name for target in targets)
    return {channel: tuple(p.name for p in populations if p.name in names) for channel, names in reached.items()}
