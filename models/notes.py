"""What is allowed in a model, and yet is seldom meant: notes that `describe` and `simulate` print."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.expected import expect_edges
from models.populations import (
    Population,
    drive_sources,
    drive_targets,
    expand_populations,
    pair_populations,
    value_in_layer,
)
from models.quantities import Quantity, write_inline
from models.spec import (
    Connect,
    EquationsNeuron,
    NetworkSpec,
    Neuron,
    PathwayTable,
    SharedPoissonDrive,
    SourcedDrive,
    SpikeFileDrive,
    Table,
)
from models.values import ArrayFile, Normal, Series, Uniform, Value, Values, write_value

type Pairs = list[tuple[Population, Population]]

_UNITS = {
    "weight": "volts",
    "w_ap": "volts",
    "value": "volts",
    "v_rest": "volts",
    "v_threshold": "volts",
    "v_reset": "volts",
    "v_initial": "volts",
    "delay": "seconds",
    "refractory": "seconds",
    "tau_m": "seconds",
    "tau_ap": "seconds",
    "rate": "hertz",
}
"""What numbers in a file without unit are in, by key; those of own equations are in the SI unit of their dimension."""


def note_network(spec: NetworkSpec) -> list[str]:
    """Return notes on a checked network: what joins nothing, starts above threshold, has no unit, is not recorded."""
    notes = [*_note_neurons(spec), *_note_inputs(spec), *_note_units(spec)]
    return notes if spec.record else [*notes, "nothing is recorded"]


def _note_neurons(spec: NetworkSpec) -> Iterator[str]:
    for name, neuron in spec.neuron.items():
        if not isinstance(neuron, EquationsNeuron):
            yield from _note_potentials(f"neuron.{name}", neuron)


def _note_potentials(place: str, neuron: Neuron) -> Iterator[str]:
    assert not isinstance(neuron, EquationsNeuron)
    initial = type(neuron).model_fields["v_initial"].default
    at = f"v_threshold ({_show(neuron.v_threshold)})"
    threshold, rest = _find_typical(neuron.v_threshold), _find_typical(neuron.v_rest)
    if neuron.v_initial == initial and initial.value >= threshold:
        yield f"{place}: v starts at {initial}, which is {_compare(initial.value, threshold)} {at}: set v_initial"
    if rest >= threshold:
        yield f"{place}: v_rest ({_show(neuron.v_rest)}) is {_compare(rest, threshold)} {at}"


def _compare(value: float, threshold: float) -> str:
    return "above" if value > threshold else "at"


def _find_typical(value: Value) -> float:
    """Return what a value is on average, in SI units; NaN, which compares with nothing, for a file's."""
    match value:
        case Quantity():
            return value.value
        case Uniform():
            return (value.low.value + value.high.value) / 2
        case Normal():
            return value.mean.value
        case Values():
            return float(np.mean(value.si))
        case ArrayFile():
            return float("nan")


def _show(value: Value) -> str:
    return value.text if isinstance(value, Quantity) else write_inline(write_value(value))


def _note_inputs(spec: NetworkSpec) -> Iterator[str]:
    """Yield a note for each pathway, and for each drive with sources, that has no synapses."""
    populations = expand_populations(spec)
    for name, pathway in spec.pathway.items():
        pairs = list(pair_populations(populations, pathway))
        if pairs:
            yield from _note_edges(f"pathway.{name}", pathway, pairs, pathway.autapses, spec.folder)
        else:  # the checks allow that where there is one layer
            yield f"pathway.{name}: joins no populations (between = {pathway.between}, and there is one layer)"
    for name, drive in spec.drive.items():
        if isinstance(drive, (SharedPoissonDrive, SpikeFileDrive)):
            source = drive_sources(spec, name)
            pairs = [(source, target) for target in drive_targets(drive, populations)]
            yield from _note_edges(f"drive.{name}", drive, pairs, True, spec.folder)


def _note_edges(
    place: str, table: PathwayTable | SourcedDrive, pairs: Pairs, autapses: bool, folder: Path
) -> Iterator[str]:
    rules: list[Connect] = [value_in_layer(table, target.layer, "connect") for _, target in pairs]
    if not any(
        expect_edges(rule, source, target, autapses=autapses, folder=folder)
        for rule, (source, target) in zip(rules, pairs, strict=True)
    ):
        written = table.model_dump(include={"connect"})["connect"]
        yield f"{place}: makes no synapses (connect = {write_inline(written)})"


def _note_units(spec: NetworkSpec) -> Iterator[str]:
    """Yield a note for each file of numbers that no unit was given for."""
    for place, value in _list_values(spec):
        listed = value.values if isinstance(value, Series) else value
        if isinstance(listed, ArrayFile) and listed.unit is None:
            unit = _UNITS.get(place.rpartition(".")[2], "SI units")
            yield f"{place}: values are in {unit}, as {listed.file} is given without a unit"


def _list_values(spec: NetworkSpec) -> Iterator[tuple[str, object]]:
    """Yield everything that may be a file of numbers, with its place."""
    for name, neuron in spec.neuron.items():
        yield from _walk(f"neuron.{name}", neuron)
        for kind in ("parameters", "initial"):
            own: dict[str, Value] = getattr(neuron, kind, {})
            yield from ((f"neuron.{name}.{kind}.{key}", value) for key, value in own.items())
    for place, tables in (("pathway", spec.pathway), ("drive", spec.drive)):
        for name, table in tables.items():
            yield from _walk(f"{place}.{name}", table)
            for layer, exception in table.layer.items():
                yield from _walk(f"{place}.{name}.layer.{layer}", exception)


def _walk(place: str, table: Table) -> Iterator[tuple[str, object]]:
    yield from ((f"{place}.{key}", value) for key, value in table)
