"""When two numbers count as equal.

A recorded value is the simulation's float64 value, rounded once to the recording's type. Both sides sum the same
float32 weights exactly and then multiply and add positive numbers, so every value of a channel, however far it has
decayed, is known to about 1e-13 of itself: the tolerance of a current is relative to the value itself. No scale
of the channel enters, so that nothing small hides behind something large: where the expected value is 0, nothing
but 0 will do. The one addition is the smallest number of the recording's type, for values that decayed below its
normal range.

v is a difference of terms of either sign and passes through 0: to the relative tolerance comes 1e-9 of the largest of
the neuron's own voltages (threshold, reset, rest).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

RTOL = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-9}
"""By the type of the recording."""
_DECAYED = {np.dtype(np.float32): 1.5e-45, np.dtype(np.float64): 1e-300}


@dataclass(frozen=True)
class Tolerance:
    """Two numbers are equal if they differ by at most `relative` times the expected one, plus `absolute`."""

    relative: float
    absolute: float

    def allowed(self, size: Floats) -> Floats:
        """Return the largest difference that is allowed from expected values of each size, which are not negative."""
        return size * self.relative + self.absolute


def current_tolerance(dtype: np.dtype[Any]) -> Tolerance:
    """Return the tolerance of currents that were recorded as `dtype`."""
    return Tolerance(RTOL[dtype], _DECAYED[dtype])


def voltage_tolerance(dtype: np.dtype[Any], scale_v: float) -> Tolerance:
    """Return the tolerance of v that was recorded as `dtype`; `scale_v` is the size of the neurons' own voltages."""
    return Tolerance(RTOL[dtype], RTOL[np.dtype(np.float64)] * scale_v)
