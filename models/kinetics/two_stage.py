"""`two_stage`: what arrives is the weight times the source's own trace, and is filtered once more."""

from models.kinetics.exponential import Exponential


class TwoStage(Exponential):
    """dx/dt = -x/tau_trace and x += 1 per source neuron; I += w x per spike, dI/dt = -I/tau.

    The trace that a spike carries is the source's at its emission, before that spike's own increment. It is kept as a
    copy that lags by the delay: updated by the delayed spikes, it is at each delivery what the trace was at emission.
    """

    name = "two_stage"
    time_constants = ("tau", "tau_trace")
    summary = "I(t) = w x exp(-t/tau), x the source's trace at emission"
    trace = "source"
    trace_constant = "tau_trace"
    for_drives = False

    @classmethod
    def on_pre(cls, name: str) -> str:
        """Return the arrival of the weight times the source's lagging trace."""
        return f"in_{name}_post += w*x_{name}_pre"
