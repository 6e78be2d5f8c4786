"""The networks of three neurons that are made to fire, each written by hand.

Membrane and current have one time constant: Brian2's `exact` divides by their difference and gives NaN, so v is
integrated by its closed form.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from brian2 import Network, NetworkOperation, NeuronGroup, Synapses, defaultclock, ms, volt

from tests.networks.plain.given import DT, Given
from tests.networks.plain.samples import Monitors, PlainRun, decays, monitor_all

TAU = 10 * ms
CLOSED_FORM = "v = (v + I*dt/tau)*exp(-dt/tau)"
ONE_SPIKE_EACH = ((20, 0), (40, 1), (60, 2))
"""Time in ms, and neuron."""

type Kicks = tuple[tuple[int, int], ...]


def make_neurons(more: str = "", **arguments: Any) -> Any:
    """Return three neurons that integrate a current."""
    defaultclock.dt = DT
    arguments = {"reset": "v = 0*volt", "method": "exact"} | arguments
    model = f"v : volt\nI : volt\n{more}"
    return NeuronGroup(3, model, threshold="v > 0.5*volt", namespace={"tau": TAU}, **arguments)


def run_and_kick(given: Given, neurons: Any, *parts: Any, kicks: Kicks) -> Monitors:
    """Run for 100 ms, setting v of one neuron to 1 V at each of the given times."""
    network = Network(*parts)
    monitors = monitor_all(given, network, {"E": neurons}, ("I", "x"))
    now = 0
    for time, neuron in kicks:
        network.run((time - now) * ms)
        neurons.v[neuron] = 1 * volt
        now = time
    network.run((100 - now) * ms)
    return monitors


def read(monitors: Monitors, channel: str, *, trace_delay: int = 0) -> PlainRun:
    """Return what was recorded, in the words of the model file; traces as they were `trace_delay` steps before."""
    run = monitors.read({"I": decays(TAU)}, ("x",))
    late = np.zeros_like(run.states["x"])
    late[trace_delay:] = run.states["x"][: len(late) - trace_delay]
    return replace(run, currents={channel: run.currents["I"]}, states={f"x_{channel}": late})


def run_exponential(given: Given) -> PlainRun:
    """Let every spike add to a current that decays."""
    neurons = make_neurons()
    neurons.run_regularly(f"{CLOSED_FORM}\nI = I*exp(-dt/tau)", when="groups")
    slow = given.edges("slow", "E", "E").make(neurons, neurons, "I_post += w")
    return read(run_and_kick(given, neurons, slow, kicks=ONE_SPIKE_EACH), "slow")


def run_traced(given: Given, trace_initial: float = 0.0) -> PlainRun:
    """Keep a trace in every synapse, and add them all up at the end of each step."""
    neurons = make_neurons()
    neurons.run_regularly(CLOSED_FORM, when="groups")
    model = "w : volt\ndx/dt = -x/tau : 1 (clock-driven)"
    slow = given.edges("slow", "E", "E").make(neurons, neurons, "x += 1", model, method="exact", namespace={"tau": TAU})
    slow.x = trace_initial

    def add_up() -> None:
        neurons.I = np.bincount(slow.j, slow.w * slow.x / volt, minlength=3) * volt

    add_up()
    every_step = NetworkOperation(add_up, when="end")
    return read(run_and_kick(given, neurons, slow, every_step, kicks=ONE_SPIKE_EACH), "slow")


def run_population_rate(given: Given) -> PlainRun:
    """Keep a trace in every neuron, and multiply them by the weight matrix at the end of each step.

    The traces grow by a spike as late as the pathway delivers it.
    """
    neurons = make_neurons("dx/dt = -x/tau : 1")
    neurons.run_regularly(CLOSED_FORM, when="groups")
    edges = given.edges("slow", "E", "E")
    weights = np.zeros((3, 3))
    weights[edges.i, edges.j] = edges.w
    own = Synapses(neurons, neurons, on_pre="x_post += 1", delay=int(edges.delay[0]) * DT)
    own.connect(j="i")

    def multiply() -> None:
        neurons.I = np.asarray(neurons.x[:]) @ weights * volt

    every_step = NetworkOperation(multiply, when="end")
    return read(run_and_kick(given, neurons, own, every_step, kicks=ONE_SPIKE_EACH), "slow")


def run_two_stage(given: Given) -> PlainRun:
    """Let spikes deliver the trace that they found at their source.

    All spikes of a synapse are equally late, so a trace that every synapse keeps of what it has delivered is, at each
    delivery, what the source's trace was at emission. The source's own trace is recorded beside it.
    """
    neurons = make_neurons("dx/dt = -x/(20*ms) : 1", reset="v = 0*volt\nx += 1")
    neurons.run_regularly(f"{CLOSED_FORM}\nI = I*exp(-dt/tau)", when="groups")
    model = "w : volt\ndpast/dt = -past/(20*ms) : 1 (event-driven)"
    edges = given.edges("facilitating", "E", "E")
    synapses = edges.make(neurons, neurons, "I_post += w*past\npast += 1", model)
    kicks = ((20, 0), (22, 0), (30, 1), (33, 1), (35, 0), (40, 2), (44, 2), (60, 1), (61, 0), (70, 2))
    return read(run_and_kick(given, neurons, synapses, kicks=kicks), "facilitating", trace_delay=int(edges.delay[0]))
