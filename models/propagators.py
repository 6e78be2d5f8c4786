"""Exact propagators of a linear neuron with linear channels, stable where time constants coincide.

The neuron is dv/dt = (v_rest - v + I)/tau_m; a channel has a state s with ds/dt = A s and the current I = c·s. Over a
step without input, v and s are multiplied by the exponential of one matrix. Closed forms of its entries divide by
differences of time constants and fail where these vanish; the matrix exponential does not.

It is computed in extended precision with + - * / alone, in a fixed order, without BLAS or the C library: the
coefficients are the same on every x86-64 machine, where `numpy.longdouble` has 64 bits of mantissa.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Floats = NDArray[np.float64]
type ExtendedFloats = NDArray[np.longdouble]

_DEGREE = 24
"""Of the Taylor series; for a norm up to 1/2 the first term left out is below 2^-108."""
_BLOCK = 4096
"""Matrices worked on at a time, which bounds the memory for neurons that all differ."""


@dataclass(frozen=True, eq=False)
class ChannelPropagators:
    """What one step of length dt does to a channel's state s and, through it, to v.

    `batch` is the broadcast shape of the time constants: () or (n_neurons,).
    """

    p_ss: Floats
    """(*batch, k, k): the state at the end of the step is p_ss @ s."""
    p_vs: Floats
    """(*batch, k): v at the end of the step gains p_vs @ s, in the unit of the current (volts)."""
    mean: Floats
    """(*batch, k): the mean of the current over the step is mean @ s."""


def channel_propagators(dt: float, tau_m: ArrayLike, dynamics: ArrayLike, output: ArrayLike) -> ChannelPropagators:
    """Compute the propagators of one channel.

    All three are parts of exp(M) with the rows v, y, s and M = [[-dt/tau_m, 0, c·dt/tau_m], [0, 0, c], [0, 0, A·dt]];
    y is the integral of the current over the step, divided by dt.

    Parameters
    ----------
    dt : float
        Step, in seconds.
    tau_m : float or (n_neurons,) array
        Membrane time constant, in seconds.
    dynamics : (k, k) or (n_neurons, k, k) array
        A, in 1/s. Pass `numpy.longdouble`, for example ``-1 / np.longdouble(tau_s)``: rounding a rate to float64 alone
        gives exp(-dt/tau) a relative error of dt/tau·1e-16.
    output : (k,) array
        c, the current in volts per unit of each entry of the state.

    Returns
    -------
    ChannelPropagators
        Each coefficient rounded once to float64.

    Raises
    ------
    ValueError
        When a number is not finite, `dt` is negative, `tau_m` is not positive, or the shapes do not fit.
    """
    rates, row = np.asarray(dynamics, np.longdouble), np.asarray(output, np.longdouble)
    if rates.ndim < 2 or rates.shape[-2:] != (row.size, row.size) or row.ndim != 1:
        raise ValueError(
            f"channel_propagators: dynamics must be (…, k, k) and output (k,) (got {rates.shape} and {row.shape})"
        )
    ratio = _step_ratio("channel_propagators", dt, tau_m)
    exponential = expm_taylor(_augmented(ratio, rates * np.longdouble(dt), row))
    return ChannelPropagators(
        p_ss=exponential[..., 2:, 2:].astype(np.float64),
        p_vs=exponential[..., 0, 2:].astype(np.float64),
        mean=exponential[..., 1, 2:].astype(np.float64),
    )


def membrane_decay(dt: float, tau_m: ArrayLike) -> Floats:
    """Return exp(-dt/tau_m): what is left of v - v_rest after a step.

    Parameters
    ----------
    dt : float
        Step, in seconds.
    tau_m : float or (n_neurons,) array
        Time constant, in seconds.

    Returns
    -------
    float64 array of the shape of `tau_m`

    Raises
    ------
    ValueError
        When a number is not finite, `dt` is negative, or `tau_m` is not positive.
    """
    ratio = _step_ratio("membrane_decay", dt, tau_m)
    return expm_taylor(-ratio[..., None, None])[..., 0, 0].astype(np.float64)


def expm_taylor(a: ArrayLike) -> ExtendedFloats:
    """Return the exponential of matrices, by scaling and squaring with a Taylor series.

    Every matrix is treated on its own: its exponential does not depend on the others in the array. The relative error
    of an entry is about 1e-19 times the norm, as long as the entries that add up to it have one sign (so it is for
    chains of decays, the channels here).

    Parameters
    ----------
    a : (..., n, n) array

    Returns
    -------
    (..., n, n) longdouble

    Raises
    ------
    ValueError
        When `a` holds no square matrices or an entry is not finite.
    """
    matrices = np.asarray(a, np.longdouble)
    if matrices.ndim < 2 or matrices.shape[-1] != matrices.shape[-2]:
        raise ValueError(f"expm_taylor: a must hold square matrices (got {matrices.shape})")
    if not np.isfinite(matrices).all():
        raise ValueError("expm_taylor: every entry must be finite")
    flat = matrices.reshape(-1, *matrices.shape[-2:]) if matrices.size else matrices.reshape(0, 1, 1)
    # Neurons of a population follow each other and often have one time constant: equal neighbours are computed once.
    first = np.ones(len(flat), bool)
    first[1:] = (flat[1:] != flat[:-1]).any(axis=(1, 2))
    unlike = flat[first]
    result = np.empty_like(unlike)
    for start in range(0, len(unlike), _BLOCK):
        result[start : start + _BLOCK] = _expm_block(unlike[start : start + _BLOCK])
    return np.asarray(result[np.cumsum(first) - 1].reshape(matrices.shape))


def _expm_block(matrices: ExtendedFloats) -> ExtendedFloats:
    """Return the exponentials of an (n_matrices, n, n) array."""
    norms = np.abs(matrices).sum(axis=-1).max(axis=-1)
    n_squarings = np.maximum(np.frexp(norms)[1] + 1, 0)  # norm < 2^exponent, and < 1/2 after the scaling
    scaled = np.ldexp(matrices, -n_squarings[:, None, None])
    identity = np.eye(matrices.shape[-1], dtype=np.longdouble)
    result = np.broadcast_to(identity, matrices.shape)
    for k in range(_DEGREE, 0, -1):
        result = identity + _product(scaled, result) / np.longdouble(k)
    for i_squaring in range(int(n_squarings.max())):
        squared = _product(result, result)
        result = np.where((i_squaring < n_squarings)[:, None, None], squared, result)
    return result


def _product(a: ExtendedFloats, b: ExtendedFloats) -> ExtendedFloats:
    """Return the matrix product, each entry summed in the order of the inner index (`@` promises no order)."""
    total = a[..., :, 0, None] * b[..., 0, None, :]
    for k in range(1, a.shape[-1]):
        total = total + a[..., :, k, None] * b[..., k, None, :]
    return total


def _augmented(ratio: ExtendedFloats, scaled_rates: ExtendedFloats, row: ExtendedFloats) -> ExtendedFloats:
    """Return M of `channel_propagators`, (*batch, k + 2, k + 2)."""
    batch = np.broadcast_shapes(ratio.shape, scaled_rates.shape[:-2])
    matrix = np.zeros((*batch, row.size + 2, row.size + 2), np.longdouble)
    matrix[..., 0, 0] = -ratio
    matrix[..., 0, 2:] = ratio[..., None] * row
    matrix[..., 1, 2:] = row
    matrix[..., 2:, 2:] = scaled_rates
    return matrix


def _step_ratio(function: str, dt: float, tau_m: ArrayLike) -> ExtendedFloats:
    """Return dt/tau_m in extended precision, of the shape of `tau_m`."""
    tau = np.asarray(tau_m, np.longdouble)
    if not 0.0 <= dt < np.inf:
        raise ValueError(f"{function}: dt must be finite and not negative (got {dt!r})")
    if not bool(((tau > 0.0) & (tau < np.inf)).all()):
        raise ValueError(f"{function}: tau_m must be finite and positive")
    return np.asarray(np.longdouble(dt) / tau)
