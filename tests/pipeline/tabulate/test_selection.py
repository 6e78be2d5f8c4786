"""What is selected: neurons, populations, stretches of time; and what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import Problem, SpecError
from models.steps import step_time
from pipeline.recording import Recording
from pipeline.tabulate import (
    iterate_currents,
    tabulate_connectivity,
    tabulate_currents,
    tabulate_inputs,
    tabulate_rates,
    tabulate_spikes,
    tabulate_states,
)
from pipeline.time_axis import step_times


@pytest.mark.parametrize("neurons", [[1], [8, 9], [9, 2, 5, 2], range(3, 6), np.array([0, 4])], ids=str)
def test_select_neurons(recording: Recording, neurons: Any) -> None:
    """Chosen neurons have the rows that they have in the whole table, in the order of their indices."""
    whole = tabulate_currents(recording)
    part = tabulate_currents(recording, neurons=neurons)
    expected = whole[whole["neuron"].isin(list(neurons))].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, expected)
    assert len(part) == 20 * len(set(neurons))


@pytest.mark.parametrize(
    ("names", "expected"),
    [("L2E", ["L2E"]), (["L2I", "L1E"], ["L1E", "L2I"]), ("E", ["L1E", "L2E"]), (["I", "L2E"], ["L1I", "L2E", "L2I"])],
    ids=str,
)
def test_select_populations(recording: Recording, names: Any, expected: list[str]) -> None:
    """Names and labels choose populations; all tables keep all categories, in global order."""
    frames = [
        tabulate_currents(recording, populations=names),
        tabulate_spikes(recording, populations=names),
        tabulate_states(recording, populations=names),
        tabulate_rates(recording, populations=names),
    ]
    for frame in frames:
        assert list(frame["population"].cat.categories) == ["L1E", "L1I", "L2E", "L2I"]
        assert sorted(set(frame["population"])) == expected


def test_populations_and_neurons_intersect(recording: Recording) -> None:
    """A neuron must be in both selections."""
    assert set(tabulate_currents(recording, populations="L2E", neurons=[2, 5, 7])["neuron"]) == {5, 7}


@pytest.mark.parametrize(
    ("start", "stop", "ends_ms"),
    [
        ("5 ms", "8 ms", [6, 7, 8]),
        (0.005, 0.008, [6, 7, 8]),
        ("5.1 ms", "7.9 ms", [6, 7]),
        (None, "2 ms", [1, 2]),
        ("18 ms", None, [19, 20]),
        ("18 ms", "1 h", [19, 20]),
        ("5.2 ms", "5.3 ms", []),
        (0.1 + 0.2 - 0.297, 0.0050000000000000001, [4, 5]),
    ],
    ids=str,
)
def test_bins_between_times(recording: Recording, start: Any, stop: Any, ends_ms: list[int]) -> None:
    """Bins have start < t ≤ stop, with times that are a step's within rounding taken as that step's."""
    frame = tabulate_currents(recording, start=start, stop=stop)
    assert sorted(set(frame["time"])) == [float(f"{ms}e-3") for ms in ends_ms]
    assert len(frame) == 10 * len(ends_ms)


def test_times_are_decimal(recording: Recording) -> None:
    """A time is the float that its decimal number reads as, so it can be compared with one that is typed."""
    assert len(tabulate_currents(recording).query("time == 0.009")) == 10
    assert 90 * 0.0001 != 0.009


@settings(deadline=None)
@given(
    steps=st.lists(st.integers(0, 10**12), max_size=20),
    dt_s=st.sampled_from([1e-4, 1e-5, 2.5e-5, 0.1, 1.0, 20.0, 1 / 3e4, 1.2345678901234567e-4, 1e-30]),
)
def test_step_times_equal_step_time(steps: list[int], dt_s: float) -> None:
    """The vectorised times are those of the one definition, bit for bit."""
    assert list(step_times(steps, dt_s)) == [step_time(step, dt_s) for step in steps]


_REFUSED: dict[str, tuple[Callable[[Recording], object], Problem]] = {
    "population": (
        lambda r: tabulate_currents(r, populations=["L1R"]),
        Problem("populations", "names a population that does not exist", '"L1I"', '"L1R"'),
    ),
    "population, far off": (
        lambda r: tabulate_spikes(r, populations="thalamus"),
        Problem(
            "populations",
            "names a population that does not exist",
            '"E", "I", "L1E", "L1I", "L2E" or "L2I"',
            '"thalamus"',
        ),
    ),
    "channel": (
        lambda r: tabulate_currents(r, channels=["latteral"]),
        Problem("channels", 'names a channel of recorder "currents" that does not exist', '"lateral"', '"latteral"'),
    ),
    "variable": (
        lambda r: tabulate_states(r, variables="I_laterals"),
        Problem(
            "variables", 'names a variable of recorder "states" that does not exist', '"I_lateral"', '"I_laterals"'
        ),
    ),
    "drive": (
        lambda r: tabulate_inputs(r, drives="nois"),
        Problem("drives", "names a drive with sources that does not exist", '"noise"', '"nois"'),
    ),
    "pathway": (
        lambda r: tabulate_connectivity(r.folder, r.network, "laterl"),
        Problem("pathway", "names a pathway or drive with edges that does not exist", '"lateral"', '"laterl"'),
    ),
    "recorder": (
        lambda r: tabulate_currents(r, recorder="curents"),
        Problem("recorder", "names a recorder of currents that does not exist", '"currents"', '"curents"'),
    ),
    "recorder of rates": (
        lambda r: tabulate_rates(r, recorder="spike"),
        Problem("recorder", "names a recorder of spikes or rates that does not exist", '"spikes"', '"spike"'),
    ),
    "neuron": (
        lambda r: tabulate_currents(r, neurons=[3, 10]),
        Problem("neurons", "names one that does not exist", "0 to 9", "10"),
    ),
    "negative neuron": (
        lambda r: tabulate_spikes(r, neurons=-1),
        Problem("neurons", "names one that does not exist", "0 to 9", "-1"),
    ),
    "fractional neuron": (
        lambda r: tabulate_spikes(r, neurons=[1.5]),  # type: ignore[list-item]
        Problem("neurons", "are not global indices", "whole numbers", "float64 values"),
    ),
    "no neuron": (
        lambda r: tabulate_spikes(r, populations="L1E", neurons=[9]),
        Problem("populations and neurons", "select no neuron together"),
    ),
    "start": (
        lambda r: tabulate_spikes(r, start="20 ms"),
        Problem("start", "is not before the end of the run", "below 20 ms", '"20 ms"'),
    ),
    "stop": (
        lambda r: tabulate_currents(r, start="5 ms", stop=0.005),
        Problem("stop", "is not after start", "above 5 ms", "0.005 s"),
    ),
    "negative time": (
        lambda r: tabulate_currents(r, start=-1),
        Problem("start", "is not a time within a run", "0 s or more", "-1 s"),
    ),
    "dimension": (
        lambda r: tabulate_currents(r, stop="5 mV"),
        Problem("stop", "has the wrong dimension", 'a quantity in second, such as "1.5 ms"', '"5 mV"'),
    ),
    "bin beside dt": (
        lambda r: tabulate_rates(r, "0.15 ms"),
        Problem("bin", "is not a multiple of dt = 0.1 ms", '"0.1 ms" or "0.2 ms"', '"0.15 ms"'),
    ),
    "bin beside the run": (
        lambda r: tabulate_rates(r, "3 ms"),
        Problem("bin", "does not divide the run of 20 ms", '"2.5 ms" or "4 ms"', '"3 ms"'),
    ),
    "bin beside the recorder's": (
        lambda r: tabulate_rates(r, "1 ms", recorder="rates"),
        Problem("bin", 'is not made of whole bins of recorder "rates"', "a multiple of 20 steps", "10 steps"),
    ),
    "memory": (lambda r: iterate_currents(r, memory_mb=0), Problem("memory_mb", "is not above 0", got="0")),
}


@pytest.mark.parametrize("case", _REFUSED)
def test_refused(recording: Recording, case: str) -> None:
    """What does not exist is refused with what does: the whole message."""
    ask, problem = _REFUSED[case]
    with pytest.raises(SpecError) as caught:
        ask(recording)
    assert str(caught.value) == str(problem)
