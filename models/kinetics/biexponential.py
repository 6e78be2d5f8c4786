"""`biexponential`: the current rises with `tau_rise`, decays with `tau`, and peaks at the weight."""

import numpy as np
from numpy.typing import NDArray

from models.kinetics.base import Constants, Kinetics

_DIGITS = 60
"""Decimal digits of the normalisation: the two time constants may differ by as little as doubles can."""


class Biexponential(Kinetics):
    """dI/dt = (I_rise - I)/tau, dI_rise/dt = -I_rise/tau_rise; I_rise += b·Σw.

    b makes the peak equal to the weight; where the time constants coincide this is `alpha`.
    """

    name = "biexponential"
    time_constants = ("tau", "tau_rise")
    states = ("", "_rise")
    summary = "I(t) = w (exp(-t/tau) - exp(-t/tau_rise)) / peak"

    @staticmethod
    def equations(name: str) -> str:
        """Return the cascade of two filters."""
        return (
            f"dI_{name}/dt = (I_{name}_rise - I_{name})/tau_{name} : volt\n"
            f"dI_{name}_rise/dt = -I_{name}_rise/tau_rise_{name} : volt"
        )

    @staticmethod
    def dynamics(constants: Constants) -> NDArray[np.longdouble]:
        """Return [[-1/tau, 1/tau], [0, -1/tau_rise]]."""
        decay, rise = (1 / np.longdouble(constants[key]) for key in ("tau", "tau_rise"))
        return np.array([[-decay, decay], [0, -rise]], np.longdouble)

    @staticmethod
    def entry(constants: Constants) -> NDArray[np.float64]:
        """Return (0, b)."""
        return np.array([0.0, _peak_factor(constants["tau"], constants["tau_rise"])])

    @staticmethod
    def kernel(times: NDArray[np.float64], constants: Constants) -> NDArray[np.float64]:
        """Return the difference of exponentials over its peak, in a form that holds where the two coincide.

        exp(-t/tau) - exp(-t/tau_rise) = -exp(-t/tau) expm1(-t (1/tau_rise - 1/tau)).
        """
        tau, rise = constants["tau"], constants["tau_rise"]
        difference = (tau - rise) / (tau * rise)
        t_peak = tau if difference == 0 else tau * rise * np.log1p((tau - rise) / rise) / (tau - rise)

        def shape(t: NDArray[np.float64] | float) -> NDArray[np.float64]:
            slow = np.exp(-np.asarray(t) / tau)
            return slow * t if difference == 0 else -slow * np.expm1(-np.asarray(t) * difference) / difference

        return shape(times) / shape(t_peak)


def _peak_factor(tau: float, tau_rise: float) -> float:
    """Return b with which the current of one spike of weight 1 peaks at 1.

    Between the two filters a spike of weight 1 gives the current b·(exp(-t/tau) - exp(-t/tau_rise))/(tau·d) with
    d = 1/tau_rise - 1/tau, whose peak is at t = ln(tau/tau_rise)/d.
    """
    from mpmath import mp, mpf  # late: most networks have no such channel, and should not wait for it

    if tau == tau_rise:
        return float(mp.e)
    with mp.workdps(_DIGITS):
        decay, rise = mpf(1) / mpf(tau), mpf(1) / mpf(tau_rise)
        t_peak = mp.log(rise / decay) / (rise - decay)
        peak = decay * (mp.exp(-t_peak * decay) - mp.exp(-t_peak * rise)) / (rise - decay)
        return float(1 / peak)
