"""What one arriving spike does in the steps that follow, by numerical integration of a kernel.

Two numbers per step matter: the mean of the current over the step, which is what is recorded, and what the current adds
to v in the step's exact update. Both are integrals of the kernel, computed here by Gauss–Legendre quadrature; no closed
form, propagator or matrix exponential is shared with the simulation.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Kernel = Callable[[Floats], Floats]
"""The current, in volts per volt of weight, at times in seconds after the arrival."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_MAX_PANELS = 4096


def quadrature(dt_s: float, taus: Sequence[float]) -> tuple[Floats, Floats]:
    """Return times within a step and their weights, in seconds, fine enough for the shortest time constant.

    Returns
    -------
    times, weights : (n_nodes,) float64
        Such that sum(weights · f(times)) is the integral of f from 0 to dt.
    """
    n_panels = min(_MAX_PANELS, int(np.ceil(dt_s / min(taus))))
    width = dt_s / n_panels
    starts = np.arange(n_panels)[:, np.newaxis] * width
    return (starts + width * (_NODES + 1) / 2).ravel(), np.tile(_WEIGHTS * width / 2, n_panels)


def step_means(kernel: Kernel, taus: Sequence[float], dt_s: float, steps: NDArray[np.int64]) -> Floats:
    """Return the mean of the kernel over each of some steps, counted from that of the arrival.

    Returns
    -------
    (n_steps,) float64
    """
    times, weights = quadrature(dt_s, taus)
    return np.asarray(kernel(steps[:, np.newaxis] * dt_s + times) @ weights) / dt_s


def membrane_gains(
    kernel: Kernel, taus: Sequence[float], dt_s: float, tau_m: Floats, steps: NDArray[np.int64]
) -> Floats:
    """Return what the current after an arrival adds to v over each of some steps, through tau_m dv/dt = … + I.

    The sum over the step of I(t) exp(-(dt - t)/tau_m) dt/tau_m.

    Parameters
    ----------
    kernel : Kernel
    taus : sequence of float
        Time constants of the kernel, seconds.
    dt_s : float
    tau_m : (n_neurons,) float64, seconds
    steps : (n_steps,) int64

    Returns
    -------
    (n_steps, n_neurons) float64, volts per volt
    """
    values, inverse = np.unique(tau_m, return_inverse=True)
    times, weights = quadrature(dt_s, [*taus, float(values[0])])
    decay = np.exp(-(dt_s - times)[:, np.newaxis] / values) * (weights[:, np.newaxis] / values)
    return np.asarray(kernel(steps[:, np.newaxis] * dt_s + times) @ decay)[:, inverse]
