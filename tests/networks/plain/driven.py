"""The networks that live by a Poisson drive, each written by hand.

An independent drive acts as Brian2's PoissonInput does: in the slot of the synapses, and not on refractory neurons.
"""

from typing import Any

from brian2 import Network, NeuronGroup, SpikeMonitor, defaultclock, ms, mV

from tests.networks.plain.given import DT, Given, as_single
from tests.networks.plain.samples import PlainRun, decays, jumps, monitor_all

TAU = 20 * ms
TAU_SLOW = 10 * ms


def make_neurons(given: Given, name: str, arrivals: tuple[str, ...], current: str = "") -> Any:
    """Return leaky neurons, which also keep what arrives in each step; `current` is one that decays."""
    defaultclock.dt = DT
    equations = [f"dv/dt = (-v{' + ' if current else ''}{current})/tau : volt (unless refractory)"]
    equations += [f"{arrival} : volt" for arrival in arrivals]
    equations += [f"d{current}/dt = -{current}/tau_slow : volt"] if current else []
    neurons = NeuronGroup(
        len(given.neurons(name)),
        "\n".join(equations),
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory=2 * ms,
        method="exact",
        namespace={"tau": TAU, "tau_slow": TAU_SLOW},
    )
    neurons.v = given.initial_v(name)
    neurons.run_regularly("\n".join(f"{arrival} = 0*volt" for arrival in arrivals), when="start")
    return neurons


def drive(given: Given, neurons: Any, name: str) -> None:
    """Let every event of a neuron's own Poisson input make v jump by 0.2 mV."""
    neurons.namespace |= {"w_drive": as_single(0.2 * mV), "counts": given.counts("background", name)}
    neurons.run_regularly("background = w_drive*counts(t, i)\nv += background", when="synapses")


def run_independent(given: Given) -> PlainRun:
    """Drive every neuron by sources of its own."""
    neurons, network = make_neurons(given, "E", ("background",)), Network()
    drive(given, neurons, "E")
    monitors = monitor_all(given, network, {"E": neurons}, ("background",))
    network.run(given.n_steps * DT)
    return monitors.read({"background": jumps(TAU)})


def run_shared(given: Given) -> PlainRun:
    """Drive all neurons by the same sources."""
    neurons, sources = make_neurons(given, "E", ("background",)), given.sources("background")
    edges = given.edges("background", "background", "E")
    synapses = edges.make(sources, neurons, "v_post += w\nbackground_post += w")
    emitted = SpikeMonitor(sources)
    network = Network(sources, synapses, emitted)
    monitors = monitor_all(given, network, {"E": neurons}, ("background",))
    network.run(given.n_steps * DT)
    return monitors.read({"background": jumps(TAU)}, inputs={"background": emitted})


def run_fast_tracked(given: Given) -> PlainRun:
    """Let excitatory and inhibitory spikes make v jump, in one group of 40 and one of 10 neurons."""
    channels = ("background", "fast", "inhibition")
    groups = {name: make_neurons(given, name, channels) for name in ("E", "I")}
    network = Network()
    for target, neurons in groups.items():
        drive(given, neurons, target)
        fast, inhibition = given.edges("fast", "E", target), given.edges("inhibition", "I", target)
        network.add(fast.make(groups["E"], neurons, "v_post += w\nfast_post += w"))
        network.add(inhibition.make(groups["I"], neurons, "v_post -= w\ninhibition_post -= w"))
    monitors = monitor_all(given, network, groups, channels)
    network.run(given.n_steps * DT)
    return monitors.read(dict.fromkeys(channels, jumps(TAU)))


def run_hierarchy(given: Given) -> PlainRun:
    """Put the excitatory neurons of all layers into one group and the inhibitory ones into another."""
    fast = ("background", "local", "inhibition", "feedforward")
    exc, inh = make_neurons(given, "E", fast, "lateral"), make_neurons(given, "I", fast)
    drive(given, exc, "E")
    drive(given, inh, "I")
    synapses = [
        given.edges("lateral", "E", "E").make(exc, exc, "lateral_post += w"),
        given.edges("local", "E", "I").make(exc, inh, "v_post += w\nlocal_post += w"),
        given.edges("inhibition", "I", "E").make(inh, exc, "v_post -= w\ninhibition_post -= w"),
        given.edges("inhibition", "I", "I").make(inh, inh, "v_post -= w\ninhibition_post -= w"),
        given.edges("feedforward", "E", "E").make(exc, exc, "v_post += w\nfeedforward_post += w"),
        given.edges("feedforward", "E", "I").make(exc, inh, "v_post += w\nfeedforward_post += w"),
    ]
    network = Network(*synapses)
    monitors = monitor_all(given, network, {"E": exc, "I": inh}, (*fast, "lateral"))
    network.run(given.n_steps * DT)
    return monitors.read(dict.fromkeys(fast, jumps(TAU)) | {"lateral": decays(TAU_SLOW)})
