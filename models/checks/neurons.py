"""Neurons, and the populations that they make up."""

from collections.abc import Iterator

from models.checks.arrays import check_neuron_values, check_sign, lowest_value
from models.checks.basics import Problems, check_layers, check_step_time, unknown_name, yield_file_problems
from models.errors import Problem
from models.populations import Population, expand_populations
from models.quantities import Quantity, show_value
from models.spec import EquationsNeuron, LifNeuron, NetworkSpec, Neuron
from models.values import Value, write_value

_TIME_CONSTANTS = ("tau_m", "tau_ap")
"""Keys of neurons that the equations divide by."""
_MAX_NEURONS = 2**31 - 1
"""Global neuron indices are int32 in every table and file."""


def check_neurons(spec: NetworkSpec) -> Problems:
    """Check every `[neuron]` table, also against the populations that use it."""
    populations = expand_populations(spec)
    for name, neuron in spec.neuron.items():
        users = [population for population in populations if population.neuron == name]
        yield from _check_neuron(f"neuron.{name}", neuron, users, spec)


def _check_neuron(place: str, neuron: Neuron, users: list[Population], spec: NetworkSpec) -> Problems:
    for key, value in _list_values(neuron):
        yield from check_neuron_values(f"{place}.{key}", value, users, spec.folder)
    yield from check_step_time(f"{place}.refractory", neuron.refractory, spec)
    for key in ("refractory", "w_ap"):
        if hasattr(neuron, key):
            yield from check_sign(f"{place}.{key}", getattr(neuron, key), spec.folder)
    for key in _TIME_CONSTANTS:
        if hasattr(neuron, key):
            yield from _check_time_constant(f"{place}.{key}", getattr(neuron, key), spec)
    if isinstance(neuron, LifNeuron):
        yield from _check_reset(place, neuron)


def _list_values(neuron: Neuron) -> Iterator[tuple[str, Value]]:
    if isinstance(neuron, EquationsNeuron):
        yield "refractory", neuron.refractory
        yield from ((f"parameters.{name}", value) for name, value in neuron.parameters.items())
        yield from ((f"initial.{name}", value) for name, value in neuron.initial.items())
    else:
        keys = type(neuron).model_fields.keys() - {"model", "direction"}
        yield from ((key, getattr(neuron, key)) for key in sorted(keys))


@yield_file_problems
def _check_time_constant(place: str, value: Value, spec: NetworkSpec) -> Problems:
    if lowest_value(place, value, spec.folder) > 0:
        return
    if isinstance(value, Quantity):
        yield Problem(place, "is not above 0", got=show_value(value.text))
    else:
        what, expected = "can be 0 or below, and the equations divide by it", "values above 0; mean > 8.3 sd"
        yield Problem(place, what, expected, show_value(write_value(value)))


def _check_reset(place: str, neuron: LifNeuron) -> Problems:
    reset, threshold = neuron.v_reset, neuron.v_threshold
    if isinstance(reset, Quantity) and isinstance(threshold, Quantity) and reset.value > threshold.value:
        what = "is above v_threshold: after its first spike a neuron would never stop firing"
        yield Problem(f"{place}.v_reset", what, f'at most "{threshold.text}"', show_value(reset.text))


def check_populations(spec: NetworkSpec) -> Problems:
    """Check that the populations' neurons and layers exist, and that no name means two things."""
    populations = expand_populations(spec)
    names = {population.name for population in populations}
    for label, population in spec.layers.population.items():
        place = f"layers.population.{label}"
        if label in names:
            yield Problem(place, "has the name of one layer's population", "a name without a layer", show_value(label))
        neurons = [("neuron", population.neuron)]
        neurons += [(f"layer.{n}.neuron", e.neuron) for n, e in population.layer.items() if e.neuron is not None]
        for key, neuron in neurons:
            if neuron not in spec.neuron:
                yield unknown_name(f"{place}.{key}", "neuron", neuron, spec.neuron)
        yield from check_layers(place, population.layer, spec)
    if populations[-1].stop > _MAX_NEURONS:
        yield Problem("layers", "has too many neurons", f"at most {_MAX_NEURONS}", str(populations[-1].stop))
