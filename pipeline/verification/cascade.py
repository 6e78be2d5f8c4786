"""Convolution with a sum of exponentials as a cascade of one-pole filters, with the state carried from chunk to chunk.

A kernel with the time constants τ_1 … τ_k is, averaged step by step, a combination of the outputs of k one-pole filters
in a row, w_j[n] = exp(-dt/τ_j)·w_j[n-1] + w_{j-1}[n], with w_0 the arrivals. Equal time constants need no care: the
cascade then has the pole twice. The combination follows from the first k values of the response, and `fit_outputs`
refuses a response that is not of this form.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from models.errors import InternalError, Problem

type Floats = NDArray[np.float64]

_WIDE = 400
"""Columns from which on a loop over rows is faster than `lfilter`, which then takes long steps through memory."""
_FIT_RTOL = 1e-11
_TAIL = 2.0
"""Time constants after the arrival up to which a fit is checked."""


class Cascade:
    """One-pole filters in a row, run over the columns of consecutive chunks."""

    def __init__(self, taus: Sequence[float], dt_s: float, n_columns: int) -> None:
        self.poles = [float(np.exp(-dt_s / tau)) for tau in taus]
        self.last = [np.zeros(n_columns) for _ in taus]
        """(n_columns,) output of each filter in the last row."""

    def run(self, arrivals: Floats) -> list[Floats]:
        """Return the output of each filter, (n_rows, n_columns); the first overwrites the arrivals."""
        signal: Floats = arrivals
        outputs: list[Floats] = []
        for i_filter, pole in enumerate(self.poles):
            signal = signal.copy() if outputs else signal
            filter_rows(signal, pole, self.last[i_filter])
            outputs.append(signal)
        return outputs


def filter_rows(signal: Floats, pole: float, last: Floats) -> None:
    """Replace each row by itself plus `pole` times the row before; `last` is the row before, then the last one."""
    if signal.shape[1] < _WIDE:
        signal[...], _ = lfilter([1.0], [1.0, -pole], signal, axis=0, zi=pole * last[np.newaxis])
    else:
        before, product = last, np.empty_like(last)
        for row in signal:
            np.multiply(before, pole, out=product)
            row += product
            before = row
    last[...] = signal[-1]


def fit_samples(taus: Sequence[float], dt_s: float) -> NDArray[np.int64]:
    """Return the steps at which `fit_outputs` needs a response: the first, and one on the tail."""
    return np.array([*range(len(taus) + 1), len(taus) + 1 + int(min(_TAIL * max(taus) / dt_s, 1e6))])


def fit_outputs(place: str, taus: Sequence[float], dt_s: float, response: Floats) -> Floats:
    """Return what the outputs of a cascade are multiplied by to give a response.

    Parameters
    ----------
    place : str
        What the response is of, for errors.
    taus : sequence of float
    dt_s : float
    response : (n_taus + 2, ...) float64
        At the steps of `fit_samples`.

    Returns
    -------
    (n_taus, ...) float64

    Raises
    ------
    InternalError
        If the response is no combination of exponentials with these time constants.
    """
    steps = fit_samples(taus, dt_s)
    impulse = np.zeros((steps[-1] + 1, 1))
    impulse[0] = 1
    basis = np.hstack(Cascade(taus, dt_s, 1).run(impulse))[steps]
    outputs = np.linalg.solve(basis[: len(taus)], response[: len(taus)])
    if not np.allclose(basis @ outputs, response, rtol=_FIT_RTOL, atol=1e-300):
        raise InternalError(Problem(place, f"is no sum of exponentials with the time constants {[*taus]} s"))
    return np.asarray(outputs)
