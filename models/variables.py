"""The variables that neurons have, by the spec alone: what events may set and recorders of states may record.

Brian2 need not be imported, which takes a second. What the engine or the reference device adds for itself, such as
coefficients, the sums of recorders and what arrives in a step (`in_…`), is no variable of the model.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from models.channels import Channel, gather_channels
from models.kinetics import find_kinetics
from models.populations import Population, expand_populations, group_populations, pair_populations
from models.quantities import Quantity, QuantityError, parse_any_quantity
from models.spec import EquationsNeuron, NetworkSpec, Neuron
from models.units import show_dimension

_BUILT_IN = {
    "lif": "dv/dt = 0 : volt\nI = 0 : volt\n",
    "after_potential": "dv/dt = 0 : volt\ndv_ap/dt = 0 : volt\nv_final = 0 : volt\nI = 0 : volt\n",
}
"""What is declared by each `model` of a neuron, besides its parameters; the right sides do not matter here."""
_PARAMETERS = {
    "lif": {"tau_m": "second", "v_rest": "volt", "v_threshold": "volt", "v_reset": "volt"},
    "after_potential": {
        "tau_m": "second",
        "v_rest": "volt",
        "v_threshold": "volt",
        "tau_ap": "second",
        "after_potential": "volt",
    },
}
_EQUATION = re.compile(
    r"\s*(?:d\s*(?P<rate>[A-Za-z_]\w*)\s*/\s*dt\s*=[^:]+|(?P<name>[A-Za-z_]\w*)\s*(?P<computed>=[^:]+)?)"
    r":[ \t]*(?P<unit>[A-Za-z0-9*/.\- ]+?)[ \t]*(?:\((?P<flags>[^)]*)\))?[ \t]*(?:\n|$)"
)
"""One line of Brian2's equations: dx/dt = …, x = …, or x, with a unit and flags."""


UNITLESS_TYPES = ("boolean", "integer")
"""What Brian2's equations write for a unit where it is the type that matters."""

type Kind = Literal["state", "constant", "shared", "computed"]
"""Each neuron has its own value, which may change; its own, which stays; all have one; it follows from others."""


@dataclass(frozen=True)
class Variable:
    """A variable of a neuron."""

    unit: str
    """As Brian2's equations write it."""
    kind: Kind

    @property
    def settable(self) -> bool:
        """Whether an event may set it."""
        return self.kind == "state"

    @property
    def si_unit(self) -> str:
        """Its SI unit, as tables have it: `V`; empty for pure numbers, and for a unit that Brian2 will refuse."""
        try:
            return show_dimension(parse_any_quantity(f"1 {'1' if self.unit in UNITLESS_TYPES else self.unit}")[1])
        except QuantityError:
            return ""

    @property
    def is_real(self) -> bool:
        """Whether its values are real numbers: no others are sampled or recorded."""
        return self.unit not in UNITLESS_TYPES


type Variables = dict[str, Variable]


def list_variables(spec: NetworkSpec) -> dict[str, Variables | None]:
    """Return the variables of each population's neurons; None where equations or kinetics cannot be read."""
    found: dict[str, Variables | None] = {}
    channels = gather_channels(spec)
    for members in group_populations(spec).values():
        variables = _list_of_group(spec, members, channels)
        found |= {population.name: variables for population in members}
    return found


def list_arrivals(spec: NetworkSpec) -> dict[str, tuple[str, ...]]:
    """Return, by population, what the sums of the events that arrive in a step are called: names that are taken."""
    channels = [channel for channel in gather_channels(spec) if channel.is_entered]
    found: dict[str, tuple[str, ...]] = {}
    for members in group_populations(spec).values():
        names = {population.name for population in members}
        arrivals = tuple(f"in_{channel.name}" for channel in channels if names.intersection(channel.reach))
        found |= dict.fromkeys(names, arrivals)
    return found


def _list_of_group(
    spec: NetworkSpec, members: tuple[Population, ...], channels: tuple[Channel, ...]
) -> Variables | None:
    names = {population.name for population in members}
    neurons = [spec.neuron[population.neuron] for population in members]
    reaching = [channel for channel in channels if names.intersection(channel.reach)]
    if any(channel.kinetics not in (*find_kinetics(), "current") for channel in reaching):
        return None
    traced = [channel for channel in channels if channel.trace == "source" and _starts_in(spec, channel, names)]
    lines = [_declare_neuron(neurons[0]), *_declare_channels(reaching), *_declare_traces(traced)]
    if any(neuron.refractory != Quantity("0 ms", 0.0) for neuron in neurons):
        lines.append("refractory_period : second (constant)")
    return read_equations("\n".join(lines))


def _declare_neuron(neuron: Neuron) -> str:
    """Return what a neuron declares; a parameter of own equations has whatever unit its value has."""
    if isinstance(neuron, EquationsNeuron):
        return "\n".join([neuron.equations, "I = 0 : volt", *(f"{name} : 1 (constant)" for name in neuron.parameters)])
    constants = (f"{name} : {unit} (constant)" for name, unit in _PARAMETERS[neuron.model].items())
    return _BUILT_IN[neuron.model] + "\n".join(constants)


def _declare_channels(channels: Iterable[Channel]) -> Iterator[str]:
    for channel in channels:
        kind = find_kinetics().get(channel.kinetics)
        if kind is None:
            yield f"J_{channel.name} = 0 : volt"
            continue
        if kind.states:
            yield f"I_{channel.name} : volt" if channel.summed else kind.equations(channel.name)
            yield from (f"{key}_{channel.name} : second (constant)" for key in channel.constants)


def _declare_traces(channels: Iterable[Channel]) -> Iterator[str]:
    for channel in channels:
        constant = find_kinetics()[channel.kinetics].trace_constant
        yield f"x_{channel.name} : 1"
        yield f"{constant}_{channel.name} : second (constant)"


def _starts_in(spec: NetworkSpec, channel: Channel, names: set[str]) -> bool:
    """Return whether any of the populations sends spikes through a channel."""
    populations = expand_populations(spec)
    pathways = (spec.pathway[name] for name in channel.members if name in spec.pathway)
    return any(source.name in names for pathway in pathways for source, _ in pair_populations(populations, pathway))


def read_equations(text: str) -> Variables | None:
    """Return what Brian2 equations declare, by name; None when they cannot be read."""
    bare = re.sub(r"#.*", "", text).rstrip()
    variables: Variables = {}
    position = 0
    while position < len(bare):
        line = _EQUATION.match(bare, position)
        if line is None:
            return None
        variables[line["rate"] or line["name"]] = Variable(line["unit"], _find_kind(line))
        position = line.end()
    return variables


def _find_kind(line: re.Match[str]) -> Kind:
    flags = {flag.strip() for flag in (line["flags"] or "").split(",")}
    if line["computed"] is not None:
        return "computed"
    return "shared" if "shared" in flags else "constant" if "constant" in flags else "state"


def list_initial(neuron: EquationsNeuron, known: Variables) -> list[str]:
    """Return what own equations may give initial values: variables that each neuron has its own value of.

    Constants are among them, those that the equations declare themselves: the others have their values elsewhere.
    """
    own = read_equations(neuron.equations) or {}
    fixed = [name for name in own if own[name].kind == "constant" and name not in neuron.parameters]
    return [name for name, variable in known.items() if variable.kind == "state" or name in fixed]
