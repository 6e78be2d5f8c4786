"""What a kinetics must say about itself."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

type Constants = Mapping[str, float]
"""Time constants by key (`tau`, `tau_rise`), in seconds."""


type TracePlace = Literal["none", "synapse", "source"]
"""Where a spike's trace is kept before it becomes a current: nowhere, one per synapse, or one per source neuron."""


class Kinetics(ABC):
    """A linear filter between the impulses that arrive at a neuron and the current that they cause.

    A kinetics without states (`delta`) makes v jump. Any other has a vector of states s, one per neuron and channel,
    with ds/dt = A s between spikes, s += b·Σw when spikes arrive, and the current I = s[0], in volts.
    """

    name: ClassVar[str]
    """The word of the model file."""
    time_constants: ClassVar[tuple[str, ...]] = ()
    """Keys of the pathway that give its time constants, all required."""
    states: ClassVar[tuple[str, ...]] = ()
    """Suffixes of the states' names, the current first; empty when v jumps."""
    summary: ClassVar[str]
    """The kernel in one line, for `currents describe`."""
    trace: ClassVar[TracePlace] = "none"
    lowerable: ClassVar[bool] = False
    """Whether the traces, being linear with one time constant, can be replaced by one variable per target neuron."""
    trace_constant: ClassVar[str] = "tau"
    """Key of the trace's time constant."""
    for_drives: ClassVar[bool] = True
    """Whether a drive may have these kinetics."""

    @staticmethod
    @abstractmethod
    def equations(name: str) -> str:
        """Return the Brian2 equations of the states of the channel `name`, for use in a NeuronGroup."""

    @classmethod
    def on_pre(cls, name: str) -> str:
        """Return what a spike does when it arrives through a synapse of weight `w` of the channel `name`."""
        return f"in_{name}_post += w"

    @staticmethod
    @abstractmethod
    def dynamics(constants: Constants) -> NDArray[np.longdouble]:
        """Return A, (n_states, n_states), in 1/s, in extended precision (`models.propagators` says why)."""

    @staticmethod
    @abstractmethod
    def entry(constants: Constants) -> NDArray[np.float64]:
        """Return b, (n_states,), without unit."""

    @staticmethod
    @abstractmethod
    def kernel(times: NDArray[np.float64], constants: Constants) -> NDArray[np.float64]:
        """Return the current of a spike of weight 1 V at `times` seconds after its arrival, in volts per volt.

        Only the verifier uses it, so that what is checked and what checks it share no code.
        """
