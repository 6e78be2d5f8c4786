"""The small networks with neurons of their own kind, each written by hand."""

from typing import Any

from brian2 import Network, NeuronGroup, SpikeMonitor, defaultclock, ms, mV

from tests.networks.plain.given import DT, Given, as_single
from tests.networks.plain.samples import PlainRun, decays, jumps, monitor_all

TAU = 10 * ms


def make_after_potential(given: Given, name: str, channel: str, tau_ap: Any, step: Any, weight: Any) -> Any:
    """Return neurons whose spikes add `step` to their own potential, under a drive of their own."""
    defaultclock.dt = DT
    neurons = NeuronGroup(
        5,
        f"""
        dv/dt = -v/tau : volt (unless refractory)
        dv_ap/dt = -v_ap/tau_ap : volt
        v_final = v + v_ap : volt
        {channel} : volt
        """,
        threshold="v_final > 10*mV",
        reset="v_ap += step",
        refractory=2 * ms,
        method="exponential_euler",  # exact for equations that do not refer to each other, and found far sooner
        namespace={"tau": TAU, "tau_ap": tau_ap, "step": step, "w": weight, "counts": given.counts(channel, name)},
    )
    neurons.run_regularly(f"{channel} = w*counts(t, i)\nv += {channel}", when="synapses")
    return neurons


def run_after_potential(given: Given) -> PlainRun:
    """Let spikes shape the neuron's own potential, downwards in one group and upwards in the other."""
    down = make_after_potential(given, "H", "strong", 20 * ms, -15 * mV, as_single(0.7 * mV))
    up = make_after_potential(given, "D", "weak", 5 * ms, 2 * mV, as_single(0.4 * mV))
    network = Network()
    monitors = monitor_all(given, network, {"H": down, "D": up}, ("strong", "weak", "v_ap", "v_final"))
    network.run(given.n_steps * DT)
    return monitors.read({"strong": jumps(TAU), "weak": jumps(TAU)}, ("v_ap", "v_final"))


def run_poisson_probe(given: Given) -> PlainRun:
    """Send the same spikes through a current that decays and through jumps; no neuron reaches its threshold.

    Membrane and current have one time constant, for which Brian2's `exact` gives NaN: hence the closed form.
    """
    defaultclock.dt = DT
    model = "v : volt\nslow : volt\nfast : volt"
    neurons = NeuronGroup(2, model, threshold="v > 1*volt", reset="v = 0*volt", namespace={"tau": TAU})
    neurons.run_regularly("fast = 0*volt", when="start")
    neurons.run_regularly("v = (v + slow*dt/tau)*exp(-dt/tau)\nslow = slow*exp(-dt/tau)", when="groups")
    sources = given.sources("slow")
    slow = given.edges("slow", "slow", "target").make(sources, neurons, "slow_post += w")
    fast = given.edges("fast", "slow", "target").make(sources, neurons, "v_post -= w\nfast_post -= w")
    emitted = SpikeMonitor(sources)
    network = Network(sources, slow, fast, emitted)
    monitors = monitor_all(given, network, {"target": neurons}, ("slow", "fast"))
    network.run(given.n_steps * DT)
    return monitors.read({"slow": decays(TAU), "fast": jumps(TAU)}, inputs={"slow": emitted})


def make_ei_neurons() -> Any:
    """Return three neurons of `ei_layer`.

    Membrane and current have one time constant, for which Brian2's `exact` gives NaN: v is integrated by its closed
    form, and has an equation that stands still for the sake of `unless refractory`.
    """
    neurons = NeuronGroup(
        3,
        """
        dv/dt = 0*volt/second : volt (unless refractory)
        slow : volt
        fast : volt
        inhibition : volt
        input : volt
        """,
        threshold="v > 0.5*volt",
        reset="v = 0*volt",
        refractory=2 * ms,
        method="euler",
        namespace={"tau": TAU},
    )
    neurons.run_regularly("fast = 0*volt\ninhibition = 0*volt\ninput = 0*volt", when="start")
    update = "v = (v + slow*dt/tau)*exp(-dt/tau)\nslow = slow*exp(-dt/tau)"
    neurons.run_regularly(update, when="groups", order=1)
    return neurons


def run_ei_layer(given: Given) -> PlainRun:
    """Connect three excitatory and three inhibitory neurons, the excitatory ones under a shared drive."""
    defaultclock.dt = DT
    exc, inh, sources = make_ei_neurons(), make_ei_neurons(), given.sources("input")
    synapses = [
        given.edges("slow", "exc", "exc").make(exc, exc, "slow_post += w"),
        given.edges("fast", "exc", "inh").make(exc, inh, "v_post += w\nfast_post += w"),
        given.edges("inhibition", "inh", "exc").make(inh, exc, "v_post -= w\ninhibition_post -= w"),
        given.edges("inhibition", "inh", "inh").make(inh, inh, "v_post -= w\ninhibition_post -= w"),
        given.edges("input", "input", "exc").make(sources, exc, "v_post += w\ninput_post += w"),
    ]
    emitted = SpikeMonitor(sources)
    network = Network(sources, emitted, *synapses)
    monitors = monitor_all(given, network, {"exc": exc, "inh": inh}, ("slow", "fast", "inhibition", "input"))
    network.run(given.n_steps * DT)
    channels = {"slow": decays(TAU)} | dict.fromkeys(("fast", "inhibition", "input"), jumps(TAU))
    return monitors.read(channels, inputs={"input": emitted})
