"""`population_rate`: every source neuron keeps a trace of its spikes; the current is a matrix-vector product."""

from models.kinetics.exponential import Exponential


class PopulationRate(Exponential):
    """dx/dt = -x/tau and x += 1 per source neuron; I = Σ w x in every step.

    All traces share one time constant, so dI/dt = -I/tau and I += w: unless `lower = false`, that is what is run.
    """

    name = "population_rate"
    summary = "I = Σ w x; x(t) = exp(-t/tau) per source"
    trace = "source"
    lowerable = True
    for_drives = False
