"""From a checked network to Brian2 objects, in whatever device is active.

One NeuronGroup for all populations with the same equations, one Synapses per channel and delay however many layers there
are, and per recorder the monitors that hold its bins. Nothing is run here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.drives import (
    StepSeries,
    counts_function,
    current_function,
    event_function,
    fires_function,
    poisson_rows,
    source_key,
    source_probabilities,
)
from models.errors import Problem, SpecError, list_choices, suggest_spelling
from models.expand import Channel, Expanded, Population, SourceGroup, expand_network
from models.groups import GroupPlan, plan_groups
from models.kinetics import find_kinetics
from models.populations import drive_owner
from models.propagators import membrane_decay
from models.quantities import parse_any_quantity
from models.sample import EdgeTable, sample_edges
from models.selection import select_neurons
from models.spec import CurrentsRecord, EventTable, NetworkSpec, StatesRecord
from models.spikes import load_spikes
from models.steps import count_steps


@dataclass(frozen=True, eq=False)
class BinnedArray:
    """Where a recorder's variable is found in the Brian2 objects.

    The monitor samples at the start of each bin, so its first row is what was before the first bin, and the last bin is
    in the state that the run leaves: `final` times `scale`.
    """

    variable: str
    """Column of the table."""
    group: str
    monitor: str
    neurons: NDArray[np.int32]
    """(n_recorded,) global indices, ascending."""
    local: NDArray[np.int32]
    """(n_recorded,) indices in the group."""
    monitored: str
    """The group's variable that is monitored: a state variable or `current_…`."""
    final: str
    """The group's state variable at the end: the same, or `sum_…`."""
    scale: NDArray[np.float64] | None
    """(n_group,) or (1,) what makes of the sum a mean in volts; None when `final` is itself the value."""


@dataclass(frozen=True, eq=False)
class BinnedRecorder:
    """A recorder of currents or states."""

    name: str
    kind: str
    steps_per_bin: int
    dtype: str
    arrays: tuple[BinnedArray, ...]


@dataclass(frozen=True, eq=False)
class Assembly:
    """A network as Brian2 objects, and the maps that lead from them back to the spec."""

    expanded: Expanded
    seed: int
    n_steps: int
    network: Any
    """The `brian2.Network` of all objects."""
    plans: tuple[GroupPlan, ...]
    groups: dict[str, Any]
    """NeuronGroups by the name of their plan."""
    populations: dict[str, Any]
    """Brian2 subgroups by population."""
    synapses: dict[str, Any]
    """Synapses by name."""
    edges: dict[str, EdgeTable]
    recorders: tuple[BinnedRecorder, ...]
    spike_monitors: dict[str, str]
    """Names of the SpikeMonitors by group, and by drive for drives with sources."""
    clock: Any = field(repr=False)


def assemble_network(spec: NetworkSpec, *, n_steps: int, seed: int | None = None) -> Assembly:
    """Make the Brian2 objects of a network.

    Parameters
    ----------
    spec : NetworkSpec
    n_steps : int
        Steps that the run will take; values that vary in time must last that long.
    seed : int, optional
        The run's seed, for initial values and drive; the network's when not given.

    Returns
    -------
    Assembly

    Raises
    ------
    SpecError
        If the spec contradicts itself, or names a variable, file or unit that does not fit.
    """
    expanded = expand_network(spec)
    return _Assembler(expanded, spec.network.seed if seed is None else seed, n_steps).assemble()


class _Assembler:
    """Makes the objects of one network; used once."""

    def __init__(self, expanded: Expanded, seed: int, n_steps: int) -> None:
        import brian2

        self.b2 = brian2
        self.expanded, self.seed, self.n_steps = expanded, seed, n_steps
        self.spec = expanded.spec
        self.dt_s = self.spec.network.dt.value
        self.clock = brian2.Clock(dt=self.dt_s * brian2.second, name="step_clock")
        self.plans = plan_groups(expanded, seed)
        self.groups: dict[str, Any] = {}
        self.sources: dict[str, Any] = {}
        self.synapses: dict[str, Any] = {}
        self.objects: list[Any] = []
        self.bin_clocks: dict[int, Any] = {}

    def assemble(self) -> Assembly:
        """Make everything, drives before groups because groups call them."""
        functions = dict(self._make_drive_functions())
        for plan in self.plans:
            self.groups[plan.name] = self._make_group(plan, functions)
        for source in self.expanded.source_groups:
            self.sources[source.drive] = self._make_sources(source)
        edges = sample_edges(self.expanded)
        self._connect(edges)
        self._make_events()
        recorders = tuple(self._make_recorders())
        spike_monitors = {name: self._monitor_spikes(name, group) for name, group in self._spiking()}
        populations = {
            population.name: self._subgroup(plan, population) for plan in self.plans for population in plan.populations
        }
        network = self.b2.Network(
            *self.groups.values(), *self.sources.values(), *self.synapses.values(), *self.objects, name="network"
        )
        return Assembly(
            self.expanded,
            self.seed,
            self.n_steps,
            network,
            self.plans,
            self.groups,
            populations,
            self.synapses,
            edges,
            recorders,
            spike_monitors,
            self.clock,
        )

    def _subgroup(self, plan: GroupPlan, population: Population) -> Any:
        before = sum(p.size for p in plan.populations if p.start < population.start)
        return self.groups[plan.name][before : before + population.size]

    def _make_drive_functions(self) -> Iterator[tuple[str, Any]]:
        folder = self.spec.folder
        for drive in dict.fromkeys(item.drive for item in self.expanded.poisson_inputs):
            inputs = [item for item in self.expanded.poisson_inputs if item.drive == drive]
            rows = poisson_rows(drive, inputs, self.seed, self.dt_s, self.n_steps, folder)
            yield f"counts_{drive}", counts_function(f"counts_{drive}", rows)
        for drive in dict.fromkeys(item.drive for item in self.expanded.injected_currents):
            currents = [item for item in self.expanded.injected_currents if item.drive == drive]
            yield f"inject_{drive}", current_function(f"inject_{drive}", currents, self.dt_s, self.n_steps, folder)

    def _make_group(self, plan: GroupPlan, functions: dict[str, Any]) -> Any:
        try:
            group = self.b2.NeuronGroup(
                plan.n_neurons,
                plan.equations,
                threshold=plan.threshold,
                reset=plan.reset,
                refractory=plan.refractory or False,
                method=_update_method(plan),
                namespace=functions,
                clock=self.clock,
                name=plan.name,
            )
        except (self.b2.EquationError, SyntaxError, ValueError, TypeError, KeyError) as error:
            raise _equations_error(plan, error) from error
        for name, parameter in plan.parameters.items():
            _set_variable(group, name, parameter.values)
        for name, values in plan.initial.items():
            _set_variable(group, name, values)
        _run_each_step(group, plan.arrivals, "after_synapses", f"{plan.name}_arrivals")
        _run_each_step(group, plan.end_of_step, "end", f"{plan.name}_end_of_step")
        return group

    def _make_sources(self, source: SourceGroup) -> Any:
        name = f"sources_{source.drive}"
        if source.file is not None:
            spikes = load_spikes(self.spec.folder / source.file, source.size, self.dt_s, f"drive.{source.drive}")
            kept = spikes.step < self.n_steps
            times = spikes.step[kept] * self.dt_s * self.b2.second
            return self.b2.SpikeGeneratorGroup(source.size, spikes.source[kept], times, clock=self.clock, name=name)
        probabilities: StepSeries = source_probabilities(source, self.dt_s, self.n_steps, self.spec.folder)
        fires = fires_function(f"fires_{source.drive}", source_key(self.seed, source.drive), probabilities)
        return self.b2.NeuronGroup(
            source.size,
            "",
            threshold=f"fires_{source.drive}(i, t_in_timesteps) > 0",
            namespace={f"fires_{source.drive}": fires},
            clock=self.clock,
            name=name,
        )

    def _connect(self, edges: dict[str, EdgeTable]) -> None:
        """Make one Synapses per channel, delay and pair of groups."""
        for channel in self.expanded.channels:
            bundles: dict[tuple[str, str, int], list[_Bundle]] = {}
            for name in channel.members:
                for source, target, bundle in self._split(name, edges[name]) if name in edges else ():
                    delay = int(bundle.delay[0]) if bundle.delay.size == 1 else -1
                    bundles.setdefault((source, target, delay), []).append(bundle)
            for (source, target, delay), members in bundles.items():
                self._make_synapses(channel, source, target, delay, members)
            if channel.trace != "none":
                self._make_traces(channel, list(bundles))
            self._start_traces(channel, edges)

    def _split(self, name: str, table: EdgeTable) -> Iterator[tuple[str, str, "_Bundle"]]:
        """Yield the edges of a table by source and target group, in the groups' own indices."""
        sources = {plan.name: plan.neurons for plan in self.plans}
        if name in self.spec.drive:
            sources = {f"sources_{drive_owner(self.spec, name)}": np.arange(table.n_sources, dtype=np.int32)}
        for source, source_neurons in sources.items():
            for plan in self.plans:
                bundle = _take_edges(table, source_neurons, plan.neurons, self.expanded.n_neurons)
                if bundle.i.size:
                    yield source, plan.name, bundle

    def _make_synapses(
        self, channel: Channel, source: str, target: str, delay: int, members: Sequence["_Bundle"]
    ) -> None:
        groups = {**self.groups, **{group.name: group for group in self.sources.values()}}
        weight = np.concatenate([np.broadcast_to(m.weight, m.i.size) for m in members])
        constant = all(m.weight.size == 1 and m.weight[0] == members[0].weight[0] for m in members)
        name = self._name_synapses("synapses", channel, source, target, delay)
        synapses = self.b2.Synapses(
            groups[source],
            self.groups[target],
            "\n".join([f"w : volt ({'shared, ' if constant else ''}constant)", *_trace_equations(channel)]),
            on_pre=_on_pre(channel),
            method=lambda equations, variables=None, options=None: "x = x*propagate_x",
            delay=delay * self.dt_s * self.b2.second if delay >= 0 else None,
            namespace={},
            clock=self.clock,
            name=name,
        )
        synapses.connect(i=np.concatenate([m.i for m in members]), j=np.concatenate([m.j for m in members]))
        _set_variable(synapses, "w", weight[:1].astype(np.float64) if constant else weight.astype(np.float64))
        if delay < 0:
            steps = np.concatenate([np.broadcast_to(m.delay, m.i.size) for m in members])
            _set_variable(synapses, "delay", steps * self.dt_s)
        if channel.summed and channel.trace == "synapse":
            self._set_traces(synapses, channel, members)
        if channel.summed:
            # After the arrivals of the step, and before they are added up; by default it would lag by a step.
            (updater,) = synapses.summed_updaters.values()
            updater.when, updater.order = "after_synapses", -1
        self.synapses[name] = synapses

    def _set_traces(self, synapses: Any, channel: Channel, members: Sequence["_Bundle"]) -> None:
        tau = channel.constants["tau"]
        _set_variable(synapses, "tau", np.array([tau]))
        _set_variable(synapses, "propagate_x", np.atleast_1d(membrane_decay(self.dt_s, tau)))
        starts = [np.full(m.i.size, getattr(self.spec.pathway.get(m.name), "trace_initial", 0.0)) for m in members]
        _set_variable(synapses, "x", np.concatenate(starts))

    def _name_synapses(self, kind: str, channel: Channel, source: str, target: str, delay: int) -> str:
        parts = [kind, channel.name, *([source] if len(self.plans) > 1 or source not in self.groups else [])]
        parts += [target] if len(self.plans) > 1 else []
        return "_".join([*parts, f"delay{delay}" if delay >= 0 else "delays"])

    def _make_traces(self, channel: Channel, bundles: list[tuple[str, str, int]]) -> None:
        """Make what updates the traces of the source neurons at their own spikes, as late as these are delivered."""
        if len(bundles) > 1 or any(delay < 0 for _, _, delay in bundles):
            what = f'needs one constant delay and one kind of neuron for the traces of the channel "{channel.name}"'
            raise SpecError(
                Problem(f"pathway.{channel.members[0]}", what, next="lower = true, or a channel of its own")
            )
        for source, target, delay in bundles if channel.trace == "source" else ():
            name = self._name_synapses("traces", channel, source, target, delay)
            traces = self.b2.Synapses(
                self.groups[source],
                self.groups[source],
                on_pre=f"x_{channel.name}_post += 1",
                # After the spike has been delivered: it carries the trace from before its own increment.
                order=1,
                delay=delay * self.dt_s * self.b2.second,
                namespace={},
                clock=self.clock,
                name=name,
            )
            neurons = np.arange(len(self.groups[source]))
            traces.connect(i=neurons, j=neurons)
            self.synapses[name] = traces

    def _start_traces(self, channel: Channel, edges: dict[str, EdgeTable]) -> None:
        """Start the current of traces that do not start at 0."""
        start = np.zeros(self.expanded.n_neurons)
        for name in channel.members:
            initial = getattr(self.spec.pathway.get(name), "trace_initial", 0.0)
            if initial and name in edges:
                weight = np.broadcast_to(edges[name].weight, edges[name].n_edges)
                start += initial * np.bincount(edges[name].target, weight.astype(np.float64), start.size)
        for plan in self.plans if start.any() else ():
            _set_variable(self.groups[plan.name], f"I_{channel.name}", start[plan.neurons])

    def _make_events(self) -> None:
        grouped: dict[tuple[str, str], list[tuple[int, EventTable]]] = {}
        for i_event, event in enumerate(self.spec.event):
            plan = next(p for p in self.plans if event.population in {q.name for q in p.populations})
            grouped.setdefault((plan.name, event.set), []).append((i_event, event))
        for (name, variable), events in grouped.items():
            self._make_event_runner(name, variable, events)

    def _make_event_runner(self, name: str, variable: str, events: list[tuple[int, EventTable]]) -> None:
        from brian2.groups.group import CodeRunner

        group, plan = self.groups[name], next(p for p in self.plans if p.name == name)
        settable = _settable_variables(group)
        if variable not in settable:
            near = suggest_spelling(variable, settable)
            expected = near or list_choices(settable)
            raise SpecError(Problem(f"event.{events[0][0]}.set", "is not a state variable", expected, f'"{variable}"'))
        ordered = sorted(events, key=lambda item: (item[1].time.value, item[0]))
        values = np.array([self._event_value(i, event, group.variables[variable].dim) for i, event in ordered])
        starts = {population.name: population.start for population in plan.populations}
        function = event_function(
            f"event_{name}_{variable}",
            np.array([count_steps(event.time.value, self.dt_s) for _, event in ordered], np.int64),
            np.searchsorted(plan.neurons, [starts[e.population] + e.index for _, e in ordered]).astype(np.int32),
            values,
            group.variables[variable].unit,
        )
        group.namespace[f"event_{name}_{variable}"] = function
        runner = CodeRunner(
            group,
            "stateupdate",
            code=f"{variable} = event_{name}_{variable}({variable}, i, t_in_timesteps)",
            clock=self.clock,
            when="start",
            order=2,
            name=f"{name}_events_{variable}",
            # An event sets a variable whatever the neuron's state: it is an intervention, not an input.
            override_conditional_write=["not_refractory"],
        )
        self.objects.append(runner)

    def _event_value(self, i_event: int, event: EventTable, dimension: Any) -> float:
        from brian2.units.fundamentalunits import get_or_create_dimension, get_unit

        quantity, exponents = parse_any_quantity(str(event.value))
        if get_or_create_dimension(exponents) is not dimension:
            expected = f"a quantity in {get_unit(dimension)!r}"
            raise SpecError(Problem(f"event.{i_event}.value", "has the wrong dimension", expected, f'"{quantity}"'))
        return quantity.value

    def _bin_clock(self, n_steps: int) -> Any:
        if n_steps not in self.bin_clocks:
            dt = n_steps * self.dt_s * self.b2.second
            self.bin_clocks[n_steps] = self.b2.Clock(dt=dt, name=f"bin_clock_{n_steps}")
        return self.bin_clocks[n_steps]

    def _make_recorders(self) -> Iterator[BinnedRecorder]:
        for name, record in self.spec.record.items():
            if isinstance(record, (CurrentsRecord, StatesRecord)):
                n_steps = count_steps(record.interval.value, self.dt_s)
                arrays = [array for plan in self.plans for array in self._plan_arrays(name, record, plan)]
                for plan in self.plans:
                    self._make_monitors(record, n_steps, [array for array in arrays if array.group == plan.name])
                    self._reset_sums(name, n_steps, plan)
                yield BinnedRecorder(name, record.kind, n_steps, record.dtype, tuple(arrays))

    def _plan_arrays(
        self, recorder: str, record: CurrentsRecord | StatesRecord, plan: GroupPlan
    ) -> Iterator[BinnedArray]:
        chosen = select_neurons(self.expanded, record, recorder)
        if isinstance(record, StatesRecord):
            for variable in record.variables:
                self._check_variable(recorder, variable, plan)
                copied = f"state_{recorder}_{variable}"
                known = copied if copied in self.groups[plan.name].equations.names else variable
                yield self._array(recorder, variable, known, plan, chosen)
            return
        averaged = f"{recorder}_v" if record.v == "mean" else None
        yield self._array(recorder, "v", "v", plan, chosen, averaged)
        for channel in plan.channels:
            if record.channels == "all" or channel.name in record.channels:
                reached = self._reached(channel, chosen)
                yield self._array(recorder, channel.name, "", plan, reached, f"{recorder}_{channel.name}")

    def _check_variable(self, recorder: str, variable: str, plan: GroupPlan) -> None:
        known = self.groups[plan.name].equations.names
        if variable not in known:
            near = suggest_spelling(variable, known)
            place = f"record.{recorder}.variables"
            raise SpecError(Problem(place, "names no variable", near or list_choices(sorted(known)), f'"{variable}"'))

    def _reached(self, channel: Channel, chosen: NDArray[np.int32]) -> NDArray[np.int32]:
        ranges = [self.expanded.population[name] for name in channel.reach]
        inside = np.zeros(chosen.size, bool)
        for population in ranges:
            inside |= (chosen >= population.start) & (chosen < population.stop)
        return chosen[inside]

    def _array(
        self,
        recorder: str,
        column: str,
        variable: str,
        plan: GroupPlan,
        neurons: NDArray[np.int32],
        summed: str | None = None,
    ) -> BinnedArray:
        members = neurons[np.isin(neurons, plan.neurons)]
        monitored, final, scale = variable, variable, None
        if summed is not None:
            monitored, final = f"current_{summed}", f"sum_{summed}"
            scale = plan.parameters[f"scale_{summed}"].values
        local = np.searchsorted(plan.neurons, members).astype(np.int32)
        return BinnedArray(
            column, plan.name, f"{recorder}_{plan.name}_{column}", members, local, monitored, final, scale
        )

    def _make_monitors(self, record: CurrentsRecord | StatesRecord, n_steps: int, arrays: list[BinnedArray]) -> None:
        """Make a StateMonitor per variable: their sets of neurons differ."""
        for array in arrays:
            if array.local.size:
                monitor = self.b2.StateMonitor(
                    self.groups[array.group],
                    array.monitored,
                    record=array.local,
                    clock=self._bin_clock(n_steps),
                    dtype=np.dtype(record.dtype),
                    name=array.monitor,
                )
                self.objects.append(monitor)

    def _reset_sums(self, recorder: str, n_steps: int, plan: GroupPlan) -> None:
        """Start every bin's sums at 0, after the monitors have sampled the bin before."""
        sums = [name.removeprefix("scale_") for name in plan.parameters if name.startswith(f"scale_{recorder}_")]
        if sums:
            code = "\n".join(f"sum_{name} = 0*volt" for name in sums)
            self.groups[plan.name].run_regularly(
                code, clock=self._bin_clock(n_steps), when="start", order=1, name=f"{plan.name}_reset_{recorder}"
            )

    def _spiking(self) -> Iterator[tuple[str, Any]]:
        yield from self.groups.items()
        yield from self.sources.items()

    def _monitor_spikes(self, name: str, group: Any) -> str:
        monitor = self.b2.SpikeMonitor(group, name=f"spikes_{group.name}")
        self.objects.append(monitor)
        return str(monitor.name)


@dataclass(frozen=True, eq=False)
class _Bundle:
    """Edges of one pathway or drive between two Brian2 groups, in their own indices."""

    name: str
    i: NDArray[np.int32]
    j: NDArray[np.int32]
    weight: NDArray[np.float32]
    delay: NDArray[np.int32]


def _take_edges(table: EdgeTable, sources: NDArray[np.int32], targets: NDArray[np.int32], n_neurons: int) -> _Bundle:
    """Return the edges from some sources to some targets, which are given by their ascending indices in the table."""
    if sources.size == table.n_sources and targets.size == n_neurons:
        return _Bundle(table.name, table.source, table.target, table.weight, table.delay)
    inside = np.isin(table.source, sources) & np.isin(table.target, targets)
    return _Bundle(
        table.name,
        np.searchsorted(sources, table.source[inside]).astype(np.int32),
        np.searchsorted(targets, table.target[inside]).astype(np.int32),
        table.weight if table.weight.size == 1 else table.weight[inside],
        table.delay if table.delay.size == 1 else table.delay[inside],
    )


def _trace_equations(channel: Channel) -> list[str]:
    """Return the Brian2 equations of synapses whose traces are not lowered."""
    if not channel.summed:
        return []
    if channel.trace == "source":
        return [f"I_{channel.name}_post = w*x_{channel.name}_pre : volt (summed)"]
    return [
        "dx/dt = -x/tau : 1 (clock-driven)",
        "tau : second (shared, constant)",
        "propagate_x : 1 (shared, constant)",
        f"I_{channel.name}_post = w*x : volt (summed)",
    ]


def _on_pre(channel: Channel) -> str | None:
    """Return what a delivered spike does."""
    if channel.summed:
        return "x += 1" if channel.trace == "synapse" else None
    return find_kinetics()[channel.kinetics].on_pre(channel.name)


def _update_method(plan: GroupPlan) -> Any:
    """Return a Brian2 state updater: the exact update of the plan, after that of the modeller's own equations."""

    def update_exactly(equations: Any, variables: Any = None, method_options: Any = None) -> str:
        own = _own_update(plan, equations, variables) if plan.method is not None else ""
        return "\n".join(part for part in (own, plan.update) if part)

    return update_exactly


def _own_update(plan: GroupPlan, equations: Any, variables: Any) -> str:
    """Return Brian2's update of the equations that are not a channel's; channels count as constant within the step."""
    from brian2 import Equations
    from brian2.stateupdaters.base import StateUpdateMethod

    states = {line.split("=")[0].strip().removeprefix("_") for line in plan.update.splitlines()}
    own = [equation for name, equation in equations.items() if name not in states]
    code = StateUpdateMethod.apply_stateupdater(Equations(own), variables, method=plan.method, group_name=plan.name)
    return str(code)


def _equations_error(plan: GroupPlan, error: Exception) -> SpecError:
    place = f"neuron.{plan.populations[0].neuron}.equations"
    return SpecError(Problem(place, "is not what Brian2 accepts", evidence=str(error)))


def _set_variable(group: Any, name: str, values: NDArray[np.generic]) -> None:
    """Set a variable of a Brian2 group from numbers in SI units, one per neuron or one for all."""
    dtype = group.variables[name].dtype
    setattr(group, f"{name}_", values.astype(dtype) if values.size > 1 else values.astype(dtype).item())


def _run_each_step(group: Any, code: str, when: str, name: str) -> None:
    if code:
        group.run_regularly(code, when=when, name=name)


def _settable_variables(group: Any) -> list[str]:
    parameters = group.equations.diff_eq_names | group.equations.parameter_names
    return sorted(
        name for name in parameters if not group.variables[name].scalar and not group.variables[name].constant
    )
