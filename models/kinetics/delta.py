"""`delta`: v jumps by the weight."""

import numpy as np
from numpy.typing import NDArray

from models.kinetics.base import Constants, Kinetics


class Delta(Kinetics):
    """A jump of v by Σw, consumed in the step in which it arrives."""

    name = "delta"
    summary = "v jumps by w"

    @staticmethod
    def equations(name: str) -> str:
        """Return nothing: an impulse has no state."""
        return ""

    @staticmethod
    def dynamics(constants: Constants) -> NDArray[np.longdouble]:
        """Return an empty matrix."""
        return np.zeros((0, 0), np.longdouble)

    @staticmethod
    def entry(constants: Constants) -> NDArray[np.float64]:
        """Return an empty vector."""
        return np.zeros(0)

    @staticmethod
    def kernel(times: NDArray[np.float64], constants: Constants) -> NDArray[np.float64]:
        """Return 1 at time 0: the impulse itself, in volts of jump."""
        return np.where(times == 0, 1.0, 0.0)
