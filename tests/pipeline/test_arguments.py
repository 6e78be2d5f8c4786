"""What the Python interface takes besides what a model file can say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brian2 import Hz, Quantity, ms, mV, nS, second

from models.errors import SpecError
from models.files import load_network
from models.quantities import parse_any_quantity
from pipeline import plan_run, simulate
from pipeline.arguments import read_value, read_whole


@pytest.mark.parametrize("number", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_whole_numbers(number: Any) -> None:
    """Whatever Python would index a list with becomes a plain number."""
    whole = read_whole("seed", number)
    assert (whole, type(whole)) == (3, int)


@pytest.mark.parametrize("ask", [simulate, plan_run])
@pytest.mark.parametrize(("value", "shown"), [(3.0, "3.0"), ("3", '"3"'), (np.float64(2), "2.0")])
@pytest.mark.parametrize("place", ["seed", "threads"])
def test_no_whole_number(tmp_path: Path, ask: Any, place: str, value: object, shown: str) -> None:
    """Any other is refused before anything is written."""
    with pytest.raises(SpecError) as caught:
        ask("hierarchy", build_root=tmp_path / "root", **{place: value})
    assert str(caught.value) == f"{place}: is no whole number (got {shown})."
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ask", [simulate, plan_run])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed: is out of range (expected 0 to 9223372036854775807; got -1)."),
        ({"duration": "1"}, 'duration: has no unit (expected a quantity in second, such as "1.5 ms"; got "1").'),
        ({"build_root": ""}, 'build_root: names no folder (got "").'),
    ],
    ids=["seed", "duration", "build_root"],
)
def test_errors_name_arguments_not_options(
    tmp_path: Path, ask: Any, arguments: dict[str, object], message: str
) -> None:
    """As they were given from Python; the command names its options."""
    with pytest.raises(SpecError) as caught:
        ask("hierarchy", **{"build_root": tmp_path / "root"} | arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "quantity", [0.6 * mV, 1000 * ms, ms, 0.1 * mV + 0.2 * mV, 12 * Hz, 1 / 3 * nS, 2 * mV / second, -0.7 * mV]
)
def test_quantities_become_text_of_the_same_value(quantity: Quantity) -> None:
    """The text reads back as the same float64, in the same dimension."""
    text = read_value(quantity)
    assert isinstance(text, str)
    back, exponents = parse_any_quantity(text)
    assert back.value == float(quantity)
    assert exponents == tuple(map(float, quantity.dim._dims))


def test_arrays_become_lists() -> None:
    """Arrays of numbers, and of quantities, wherever they are."""
    values = {"values": np.array([1, 2]) * mV, "neurons": np.arange(2), "nested": [np.float32(0.5), (1 * ms,)]}
    assert read_value(values) == {
        "values": ["0.001 volt", "0.002 volt"],
        "neurons": [0, 1],
        "nested": [0.5, ["0.001 second"]],
    }
    assert type(read_value(np.float64(0.5))) is float
    assert read_value(0.5 * mV / mV) == 0.5
    assert read_value(None) is None


def test_settings_of_quantities_are_those_of_text() -> None:
    """A model with them has the same numbers."""
    given: dict[str, object] = {"pathway.inhibition.weight": 0.6 * mV, "drive.background.rate": 12 * Hz}
    spec = load_network("hierarchy", read_value(given))
    assert spec.pathway["inhibition"].weight.value == 0.6e-3  # type: ignore[union-attr]
    text = load_network("hierarchy", {"drive.background.rate": "12 Hz"})
    assert spec.drive["background"].rate.value == text.drive["background"].rate.value  # type: ignore[union-attr]
