"""Which neurons, and which bins, each recorder has, against those that the model says."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.expand import Expanded
from models.selection import select_neurons
from models.spec import CurrentsRecord, StatesRecord
from models.steps import count_steps
from pipeline.recording import Reader, Recording
from pipeline.verification.report import Row, unchecked_row

type Neurons = NDArray[np.int32]

_NONE: Neurons = np.empty(0, np.int32)


@dataclass(frozen=True)
class PlacementCheck:
    """What came of comparing the neurons of one recorder."""

    row: Row
    misplaced: frozenset[str]
    """Variables whose values are of other neurons than the model says, or of none that it records."""


def check_placement(recording: Recording) -> dict[str, PlacementCheck]:
    """Compare the neurons of all recorders of currents and states; return what came of it by recorder."""
    return {name: _check_reader(reader, recording.network) for name, reader in recording.readers.items()}


def _check_reader(reader: Reader, network: Expanded) -> PlacementCheck:
    record = network.spec.record.get(reader.name)
    row = replace(unchecked_row(reader.name, "neurons", "", ""), tolerance=0.0)
    if not isinstance(record, CurrentsRecord | StatesRecord) or record.kind != reader.kind:
        reason = "the model has no such recorder"
        return PlacementCheck(_differ(row, reason), frozenset(reader.variables()))
    expected = dict(_expect_neurons(reader, record, network))
    misplaced = frozenset(
        name for name in reader.variables() if not np.array_equal(reader.neurons(name), expected.get(name, _NONE))
    )
    row = replace(row, n_values=sum(neurons.size for neurons in expected.values()))
    missing = [name for name in expected if name not in reader.variables()]
    found = [*_compare_bins(reader, record, network)]
    if not misplaced and not missing and not found:
        return PlacementCheck(replace(row, verdict="ok" if row.n_values else "not exercised"), misplaced)
    found += [_describe(name, reader.neurons(name), expected.get(name, _NONE)) for name in sorted(misplaced)]
    found += [f"{name} was not recorded" for name in missing]
    return PlacementCheck(_differ(row, "; ".join(found)), misplaced)


def _compare_bins(reader: Reader, record: CurrentsRecord | StatesRecord, network: Expanded) -> Iterator[str]:
    """Yield what is said of bins that the model says otherwise."""
    n_steps = count_steps(record.interval.value, network.spec.network.dt.value)
    if reader.steps_per_bin != n_steps:
        yield f"its bins are of {reader.steps_per_bin} steps, those of the model of {n_steps}"
    if reader.dtype != np.dtype(record.dtype):
        yield f"its values are {reader.dtype}, those of the model {record.dtype}"


def _differ(row: Row, reason: str) -> Row:
    return replace(row, verdict="differs", n_values=max(1, row.n_values), n_different=1, reason=reason)


def _describe(name: str, recorded: Neurons, expected: Neurons) -> str:
    wrong, lacking = np.setdiff1d(recorded, expected), np.setdiff1d(expected, recorded)
    parts = [f"has {wrong.size} that it should not have (first {wrong[0]})"] if wrong.size else []
    parts += [f"lacks {lacking.size} (first {lacking[0]})"] if lacking.size else []
    return f"{name} {' and '.join(parts)}"


def _expect_neurons(
    reader: Reader, record: CurrentsRecord | StatesRecord, network: Expanded
) -> Iterator[tuple[str, Neurons]]:
    """Yield the variables that a recorder has, with their neurons."""
    chosen = select_neurons(network, record, reader.name)
    if isinstance(record, StatesRecord):
        for name in record.variables:
            yield name, _whole_populations(chosen, reader, name, network)
        return
    yield "v", chosen
    for channel in network.channels:
        reached = _keep(chosen, channel.reach, network)
        if reached.size and (record.channels == "all" or channel.name in record.channels):
            yield channel.name, reached


def _keep(neurons: Neurons, populations: tuple[str, ...], network: Expanded) -> Neurons:
    """Return those of some neurons that belong to any of these populations."""
    inside = np.zeros(network.n_neurons, bool)
    for name in populations:
        population = network.population[name]
        inside[population.start : population.stop] = True
    return neurons[inside[neurons]]


def _whole_populations(chosen: Neurons, reader: Reader, variable: str, network: Expanded) -> Neurons:
    """Return the chosen neurons of those populations of which a state was recorded at all: not all need have it."""
    recorded = reader.neurons(variable) if variable in reader.variables() else _NONE
    names = [p.name for p in network.populations if ((recorded >= p.start) & (recorded < p.stop)).any()]
    return _keep(chosen, tuple(names), network)
