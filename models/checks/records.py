"""What is recorded, and events."""

from collections import Counter
from collections.abc import Iterable

from models.checks.basics import (
    Problems,
    check_populations_exist,
    check_step_time,
    first_per_place,
    unknown_name,
    unknown_population,
)
from models.errors import Problem
from models.populations import Population, choose_populations, expand_populations, list_members, list_reached
from models.quantities import Quantity, show_value
from models.spec import CurrentsRecord, NetworkSpec, RandomSubset, Slice, StatesRecord
from models.values import write_value


def check_records(spec: NetworkSpec) -> Problems:
    """Check every recorder: its populations, channels and neurons."""
    populations = expand_populations(spec)
    for name, record in spec.record.items():
        place = f"record.{name}"
        unknown = [*check_populations_exist(f"{place}.population", record.population or (), spec)]
        yield from unknown
        chosen = () if unknown else choose_populations(populations, record.population)
        if isinstance(record, CurrentsRecord):
            yield from _check_channels(f"{place}.channels", record, chosen, spec)
        if isinstance(record, (CurrentsRecord, StatesRecord)):
            yield from first_per_place(_check_selection(f"{place}.neurons", record, chosen))
        if isinstance(record, StatesRecord):
            yield from _refuse_repeats(f"{place}.variables", record.variables)


def _refuse_repeats(place: str, items: Iterable[object]) -> Problems:
    for item, count in Counter(items).items():
        if count > 1:
            yield Problem(place, "has an entry twice", got=show_value(item))


def _check_channels(place: str, record: CurrentsRecord, chosen: tuple[Population, ...], spec: NetworkSpec) -> Problems:
    if record.channels == "all":
        return
    reach = list_reached(spec)
    recorded = {population.name for population in chosen}
    yield from _refuse_repeats(place, record.channels)
    for channel in dict.fromkeys(record.channels):
        if channel not in reach:
            known = dict.fromkeys(member.channel for member in list_members(spec))
            yield unknown_name(place, "channel", channel, known)
        elif recorded and reach[channel] and recorded.isdisjoint(reach[channel]):
            what = "names a channel that reaches none of the recorded populations"
            yield Problem(place, what, f"a recorder of {', '.join(reach[channel])}", show_value(channel))


def _check_selection(place: str, record: CurrentsRecord | StatesRecord, chosen: tuple[Population, ...]) -> Problems:
    """Check that a selection picks neurons that every recorded population has."""
    selection = record.neurons
    if isinstance(selection, list):
        if not selection:
            yield Problem(place, "is empty", "at least one index")
        yield from _refuse_repeats(place, selection)
        for population in chosen:
            beyond = [index for index in selection if index >= population.size]
            if beyond:
                yield _beyond(place, population, str(beyond[0]))
    elif isinstance(selection, RandomSubset):
        for population in chosen:
            if selection.random > population.size:
                what = f"asks for more neurons than {population.name} has"
                yield Problem(f"{place}.random", what, f"at most {population.size}", str(selection.random))
    elif isinstance(selection, Slice):
        yield from _check_slice(place, selection, chosen)


def _check_slice(place: str, selection: Slice, chosen: tuple[Population, ...]) -> Problems:
    if selection.start >= selection.stop:
        got = f"start = {selection.start}, stop = {selection.stop}"
        yield Problem(place, "selects no neuron", "start < stop", got)
    for population in chosen:
        if selection.stop > population.size:
            what = f"goes beyond {population.name}"
            yield Problem(f"{place}.stop", what, f"at most {population.size}", str(selection.stop))


def _beyond(place: str, population: Population, index: str) -> Problem:
    return Problem(place, f"has an index beyond {population.name}", f"0 to {population.size - 1}", index)


def check_events(spec: NetworkSpec) -> Problems:
    """Check that every event is at a step, at a neuron that exists, and sets one value."""
    populations = {population.name: population for population in expand_populations(spec)}
    for i_event, event in enumerate(spec.event):
        place = f"event.{i_event}"
        yield from check_step_time(f"{place}.time", event.time, spec)
        population = populations.get(event.population)
        if population is None:
            yield unknown_population(f"{place}.population", event.population, populations)
        elif event.index >= population.size:
            yield _beyond(f"{place}.index", population, str(event.index))
        if not isinstance(event.value, Quantity):
            yield Problem(f"{place}.value", "is not one value", '"1 V", say', show_value(write_value(event.value)))
