"""What of a run can be recomputed, and from what; and why the rest cannot."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.errors import SpecError
from models.expand import Channel, Population
from models.spec import CurrentsRecord
from pipeline.recording import Reader, Recording
from pipeline.run_folder import RunFolder
from pipeline.verification.binned import BinnedCheck, MeanFold, SampleFold
from pipeline.verification.channel import ChannelRun, Input, Part, choose_physics
from pipeline.verification.connectivity import PathwayCheck
from pipeline.verification.counts import check_rates, count_spikes
from pipeline.verification.drive import InjectedSteps, PoissonArrivals
from pipeline.verification.edges import Arrivals, Edges
from pipeline.verification.gains import SPIKE_GAINS
from pipeline.verification.membrane import AMBIGUOUS, MEMBRANES, Membrane
from pipeline.verification.neurons import CheckedNeurons, event_on
from pipeline.verification.placement import check_placement
from pipeline.verification.program_inputs import check_inputs
from pipeline.verification.report import Row, tally_row, unchecked_row
from pipeline.verification.sources import SourceCheck
from pipeline.verification.tolerance import RTOL, current_tolerance, voltage_tolerance
from pipeline.verification.trains import NetworkSpikes, Train

type Key = tuple[str, str]
"""Names of a channel and of a population."""


class Plan:
    """Everything that is to be recomputed for one run."""

    def __init__(self, folder: RunFolder, recording: Recording, seed: int, edges: Iterable[PathwayCheck]) -> None:
        self.folder, self.recording, self.seed = folder, recording, seed
        self.network = recording.network
        self.edges = {check.name: check for check in edges}
        self.placement = check_placement(recording)
        self.spikes = NetworkSpikes.of(recording)
        self.sources = {group.drive: SourceCheck(group, recording, seed) for group in self.network.source_groups}
        self.checked = {p.name: self._check_neurons(p) for p in self.network.populations}
        self.physics = {channel.name: choose_physics(channel, recording.dt_s) for channel in self.network.channels}
        self.inputs: dict[Key, list[Input]] = {}
        self.unknown = {key: reason for key, reason in self._list_unknown() if reason}
        """Why a channel cannot be recomputed at a population."""
        self.unchecked_v: dict[str, str] = {}
        """Why v cannot be recomputed at a population."""
        self.membranes = {name: membrane for name, membrane in self._make_membranes() if membrane is not None}
        self.channels = [run for channel in self.network.channels if (run := self._make_channel(channel)).parts]
        self.rows: list[Callable[[], Row]] = []
        """What makes the report's rows, once all is compared."""
        self.compared = [row for check in self.edges.values() for row in check.rows]
        """Rows of what is compared already."""
        self.compared += [check.row for check in self.placement.values()]
        self.compared += check_inputs(folder, self.network)
        for reader in recording.readers.values():
            self._check_reader(reader)
        self.rows += [source.row for source in self.sources.values()]
        self._check_spikes()
        self.rows += check_rates(recording, self.spikes)

    def _check_neurons(self, population: Population) -> CheckedNeurons:
        """Return the neurons of a population that any recorder of bins has."""
        recorded = [np.empty(0, np.int32)]
        for reader in self.recording.readers.values():
            recorded += [reader.neurons(variable) for variable in self._list_placed(reader)]
        neurons = np.unique(np.concatenate(recorded))
        inside = (neurons >= population.start) & (neurons < population.stop)
        return CheckedNeurons(self.network, population, neurons[inside], self.seed)

    def _list_placed(self, reader: Reader) -> list[str]:
        """Return the variables of a recorder whose neurons are those of the model."""
        return [name for name in reader.variables() if name not in self.placement[reader.name].misplaced]

    def _list_unknown(self) -> Iterator[tuple[Key, str | None]]:
        for channel in self.network.channels:
            for name in channel.reach:
                if self.checked[name].neurons.size:
                    yield (channel.name, name), self._find_reason(channel, self.checked[name])

    def _find_reason(self, channel: Channel, checked: CheckedNeurons) -> str | None:
        """Return why a channel cannot be recomputed at a population; prepare its drives there."""
        variable = event_on(self.network, channel.name)
        if variable is not None:
            return f"an event sets {variable}"
        for projection in self.network.projections:
            leads_here = projection.pathway in channel.members and projection.target == checked.population
            if leads_here and self.edges[projection.pathway].problem:
                return self.edges[projection.pathway].problem
            if leads_here and self._train_of(projection.pathway, projection.source.name) is None:
                return f"the spikes of {projection.source.name} were not recorded"
        try:
            self.physics[channel.name].current_factors(checked)
            self.inputs[channel.name, checked.population.name] = list(self._make_inputs(channel, checked))
        except SpecError as error:
            return str(error.problems[0])
        return None

    def _train_of(self, pathway: str, source: str) -> Train | None:
        """Return the spikes of a pathway's source population, or of a drive's sources; None when unknown."""
        if pathway in self.network.spec.pathway:
            return self.spikes.train if source in self.spikes.populations else None
        return self.sources[source].train

    def _make_inputs(self, channel: Channel, checked: CheckedNeurons) -> Iterator[Input]:
        n_steps = self.recording.n_steps
        for item in self.network.poisson_inputs:
            if item.drive in channel.members and item.target == checked.population:
                yield PoissonArrivals(item, checked.index, self.network, self.seed, n_steps)
        for current in self.network.injected_currents:
            if current.drive in channel.members and current.target == checked.population:
                yield InjectedSteps(current, self.network, n_steps)

    def _make_membranes(self) -> Iterator[tuple[str, Membrane | None]]:
        for name, checked in self.checked.items():
            if checked.neurons.size:
                yield name, self._make_membrane(checked)

    def _make_membrane(self, checked: CheckedNeurons) -> Membrane | None:
        """Return what recomputes v; None, with the reason kept, when that cannot be done."""
        name = checked.population.name
        own = [reason for (_, population), reason in self.unknown.items() if population == name]
        kind = MEMBRANES.get(checked.model or "")
        try:
            if kind is not None and name in self.spikes.populations and not own:
                return kind(checked, self.spikes.train, self._is_guarded(checked.model))
            silent = f"the spikes of {name} were not recorded"
            self.unchecked_v[name] = own[0] if own else silent if kind is not None else "own equations"
        except SpecError as error:
            self.unchecked_v[name] = str(error.problems[0])
        return None

    def _is_guarded(self, model: str | None) -> bool:
        """Return whether any neuron of a model is ever refractory."""
        populations = [p for p in self.network.populations if self.checked[p.name].model == model]
        whole = [np.arange(p.start, p.stop, dtype=np.int32) for p in populations]
        of_model = [CheckedNeurons(self.network, *pair, self.seed) for pair in zip(populations, whole, strict=True)]
        return any(bool(checked.parameter("refractory").any()) for checked in of_model)

    def _make_channel(self, channel: Channel) -> ChannelRun:
        parts, n_columns = [], 0
        column = np.full(self.network.n_neurons, -1, np.int32)
        for name in channel.reach:
            checked, size = self.checked[name], self.checked[name].neurons.size
            if size and (channel.name, name) not in self.unknown:
                columns = slice(n_columns, n_columns + size)
                column[checked.neurons] = np.arange(columns.start, columns.stop)
                inputs = self.inputs[channel.name, name]
                parts.append(Part(checked, columns, inputs, self.membranes.get(name)))
                n_columns = columns.stop
        edges = {name: self._load_edges(name) for name in self._members_with_edges(channel, parts)}
        arrivals = [self._make_arrivals(channel, name, table, column) for name, table in edges.items()]
        run = ChannelRun(channel, self.physics[channel.name], parts, arrivals)
        self._start_traces(run, edges, column)
        return run

    def _members_with_edges(self, channel: Channel, parts: list[Part]) -> list[str]:
        """Return the pathways and drives whose edges reach any of the parts, in the order of the spec."""
        reached = {part.checked.population.name for part in parts}
        hits = {p.pathway for p in self.network.projections if p.target.name in reached}
        return [name for name in channel.members if name in hits]

    def _load_edges(self, name: str) -> Edges:
        source = next(p.source for p in self.network.projections if p.pathway == name)
        n_sources = self.network.n_neurons if name in self.network.spec.pathway else source.size
        return Edges.load(self.folder.edge_files(name), n_sources, self.network.n_neurons)

    def _make_arrivals(self, channel: Channel, name: str, edges: Edges, column: NDArray[np.int32]) -> Arrivals:
        projection = next(p for p in self.network.projections if p.pathway == name)
        owner, is_drive = projection.source.name, name not in self.network.spec.pathway
        train = self.sources[owner].train if is_drive else self.spikes.train
        assert train is not None
        kind = SPIKE_GAINS.get(channel.kinetics)
        gains = None if kind is None else kind(train, edges.n_sources, channel.constants, self.recording.dt_s)
        return Arrivals(edges, train, column, gains)

    def _start_traces(self, run: ChannelRun, edges: dict[str, Edges], column: NDArray[np.int32]) -> None:
        """Let the traces that do not start at 0 have arrived in the step before the first."""
        arrived = np.zeros((1, run.n_columns))
        for name, table in edges.items():
            initial = float(getattr(self.network.spec.pathway.get(name), "trace_initial", 0.0))
            if initial:
                sums = np.zeros(run.n_columns)
                table.sum_weights(sums, column)
                arrived[0] += initial * sums
        if arrived.any():
            run.begin(arrived)

    def _check_reader(self, reader: Reader) -> None:
        for variable in sorted(self.placement[reader.name].misplaced):
            reason = "its neurons are not those that the model says"
            self.compared.append(unchecked_row(reader.name, variable, "", reason))
        for variable in self._list_placed(reader):
            recorded = reader.neurons(variable)
            for population in self.network.populations:
                if np.any((recorded >= population.start) & (recorded < population.stop)):
                    self.rows.append(self._check_variable(reader, variable, population.name))

    def _check_variable(self, reader: Reader, variable: str, population: str) -> Callable[[], Row]:
        """Add a check of a variable at a population; return what makes its row."""
        if reader.kind == "currents" and variable != "v":
            return self._check_channel(reader, variable, population)
        membrane, name = self.membranes.get(population), reader.name
        if membrane is None or variable not in membrane.observables:
            reason = self.unchecked_v[population] if membrane is None else "a state of its own is not recomputed"
            return lambda: unchecked_row(name, variable, population, reason)
        record = self.network.spec.record.get(name)
        fold = MeanFold if isinstance(record, CurrentsRecord) and record.v == "mean" else SampleFold
        tolerance = voltage_tolerance(reader.dtype, membrane.scale_v)
        neurons = membrane.checked.neurons
        check = BinnedCheck(reader, variable, neurons, [np.ones(1)], fold, tolerance, self.recording.dt_s)
        membrane.checks.append(check)
        return lambda: tally_row(name, variable, population, check.tally, tolerance.relative)

    def _check_channel(self, reader: Reader, channel: str, population: str) -> Callable[[], Row]:
        reason, name = self.unknown.get((channel, population)), reader.name
        if reason is not None:
            return lambda: unchecked_row(name, channel, population, reason, channel=True)
        run = next(run for run in self.channels if run.channel.name == channel)
        part = next(part for part in run.parts if part.checked.population.name == population)
        factors = [run.channel.sign * factor for factor in run.physics.current_factors(part.checked)]
        tolerance = current_tolerance(reader.dtype)
        check = BinnedCheck(reader, channel, part.checked.neurons, factors, MeanFold, tolerance, self.recording.dt_s)
        part.checks.append(check)
        return lambda: tally_row(name, channel, population, check.tally, RTOL[reader.dtype], channel=True)

    def _check_spikes(self) -> None:
        """Add the rows of all populations whose spikes were recorded, those that cannot be compared included."""
        n_spikes = count_spikes(self.spikes.train, self.recording.n_steps, self.network.n_neurons)
        for population in self.network.populations:
            if population.name in self.spikes.populations:
                self.rows.append(partial(self._spikes_row, population, n_spikes))

    def _spikes_row(self, population: Population, n_spikes: NDArray[np.int64]) -> Row:
        name, neurons = population.name, self.checked[population.name].neurons
        n_all = int(n_spikes[population.start : population.stop].sum())
        membrane = self.membranes.get(name)
        if membrane is None:
            reason = self.unchecked_v.get(name, "no recorder of currents or states has any of its neurons")
            return replace(unchecked_row(self.spikes.name, "spikes", name, reason), n_left_out=n_all)
        row = tally_row(self.spikes.name, "spikes", name, membrane.tally, AMBIGUOUS)
        if neurons.size == population.size:
            return row
        compared = f"{neurons.size} of {population.size} neurons"
        return replace(row, compared=compared, n_left_out=n_all - int(n_spikes[neurons].sum()))
