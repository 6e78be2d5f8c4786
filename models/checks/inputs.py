"""Pathways and drives, and the channels that they are recorded in."""

from pathlib import Path

from models.checks.arrays import (
    check_connect_file,
    check_edge_values,
    check_length,
    check_series,
    check_spike_file,
    highest_value,
    largest_edge_value,
)
from models.checks.basics import (
    Problems,
    check_layers,
    check_populations_exist,
    check_step_time,
    first_per_place,
    unknown_name,
    yield_file_problems,
)
from models.errors import Problem, list_choices
from models.kinetics import Kinetics, find_kinetics
from models.populations import (
    TIME_CONSTANTS,
    Population,
    drive_sources,
    drive_targets,
    expand_populations,
    list_members,
    pair_populations,
    value_in_layer,
)
from models.quantities import Quantity, show_value
from models.spec import (
    Connect,
    CurrentDrive,
    Drive,
    NetworkSpec,
    PathwayTable,
    PoissonDrive,
    SharedPoissonDrive,
    SourcedDrive,
    SpikeFileDrive,
    SynapticDrive,
)
from models.tables import RESERVED_COLUMNS
from models.values import Series, Value

_MAX_WEIGHT_V = 3e38
"""A float32 holds it."""
_MAX_STEPS = 2**24
"""Of a delay: spikes wait for so long in the memory of the engine's program, which has a place for each step."""
_MAX_POISSON_MEAN = 1e6
"""Expected events per neuron and step of a poisson drive, at most (`poisson`)."""


def check_pathways(spec: NetworkSpec) -> Problems:
    """Check every pathway: its names, kinetics, times, and each pair of populations that it joins."""
    for name, pathway in spec.pathway.items():
        place = f"pathway.{name}"
        unknown = [*check_populations_exist(f"{place}.source", pathway.source, spec)]
        unknown += check_populations_exist(f"{place}.target", pathway.target, spec)
        yield from unknown
        yield from _check_synapses(place, pathway, spec)
        yield from check_layers(place, pathway.layer, spec) if unknown else _check_pairs(place, pathway, spec)


def _check_pairs(place: str, pathway: PathwayTable, spec: NetworkSpec) -> Problems:
    labels = [name for name in (*pathway.source, *pathway.target) if name in spec.layers.population]
    if pathway.between is None and labels and spec.layers.count > 1:
        what = f'is missing, though "{labels[0]}" is in every layer'
        yield Problem(f"{place}.between", what, list_choices(['"within"', '"next"', '"previous"']))
        return
    pairs = list(pair_populations(expand_populations(spec), pathway))
    alone = spec.layers.count == 1 and pathway.between in ("next", "previous")  # a hierarchy may have one layer
    if not pairs and not alone:
        what = f"connects nothing: in {_count_layers(spec)}, no source and target are so placed"
        yield Problem(place, what, got=f'between = "{pathway.between}"')
    if len(set(pairs)) < len(pairs):
        what, got = (
            "connects the same two populations twice",
            f"{show_value(pathway.source)} to {show_value(pathway.target)}",
        )
        yield Problem(place, what, got=got)
    yield from check_layers(place, pathway.layer, spec, {target.layer for _, target in pairs})
    yield from _check_edges(place, pathway, pairs, spec)


def _count_layers(spec: NetworkSpec) -> str:
    return "one layer" if spec.layers.count == 1 else f"{spec.layers.count} layers"


def _check_edges(
    place: str, table: PathwayTable | SourcedDrive, pairs: list[tuple[Population, Population]], spec: NetworkSpec
) -> Problems:
    """Check what is said about edges for each pair of populations, and report the first problem of each place."""
    autapses = not isinstance(table, PathwayTable) or table.autapses
    yield from first_per_place(
        problem
        for source, target in dict.fromkeys(pairs)
        for problem in _check_projection(place, table, source, target, autapses, spec)
    )


def _check_projection(
    place: str,
    table: PathwayTable | SourcedDrive,
    source: Population,
    target: Population,
    autapses: bool,
    spec: NetworkSpec,
) -> Problems:
    exception = table.layer.get(target.layer)
    connect = value_in_layer(table, target.layer, "connect")
    dt_s = spec.network.dt.value
    places = {
        key: f"{place}.layer.{target.layer}.{key}" if getattr(exception, key, None) is not None else f"{place}.{key}"
        for key in ("connect", "weight", "delay")
    }
    yield from _check_rule(places["connect"], connect, source, target, autapses)
    yield from check_connect_file(places["connect"], connect, source, target, spec.folder)
    for key in ("weight", "delay"):
        value = value_in_layer(table, target.layer, key)
        yield from check_edge_values(places[key], value, source, target, connect, spec.folder)
        yield from _check_size(places[key], value, _MAX_WEIGHT_V if key == "weight" else _MAX_STEPS * dt_s, spec.folder)


@yield_file_problems
def _check_size(place: str, value: Value, most: float, folder: Path) -> Problems:
    largest = largest_edge_value(place, value, folder)
    if largest > most:
        yield Problem(place, "is too large", f"at most {most:.6g} in SI units", f"{largest:.6g}")


def _check_rule(place: str, connect: Connect, source: Population, target: Population, autapses: bool) -> Problems:
    shape = f"{source.name} ({source.size}) to {target.name} ({target.size})"
    if connect.rule == "one_to_one" and source.size != target.size:
        yield Problem(place, "joins populations of unequal size one to one", got=shape)
    if connect.degree is not None:
        partners = source.size if connect.rule == "in_degree" else target.size
        available = partners - (source.name == target.name and not autapses)
        if connect.degree > available:
            what = f"asks each neuron for more distinct partners than there are, {shape}"
            yield Problem(place, what, f"at most {available}", str(connect.degree))


def _check_synapses(place: str, table: PathwayTable | SynapticDrive, spec: NetworkSpec) -> Problems:
    yield from _check_kinetics(place, table)
    if not isinstance(table, PoissonDrive):
        yield from check_step_time(f"{place}.delay", table.delay, spec)
        for layer, exception in table.layer.items():
            yield from check_step_time(f"{place}.layer.{layer}.delay", exception.delay, spec)


def _check_kinetics(place: str, table: PathwayTable | SynapticDrive) -> Problems:
    kinetics = find_kinetics().get(table.kinetics)
    if kinetics is None:
        yield unknown_name(f"{place}.kinetics", "kinetics", table.kinetics, find_kinetics())
        return
    if not kinetics.for_drives and not isinstance(table, PathwayTable):
        allowed = [name for name, kind in find_kinetics().items() if kind.for_drives]
        yield Problem(f"{place}.kinetics", "needs source neurons, which a drive has not", list_choices(allowed))
    if isinstance(table, PathwayTable):
        yield from _check_traces(place, table, kinetics)
    for key in TIME_CONSTANTS:
        value: Quantity | None = getattr(table, key, None)
        if key in kinetics.time_constants and value is None:
            yield Problem(f"{place}.{key}", f'is missing, and kinetics "{table.kinetics}" needs it', '"10 ms", say')
        elif key not in kinetics.time_constants and value is not None:
            what = f'has no meaning for kinetics "{table.kinetics}"'
            yield Problem(f"{place}.{key}", what, got=show_value(value.text), next=f"remove {key}, or change kinetics")
        elif value is not None and value.value <= 0:
            yield Problem(f"{place}.{key}", "is not above 0", got=show_value(value.text))


def _check_traces(place: str, pathway: PathwayTable, kinetics: type[Kinetics]) -> Problems:
    """Refuse what is said of traces that the kinetics has not."""
    if pathway.trace_initial and kinetics.trace != "synapse":
        what = f'has no meaning for kinetics "{pathway.kinetics}", which keeps no trace in its synapses'
        yield Problem(f"{place}.trace_initial", what, '0, or kinetics = "traced"', str(pathway.trace_initial))
    if not pathway.lower and not kinetics.lowerable:
        what = f'has no meaning for kinetics "{pathway.kinetics}", which is run as it is written'
        yield Problem(f"{place}.lower", what, "true", "false")


def check_drives(spec: NetworkSpec) -> Problems:
    """Check every drive: its names, kinetics, times, rates and files."""
    populations = expand_populations(spec)
    for name, drive in spec.drive.items():
        place = f"drive.{name}"
        if name in spec.pathway:
            yield Problem(place, "has the name of a pathway", "a name of its own")
        yield from check_populations_exist(f"{place}.target", drive.target, spec)
        targets = drive_targets(drive, populations)
        yield from check_layers(place, drive.layer, spec, {target.layer for target in targets})
        if not isinstance(drive, CurrentDrive):
            yield from _check_synapses(place, drive, spec)
        yield from _check_kind(name, drive, targets, spec)


def _check_kind(name: str, drive: Drive, targets: tuple[Population, ...], spec: NetworkSpec) -> Problems:
    """Check what only one kind of drive has."""
    place = f"drive.{name}"
    for key in ("rate", "value"):
        for at, value in _list_own(place, drive, key):
            yield from _check_series(at, value, spec)
    if isinstance(drive, PoissonDrive):
        yield from _check_poisson(place, drive, targets, spec)
    if isinstance(drive, SharedPoissonDrive):
        yield from _check_owner(place, drive, spec)
    if isinstance(drive, SpikeFileDrive):
        yield from check_spike_file(place, drive, spec)
    if isinstance(drive, (SharedPoissonDrive, SpikeFileDrive)):
        source = drive_sources(spec, name)
        if source.size:
            yield from _check_edges(place, drive, [(source, target) for target in targets], spec)


def _check_owner(place: str, drive: SharedPoissonDrive, spec: NetworkSpec) -> Problems:
    """Check that a shared source has a size and a rate of its own, or those of another drive, and not both."""
    owners = [
        name for name, other in spec.drive.items() if isinstance(other, SharedPoissonDrive) and other is not drive
    ]
    owners = [name for name in owners if getattr(spec.drive[name], "sources_of", None) is None]
    if drive.sources_of is not None and drive.sources_of not in owners:
        what = "names no shared_poisson drive with sources of its own"
        yield Problem(f"{place}.sources_of", what, list_choices(owners) or None, show_value(drive.sources_of))
    for key in ("sources", "rate"):
        own = getattr(drive, key) is not None
        if drive.sources_of is None and not own:
            yield Problem(f"{place}.{key}", "is missing")
        elif drive.sources_of is not None and own:
            yield Problem(f"{place}.{key}", f'is that of drive "{drive.sources_of}", whose sources this one shares')
    if drive.rate is not None:
        yield from _check_shared_rate(f"{place}.rate", drive.rate, spec)


def _list_own(place: str, drive: Drive, key: str) -> list[tuple[str, object]]:
    """Return a key's place and value in a drive's own table and in its exceptions, where it has it."""
    tables = [(place, drive), *((f"{place}.layer.{layer}", table) for layer, table in drive.layer.items())]
    return [(f"{at}.{key}", value) for at, table in tables if (value := getattr(table, key, None)) is not None]


def _check_series(place: str, value: object, spec: NetworkSpec) -> Problems:
    if isinstance(value, Series):
        yield from check_step_time(f"{place}.interval", value, spec)
        yield from check_series(place, value, spec.folder)


def check_coverage(spec: NetworkSpec, duration: Quantity) -> Problems:
    """Check that rates and currents that vary in time last as long as a run of a duration."""
    for name, drive in spec.drive.items():
        for key in ("rate", "value"):
            for at, value in _list_own(f"drive.{name}", drive, key):
                if isinstance(value, Series):
                    yield from check_length(at, value, duration, spec)


def _check_poisson(place: str, drive: PoissonDrive, targets: tuple[Population, ...], spec: NetworkSpec) -> Problems:
    for at, weight in _list_own(place, drive, "weight"):
        if not isinstance(weight, Quantity):
            yield Problem(at, "differs between neurons, but a poisson drive has one weight", '"0.2 mV", say')
        else:
            yield from _check_size(at, weight, _MAX_WEIGHT_V, spec.folder)
    yield from first_per_place(
        problem for target in targets for problem in _check_mean(f"{place}.rate", drive, target.layer, spec)
    )


@yield_file_problems
def _check_mean(place: str, drive: PoissonDrive, layer: int, spec: NetworkSpec) -> Problems:
    sources, rate = value_in_layer(drive, layer, "sources"), value_in_layer(drive, layer, "rate")
    mean = sources * highest_value(place, rate, spec.folder) * spec.network.dt.value
    if mean > _MAX_POISSON_MEAN:
        what = f"gives each neuron of layer {layer} more events per step than can be drawn"
        yield Problem(place, what, f"sources · rate · dt ≤ {_MAX_POISSON_MEAN:g}", f"{mean:g}")


@yield_file_problems
def _check_shared_rate(place: str, rate: Quantity | Series, spec: NetworkSpec) -> Problems:
    highest = highest_value(place, rate, spec.folder)
    if highest * spec.network.dt.value > 1:
        what = f"makes a source fire more than once in a step of {spec.network.dt.text}"
        got = show_value(rate.text) if isinstance(rate, Quantity) else f"up to {highest:g} Hz"
        yield Problem(place, what, "rate · dt ≤ 1", got)


def check_channels(spec: NetworkSpec) -> Problems:
    """Check that channels have names that the tables can have, and members that can be summed."""
    seen: dict[str, tuple[object, ...]] = {}
    for member in list_members(spec):
        place = f"{member.place}.{member.name}"
        if member.channel in RESERVED_COLUMNS:
            what = f'has the channel name "{member.channel}", which is a column of the tables'
            yield Problem(place, what, "another name, or `channel = …`")
        if member.place == "drive" and member.name in spec.pathway:
            continue  # one name for two inputs is reported as that, by `check_drives`
        first = seen.setdefault(member.channel, member.signature)
        if first != member.signature:
            what = f'shares the channel "{member.channel}" with inputs of other kinetics, time constant or polarity'
            yield Problem(place, what, "a channel of its own")
