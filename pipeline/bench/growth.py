"""How the engine's times and memory grow: with neurons, synapses, layers, and neurons that are recorded.

Each curve changes one number of a network like `hierarchy`, and leaves the activity as it is: a neuron that gets twice
as many synapses gets each with half the weight.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Literal

from models.files import load_network
from models.spec import NetworkSpec
from pipeline.bench.contenders import hierarchy_spec, record_only_spikes
from pipeline.bench.parts import NEURON_UPDATE
from pipeline.bench.place import Place
from pipeline.bench.programs import Prepared, ProgramRun, add_up_parts, prepare, sample_program
from pipeline.bench.sizes import GrowthSizes, Sizes

type Curve = Literal["neurons", "synapses", "layers", "recorded neurons"]
type Weights = Literal["constant", "individual"]

EXCITATORY = 0.8
"""Part of the neurons, and of the synapses onto each, in a layer of `hierarchy`."""
SHIPPED = {"lateral": (0.20, 320), "local": (0.10, 320), "inhibition": (1.0, 80)}
"""Weight, mV, and mean number of synapses that a neuron gets, of the pathways within a layer of `hierarchy`."""
PYTHON_BYTES = 40
"""Per synapse: what sampling takes, and the files."""
_NS = 1e9
_LONGEST_S = 20.0
"""Model time of a run that is sampled."""
_RUN_S = 2.0
"""Wall time that a run should take that is sampled."""


@dataclass(frozen=True)
class Case:
    """A point of a curve before it is measured."""

    curve: Curve
    x: int
    """How much there is of what the curve changes."""
    weights: Weights
    spec: NetworkSpec
    n_synapses: float
    """About."""

    @property
    def name(self) -> str:
        """For notices."""
        return f"growth: {self.x:,} {self.curve}" + (", individual weights" if self.weights == "individual" else "")

    @property
    def n_bytes(self) -> float:
        """Memory and room for outputs that it needs."""
        return PYTHON_BYTES * self.n_synapses


@dataclass(frozen=True)
class Point:
    """A point of a curve."""

    curve: Curve
    x: int
    weights: Weights
    n_neurons: int
    n_synapses: int
    rate_hz: float
    sampling_s: float
    """Wall time of Python before the program starts, most of it for the edges."""
    start_s: float
    simulation_s: float
    """Per second of model time, one thread."""
    neuron_update_ns: float
    """`update` and `arrivals`, per neuron and step."""
    event_ns: float
    """Delivery, per arrival of a spike at a synapse."""
    peak_memory_bytes: int
    """Of the program."""
    bytes_per_synapse: float
    """What the peak is above that of the same network without edges."""


def list_cases(sizes: Sizes, growth: GrowthSizes) -> Iterator[Case]:
    """Yield the points of all curves."""
    for n_neurons in growth.neurons:
        yield _layer_case("neurons", n_neurons, n_neurons, growth.in_degree * n_neurons, "constant")
    for n_synapses in growth.synapses:
        yield _layer_case("synapses", n_synapses, growth.n_neurons, n_synapses, "constant")
    for n_synapses in growth.weighted_synapses:
        yield _layer_case("synapses", n_synapses, growth.n_neurons, n_synapses, "individual")
    for n_layers in growth.layers:
        spec = hierarchy_spec(sizes, "spikes", layers=n_layers)
        yield Case("layers", n_layers, "constant", spec, _count_synapses(sizes, n_layers))
    for every in growth.recorded:
        yield _recorded_case(sizes, every)


def _layer_case(curve: Curve, x: int, n_neurons: int, n_synapses: int, weights: Weights) -> Case:
    return Case(curve, x, weights, layer_spec(n_neurons, n_synapses, weights), n_synapses)


def layer_spec(n_neurons: int, n_synapses: int, weights: Weights) -> NetworkSpec:
    """Return one layer like that of `hierarchy`, every neuron of which gets the same number of synapses."""
    n_excitatory = round(EXCITATORY * n_neurons)
    in_degrees = {"inhibition": round((1 - EXCITATORY) * n_synapses / n_neurons)}
    settings: dict[str, object] = {
        "layers.count": 1,
        "layers.population.E.size": n_excitatory,
        "layers.population.I.size": n_neurons - n_excitatory,
    }
    for pathway, (weight_mv, n_shipped) in SHIPPED.items():
        in_degree = in_degrees.get(pathway, round(EXCITATORY * n_synapses / n_neurons))
        mean_mv = weight_mv * n_shipped / in_degree
        settings[f"pathway.{pathway}.connect"] = {"in_degree": in_degree}
        settings[f"pathway.{pathway}.weight"] = (
            f"{mean_mv:.6g} mV" if weights == "constant" else {"uniform": ["0 mV", f"{2 * mean_mv:.6g} mV"]}
        )
    return record_only_spikes(load_network("hierarchy", settings))


def _count_synapses(sizes: Sizes, n_layers: int) -> float:
    """Return about how many synapses `hierarchy` has; one pair of neurons in ten is connected."""
    n_layer = sizes.n_excitatory + sizes.n_inhibitory
    return 0.1 * n_layer * (n_layers * n_layer + (n_layers - 1) * sizes.n_excitatory)


def _recorded_case(sizes: Sizes, every: int) -> Case:
    n_synapses = _count_synapses(sizes, sizes.layers)
    if not every:
        return Case("recorded neurons", 0, "constant", hierarchy_spec(sizes, "spikes"), n_synapses)
    settings: dict[str, object] = {
        "record.currents.population": ["E", "I"],
        "record.currents.neurons": {"every": every},
    }
    # The selection takes the first neuron of each population, and every so many after it.
    n_recorded = sizes.layers * sum(-(-n // every) for n in (sizes.n_excitatory, sizes.n_inhibitory))
    return Case("recorded neurons", n_recorded, "constant", hierarchy_spec(sizes, "currents", settings), n_synapses)


def without_edges(spec: NetworkSpec) -> NetworkSpec:
    """Return the same network and recorders, but no neuron reaches another."""
    return load_network(spec, {f"pathway.{name}.connect": {"probability": 0.0} for name in spec.pathway})


def measure_case(case: Case, growth: GrowthSizes, place: Place) -> Point:
    """Measure a point: some runs for times and memory, and some that are sampled."""
    # First, so that there is a program when the other one's edges are sampled.
    bare = prepare(without_edges(case.spec), place.within("bare")).start(growth.model_s)
    prepared = prepare(case.spec, place.within("case"))
    runs = [prepared.start(growth.model_s) for _ in range(growth.n_repetitions)]
    simulation_s = median(run.simulation_s for run in runs) / growth.model_s
    model_s = max(growth.model_s, min(_LONGEST_S, float(round(_RUN_S / simulation_s))))
    sampled = sample_program(prepared, model_s, growth.sampled_s)
    return _describe_point(case, prepared, bare, runs, sampled)


def _describe_point(
    case: Case, prepared: Prepared, bare: ProgramRun, runs: list[ProgramRun], sampled: list[ProgramRun]
) -> Point:
    seconds, n_events = add_up_parts(sampled), sum(run.n_events for run in sampled)
    n_updates = prepared.n_neurons * sum(run.model_s for run in sampled) / case.spec.network.dt.value
    peak = max(run.peak_memory_bytes for run in runs)
    return Point(
        curve=case.curve,
        x=case.x,
        weights=case.weights,
        n_neurons=prepared.n_neurons,
        n_synapses=prepared.n_synapses,
        rate_hz=median(run.rate_hz for run in sampled),
        sampling_s=prepared.sampling_s,
        start_s=median(run.start_s for run in runs),
        simulation_s=median(run.simulation_s / run.model_s for run in runs),
        neuron_update_ns=_NS * sum(seconds[part] for part in NEURON_UPDATE) / n_updates,
        event_ns=_NS * seconds["delivery"] / n_events,
        peak_memory_bytes=peak,
        bytes_per_synapse=(peak - bare.peak_memory_bytes) / prepared.n_synapses,
    )
