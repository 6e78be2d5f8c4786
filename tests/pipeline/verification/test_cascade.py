"""The recursive filters against direct convolution with the kernel."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import InternalError
from models.kinetics import find_kinetics
from pipeline.verification.cascade import Cascade, fit_outputs, fit_samples
from pipeline.verification.responses import Kernel, membrane_gains, step_means

DT_S = 1e-4
KERNELS = [
    ("exponential", {"tau": 10e-3}),
    ("exponential", {"tau": 0.05e-3}),
    ("alpha", {"tau": 10e-3}),
    ("biexponential", {"tau": 10e-3, "tau_rise": 1e-3}),
    ("biexponential", {"tau": 10e-3, "tau_rise": 10e-3}),
    ("biexponential", {"tau": 10e-3, "tau_rise": 10e-3 * (1 + 1e-9)}),
    ("biexponential", {"tau": 10e-3, "tau_rise": 10e-3 * (1 + 1e-4)}),
    ("biexponential", {"tau": 0.2, "tau_rise": 0.1}),
]


def name_kernel(kernel: tuple[str, dict[str, float]]) -> str:
    """Return a test's name."""
    return f"{kernel[0]}-{'-'.join(f'{tau:.10g}' for tau in kernel[1].values())}"


def make_kernel(name: str, constants: dict[str, float]) -> tuple[Kernel, list[float]]:
    """Return a kernel and the time constant of each of its states."""
    kind = find_kinetics()[name]
    taus = [constants["tau"], constants.get("tau_rise", constants["tau"])][: len(kind.states)]
    return lambda times: kind.kernel(times, constants), taus


def filter_in_chunks(
    arrivals: NDArray[np.float64], taus: list[float], factors: NDArray[np.float64], cuts: list[int]
) -> NDArray[np.float64]:
    """Return the factors times the outputs of a cascade that is run chunk by chunk."""
    cascade, parts = Cascade(taus, DT_S, arrivals.shape[1]), []
    for chunk in np.split(arrivals, cuts):
        outputs = cascade.run(chunk.copy())
        parts.append(sum(factor * rows for factor, rows in zip(factors, outputs, strict=True)))
    return np.concatenate(parts)


@pytest.mark.parametrize("n_columns", [1, 500])
@pytest.mark.parametrize("kernel", KERNELS, ids=name_kernel)
def test_equals_direct_convolution(kernel: tuple[str, dict[str, float]], n_columns: int) -> None:
    """Fitted outputs equal the sum over all arrivals of the step means of the kernel, however the steps are cut."""
    function, taus = make_kernel(*kernel)
    n_steps = 600
    arrivals = np.zeros((n_steps, n_columns))
    arrivals[[0, 3, 4, 250, 599]] = np.random.default_rng(1).uniform(1, 2, (5, n_columns))
    means = step_means(function, taus, DT_S, np.arange(n_steps))
    expected = np.array([means[n::-1] @ arrivals[: n + 1] for n in range(n_steps)])
    factors = fit_outputs("test", taus, DT_S, step_means(function, taus, DT_S, fit_samples(taus, DT_S)))
    found = filter_in_chunks(arrivals, taus, factors, [1, 2, 30, 333])
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-290)


@pytest.mark.parametrize("kernel", KERNELS, ids=name_kernel)
def test_step_means_conserve_charge(kernel: tuple[str, dict[str, float]]) -> None:
    """The step means add up to the integral of the kernel."""
    function, taus = make_kernel(*kernel)
    steps = np.arange(int(np.ceil(50 * max(taus) / DT_S)))
    shortest = min(taus) / 50
    times = (np.arange(0, 50 * max(taus), shortest) + shortest / 2)[:, np.newaxis]
    total = step_means(function, taus, DT_S, steps).sum() * DT_S
    assert total == pytest.approx(function(times).sum() * shortest, rel=1e-3)


@pytest.mark.parametrize("tau_m", [20e-3, 10e-3])
def test_membrane_gains_of_an_exponential(tau_m: float) -> None:
    """What an exponential current adds to v is the closed form, also where its time constant is the membrane's."""
    tau, steps = 10e-3, np.array([0, 1, 700])
    rates = 1 / tau_m - 1 / tau
    within = DT_S if rates == 0 else np.expm1(DT_S * rates) / rates
    expected = np.exp(-steps * DT_S / tau) * np.exp(-DT_S / tau_m) * within / tau_m
    found = membrane_gains(lambda t: np.exp(-t / tau), [tau], DT_S, np.array([tau_m, 5e-3]), steps)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-12)


def test_refuses_another_kernel() -> None:
    """A kernel that is no sum of exponentials with the given time constants is our own bug, and says so."""
    response = step_means(lambda t: np.exp(-t / 9.9e-3), [9.9e-3], DT_S, fit_samples([10e-3], DT_S))
    with pytest.raises(InternalError) as caught:
        fit_outputs('the kernel of channel "slow"', [10e-3], DT_S, response)
    expected = 'the kernel of channel "slow": is no sum of exponentials with the time constants [0.01] s.'
    assert str(caught.value) == expected
