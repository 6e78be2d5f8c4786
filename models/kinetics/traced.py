"""`traced`: every synapse keeps a trace of its spikes, and the current is the weighted sum of the traces."""

from models.kinetics.exponential import Exponential


class Traced(Exponential):
    """dx/dt = -x/tau and x += 1 per synapse; I = Σ w x.

    All traces share one time constant, so dI/dt = -I/tau and I += w: unless `lower = false`, that is what is run.
    """

    name = "traced"
    summary = "I = Σ w x; x(t) = exp(-t/tau) per synapse"
    trace = "synapse"
    lowerable = True
    for_drives = False
