"""From a checked network to Brian2 objects, in whatever device is active.

One NeuronGroup for all populations with the same equations, one Synapses per channel and delay however many layers
there are, and per recorder the monitors that hold its bins. Nothing is run here.
"""

from typing import Any

import brian2

from models.assembly.events import make_events
from models.assembly.neurons import make_neurons
from models.assembly.objects import Assembly, BinnedArray, BinnedRecorder
from models.assembly.recorders import make_recorders, monitor_spikes
from models.assembly.site import Site
from models.assembly.synapses import connect_groups
from models.expand import expand_network
from models.groups import Device, plan_groups
from models.sample import sample_edges
from models.spec import NetworkSpec

__all__ = ["Assembly", "BinnedArray", "BinnedRecorder", "assemble_network"]


def assemble_network(
    spec: NetworkSpec, *, n_steps: int, seed: int | None = None, device: Device = "reference"
) -> Assembly:
    """Make the Brian2 objects of a network.

    Parameters
    ----------
    spec : NetworkSpec
    n_steps : int
        Steps that the run will take; values that vary in time must last that long.
    seed : int, optional
        The run's seed, for initial values and drive; the network's when not given.
    device : {"engine", "reference"}
        What will run it.

    Returns
    -------
    Assembly

    Raises
    ------
    SpecError
        If the spec contradicts itself, or names a variable, file or unit that does not fit.
    """
    expanded = expand_network(spec)
    seed = spec.network.seed if seed is None else seed
    clock = brian2.Clock(dt=spec.network.dt.value * brian2.second, name="step_clock")
    site = Site(expanded, seed, n_steps, plan_groups(expanded, seed, device), clock, device)
    edges = sample_edges(expanded)
    make_neurons(site)
    connect_groups(site, edges)
    make_events(site)
    recorders = tuple(make_recorders(site))
    spike_monitors = monitor_spikes(site) if device == "reference" else {}
    return Assembly(
        expanded=expanded,
        seed=seed,
        n_steps=n_steps,
        network=_make_network(site),
        plans=site.plans,
        groups=site.groups,
        populations=_make_subgroups(site),
        synapses=site.synapses,
        edges=edges,
        recorders=recorders,
        spike_monitors=spike_monitors,
        events=site.events,
    )


def _make_network(site: Site) -> Any:
    parts = [*site.groups.values(), *site.sources.values(), *site.synapses.values(), *site.objects]
    return brian2.Network(*parts, name="network")


def _make_subgroups(site: Site) -> dict[str, Any]:
    """Return the populations as Brian2 subgroups; those of one group follow each other in global order."""
    subgroups: dict[str, Any] = {}
    for plan in site.plans:
        start = 0
        for population in plan.populations:
            subgroups[population.name] = site.groups[plan.name][start : start + population.size]
            start += population.size
    return subgroups
