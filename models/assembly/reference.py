"""The Brian2 objects of the reference device, in whatever Brian2 device is active.

One NeuronGroup for all populations with the same equations, one Synapses per channel and delay however many layers
there are, and per recorder the monitors that hold its bins. Nothing is run here.
"""

from typing import Any

import brian2

from models.assembly import assemble_network
from models.assembly.event_runners import make_event_runners
from models.assembly.monitors import make_monitors, monitor_spikes
from models.assembly.neurons import make_drive_functions, make_group, make_sources, prepare_group, read_variables
from models.assembly.objects import ReferenceAssembly
from models.assembly.site import Site
from models.assembly.synapses import connect_groups
from models.expand import expand_network
from models.groups import plan_groups
from models.sample import sample_edges
from models.spec import NetworkSpec


def assemble_reference(spec: NetworkSpec, *, n_steps: int, seed: int | None = None) -> ReferenceAssembly:
    """Make the Brian2 objects of a network.

    Parameters
    ----------
    spec : NetworkSpec
    n_steps : int
        Steps that the run will take; values that vary in time must last that long.
    seed : int, optional
        The run's seed, for initial values and drive; the network's when not given.

    Returns
    -------
    ReferenceAssembly

    Raises
    ------
    SpecError
        If the spec contradicts itself, or names a variable, file or unit that does not fit.
    """
    expanded = expand_network(spec)
    seed = spec.network.seed if seed is None else seed
    clock = brian2.Clock(dt=spec.network.dt.value * brian2.second, name="step_clock")
    plans = plan_groups(expanded, seed)
    # Drives come first because the neurons call them.
    functions = dict(make_drive_functions(expanded, seed, n_steps))
    groups = {plan.name: make_group(plan, clock, functions) for plan in plans}
    sources = {group.drive: make_sources(expanded, group, seed, n_steps, clock) for group in expanded.source_groups}
    variables = {name: read_variables(group) for name, group in groups.items()}
    plain = assemble_network(expanded, plans, variables, sample_edges(expanded), seed=seed, n_steps=n_steps)
    site = Site(expanded, plain.plans, clock, groups, sources)
    for plan in site.plans:
        prepare_group(groups[plan.name], plan)
    connect_groups(site, plain.edges)
    make_event_runners(site, plain.events)
    make_monitors(site, plain.recorders)
    spike_monitors = monitor_spikes(site)
    return ReferenceAssembly(
        **vars(plain),
        network=_make_network(site),
        groups=site.groups,
        populations=_make_subgroups(site),
        synapses=site.synapses,
        spike_monitors=spike_monitors,
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
