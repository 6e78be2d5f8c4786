"""`alpha`: the current rises and falls with one time constant, and peaks at the weight."""

import math

import numpy as np
from numpy.typing import NDArray

from models.kinetics.base import Constants, Kinetics


class Alpha(Kinetics):
    """dI/dt = (I_rise - I)/tau, dI_rise/dt = -I_rise/tau; I_rise += e·Σw.

    e makes the peak, at t = tau, equal to the weight.
    """

    name = "alpha"
    time_constants = ("tau",)
    states = ("", "_rise")
    summary = "I(t) = w (t/tau) exp(1 - t/tau)"

    @staticmethod
    def equations(name: str) -> str:
        """Return the cascade of two equal filters."""
        return (
            f"dI_{name}/dt = (I_{name}_rise - I_{name})/tau_{name} : volt\n"
            f"dI_{name}_rise/dt = -I_{name}_rise/tau_{name} : volt"
        )

    @staticmethod
    def dynamics(constants: Constants) -> NDArray[np.longdouble]:
        """Return [[-1, 1], [0, -1]]/tau."""
        return np.array([[-1, 1], [0, -1]], np.longdouble) / np.longdouble(constants["tau"])

    @staticmethod
    def entry(constants: Constants) -> NDArray[np.float64]:
        """Return (0, e): the impulse enters the first filter."""
        return np.array([0.0, math.e])

    @staticmethod
    def kernel(times: NDArray[np.float64], constants: Constants) -> NDArray[np.float64]:
        """Return (t/tau) exp(1 - t/tau)."""
        relative = times / constants["tau"]
        return relative * np.exp(1.0 - relative)
