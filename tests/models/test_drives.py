"""Drives as functions of neuron and step: time-varying values, probabilities, currents and events, in NumPy."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.counter_rng import bits32, derive_key
from models.drives import (
    StepSeries,
    counts_function,
    current_function,
    event_function,
    fires_function,
    poisson_rows,
    read_series,
    source_key,
    source_probabilities,
)
from models.errors import SpecError
from models.expand import expand_network
from models.files import parse_model
from models.poisson import poisson_counts, poisson_thresholds
from models.quantities import Quantity
from models.spec import NetworkSpec, PoissonDrive
from models.values import Series

DT = 1e-4
MODEL = """
[network]
name = "drives"
dt = "0.1 ms"
duration = "10 ms"
seed = 4

[neuron.lif]
model = "lif"
tau_m = "10 ms"
v_threshold = "20 mV"
v_reset = "0 mV"

[layers]
count = 2
[layers.population.E]
size = 200
neuron = "lif"

[drive.noise]
kind = "poisson"
target = "E"
sources = 100
rate = { values = [0, 50], unit = "Hz", interval = "5 ms" }
polarity = "excitatory"
kinetics = "delta"
weight = "1 mV"
[drive.noise.layer.2]
rate = "20 Hz"

[drive.cue]
kind = "shared_poisson"
target = "E"
sources = 500
rate = { values = [100, 0], unit = "Hz", interval = "5 ms" }
polarity = "excitatory"
kinetics = "delta"
weight = "1 mV"

[drive.push]
kind = "current"
target = "E"
polarity = "excitatory"
value = { values = [1, 3], unit = "mV", interval = "5 ms" }
[drive.push.layer.2]
value = "2 mV"
"""


@pytest.fixture(scope="module")
def spec() -> NetworkSpec:
    """Return a network with one drive of each kind that varies in time."""
    return parse_model(MODEL, Path())


def numpy_body(function: Any) -> Any:
    """Return the NumPy implementation of a Brian2 function."""
    return function.pyfunc


def varying_rate(spec: NetworkSpec) -> Quantity | Series:
    """Return the rate of the drive that varies."""
    drive = spec.drive["noise"]
    assert isinstance(drive, PoissonDrive)
    return drive.rate


def test_a_series_holds_each_value_for_its_interval(spec: NetworkSpec) -> None:
    """0 Hz in steps 0 to 49, 50 Hz in steps 50 to 99."""
    series = read_series(varying_rate(spec), DT, 100, Path(), "drive.noise.rate")
    assert series.steps_per_value == 50
    assert [series.at(step) for step in (0, 49, 50, 99)] == [0, 0, 50, 50]


def test_a_constant_holds_forever() -> None:
    """One value, whatever the step."""
    series = read_series(Quantity("3 Hz", 3.0), DT, 10**9, Path(), "drive.noise.rate")
    assert series.at(0) == series.at(10**15) == 3


def test_a_series_that_is_too_short_is_refused(spec: NetworkSpec) -> None:
    """Two values of 5 ms do not do for a run of 10.1 ms."""
    with pytest.raises(SpecError) as caught:
        read_series(varying_rate(spec), DT, 101, Path(), "drive.noise.rate")
    assert str(caught.value) == (
        "drive.noise.rate: ends before the run does (expected values for 10.1 ms; got values for 10 ms)."
    )


def test_counts_vary_with_the_rate_and_by_layer(spec: NetworkSpec) -> None:
    """Each layer has its own key and rate; row -1 has no input at all."""
    rows = poisson_rows("noise", expand_network(spec).poisson_inputs, 4, DT, 100, Path())
    counts = numpy_body(counts_function("counts_noise", rows))
    neurons, ones = np.arange(200), np.ones(200, int)
    assert [row.population for row in rows] == ["L1E", "L2E"]
    assert not counts(0 * ones, neurons, 49).any()
    for step in (50, 77):
        key = derive_key(4, "poisson", "noise", "L1E")
        expected = poisson_counts(poisson_thresholds(100 * 50 * DT), bits32(key, neurons, step))
        assert expected.sum() > 50
        np.testing.assert_array_equal(counts(0 * ones, neurons, step), expected)
    total = sum(counts(ones, neurons, step).sum() for step in range(100))
    assert abs(total - 4000) < 4 * np.sqrt(4000)
    assert not counts(-ones, neurons, 50).any()


def test_counts_of_one_neuron_do_not_depend_on_which_others_are_asked_for(spec: NetworkSpec) -> None:
    """A pure function of row, neuron and step: any subset, in any order, gives the same counts."""
    rows = poisson_rows("noise", expand_network(spec).poisson_inputs, 4, DT, 100, Path())
    counts = numpy_body(counts_function("counts_noise", rows))
    whole = counts(np.ones(200, int), np.arange(200), 12)
    some = np.array([150, 3, 77])
    assert whole.any()
    np.testing.assert_array_equal(counts(np.ones(3, int), some, 12), whole[some])


def test_sources_fire_with_their_probability(spec: NetworkSpec) -> None:
    """500 sources of 100 Hz for 5 ms, then of 0 Hz: 250 spikes within four standard deviations, then none."""
    (group,) = expand_network(spec).source_groups
    probabilities = source_probabilities(group, DT, 100, Path())
    assert probabilities.at(0) == pytest.approx(0.01)
    fires = numpy_body(fires_function("fires_cue", source_key(4, "cue"), probabilities))
    spikes = np.array([fires(np.arange(500), step) for step in range(100)])
    assert abs(spikes[:50].sum() - 250) < 4 * np.sqrt(250)
    assert not spikes[50:].any()


def test_a_source_cannot_fire_twice_in_a_step(spec: NetworkSpec) -> None:
    """A rate above 1/dt is refused."""
    (group,) = expand_network(spec).source_groups
    with pytest.raises(SpecError) as caught:
        source_probabilities(replace(group, rate=Quantity("10.1 kHz", 10100.0)), DT, 100, Path())
    assert str(caught.value) == (
        "drive.cue.rate: makes a source fire more than once in a step (expected rate · dt ≤ 1)."
    )


def test_currents_vary_in_time_and_by_layer(spec: NetworkSpec) -> None:
    """1 then 3 mV in layer 1, 2 mV in layer 2, nothing in row -1."""
    inputs = expand_network(spec).injected_currents
    current = numpy_body(current_function("inject_push", inputs, DT, 100, Path()))
    rows = np.array([0, 1, -1])
    np.testing.assert_allclose(current(rows, 49), [1e-3, 2e-3, 0], rtol=1e-15)
    np.testing.assert_allclose(current(rows, 50), [3e-3, 2e-3, 0], rtol=1e-15)


def test_events_set_one_neuron_in_one_step() -> None:
    """The last of two events of the same neuron and step wins; other neurons and steps keep their values."""
    steps, neurons = np.array([3, 3, 5]), np.array([1, 1, 0], np.int32)
    event = numpy_body(event_function("event_v", steps, neurons, np.array([7.0, 8.0, 9.0]), 1))
    before = np.array([0.5, 0.6])
    np.testing.assert_array_equal(event(before, np.arange(2), 2), before)
    np.testing.assert_array_equal(event(before, np.arange(2), 3), [0.5, 8.0])
    np.testing.assert_array_equal(event(before, np.arange(2), 5), [9.0, 0.6])
    np.testing.assert_array_equal(before, [0.5, 0.6])


def test_the_last_value_of_a_series_holds_on() -> None:
    """Beyond the end there is no other value than the last."""
    assert StepSeries(np.array([1.0, 2.0]), 10).at(1000) == 2
