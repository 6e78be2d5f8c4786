"""What happens in one step, and in which order: written by hand."""

from typing import Any

from brian2 import Network, NeuronGroup, defaultclock, ms, mV, volt

from tests.networks.plain.given import DT, Given
from tests.networks.plain.samples import PlainRun, jumps, monitor_all

TAU = 20 * ms
SOURCE_FIRES = (10, 20, 25, 39, 40, 60, 61, 62, 63)
"""Steps."""
TARGETS_FIRE = (20,)
RAISED_V = 25 * mV
"""What makes the targets fire."""


def make_neuron(membrane_flag: str, **arguments: Any) -> Any:
    """Return one leaky neuron; `membrane_flag` may hold it at rest while it is refractory."""
    model = f"dv/dt = -v/tau : volt{membrane_flag}\njump : volt"
    neuron = NeuronGroup(1, model, method="exact", namespace={"tau": TAU}, **arguments)
    neuron.run_regularly("jump = 0*volt", when="start")
    return neuron


def make_kernel_neuron(refractory: Any) -> Any:
    """Return one neuron whose spikes lower its own potential by 20 mV instead of resetting v."""
    neuron = NeuronGroup(
        1,
        f"""
        dv/dt = -v/tau : volt{" (unless refractory)" if refractory else ""}
        dv_ap/dt = -v_ap/(5*ms) : volt
        jump : volt
        """,
        threshold="v + v_ap > 10*mV",
        reset="v_ap -= 20*mV",
        refractory=refractory,
        method="exponential_euler",
        namespace={"tau": TAU},
    )
    neuron.run_regularly("jump = 0*volt", when="start")
    return neuron


def run_order(given: Given, kernel_refractory: Any = False) -> PlainRun:
    """Fire the source in given steps, and all its targets in one of these."""
    defaultclock.dt = DT
    source = make_neuron("", threshold="v > 10*mV", reset="v = 0*mV")
    free = make_neuron("", threshold="v > 10*mV", reset="v = -5*mV")
    held = make_neuron(" (unless refractory)", threshold="v > 10*mV", reset="v = -5*mV", refractory=2 * ms)
    kernel = make_kernel_neuron(kernel_refractory)
    groups = {"S": source, "F": free, "H": held, "K": kernel}
    on_pre = "v_post += w\njump_post += w"
    network = Network(*(given.edges("jump", "S", name).make(source, groups[name], on_pre) for name in "FHK"))
    monitors = monitor_all(given, network, groups, ("jump",))
    now = 0
    for step in SOURCE_FIRES:
        network.run((step - now) * DT)
        source.v = 1 * volt
        if step in TARGETS_FIRE:
            free.v = held.v = kernel.v = RAISED_V
        now = step
    network.run((given.n_steps - now) * DT)
    return monitors.read({"jump": jumps(TAU)})
