"""`currents verify`: every recorded current, v and spike of a run recomputed from spikes, drive and edges.

Nothing here may import what makes the simulation (`models.groups`, `models.assembly`, `models.propagators`, Brian2).
What both have in common is the spec, the kernels' formulas, integrated numerically here, and the definition of the
random numbers. To extend it: a kinetics whose kernel is a sum of exponentials needs nothing; one whose weights are
multiplied by something else, a class in `gains`; a neuron model, a class in `membrane`.
"""

from pipeline.verification.recompute import verify
from pipeline.verification.report import Row, VerifyReport

__all__ = ["Row", "VerifyReport", "verify"]
