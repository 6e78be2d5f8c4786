"""The order within a step: events, state update, threshold, delivery, reset; against a script and number by number."""

from pathlib import Path

import brian2
import numpy as np
import pytest

from tests.networks.plain.comparison import check, give
from tests.networks.plain.given import DT_S, Floats, Given
from tests.networks.plain.order import SOURCE_FIRES, TARGETS_FIRE, run_order
from tests.networks.plain.ours import OurRun, run_ours

HERE = Path(__file__).parent
FREE, HELD, KERNEL = "L1F", "L1H", "L1K"
TARGETS = (FREE, HELD, KERNEL)
"""Without and with a refractory period of 20 steps, and without a reset."""
JUMP = float(np.float32(3e-3))
RESET = -5e-3
TAU_S = 20e-3
LEFT = float(np.exp(-DT_S / TAU_S))
"""What is left of v after a step."""
ROUNDING = 1e-13


def give_order(settings: dict[str, object] | None = None) -> Given:
    """Return the network of one source and three targets, with the events that make them fire."""
    kicks = [(step, "L1S", "1 V") for step in SOURCE_FIRES]
    kicks += [(step, target, "25 mV") for step in TARGETS_FIRE for target in TARGETS]
    events = [
        {"time": f"{step / 10} ms", "population": population, "index": 0, "set": "v", "value": value}
        for step, population, value in kicks
    ]
    return give(HERE / "order.toml", 10, {"event": events} | (settings or {}))


def take(given: Given, run: OurRun, variable: str, population: str) -> Floats:
    """Return (n_steps,) values of the one neuron of a population."""
    (neuron,) = given.neurons(population)
    (bins,) = (bins for bins in run.bins if bins.variable == variable and neuron in bins.neurons)
    return bins.values[:, list(bins.neurons).index(neuron)]


def spike_steps(given: Given, run: OurRun, population: str) -> list[int]:
    """Return the steps in which the one neuron of a population fired."""
    (neuron,) = given.neurons(population)
    return [int(step) for step, index in run.spikes if index == neuron]


@pytest.mark.parametrize("refractory_ms", [0, 2])
def test_order_as_in_the_script(refractory_ms: int) -> None:
    """Events, state update, threshold, delivery and reset come as in the script, also where nothing resets v."""
    given = give_order({"neuron.kernel.refractory": f"{refractory_ms} ms"})
    plain = run_order(given, refractory_ms * brian2.ms if refractory_ms else False)
    assert {int(neuron) for neuron in plain.spikes[:, 1]} == {0, 1, 2, 3}
    assert check(run_ours(given), plain) == {"v", "jump"}


def test_events_precede_the_state_update_and_the_threshold() -> None:
    """A neuron whose v is set fires in that very step, after v has decayed by one step."""
    given = give_order({"neuron.kernel.refractory": "2 ms"})
    ours = run_ours(given)
    assert spike_steps(given, ours, "L1S") == list(SOURCE_FIRES)
    assert all(20 in spike_steps(given, ours, target) for target in TARGETS)
    np.testing.assert_allclose(take(given, ours, "v", KERNEL)[20], 25e-3 * LEFT, rtol=ROUNDING)


def test_delivery_follows_the_state_update() -> None:
    """A spike without delay arrives in the step in which it is fired, and decays from the next one on."""
    given = give_order()
    ours = run_ours(given)
    for target in TARGETS:
        v = take(given, ours, "v", target)
        assert (v[:10] == 0).all()
        assert v[10] == JUMP
        np.testing.assert_allclose(v[11], JUMP * LEFT, rtol=ROUNDING)


def test_threshold_precedes_delivery() -> None:
    """A neuron that a jump takes above threshold ends the step there, and fires in the next one."""
    given = give_order()
    ours = run_ours(given)
    v = take(given, ours, "v", FREE)
    assert v[61] < 10e-3 < v[62]
    assert spike_steps(given, ours, FREE) == [20, 63]


@pytest.mark.parametrize("refractory", ["2 ms", "0 ms"])
def test_reset_follows_delivery(refractory: str) -> None:
    """A jump in the very step of a neuron's spike is recorded, and undone by the reset, refractory or not."""
    given = give_order({"neuron.held.refractory": refractory})
    ours = run_ours(given)
    for target, step in ((FREE, 20), (FREE, 63), (HELD, 20)):
        v, jump = (take(given, ours, name, target) for name in ("v", "jump"))
        assert step in spike_steps(given, ours, target)
        assert v[step] == RESET
        np.testing.assert_allclose(jump[step], JUMP * TAU_S / DT_S, rtol=ROUNDING)
    np.testing.assert_allclose(take(given, ours, "v", FREE)[64], RESET * LEFT, rtol=ROUNDING)


def test_refractory_neurons_ignore_what_is_recorded() -> None:
    """Jumps 5 and 19 steps after a spike leave v where it is; the one after 20 steps moves it. All are recorded."""
    given = give_order()
    ours = run_ours(given)
    v, jump = (take(given, ours, name, HELD) for name in ("v", "jump"))
    assert (v[20:40] == RESET).all()
    np.testing.assert_allclose(v[40], RESET * LEFT + JUMP, rtol=ROUNDING)
    assert np.flatnonzero(jump).tolist() == list(SOURCE_FIRES)
    np.testing.assert_allclose(jump[list(SOURCE_FIRES)], JUMP * TAU_S / DT_S, rtol=ROUNDING)


@pytest.mark.parametrize(("refractory", "moved"), [("0 ms", True), ("2 ms", False)])
def test_a_jump_in_the_step_of_a_spike_without_reset(refractory: str, moved: bool) -> None:
    """Where v is not reset, the jump stays, unless the spike has made the neuron refractory."""
    given = give_order({"neuron.kernel.refractory": refractory})
    ours = run_ours(given)
    assert 20 in spike_steps(given, ours, KERNEL)
    v, jump = (take(given, ours, name, KERNEL) for name in ("v", "jump"))
    np.testing.assert_allclose(v[20], 25e-3 * LEFT + (JUMP if moved else 0), rtol=ROUNDING)
    np.testing.assert_allclose(jump[20], JUMP * TAU_S / DT_S, rtol=ROUNDING)
