"""Hypothesis strategies, in one place."""

from typing import Any

from hypothesis import strategies as st

type Tables = dict[str, Any]

LABELS = ("E", "I", "SOM")
"""Labels of populations that the strategies draw from."""


def numbers(low: float = 0.0, high: float = 100.0) -> st.SearchStrategy[str]:
    """Draw numbers as a modeller writes them: few decimals."""
    return st.decimals(low, high, places=2, allow_nan=False, allow_infinity=False).map(str)


def quantities(unit: str, low: float = 0.0, high: float = 100.0) -> st.SearchStrategy[str]:
    """Draw texts such as `0.3 mV`."""
    return numbers(low, high).map(lambda number: f"{number} {unit}")


def ordered_pairs(unit: str) -> st.SearchStrategy[list[str]]:
    """Draw texts of two quantities, the smaller first."""
    return st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda ab: [f"{min(ab)} {unit}", f"{max(ab)} {unit}"])


def values(unit: str) -> st.SearchStrategy[Any]:
    """Draw a constant or a distribution of magnitudes."""
    pairs = ordered_pairs(unit)
    return (
        quantities(unit) | st.builds(lambda pair: {"uniform": pair}, pairs) | pairs.map(lambda pair: {"normal": pair})
    )


def whole_times(n_steps: int = 50) -> st.SearchStrategy[str]:
    """Draw multiples of the step, 0.1 ms, from one step on."""
    return st.integers(1, n_steps).map(lambda n: f"{n / 10} ms")


def series(unit: str) -> st.SearchStrategy[Any]:
    """Draw a constant, or a list of values over time that lasts for the 20 ms of a drawn network."""
    lists = st.lists(st.integers(0, 100), min_size=1, max_size=4)
    over_time = st.builds(
        lambda listed, more: {"values": listed, "unit": unit, "interval": f"{(-(-200 // len(listed)) + more) / 10} ms"},
        lists,
        st.integers(0, 50),
    )
    return quantities(unit) | over_time


@st.composite
def lif_neurons(draw: st.DrawFn) -> Tables:
    """Draw a `lif` neuron, some of its defaults written out."""
    neuron: Tables = {"model": "lif", "tau_m": draw(quantities("ms", 1)), "v_reset": "0 mV"}
    neuron["v_threshold"] = draw(quantities("mV", 1))
    for key, strategy in {"refractory": whole_times(), "v_initial": values("mV"), "v_rest": values("mV")}.items():
        if draw(st.booleans()):
            neuron[key] = draw(strategy)
    return neuron


@st.composite
def own_neurons(draw: st.DrawFn) -> Tables:
    """Draw a neuron of the modeller's own equations."""
    return {
        "equations": "dv/dt = (g*(E - v) + I)/tau : volt",
        "threshold": "v > 20*mV",
        "reset": "v = 0*mV",
        "parameters": {"tau": draw(values("ms")), "E": draw(values("mV")), "g": draw(numbers())},
        "initial": {"v": draw(values("mV"))},
    }


def connections(n_min: int) -> st.SearchStrategy[Any]:
    """Draw connection rules that fit populations of at least `n_min` neurons."""
    degree = st.integers(0, n_min - 1)
    return (
        st.just("all_to_all")
        | st.floats(0, 1).map(lambda p: {"probability": p})
        | degree.map(lambda k: {"in_degree": k})
        | degree.map(lambda k: {"out_degree": k})
    )


@st.composite
def _synapses(draw: st.DrawFn) -> Tables:
    kinetics = draw(st.sampled_from([{"kinetics": "delta"}, {"kinetics": "exponential", "tau": "5 ms"}]))
    return {**kinetics, "polarity": draw(st.sampled_from(["excitatory", "inhibitory"])), "weight": draw(values("mV"))}


@st.composite
def pathways(draw: st.DrawFn, labels: list[str], n_layers: int, n_min: int) -> Tables:
    """Draw a pathway between labels, with an exception for a layer that it reaches."""
    label = st.sampled_from(labels)
    table = {"source": draw(label), "target": [draw(label)], **draw(_synapses()), "connect": draw(connections(n_min))}
    table["between"] = draw(st.sampled_from(["within", "next", "previous"] if n_layers > 1 else ["within"]))
    table["delay"] = draw(whole_times() | values("ms").filter(lambda value: isinstance(value, dict)))
    if draw(st.booleans()):
        first = 2 if table["between"] == "next" else 1
        table["layer"] = {str(first): {"weight": draw(values("mV"))}}
    return table


@st.composite
def drives(draw: st.DrawFn, labels: list[str]) -> Tables:
    """Draw a drive of any kind but `spike_file`."""
    kind = draw(st.sampled_from(["poisson", "shared_poisson", "current"]))
    table: Tables = {"kind": kind, "target": draw(st.lists(st.sampled_from(labels), min_size=1, unique=True))}
    if kind == "current":
        return table | {"polarity": "excitatory", "value": draw(series("mV"))}
    table |= draw(_synapses()) | {"sources": draw(st.integers(1, 9)), "rate": draw(series("Hz"))}
    if kind == "poisson":
        table["weight"] = draw(quantities("mV"))
        table["layer"] = {"1": {"rate": draw(series("Hz"))}}
    return table


@st.composite
def records(draw: st.DrawFn, labels: list[str]) -> Tables:
    """Draw a recorder of any kind."""
    table: Tables = {"kind": draw(st.sampled_from(["currents", "spikes", "rates", "states"]))}
    if draw(st.booleans()):
        table["population"] = draw(st.lists(st.sampled_from(labels), min_size=1, unique=True))
    if table["kind"] != "spikes":
        table["interval"] = draw(st.sampled_from(["0.1 ms", "1 ms", "5 ms"]))
    if table["kind"] == "states":
        table["variables"] = ["v"]
    if table["kind"] in ("currents", "states"):
        table["neurons"] = draw(st.sampled_from([[0], {"every": 2}, {"random": 2}, {"start": 0, "stop": 2}]))
    return table


@st.composite
def network_tables(draw: st.DrawFn) -> Tables:
    """Draw the tables of a valid model file."""
    labels = list(LABELS[: draw(st.integers(1, len(LABELS)))])
    n_layers, sizes = draw(st.integers(1, 3)), [draw(st.integers(3, 20)) for _ in labels]
    neurons = {"a": draw(lif_neurons()), "b": draw(lif_neurons() | own_neurons())}
    names = st.sampled_from(list(neurons))
    population = {label: {"size": size, "neuron": draw(names)} for label, size in zip(labels, sizes, strict=True)}
    if draw(st.booleans()):
        population[labels[0]]["layer"] = {str(n_layers): {"size": draw(st.integers(3, 20)), "neuron": draw(names)}}
    return {
        "network": {"name": "drawn", "dt": "0.1 ms", "duration": "20 ms", "seed": draw(st.integers(0, 2**63 - 1))},
        "neuron": neurons,
        "layers": {"count": n_layers, "population": population},
        "pathway": {f"path{i}": draw(pathways(labels, n_layers, 3)) for i in range(draw(st.integers(0, 3)))},
        "drive": {f"drive{i}": draw(drives(labels)) for i in range(draw(st.integers(0, 2)))},
        "record": {f"record{i}": draw(records(labels)) for i in range(draw(st.integers(0, 2)))},
        "event": [{"time": draw(whole_times()), "population": "L1E", "index": 0, "set": "v", "value": "3 mV"}],
    }
