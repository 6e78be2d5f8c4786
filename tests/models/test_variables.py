"""The variables of neurons by the spec alone are those that Brian2 reads in the equations of their groups."""

import re
from pathlib import Path

import pytest
from brian2 import Equations

from models import list_networks, load_network
from models.expand import expand_network
from models.groups import plan_groups
from models.quantities import parse_any_quantity
from models.spec import NetworkSpec
from models.variables import Variable, list_variables, read_equations

ADDED = r"(decay|entry|in|keep|mean|propagate|scale|state|sum)_|injected_|.*_into_v$"
"""What the engine adds to what the model says."""
NETWORKS = (*list_networks(), "everything", "mixed", "rules", "small_hierarchy", "refractory")
AS_WRITTEN: dict[str, dict[str, object]] = {
    "traced_synapses": {"pathway.slow.lower": False},
    "population_rate": {"pathway.slow.lower": False},
}


@pytest.fixture(params=[*NETWORKS, *(f"{name} as written" for name in AS_WRITTEN)])
def spec(request: pytest.FixtureRequest, networks: Path) -> NetworkSpec:
    """Return a network."""
    name = request.param.removesuffix(" as written")
    own = networks / f"{name}.toml"
    return load_network(own if own.exists() else name, AS_WRITTEN[name] if name != request.param else {})


def test_all_that_brian2_reads_is_known(spec: NetworkSpec) -> None:
    """Names, and which of them an event may set, of every group; what the engine adds is no variable of the model."""
    known = list_variables(spec)
    for plan in plan_groups(expand_network(spec), 1, "engine"):
        variables = known[plan.populations[0].name]
        assert variables is not None
        equations = Equations(plan.equations)
        added = {name for name in equations.names if re.match(ADDED, name)}
        assert set(variables) == set(equations.names) - added
        for name, variable in variables.items():
            flags = {"constant", "shared"}.intersection(equations[name].flags)
            assert variable.settable == (name not in equations.subexpr_names and not flags), name
            if variable.settable and variable.is_real:
                dimensions = tuple(map(float, equations[name].dim._dims))
                assert parse_any_quantity(f"1 {variable.unit}")[1] == dimensions, name


TEXTS = [
    "dv/dt = -v/tau : volt",
    "dv/dt = -v/tau : volt (unless refractory)\nw : 1 (constant, shared)",
    "dv/dt = (a +\n   b*c)/tau : volt  # a comment: with a colon\n\n  x = v > 1*mV : boolean\n",
    "  # nothing but a comment\ndv/dt=-v/tau:volt\nn : integer\nrate = 3*Hz : hertz (constant over dt)",
    "g : siemens * meter ** -2\nddt : second\ndd/dt = 1/second : 1\ni_1 : amp(constant)",
    "v : metre/second**2",
]


@pytest.mark.parametrize("text", TEXTS)
def test_equations_are_read_as_brian2_reads_them(text: str) -> None:
    """Expressions over several lines, comments, flags and units."""
    equations, variables = Equations(text), read_equations(text)
    assert variables is not None
    assert set(variables) == set(equations.names)
    computed = {name for name, variable in variables.items() if not variable.settable}
    fixed = {name for name in equations.names if {"constant", "shared"}.intersection(equations[name].flags)}
    assert computed == equations.subexpr_names | fixed
    assert {name for name, variable in variables.items() if variable.kind == "computed"} == equations.subexpr_names
    shared = {name for name in set(variables) - equations.subexpr_names if "shared" in equations[name].flags}
    assert {name for name, variable in variables.items() if variable.kind == "shared"} == shared


@pytest.mark.parametrize("text", ["dv/dt = -v/tau", "v = 3", "v : volt w : volt", "1v : volt", "dv/dt : volt", "v +"])
def test_what_brian2_cannot_read_is_not_judged(text: str) -> None:
    """Brian2 says what is wrong with it when the program is made."""
    assert read_equations(text) is None


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        *[("volt", "V"), ("mV", "V"), ("1", ""), ("integer", ""), ("siemens", "S"), ("nothing", "")],
        ("volt/second", "metre ** 2 * kilogram * second ** -4 * amp ** -1"),
    ],
)
def test_units_of_variables_in_tables(unit: str, shown: str) -> None:
    """The SI unit by its symbol, or by base units where it has none of its own; none of what Brian2 will refuse."""
    assert Variable(unit, "state").si_unit == shown
