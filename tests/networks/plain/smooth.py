"""Smooth currents, and scattered weights and delays: each network written by hand."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import e
from typing import Any

import numpy as np
from brian2 import Network, NeuronGroup, StateMonitor, defaultclock, ms, mV

from tests.networks.plain.given import DT, DT_S, Floats, Given, as_single
from tests.networks.plain.samples import PlainRun, decays, jumps, monitor_all

TAU = 20 * ms
"""Of the membrane."""
STILL = "dv/dt = 0*volt/second : volt (unless refractory)"
"""Stands in for an equation whose closed form is run instead, for the sake of `unless refractory`."""


@dataclass(frozen=True)
class Kernel:
    """A current as a user would write it."""

    model: str
    """Equations of its states."""
    current: str
    """The current in terms of these."""
    entries: tuple[str, ...]
    """The states that an impulse is added to, times `peak`."""
    constants: dict[str, Any]
    average: Callable[[Any], Floats]
    """From a StateMonitor of the states to the mean current in each step."""
    closed_form: str | None = None
    """What a step does to v and the states where Brian2's `exact` gives NaN: where two time constants coincide."""


def make_neurons(given: Given, name: str, model: str, **constants: Any) -> Any:
    """Return leaky neurons with a model of their own."""
    defaultclock.dt = DT
    neurons = NeuronGroup(
        len(given.neurons(name)),
        model,
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory=2 * ms,
        method="euler" if STILL in model else "exact",
        namespace={"tau": TAU} | constants,
    )
    neurons.v = given.initial_v(name)
    return neurons


def make_kernel_neurons(given: Given, kernel: Kernel) -> Any:
    """Return leaky neurons whose current has the given kernel."""
    if kernel.closed_form is None:
        membrane = f"dv/dt = ({kernel.current} - v)/tau : volt (unless refractory)"
        return make_neurons(given, "E", f"{membrane}\n{kernel.model}", **kernel.constants)
    parameters = "\n".join(f"{line.split('/')[0].strip()[1:]} : volt" for line in kernel.model.strip().splitlines())
    neurons = make_neurons(given, "E", f"{STILL}\n{parameters}", **kernel.constants)
    neurons.run_regularly(kernel.closed_form, when="groups", order=1)
    return neurons


def run_kernels(given: Given, kernel: Kernel) -> PlainRun:
    """Run neurons that brake each other, under a drive whose events each carry 0.5 mV.

    The neurons have one current; how much of it is drive and how much brake, two filters beside them say.
    """
    neurons = make_kernel_neurons(given, kernel)
    size = len(given.neurons("E"))
    filters = NeuronGroup(2 * size, kernel.model, method="exact", namespace=kernel.constants)
    drive, brake = filters[:size], filters[size:]
    namespace = kernel.constants | {"w_drive": as_single(0.5 * mV), "counts": given.counts("background", "E")}
    for group in (neurons, filters):
        group.namespace |= namespace
    for group in (neurons, drive):
        arrive = "\n".join(f"{state} += peak*w_drive*counts(t, i)" for state in kernel.entries)
        group.run_regularly(arrive, when="synapses")
    edges = given.edges("brake", "E", "E")
    slow_down = "\n".join(f"{state}_post -= peak*w" for state in kernel.entries)
    synapses = [edges.make(neurons, group, slow_down, namespace=namespace) for group in (neurons, brake)]
    states = list(filters.equations.diff_eq_names)
    filtered = [StateMonitor(group, states, record=True, when="end") for group in (drive, brake)]
    network = Network(filters, *synapses, *filtered)
    monitors = monitor_all(given, network, {"E": neurons}, ())
    network.run(given.n_steps * DT)
    currents = {name: kernel.average(m) for name, m in zip(("background", "brake"), filtered, strict=True)}
    return replace(monitors.read({}), currents=currents)


def run_alpha(given: Given, tau_s: Any) -> PlainRun:
    """Filter what arrives twice: x is what goes into the current, and e makes the current peak at the weight."""
    r = DT_S / float(tau_s)
    left = np.exp(-r)

    def average(monitor: Any) -> Floats:
        """Return the mean of (I + x t/tau) exp(-t/tau)."""
        current, x = (np.asarray(values, np.float64).T for values in (monitor.I, monitor.x))
        mean: Floats = (current * (1 - left) + x * (1 - left * (1 + r))) / r
        return mean

    kernel = Kernel(
        model="dI/dt = (x - I)/tau_s : volt\ndx/dt = -x/tau_s : volt",
        current="I",
        entries=("x",),
        constants={"tau_s": tau_s, "peak": e},
        average=average,
        closed_form="""
        r = dt/tau
        v = (v + I*r + x*r**2/2)*exp(-r)
        I = (I + x*r)*exp(-r)
        x = x*exp(-r)
        """
        if tau_s == TAU
        else None,
    )
    return run_kernels(given, kernel)


def run_biexponential(given: Given, tau_s: Any, tau_rise: Any) -> PlainRun:
    """Take the difference of one current that decays with `tau_s` and one that decays with `tau_rise`."""
    slow, rise = float(tau_s), float(tau_rise)
    at_peak = slow * rise / (slow - rise) * np.log(slow / rise)

    def average(monitor: Any) -> Floats:
        a, b = (np.asarray(values, np.float64).T for values in (monitor.a, monitor.b))
        return decays(tau_s)(a) - decays(tau_rise)(b)

    kernel = Kernel(
        model="da/dt = -a/tau_s : volt\ndb/dt = -b/tau_rise : volt",
        current="a - b",
        entries=("a", "b"),
        constants={
            "tau_s": tau_s,
            "tau_rise": tau_rise,
            "peak": float(1 / (np.exp(-at_peak / slow) - np.exp(-at_peak / rise))),
        },
        average=average,
        closed_form="""
        left = exp(-dt/tau)
        left_b = exp(-dt/tau_rise)
        v = v*left + a*dt/tau*left - b*(left_b - left)/(1 - tau/tau_rise)
        a = a*left
        b = b*left_b
        """
        if tau_s == TAU
        else None,
    )
    return run_kernels(given, kernel)


def run_scattered(given: Given) -> PlainRun:
    """Give every synapse a weight and a delay of its own."""
    exc_model = """
    dv/dt = (rest - v + slow + lasting)/tau : volt (unless refractory)
    dslow/dt = -slow/tau_slow : volt
    dlasting/dt = -lasting/tau_lasting : volt
    background : volt
    """
    inh_model = """
    dv/dt = (rest - v + slow)/tau : volt (unless refractory)
    dslow/dt = -slow/tau_slow : volt
    background : volt
    inhibition : volt
    """
    constants = {"tau_slow": 10 * ms, "tau_lasting": 5 * ms, "w_drive": as_single(0.25 * mV)}
    # A constant current of 18 mV raises the resting potential of 1 mV by as much.
    exc = make_neurons(given, "E", exc_model, rest=19 * mV, counts=given.counts("background", "E"), **constants)
    inh = make_neurons(given, "I", inh_model, rest=1 * mV, counts=given.counts("background", "I"), **constants)
    for neurons in (exc, inh):
        neurons.run_regularly("background = w_drive*counts(t, i)\nv += background", when="synapses")
    inh.run_regularly("inhibition = 0*volt", when="start")
    network = Network(
        given.edges("slow", "E", "E").make(exc, exc, "slow_post += w"),
        given.edges("slow", "E", "I").make(exc, inh, "slow_post += w"),
        given.edges("lasting", "I", "E").make(inh, exc, "lasting_post -= w"),
        given.edges("inhibition", "I", "I").make(inh, inh, "v_post -= w\ninhibition_post -= w"),
    )
    channels = {"slow": decays(10 * ms), "lasting": decays(5 * ms), "inhibition": jumps(TAU), "background": jumps(TAU)}
    monitors = monitor_all(given, network, {"E": exc, "I": inh}, tuple(channels))
    network.run(given.n_steps * DT)
    run = monitors.read(channels)
    bias = np.zeros_like(run.v)
    bias[:, given.neurons("E")] = 18e-3
    return replace(run, currents=run.currents | {"bias": bias})
