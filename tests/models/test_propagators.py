"""Tests of the propagators against mpmath with 50 digits and more."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

from models.propagators import channel_propagators, expm_taylor, membrane_decay

DT, TAU_M = 1e-4, 0.02
EPSILONS = [0.0, *(sign * 10.0**-k for k in range(3, 16) for sign in (1, -1)), 1e-15, -1e-15]
RTOL = 4.5e-16
"""Two units in the last place of float64."""


def rates(*rows: list[Any]) -> NDArray[np.longdouble]:
    """Return a matrix in extended precision."""
    return np.array(rows, np.longdouble)


def inverse(tau: float) -> np.longdouble:
    """Return 1/tau in extended precision."""
    return np.longdouble(1.0) / np.longdouble(tau)


def close(value: Any, exact: mpmath.mpf, rtol: float = RTOL) -> bool:
    """Tell whether a float64 is within `rtol` of an mpmath number."""
    return bool(abs(mpmath.mpf(float(value)) - exact) <= rtol * abs(exact))


def exact_propagators(
    dt: float, tau_m: float, dynamics: list[list[Any]], output: list[float]
) -> tuple[mpmath.matrix, list[mpmath.mpf], list[mpmath.mpf]]:
    """p_ss, p_vs and mean by mpmath's own matrix exponential of (v, y, s)."""
    k = len(output)
    matrix = mpmath.zeros(k + 2)
    ratio = mpmath.mpf(dt) / mpmath.mpf(tau_m)
    matrix[0, 0] = -ratio
    for j in range(k):
        matrix[0, j + 2], matrix[1, j + 2] = ratio * output[j], mpmath.mpf(output[j])
        for i in range(k):
            matrix[i + 2, j + 2] = dynamics[i][j] * mpmath.mpf(dt)
    exponential = mpmath.expm(matrix, method="taylor")
    columns = range(2, k + 2)
    return exponential[2:, 2:], [exponential[0, j] for j in columns], [exponential[1, j] for j in columns]


def single_decay(tau_s: float, number: Any) -> list[list[Any]]:
    """Return the dynamics of an exponential channel."""
    return [[-1 / number(tau_s)]]


def check(
    dt: float, tau_m: float, dynamics: Callable[[Any], list[list[Any]]], output: list[float], rtol: float
) -> None:
    """Compare all coefficients of a channel; `dynamics` gets the constructor of exact numbers."""
    with mpmath.workdps(60):
        p_ss, p_vs, mean = exact_propagators(dt, tau_m, dynamics(mpmath.mpf), output)
        found = channel_propagators(dt, tau_m, rates(*dynamics(np.longdouble)), output)
        for i in range(len(output)):
            assert close(found.p_vs[i], p_vs[i], rtol)
            assert close(found.mean[i], mean[i], rtol)
            for j in range(len(output)):
                assert close(found.p_ss[i, j], p_ss[i, j], rtol)


@pytest.mark.parametrize("epsilon", sorted(set(EPSILONS)))
def test_exponential_channel_near_equal_time_constants(epsilon: float) -> None:
    """tau_s = tau_m(1 + epsilon): all coefficients to two units in the last place, by closed forms at 80 digits."""
    tau_s = TAU_M * (1.0 + epsilon)
    found = channel_propagators(DT, TAU_M, rates([-inverse(tau_s)]), [1.0])
    with mpmath.workdps(80):
        dt, tau, slow = mpmath.mpf(DT), mpmath.mpf(TAU_M), mpmath.mpf(tau_s)
        decay_m, decay_s = mpmath.exp(-dt / tau), mpmath.exp(-dt / slow)
        p_vs = dt / tau * decay_m if slow == tau else slow / (slow - tau) * (decay_s - decay_m)
        assert close(found.p_ss[0, 0], decay_s)
        assert close(found.p_vs[0], p_vs)
        assert close(found.mean[0], slow / dt * (1 - decay_s))
        assert close(membrane_decay(DT, TAU_M), decay_m)


@pytest.mark.parametrize("ratio", [1e-9, 1e-3, 0.3, 1.0, 10.0, 100.0, 700.0])
def test_any_step_is_accurate(ratio: float) -> None:
    """From steps of 1e-9 time constants to 700: membrane and channel alternately stiff."""
    for tau_m, tau_s in ((DT / ratio, TAU_M), (TAU_M, DT / ratio), (DT / ratio, DT / ratio * (1 + 1e-9))):
        check(DT, tau_m, partial(single_decay, tau_s), [1.0], 1e-15)


def test_the_stiffest_step_forgets_everything() -> None:
    """At dt = 1000 tau the decay is below float64 and is 0; the mean is tau/dt and v follows the current."""
    found = channel_propagators(DT, TAU_M, rates([-inverse(DT / 1000)]), [1.0])
    assert found.p_ss[0, 0] == membrane_decay(DT, DT / 1000) == 0.0
    assert found.mean[0] == pytest.approx(1e-3, rel=4e-16, abs=0)
    with mpmath.workdps(80):
        dt, tau, fast = mpmath.mpf(DT), mpmath.mpf(TAU_M), mpmath.mpf(DT / 1000)
        p_vs = fast / (fast - tau) * (mpmath.exp(-dt / fast) - mpmath.exp(-dt / tau))
    assert close(found.p_vs[0], p_vs, 1e-15)


@pytest.mark.parametrize("epsilon", [0.0, 1e-15, 1e-9, -1e-6, 1e-3, 1.0])
def test_alpha_channel(epsilon: float) -> None:
    """Two equal stages, near the membrane's time constant: x' = -x/tau, g' = (x - g)/tau, I = g."""
    tau_s = TAU_M * (1 + epsilon)
    check(
        DT,
        TAU_M,
        lambda number: [[-1 / number(tau_s), number(0)], [1 / number(tau_s), -1 / number(tau_s)]],
        [0.0, 1.0],
        RTOL,
    )


@pytest.mark.parametrize("epsilon", [0.0, 1e-15, 1e-9, -1e-6, 1e-3, 4.0])
@pytest.mark.parametrize("tau_decay", [0.01, TAU_M])
def test_biexponential_channel_whose_rise_meets_its_decay(epsilon: float, tau_decay: float) -> None:
    """A rise of tau_decay(1 + epsilon), and a decay that may be the membrane's: at worst three are equal."""
    rise = tau_decay * (1 + epsilon)
    check(
        DT,
        TAU_M,
        lambda number: [[-1 / number(rise), number(0)], [1 / number(rise), -1 / number(tau_decay)]],
        [0.0, 1.0],
        RTOL,
    )


def test_states_in_any_unit_are_accurate() -> None:
    """A stage in 1/s, whose coupling is 10^5 times the rates, loses nothing."""
    check(DT, TAU_M, lambda number: [[-number(100), number(0)], [number(10) ** 7, -number(100)]], [0.0, 1.0], RTOL)


def test_charge_is_conserved() -> None:
    """The means of all steps after one spike of weight 1 add up to tau_s: sum of mean·dt·p_ss^n."""
    found = channel_propagators(DT, TAU_M, rates([-inverse(0.01)]), [1.0])
    assert found.mean[0] * DT / (1.0 - found.p_ss[0, 0]) == pytest.approx(0.01, rel=1e-13, abs=0)


def test_neurons_are_computed_each_on_its_own() -> None:
    """Arrays of time constants, over several blocks, give bit for bit what single neurons give."""
    tau_m, tau_s = np.geomspace(1e-6, 1.0, 5000), np.geomspace(1.0, 1e-4, 5000)
    dynamics = (-1 / tau_s.astype(np.longdouble))[:, None, None]
    found = channel_propagators(DT, tau_m, dynamics, [1.0])
    assert (found.p_ss.shape, found.p_vs.shape, found.mean.shape) == ((5000, 1, 1), (5000, 1), (5000, 1))
    for i in [0, 1, 2500, 4095, 4096, 4999]:
        alone = channel_propagators(DT, float(tau_m[i]), dynamics[i], [1.0])
        assert found.p_ss[i] == alone.p_ss
        assert found.p_vs[i] == alone.p_vs
        assert found.mean[i] == alone.mean
        assert membrane_decay(DT, tau_m)[i] == membrane_decay(DT, float(tau_m[i]))


def test_one_channel_broadcasts_over_neurons() -> None:
    """One matrix for all neurons: p_ss is repeated, p_vs differs."""
    found = channel_propagators(DT, [0.01, 0.02, 0.03], rates([-100.0]), [1.0])
    assert found.p_ss.shape == (3, 1, 1)
    assert np.unique(found.p_ss).size == np.unique(found.mean).size == 1
    assert np.unique(found.p_vs).size == 3


def test_a_step_of_no_length_changes_nothing() -> None:
    """With dt = 0: identity, no contribution, and the mean is the current itself."""
    found = channel_propagators(0.0, TAU_M, rates([-100.0]), [2.0])
    assert (found.p_ss.tolist(), found.p_vs.tolist(), found.mean.tolist()) == ([[1.0]], [0.0], [2.0])
    assert membrane_decay(0.0, TAU_M) == 1.0


def test_expm_of_nilpotent_and_rotating_matrices() -> None:
    """A shift is a polynomial exactly; a rotation by 1 radian is cos and sin."""
    shift = expm_taylor(np.diag([1.0, 2.0], 1))
    assert shift.tolist() == [[1.0, 1.0, 1.0], [0.0, 1.0, 2.0], [0.0, 0.0, 1.0]]
    rotation = expm_taylor([[0.0, -1.0], [1.0, 0.0]]).astype(np.float64)
    assert rotation == pytest.approx(np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]]), rel=3e-16, abs=0)


def test_expm_keeps_the_shape() -> None:
    """Stacks of matrices, and empty stacks."""
    assert expm_taylor(np.zeros((2, 3, 4, 4))).shape == (2, 3, 4, 4)
    assert expm_taylor(np.zeros((0, 3, 3))).shape == (0, 3, 3)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (expm_taylor, (np.zeros((2, 3)),), "expm_taylor: a must hold square matrices (got (2, 3))"),
        (expm_taylor, ([[np.inf]],), "expm_taylor: every entry must be finite"),
        (membrane_decay, (-1.0, 1.0), "membrane_decay: dt must be finite and not negative (got -1.0)"),
        (membrane_decay, (DT, [0.1, 0.0]), "membrane_decay: tau_m must be finite and positive"),
        (membrane_decay, (DT, np.nan), "membrane_decay: tau_m must be finite and positive"),
        (
            channel_propagators,
            (DT, 0.1, [[1.0, 0.0], [0.0, 1.0]], [1.0]),
            "channel_propagators: dynamics must be (…, k, k) and output (k,) (got (2, 2) and (1,))",
        ),
        (
            channel_propagators,
            (DT, 0.1, -1.0, [1.0]),
            "channel_propagators: dynamics must be (…, k, k) and output (k,) (got () and (1,))",
        ),
    ],
)
def test_arguments_out_of_range_are_refused(function: Callable[..., Any], arguments: Any, message: str) -> None:
    """Shapes that do not fit, time constants that are none, steps backwards."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        function(*arguments)
