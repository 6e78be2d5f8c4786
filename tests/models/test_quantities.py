import pytest
from brian2.units import allunits
from hypothesis import given, settings
from hypothesis import strategies as st

from models.quantities import (
    HERTZ,
    NUMBER,
    SECOND,
    VOLT,
    Dimension,
    QuantityError,
    parse_any_quantity,
    parse_quantity,
    show_value,
    split_quantity,
)

READ = [
    ("0.3 mV", VOLT, 0.0003),
    ("-70mV", VOLT, -0.07),
    ("1e-3*volt", VOLT, 0.001),
    (".5 uV", VOLT, 5e-7),
    ("5. ms", SECOND, 0.005),
    ("2 min", SECOND, 120.0),
    ("1.5 h", SECOND, 5400.0),
    ("12 Hz", HERTZ, 12.0),
    ("3 1/second", HERTZ, 3.0),
    ("3 /second", HERTZ, 3.0),
    ("2 ms**-1", HERTZ, 2000.0),
    ("2 nA*Mohm", VOLT, 0.002),
    ("0.5", NUMBER, 0.5),
    (7, NUMBER, 7.0),
    ("3 mV/ms", Dimension("volt/second", "1 mV/ms"), 3.0),
    ("0 V", VOLT, 0.0),
]


@pytest.mark.parametrize(("text", "dimension", "value"), READ, ids=[str(case[0]) for case in READ])
def test_a_quantity_has_its_value_in_si_units(text: object, dimension: Dimension, value: float) -> None:
    """A text is read to exactly the float that one would write in SI units."""
    assert parse_quantity(text, dimension).value == value


REFUSED = [
    ("", "is not a number with a unit", 'text such as "0.2 mV"', '""'),
    ("mV", "is not a number with a unit", 'text such as "0.2 mV"', '"mV"'),
    (True, "is not a number with a unit", 'text such as "0.2 mV"', "true"),
    ([1], "is not a number with a unit", 'text such as "0.2 mV"', "[1]"),
    ("nan mV", "is not finite", "a finite number", '"nan mV"'),
    ("-inf", "is not finite", "a finite number", '"-inf"'),
    (float("inf"), "is not finite", "a finite number", "inf"),
    ("1e999 mV", "is beyond what a float64 can hold", "1e-308 to 1e308 in SI units, or 0", '"1e999 mV"'),
    ("1e-999 mV", "is beyond what a float64 can hold", "1e-308 to 1e308 in SI units, or 0", '"1e-999 mV"'),
    ("1e99999999 V", "is beyond what a float64 can hold", "1e-308 to 1e308 in SI units, or 0", '"1e99999999 V"'),
    ("1 mVolt", 'has the unknown unit "mVolt"', '"mV"', '"mVolt"'),
    ("0.1 mv", 'has the unknown unit "mv"', '"mV"', '"mv"'),
    ("50 µV", "has a unit that cannot be read", '"uV"', '"µV"'),
    ("50 μV", "has a unit that cannot be read", '"uV"', '"μV"'),
    ("2 nA*MΩ", 'has the unknown unit "MΩ"', '"Mohm"', '"nA*MΩ"'),
    ("2 Ω*A", "has a unit that cannot be read", '"ohm*A"', '"Ω*A"'),
    ("1 furlong", 'has the unknown unit "furlong"', "a unit that Brian2 knows", '"furlong"'),
    ("1 mV + 1 mV", "has a unit that cannot be read", "a product of Brian2 units", '"mV + 1 mV"'),
    ("1 __import__('os')", 'has the unknown unit "__import__"', "a unit that Brian2 knows", "\"__import__('os')\""),
    ("1 ms", "has the wrong dimension", 'a quantity in volt, such as "0.2 mV"', '"1 ms"'),
    (3, "has no unit", 'a quantity in volt, such as "0.2 mV"', "3"),
]


@pytest.mark.parametrize(("raw", "what", "expected", "got"), REFUSED, ids=[str(case[0])[:20] for case in REFUSED])
def test_what_is_not_a_voltage_is_refused(raw: object, what: str, expected: str, got: str) -> None:
    """Each way of not being a voltage has words of its own, and nothing is evaluated."""
    with pytest.raises(QuantityError) as caught:
        parse_quantity(raw, VOLT)
    assert (caught.value.what, caught.value.expected, caught.value.got) == (what, expected, got)


@pytest.mark.parametrize(
    ("text", "dimension", "near"),
    [("10 hz", HERTZ, "Hz"), ("1 khz", HERTZ, "kHz"), ("5 msec", SECOND, "ms"), ("5 sec", SECOND, "s")],
)
def test_a_unit_of_the_wanted_dimension_is_suggested(text: str, dimension: Dimension, near: str) -> None:
    """Capitals and usual abbreviations lead to the unit that was meant, not to one that is spelt nearly so."""
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text, dimension)
    assert caught.value.expected == f'"{near}"'


def test_a_unit_where_a_number_is_wanted_is_refused() -> None:
    """A number without a unit is asked for in those words."""
    with pytest.raises(QuantityError) as caught:
        parse_quantity("3 mV", NUMBER)
    assert caught.value.expected == "a number without a unit, such as 0.5"


@given(
    value=st.floats(1e-200, 1e200).flatmap(lambda x: st.sampled_from([x, -x])),
    unit=st.sampled_from(sorted({"mvolt", "msecond", "hertz", "nsiemens", "pfarad", "Mohm", "Evolt"})),
)
@settings(max_examples=50, deadline=None)
def test_values_agree_with_brian2(value: float, unit: str) -> None:
    """A number times its unit is Brian2's, to one rounding, and so is the dimension."""
    reference = value * getattr(allunits, unit)
    quantity, exponents = parse_any_quantity(f"{value!r} {unit}")
    assert quantity.value == pytest.approx(float(reference), rel=3e-16, abs=0)
    assert exponents == tuple(reference.dim._dims)


def test_a_number_and_its_unit_come_apart() -> None:
    """The exponent of a number is not taken for a unit that starts with E, nor such a unit for an exponent."""
    assert split_quantity("1e3 Evolt") == ("1e3", "Evolt")
    assert split_quantity("5 Evolt") == ("5", "Evolt")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a\nb", '"a\\nb"'),
        (True, "true"),
        ({"uniform": ["1 mV", 2]}, '{ uniform = ["1 mV", 2] }'),
        (1 << 99999, "a whole number of 100000 bits"),
        ("x" * 99, '"' + "x" * 76 + "..."),
        ({}, "{}"),
    ],
    ids=["text", "flag", "table", "huge", "long", "empty"],
)
def test_values_are_shown_as_in_the_model_file(raw: object, text: str) -> None:
    """Messages show TOML on one line, never longer than 80 characters."""
    assert show_value(raw) == text
    assert len(show_value(raw)) <= 80
