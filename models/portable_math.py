"""Logarithm and normal quantile whose every bit is the same on every machine.

The C library's `log` may differ in its last bit between versions and processors, and one such bit can move an edge or
a weight. Everything here uses only operations that IEEE 754 defines exactly: + - * / sqrt, frexp and comparisons, each
as one NumPy call, so that no compiler can fuse two of them.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Floats = NDArray[np.float64]

_SQRT_HALF = 0.7071067811865476
_LN2_HIGH = 6.93147180369123816490e-01
"""ln 2 rounded to 33 bits: its product with any exponent is exact."""
_LN2_LOW = 1.90821492927058770002e-10
"""ln 2 - _LN2_HIGH."""
_ATANH_TERMS = tuple(1.0 / (2 * k + 1) for k in range(11))
"""2·atanh(s) = 2s·(1 + s²/3 + s⁴/5 + …); with |s| <= 0.172 the first term left out is below 1e-18 relative."""

_CENTRAL = (
    (3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125)
    + (45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727),
    (1.0, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077)
    + (21213.794301586595867, 39307.895800092710610, 28729.085735721942674, 5226.4952788528545610),
)
_MIDDLE = (
    (1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504)
    + (1.27045825245236838258, 0.241780725177450611770, 0.0227238449892691845833, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550)
    + (0.148103976427480074590, 0.0151986665636164571966, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)
_FAR = (
    (6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 0.296560571828504891230)
    + (0.0265321895265761230930, 0.00124266094738807843860, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525)
    + (7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)
"""Numerator and denominator, lowest power first, of PPND16: Wichura 1988, Algorithm AS 241, doi:10.2307/2347330."""


def log_portable(x: ArrayLike) -> Floats:
    """Return the natural logarithm, to a relative error of 5e-16.

    Parameters
    ----------
    x : float64 array
        Any shape. 0 gives -inf, a negative number NaN, as in `numpy.log` but without a warning.

    Returns
    -------
    float64 array of the same shape
    """
    values = np.asarray(x, np.float64)
    if values.size == 0 or (values.min() > 0.0 and values.max() < np.inf):  # NaN compares false
        return _log_of_positive(values)
    ordinary = (values > 0.0) & (values < np.inf)
    special = np.where(values == 0.0, -np.inf, np.where(values == np.inf, np.inf, np.nan))
    return np.where(ordinary, _log_of_positive(np.where(ordinary, values, 1.0)), special)


def log1p_portable(x: ArrayLike) -> Floats:
    """Return log(1 + x) for x > -1, accurate for small x as well.

    The logarithm of the rounded 1 + x is corrected by the ratio of x to what the rounding left of it (W. Kahan).
    """
    values = np.asarray(x, np.float64)
    rounded = 1.0 + values
    kept = rounded - 1.0
    ratio = np.divide(values, kept, out=np.ones_like(values), where=kept != 0.0)
    return np.where(kept == 0.0, values, log_portable(rounded) * ratio)


def normal_quantile(u: ArrayLike) -> Floats:
    """Return the quantile function of the standard normal distribution, to a relative error of about 1e-15.

    Algorithm AS 241, PPND16 (Wichura 1988, doi:10.2307/2347330), with `log_portable`.

    Parameters
    ----------
    u : float64 array
        Probabilities. 0 and 1 give -inf and inf, anything outside [0, 1] NaN.

    Returns
    -------
    float64 array of the same shape
    """
    probabilities = np.asarray(u, np.float64)
    q = probabilities.reshape(-1) - 0.5
    central = np.abs(q) <= 0.425
    quantiles = q * _ratio(_CENTRAL, 0.180625 - q * q)
    quantiles[~central] = _tail_quantile(probabilities.reshape(-1)[~central])
    return quantiles.reshape(probabilities.shape)


def _tail_quantile(u: Floats) -> Floats:
    """Return the quantile where |u - 1/2| > 0.425."""
    # 1 - u is exact there, by Sterbenz' lemma.
    r = np.sqrt(-log_portable(np.where(u < 0.5, u, 1.0 - u)))
    with np.errstate(invalid="ignore"):  # r is infinite where u is 0 or 1
        size = np.where(r <= 5.0, _ratio(_MIDDLE, r - 1.6), _ratio(_FAR, r - 5.0))
    size = np.where(np.isinf(r), np.inf, size)
    return np.where(u < 0.5, -size, size)


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Floats) -> Floats:
    """Return the quotient of two polynomials."""
    return _polynomial(coefficients[0], x) / _polynomial(coefficients[1], x)


def _polynomial(coefficients: tuple[float, ...], x: Floats) -> Floats:
    """Evaluate a polynomial, lowest power first, by Horner's rule."""
    total = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        np.multiply(total, x, out=total)
        np.add(total, coefficient, out=total)
    return total


def _log_of_positive(x: Floats) -> Floats:
    """Return the logarithm of positive, finite numbers."""
    mantissa, exponent = _split_near_one(x)
    s = (mantissa - 1.0) / (mantissa + 1.0)
    log_mantissa = 2.0 * s * _polynomial(_ATANH_TERMS, s * s)
    return np.asarray(exponent * _LN2_HIGH + (log_mantissa + exponent * _LN2_LOW))


def _split_near_one(x: Floats) -> tuple[Floats, Floats]:
    """Split x = mantissa·2^exponent with the mantissa in [sqrt(1/2), sqrt(2))."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < _SQRT_HALF
    mantissa = mantissa + mantissa * small
    return mantissa, np.subtract(exponent, small, dtype=np.float64)
