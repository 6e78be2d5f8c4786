"""`exponential`: the current jumps by the weight and decays with `tau`."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.kinetics.base import Constants, Kinetics


class Exponential(Kinetics):
    """dI/dt = -I/tau; I += Σw."""

    name = "exponential"
    time_constants: ClassVar[tuple[str, ...]] = ("tau",)
    states = ("",)
    summary = "I(t) = w exp(-t/tau)"

    @staticmethod
    def equations(name: str) -> str:
        """Return the decay of the current."""
        return f"dI_{name}/dt = -I_{name}/tau_{name} : volt"

    @staticmethod
    def dynamics(constants: Constants) -> NDArray[np.longdouble]:
        """Return -1/tau."""
        return np.array([[-1 / np.longdouble(constants["tau"])]])

    @staticmethod
    def entry(constants: Constants) -> NDArray[np.float64]:
        """Return 1: the current itself jumps."""
        return np.ones(1)

    @staticmethod
    def kernel(times: NDArray[np.float64], constants: Constants) -> NDArray[np.float64]:
        """Return exp(-t/tau)."""
        return np.exp(-times / constants["tau"])
