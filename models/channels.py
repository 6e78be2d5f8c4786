"""Channels: what is summed and recorded under one name.

Nothing here presumes that the spec is consistent: `models.checks` uses it to find out.
"""

from dataclasses import dataclass

from models.kinetics import find_kinetics
from models.kinetics.base import TracePlace
from models.populations import ChannelMember, list_members, list_reached
from models.spec import NetworkSpec, Polarity


@dataclass(frozen=True)
class Channel:
    """What is summed and recorded under one name: pathways and drives of the same kinetics and polarity."""

    name: str
    polarity: Polarity
    kinetics: str
    """A kinetics' name, or `current` for an injected current."""
    constants: dict[str, float]
    """Time constants in seconds."""
    members: tuple[str, ...]
    """Names of its pathways and drives."""
    reach: tuple[str, ...]
    """Names of the populations that it can reach, in global order."""
    trace: TracePlace = "none"
    """Where traces of spikes are kept; `none` also when the spec's traces are lowered to one variable per neuron."""
    summed: bool = False
    """Whether the current is a sum of traces in every step, instead of a state that arrivals enter."""

    @property
    def is_entered(self) -> bool:
        """Whether arrivals enter it: neither an injected current nor a sum of traces."""
        return self.kinetics != "current" and not self.summed

    @property
    def sign(self) -> int:
        """+1 for excitatory, -1 for inhibitory."""
        return 1 if self.polarity == "excitatory" else -1


def gather_channels(spec: NetworkSpec) -> tuple[Channel, ...]:
    """Return the channels of a spec, in its order; where members are unlike, which is an error, those of the first."""
    grouped: dict[str, list[ChannelMember]] = {}
    for member in list_members(spec):
        grouped.setdefault(member.channel, []).append(member)
    reached = list_reached(spec)
    return tuple(_gather_channel(members, reached[name]) for name, members in grouped.items())


def _gather_channel(members: list[ChannelMember], reach: tuple[str, ...]) -> Channel:
    first = members[0]
    names = tuple(member.name for member in members)
    kind = find_kinetics().get(first.kinetics)
    kept = kind is not None and not (kind.lowerable and first.lower)
    trace: TracePlace = kind.trace if kind is not None and kept else "none"
    summed = trace != "none" and kind is not None and kind.lowerable
    return Channel(first.channel, first.polarity, first.kinetics, first.constants, names, reach, trace, summed)
