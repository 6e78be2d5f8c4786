"""From populations that share their equations to the text and numbers of one NeuronGroup.

Nothing here makes a Brian2 object: a `GroupPlan` is what `models.assembly` turns into one, and can be read and tested
alone. Variables of a group, for a channel named `lateral` and a recorder named `currents`:

- `in_lateral`: Σw that arrived in this step, in volts; consumed in the step.
- `I_lateral`: the channel's current, in volts, when it is not `delta`.
- `sum_currents_lateral`: what the recorder has added up in the current bin; `current_currents_lateral` is that in volts.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import Problem, SpecError
from models.expand import Channel, Expanded, InjectedCurrent, PoissonInput, Population
from models.kinetics import Kinetics, find_kinetics
from models.propagators import channel_propagators, membrane_decay
from models.quantities import Quantity, parse_any_quantity
from models.sample import sample_parameter
from models.spec import AfterPotentialNeuron, CurrentsRecord, EquationsNeuron, StatesRecord
from models.steps import count_steps
from models.values import ArrayFile, Normal, Uniform, Value, Values

type Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Parameter:
    """A constant of the group's neurons."""

    unit: str
    """Name of a Brian2 unit, or `1`."""
    values: Numbers
    """(n_neurons,) in SI units, or (1,) when all are equal."""

    def declare(self, name: str) -> str:
        """Return its line of Brian2 equations."""
        kind = "integer" if self.unit == "integer" else self.unit
        return f"{name} : {kind} ({'shared, ' if self.values.size == 1 else ''}constant)"


def _parameter(unit: str, values: Numbers) -> Parameter:
    same = values.size > 0 and bool((values == values.flat[0]).all())
    return Parameter(unit, values.ravel()[:1] if same else values)


@dataclass(frozen=True, eq=False)
class GroupPlan:
    """One NeuronGroup, as text and numbers."""

    name: str
    populations: tuple[Population, ...]
    channels: tuple[Channel, ...]
    """The channels that reach any of its populations, in the order of the spec."""
    equations: str
    threshold: str
    reset: str
    refractory: str | None
    """Name of the parameter that holds the refractory period; None when there is none."""
    method: str | None
    """Brian2's method for the modeller's own equations; None when `update` does all."""
    update: str
    """Abstract code of the exact state update of the channels and, for `lif`, of v."""
    arrivals: str
    """Abstract code that runs after the synapses: every channel enters the dynamics once and is added up."""
    end_of_step: str
    """Abstract code that runs last in a step: what is averaged over the bin."""
    parameters: dict[str, Parameter]
    initial: dict[str, Numbers]
    """(n_neurons,) per variable, in SI units."""

    @property
    def n_neurons(self) -> int:
        """Number of neurons of the group."""
        return sum(population.size for population in self.populations)

    @property
    def neurons(self) -> NDArray[np.int32]:
        """(n_neurons,) global index of each of the group's neurons."""
        return np.concatenate([np.arange(p.start, p.stop, dtype=np.int32) for p in self.populations])


def plan_groups(expanded: Expanded, seed: int) -> tuple[GroupPlan, ...]:
    """Return one plan per set of populations with the same neuron equations.

    Parameters
    ----------
    expanded : Expanded
    seed : int
        The run's seed, which fixes initial values.

    Raises
    ------
    SpecError
        If parameters do not fit the equations.
    """
    return tuple(_GroupBuilder(expanded, name, members, seed).build() for name, members in _partition(expanded).items())


def _partition(expanded: Expanded) -> dict[str, tuple[Population, ...]]:
    """Return the populations by group: all of one model together, others by their `[neuron]` table's equations."""
    grouped: dict[object, list[Population]] = {}
    for population in expanded.populations:
        neuron = expanded.spec.neuron[population.neuron]
        same: object = (
            (neuron.equations, neuron.threshold, neuron.reset, neuron.method, *sorted(neuron.parameters))
            if isinstance(neuron, EquationsNeuron)
            else neuron.model
        )
        grouped.setdefault(same, []).append(population)
    return {
        f"neurons_{key if isinstance(key, str) else members[0].neuron}": tuple(members)
        for key, members in grouped.items()
    }


def signed_sum(terms: Iterable[tuple[int, str]]) -> str:
    """Return `+ a - b` from [(1, "a"), (-1, "b")]."""
    return "".join(f" {'+' if sign > 0 else '-'} {term}" for sign, term in terms)


class _GroupBuilder:
    """Collects the lines and numbers of one group; used once."""

    def __init__(self, expanded: Expanded, name: str, populations: tuple[Population, ...], seed: int) -> None:
        self.expanded, self.name, self.populations, self.seed = expanded, name, populations, seed
        self.spec = expanded.spec
        self.dt_s = self.spec.network.dt.value
        names = {population.name for population in populations}
        self.channels = tuple(channel for channel in expanded.channels if names.intersection(channel.reach))
        self.neuron = self.spec.neuron[populations[0].neuron]
        self.equations: list[str] = []
        self.update: list[str] = []
        self.arrivals: list[str] = []
        self.end_of_step: list[str] = []
        self.parameters: dict[str, Parameter] = {}
        self.initial: dict[str, Numbers] = {}

    def build(self) -> GroupPlan:
        """Return the plan."""
        if isinstance(self.neuron, EquationsNeuron):
            threshold, reset = self._plan_equations(self.neuron)
        elif isinstance(self.neuron, AfterPotentialNeuron):
            threshold, reset = self._plan_after_potential()
        else:
            threshold, reset = self._plan_lif()
        self._plan_arrivals()
        self._plan_recorders()
        self.arrivals += [f"in_{channel.name} = 0*volt" for channel in self.entered_channels]
        declared = [parameter.declare(name) for name, parameter in self.parameters.items()]
        return GroupPlan(
            self.name,
            self.populations,
            self.channels,
            "\n".join([*self.equations, *declared]),
            threshold,
            reset,
            "refractory_period" if "refractory_period" in self.parameters else None,
            self.neuron.method if isinstance(self.neuron, EquationsNeuron) else None,
            "\n".join(self.update),
            "\n".join(self.arrivals),
            "\n".join(self.end_of_step),
            self.parameters,
            self.initial,
        )

    @property
    def entered_channels(self) -> tuple[Channel, ...]:
        """Channels that arrivals enter: neither injected currents nor sums of traces."""
        return tuple(channel for channel in self.channels if channel.kinetics != "current" and not channel.summed)

    @property
    def injected_channels(self) -> tuple[Channel, ...]:
        """Channels of injected currents."""
        return tuple(channel for channel in self.channels if channel.kinetics == "current")

    @property
    def filtered_channels(self) -> tuple[tuple[Channel, type[Kinetics]], ...]:
        """Channels with states, with their kinetics."""
        synaptic = [channel for channel in self.channels if channel.kinetics != "current"]
        kinetics = [(channel, find_kinetics()[channel.kinetics]) for channel in synaptic]
        return tuple((channel, kind) for channel, kind in kinetics if kind.states)

    def _sample(self, name: str, value_of: dict[str, Value], purpose: str) -> Numbers:
        seed = self.seed if purpose == "initial" else self.spec.network.seed
        return sample_parameter(name, value_of, self.populations, seed, purpose, self.spec.folder)

    def _sample_key(self, key: str, purpose: str = "parameter") -> Numbers:
        """Return the numbers of a key that every `[neuron]` table of this group has."""
        tables = {
            population.neuron: getattr(self.spec.neuron[population.neuron], key) for population in self.populations
        }
        return self._sample(key, tables, purpose)

    def _plan_common(self) -> None:
        refractory = self._sample_key("refractory")
        if refractory.any():
            self.parameters["refractory_period"] = _parameter("second", refractory)
        terms = self._current_terms() or " + 0*volt"
        self.equations.append(f"I = {terms.removeprefix(' + ').removeprefix(' ')} : volt")
        for channel in self.entered_channels:
            self.equations.append(f"in_{channel.name} : volt")
        for channel, kind in self.filtered_channels:
            # A sum of traces is set by the synapses that keep them.
            self.equations.append(f"I_{channel.name} : volt" if channel.summed else kind.equations(channel.name))
            for key, value in channel.constants.items():
                self.parameters[f"{key}_{channel.name}"] = _parameter("second", np.array([value]))
        for channel in self.injected_channels:
            terms = signed_sum((1, self._injection(drive)) for drive in channel.members).removeprefix(" + ")
            self.equations.append(f"J_{channel.name} = {terms} : volt")
            for drive in channel.members:
                self._plan_rows(drive)
        for channel in self._traced_channels():
            self._plan_trace(channel, find_kinetics()[channel.kinetics])

    def _traced_channels(self) -> tuple[Channel, ...]:
        """Return the channels that need a trace of this group's own spikes."""
        here = {population.name for population in self.populations}
        sources = {p.pathway for p in self.expanded.projections if p.source.name in here}
        return tuple(c for c in self.expanded.channels if c.trace == "source" and sources.intersection(c.members))

    def _plan_trace(self, channel: Channel, kind: type[Kinetics]) -> None:
        name, tau = f"x_{channel.name}", channel.constants[kind.trace_constant]
        self.equations.append(f"d{name}/dt = -{name}/{kind.trace_constant}_{channel.name} : 1")
        self.parameters[f"{kind.trace_constant}_{channel.name}"] = _parameter("second", np.array([tau]))
        self.update.append(f"{name} = {name}*{self._coefficient(f'propagate_{name}', membrane_decay(self.dt_s, tau))}")

    def _injection(self, drive: str) -> str:
        return f"inject_{drive}(row_{drive}, t_in_timesteps)"

    def _plan_rows(self, drive: str) -> None:
        """Add which row of a drive's tables each neuron has, -1 for none."""
        rows = {name: float(i_row) for i_row, name in enumerate(self._reached_by(drive))}
        values = np.concatenate([np.full(p.size, rows.get(p.name, -1.0)) for p in self.populations])
        self.parameters[f"row_{drive}"] = _parameter("integer", values)

    def _reached_by(self, drive: str) -> list[str]:
        items: list[PoissonInput | InjectedCurrent] = [
            *self.expanded.poisson_inputs,
            *self.expanded.injected_currents,
        ]
        return [item.target.name for item in items if item.drive == drive]

    def _current_terms(self) -> str:
        states = [(channel.sign, f"I_{channel.name}") for channel, _ in self.filtered_channels]
        injected = [(channel.sign, f"J_{channel.name}") for channel in self.injected_channels]
        return signed_sum([*states, *injected])

    def _plan_lif(self) -> tuple[str, str]:
        """Plan a leaky integrate-and-fire neuron; return its threshold and reset."""
        self._plan_membrane()
        self.parameters["v_reset"] = _parameter("volt", self._sample_key("v_reset"))
        return "v > v_threshold", "v = v_reset"

    def _plan_after_potential(self) -> tuple[str, str]:
        """Plan a neuron that adds a kernel after each of its own spikes instead of resetting v."""
        self._plan_membrane()
        tau_ap = self._sample_key("tau_ap")
        self.equations += ["dv_ap/dt = -v_ap/tau_ap : volt", "v_final = v + v_ap : volt"]
        self.parameters["tau_ap"] = _parameter("second", tau_ap)
        self.parameters["after_potential"] = _parameter("volt", self._sample_key("w_ap") * self._after_sign())
        self.update.append(f"v_ap = v_ap*{self._coefficient('propagate_v_ap', membrane_decay(self.dt_s, tau_ap))}")
        return "v_final > v_threshold", "v_ap += after_potential"

    def _after_sign(self) -> Numbers:
        neurons = [(self.spec.neuron[population.neuron], population.size) for population in self.populations]
        signs = [1.0 if getattr(neuron, "direction", "") == "depolarizing" else -1.0 for neuron, _ in neurons]
        return np.repeat(signs, [size for _, size in neurons])

    def _plan_membrane(self) -> None:
        """Plan tau_m dv/dt = v_rest - v + I with its exact propagators."""
        self._plan_common()
        flag = " (unless refractory)" if "refractory_period" in self.parameters else ""
        self.equations.insert(0, f"dv/dt = (v_rest - v + I)/tau_m : volt{flag}")
        tau_m = self._sample_key("tau_m")
        for key, unit in (("tau_m", "second"), ("v_rest", "volt"), ("v_threshold", "volt")):
            self.parameters[key] = _parameter(unit, self._sample_key(key))
        self.parameters["decay_v"] = _parameter("1", membrane_decay(self.dt_s, tau_m))
        self.initial["v"] = self._sample_key("v_initial", "initial")
        injected = signed_sum((channel.sign, f"J_{channel.name}") for channel in self.injected_channels)
        into_v = [term for channel, kind in self.filtered_channels for term in self._plan_channel(channel, kind, tau_m)]
        self.update.insert(0, f"_u = v_rest{injected}")
        self.update.insert(1, f"_v = _u + (v - _u)*decay_v{signed_sum(into_v)}")
        self.update.append("v = _v")

    def _plan_channel(self, channel: Channel, kind: type[Kinetics], tau_m: Numbers) -> list[tuple[int, str]]:
        """Plan the exact update of a channel's states; return its terms in the update of v."""
        output = np.eye(len(kind.states))[0]
        propagators = channel_propagators(self.dt_s, tau_m, kind.dynamics(channel.constants), output)
        names = [f"I_{channel.name}{suffix}" for suffix in kind.states]
        if not channel.summed:
            self._plan_decay(names, propagators.p_ss)
        return [
            (channel.sign, f"{self._coefficient(f'{name}_into_v', propagators.p_vs[..., i])}*{name}")
            for i, name in enumerate(names)
        ]

    def _plan_decay(self, names: list[str], propagator: Numbers) -> None:
        """Plan the multiplication of a channel's states by their propagator, (…, n_states, n_states)."""
        for i_row, name in enumerate(names):
            terms = [
                f"{self._coefficient(f'propagate_{name}_{i_column}', propagator[..., i_row, i_column])}*{other}"
                for i_column, other in enumerate(names)
                if np.any(propagator[..., i_row, i_column])
            ]
            self.update.append(f"_{name} = " + " + ".join(terms))
        self.update += [f"{name} = _{name}" for name in names]

    def _coefficient(self, name: str, values: Numbers) -> str:
        self.parameters[name] = _parameter("1", np.atleast_1d(values))
        return name

    def _plan_equations(self, neuron: EquationsNeuron) -> tuple[str, str]:
        """Plan the modeller's own equations, with `I` for the sum of the currents; return their threshold and reset."""
        self._plan_common()
        self.equations.insert(0, neuron.equations.strip())
        for channel, kind in self.filtered_channels:
            self._plan_channel(channel, kind, np.ones(1))
        for name in neuron.parameters:
            tables = {p.neuron: self._own(p).parameters[name] for p in self.populations}
            self.parameters[name] = _parameter(_unit_of(tables), self._sample(name, tables, "parameter"))
        for name in neuron.initial:
            tables = {p.neuron: self._own(p).initial[name] for p in self.populations}
            self.initial[name] = self._sample(name, tables, "initial")
        return neuron.threshold, neuron.reset

    def _own(self, population: Population) -> EquationsNeuron:
        neuron = self.spec.neuron[population.neuron]
        assert isinstance(neuron, EquationsNeuron)
        return neuron

    def _plan_arrivals(self) -> None:
        """Plan the drives' arrivals, and then how each channel's sum enters the dynamics, once."""
        drives = [name for name in dict.fromkeys(i.drive for i in self.expanded.poisson_inputs)]
        channel_of = {drive: channel for channel in self.channels for drive in channel.members if drive in drives}
        for drive, channel in channel_of.items():
            self._plan_rows(drive)
            weights = {i.target.name: _float32(i.weight) for i in self.expanded.poisson_inputs if i.drive == drive}
            values = np.concatenate([np.full(p.size, weights.get(p.name, 0.0)) for p in self.populations])
            self.parameters[f"weight_{drive}"] = _parameter("volt", values)
            counts = f"counts_{drive}(row_{drive}, index_in_population, t_in_timesteps)"
            self.arrivals.append(f"in_{channel.name} += weight_{drive}*{counts}")
        if channel_of:
            index = np.concatenate([np.arange(p.size, dtype=np.float64) for p in self.populations])
            self.parameters["index_in_population"] = Parameter("integer", index)
        for channel in self.entered_channels:
            self._plan_entry(channel, find_kinetics()[channel.kinetics])

    def _plan_entry(self, channel: Channel, kind: type[Kinetics]) -> None:
        if not kind.states:
            self.arrivals.append(f"v {'+' if channel.sign > 0 else '-'}= in_{channel.name}")
        for suffix, factor in zip(kind.states, kind.entry(channel.constants), strict=True):
            state = f"I_{channel.name}{suffix}"
            if factor == 1:
                self.arrivals.append(f"{state} += in_{channel.name}")
            elif factor != 0:
                entry = self._coefficient(f"entry_{channel.name}{suffix}", np.array([factor]))
                self.arrivals.append(f"{state} += {entry}*in_{channel.name}")

    def _plan_recorders(self) -> None:
        for name, record in self.spec.record.items():
            if isinstance(record, CurrentsRecord):
                self._plan_recorder(name, record)
            elif isinstance(record, StatesRecord):
                self._plan_states(name, record)

    def _plan_states(self, recorder: str, record: StatesRecord) -> None:
        """Keep a copy, made last in each step, of recorded variables that are computed from others."""
        for variable in record.variables:
            unit = self._computed_unit(variable)
            if unit is not None:
                self.equations.append(f"state_{recorder}_{variable} : {unit}")
                self.end_of_step.append(f"state_{recorder}_{variable} = {variable}")

    def _computed_unit(self, variable: str) -> str | None:
        """Return the unit of a variable that the equations compute (`name = … : unit`); None for any other."""
        found = re.search(
            rf"^\s*{re.escape(variable)}\s*=.*:\s*([^:(]+?)\s*(?:\(.*)?$", "\n".join(self.equations), re.M
        )
        return found[1] if found else None

    def _plan_recorder(self, recorder: str, record: CurrentsRecord) -> None:
        n_steps = count_steps(record.interval.value, self.dt_s)
        for channel in self.channels:
            if record.channels == "all" or channel.name in record.channels:
                term, scale = self._bin_term(channel, n_steps)
                self._plan_sum(f"{recorder}_{channel.name}", scale)
                self.arrivals.append(f"sum_{recorder}_{channel.name} += {term}")
        if record.v == "mean":
            self._plan_sum(f"{recorder}_v", np.array([1.0 / n_steps]))
            self.end_of_step.append(f"sum_{recorder}_v += v")

    def _plan_sum(self, name: str, scale: Numbers) -> None:
        if f"scale_{name}" in self.parameters:
            what = f'has a recorder and a channel whose names join to the same "{name}" as those of another recorder'
            raise SpecError(Problem("record", what, next="rename one of the recorders"))
        self.equations += [f"sum_{name} : volt", f"current_{name} = sum_{name}*scale_{name} : volt"]
        self._coefficient(f"scale_{name}", scale)

    def _bin_term(self, channel: Channel, n_steps: int) -> tuple[str, Numbers]:
        """Return what a step adds to a bin's sum, and what makes of the sum a mean current in volts."""
        if channel.kinetics == "current":
            return f"J_{channel.name}", np.array([channel.sign / n_steps])
        kind = find_kinetics()[channel.kinetics]
        if not kind.states:
            return f"in_{channel.name}", channel.sign * self._tau_m(channel) / (n_steps * self.dt_s)
        mean = channel_propagators(self.dt_s, 1.0, kind.dynamics(channel.constants), np.eye(len(kind.states))[0]).mean
        if len(kind.states) == 1:
            return f"I_{channel.name}", np.array([channel.sign * mean[0] / n_steps])
        terms = [
            f"{self._coefficient(f'mean_{channel.name}{suffix}', np.array([mean[i]]))}*I_{channel.name}{suffix}"
            for i, suffix in enumerate(kind.states)
        ]
        return " + ".join(terms), np.array([channel.sign / n_steps])

    def _tau_m(self, channel: Channel) -> Numbers:
        if "tau_m" not in self.parameters or self.parameters["tau_m"].unit != "second":
            raise SpecError(
                Problem(
                    f"neuron.{self.populations[0].neuron}.parameters.tau_m",
                    f'is missing, and the current of the delta channel "{channel.name}" is w·tau_m per spike',
                    '"20 ms", say',
                )
            )
        return self.parameters["tau_m"].values


def _float32(value: object) -> float:
    return float(np.float32(getattr(value, "value", np.nan)))


def _unit_of(tables: dict[str, Value]) -> str:
    """Return the SI unit, as Brian2's equations write it, of a parameter."""
    from brian2.units.fundamentalunits import get_or_create_dimension, get_unit

    _, exponents = parse_any_quantity(_sample_text(next(iter(tables.values()))))
    dimension = get_or_create_dimension(exponents)
    if dimension.is_dimensionless:
        return "1"
    name = repr(get_unit(dimension))
    return name if name.isalpha() else repr(dimension)


def _sample_text(value: Value) -> str:
    """Return a text with the unit of a value."""
    match value:
        case Quantity():
            return value.text
        case Uniform():
            return value.low.text
        case Normal():
            return value.mean.text
        case Values() if value.unit is None:
            return str(value.rows[0])
        case Values() | ArrayFile():
            return f"1 {value.unit or ''}"
