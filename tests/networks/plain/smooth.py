"""Smooth currents, and scattered weights and delays: each network written by hand.

Where a current has the membrane's time constant, for which Brian2's `exact` gives NaN, v is integrated by its closed
form, and has an equation that stands still for the sake of `unless refractory`.
"""

from dataclasses import replace
from math import e
from typing import Any

import numpy as np
from brian2 import Network, NeuronGroup, defaultclock, ms, mV

from tests.networks.plain.given import DT, DT_S, Floats, Given, as_single
from tests.networks.plain.samples import Monitors, PlainRun, decays, jumps, monitor_all

TAU = 20 * ms
"""Of the membrane."""
STILL = "dv/dt = 0*volt/second : volt (unless refractory)"


def make_neurons(given: Given, name: str, model: str, **constants: Any) -> Any:
    """Return leaky neurons with a model of their own."""
    defaultclock.dt = DT
    neurons = NeuronGroup(
        len(given.neurons(name)),
        model,
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory=2 * ms,
        method="exact",
        namespace={"tau": TAU} | constants,
    )
    neurons.v = given.initial_v(name)
    return neurons


def run_kernels(given: Given, neurons: Any, on_pre: str, on_event: str) -> Monitors:
    """Run neurons that brake each other, under a drive whose events each carry 0.5 mV."""
    neurons.namespace |= {"w": as_single(0.5 * mV), "counts": given.counts("background", "E")}
    neurons.run_regularly(on_event, when="synapses")
    brake = given.edges("brake", "E", "E").make(neurons, neurons, on_pre, namespace=neurons.namespace)
    network = Network(brake)
    monitors = monitor_all(given, network, {"E": neurons}, ("background", "background_x", "brake", "brake_x"))
    network.run(given.n_steps * DT)
    return monitors


def run_alpha(given: Given, tau_s: Any) -> PlainRun:
    """Filter what arrives twice: x is what goes into the current, and e makes the current peak at the weight."""
    if tau_s == TAU:
        states = "background : volt\nbackground_x : volt\nbrake : volt\nbrake_x : volt"
        neurons = make_neurons(given, "E", f"{STILL}\n{states}")
        neurons.run_regularly(
            """
            r = dt/tau
            v = (v + (background - brake)*r + (background_x - brake_x)*r**2/2)*exp(-r)
            background = (background + background_x*r)*exp(-r)
            brake = (brake + brake_x*r)*exp(-r)
            background_x = background_x*exp(-r)
            brake_x = brake_x*exp(-r)
            """,
            when="groups",
            order=1,
        )
    else:
        model = """
        dv/dt = (background - brake - v)/tau : volt (unless refractory)
        dbackground/dt = (background_x - background)/tau_s : volt
        dbackground_x/dt = -background_x/tau_s : volt
        dbrake/dt = (brake_x - brake)/tau_s : volt
        dbrake_x/dt = -brake_x/tau_s : volt
        """
        neurons = make_neurons(given, "E", model, tau_s=tau_s)
    neurons.namespace["peak"] = e
    monitors = run_kernels(given, neurons, "brake_x_post += peak*w", "background_x += peak*w*counts(t, i)")
    return read_signed(monitors, lambda name: average_alpha(monitors, name, float(tau_s)))


def average_alpha(monitors: Monitors, name: str, tau_s: float) -> Floats:
    """Return the mean over each step of (I + x t/tau) exp(-t/tau)."""
    r = DT_S / tau_s
    left = np.exp(-r)
    return (monitors.gather(name) * (1 - left) + monitors.gather(f"{name}_x") * (1 - left * (1 + r))) / r


def run_biexponential(given: Given, tau_s: Any, tau_rise: Any) -> PlainRun:
    """Take the difference of a current that decays with `tau_s` and one that decays with `tau_rise`, called x."""
    if tau_s == TAU:
        states = "background : volt\nbackground_x : volt\nbrake : volt\nbrake_x : volt"
        neurons = make_neurons(given, "E", f"{STILL}\n{states}", tau_rise=tau_rise)
        neurons.run_regularly(
            """
            left = exp(-dt/tau)
            left_x = exp(-dt/tau_rise)
            x_into_v = (left - left_x)/(tau/tau_rise - 1)
            v = v*left + (background - brake)*dt/tau*left - (background_x - brake_x)*x_into_v
            background = background*left
            brake = brake*left
            background_x = background_x*left_x
            brake_x = brake_x*left_x
            """,
            when="groups",
            order=1,
        )
    else:
        model = """
        dv/dt = (background - background_x - brake + brake_x - v)/tau : volt (unless refractory)
        dbackground/dt = -background/tau_s : volt
        dbackground_x/dt = -background_x/tau_rise : volt
        dbrake/dt = -brake/tau_s : volt
        dbrake_x/dt = -brake_x/tau_rise : volt
        """
        neurons = make_neurons(given, "E", model, tau_s=tau_s, tau_rise=tau_rise)
    slow, rise = float(tau_s), float(tau_rise)
    at_peak = slow * rise / (slow - rise) * np.log(slow / rise)
    neurons.namespace["peak"] = float(1 / (np.exp(-at_peak / slow) - np.exp(-at_peak / rise)))
    on_pre = "brake_post += peak*w\nbrake_x_post += peak*w"
    on_event = "background += peak*w*counts(t, i)\nbackground_x += peak*w*counts(t, i)"
    monitors = run_kernels(given, neurons, on_pre, on_event)
    slow_mean, rise_mean = decays(tau_s), decays(tau_rise)
    return read_signed(
        monitors, lambda name: slow_mean(monitors.gather(name)) - rise_mean(monitors.gather(f"{name}_x"))
    )


def read_signed(monitors: Monitors, average: Any) -> PlainRun:
    """Return the run, with the brake's current counted as inhibitory."""
    return replace(monitors.read({}), currents={"background": average("background"), "brake": -average("brake")})


def run_scattered(given: Given) -> PlainRun:
    """Give every synapse a weight and a delay of its own."""
    exc_model = """
    dv/dt = (1*mV - v + slow + lasting + bias)/tau : volt (unless refractory)
    dslow/dt = -slow/(10*ms) : volt
    dlasting/dt = -lasting/(5*ms) : volt
    background : volt
    bias : volt
    """
    inh_model = """
    dv/dt = (1*mV - v + slow)/tau : volt (unless refractory)
    dslow/dt = -slow/(10*ms) : volt
    background : volt
    inhibition : volt
    """
    exc, inh = make_neurons(given, "E", exc_model), make_neurons(given, "I", inh_model)
    exc.bias = 18 * mV
    for name, neurons in (("E", exc), ("I", inh)):
        neurons.namespace |= {"w": as_single(0.25 * mV), "counts": given.counts("background", name)}
        neurons.run_regularly("background = w*counts(t, i)\nv += background", when="synapses")
    inh.run_regularly("inhibition = 0*volt", when="start")
    network = Network(
        given.edges("slow", "E", "E").make(exc, exc, "slow_post += w"),
        given.edges("slow", "E", "I").make(exc, inh, "slow_post += w"),
        given.edges("lasting", "I", "E").make(inh, exc, "lasting_post -= w"),
        given.edges("inhibition", "I", "I").make(inh, inh, "v_post -= w\ninhibition_post -= w"),
    )
    variables = ("slow", "lasting", "inhibition", "background", "bias")
    monitors = monitor_all(given, network, {"E": exc, "I": inh}, variables)
    network.run(given.n_steps * DT)
    channels = {"slow": decays(10 * ms), "lasting": decays(5 * ms), "inhibition": jumps(TAU), "background": jumps(TAU)}
    run = monitors.read(channels)
    return replace(run, currents=run.currents | {"bias": monitors.gather("bias")})
