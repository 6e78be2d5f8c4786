import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from brian2.units import allunits, stdunits
from brian2.units.fundamentalunits import get_or_create_dimension, get_unit

from models.units import BASE_UNITS, TABLE, name_dimension, read_units, write_product

ROOT = Path(__file__).parents[2]
ADVICE = "run .venv/bin/python tools/write-units, and look at what it changed"


@pytest.fixture(scope="module")
def units() -> dict[str, Any]:
    """Return every unit of the Brian2 that is installed, by all its names."""
    displayed = {unit.dispname: unit for unit in allunits.all_units if unit.dispname.isidentifier()}
    modules = (vars(allunits), vars(stdunits))
    named = {name: unit for names in modules for name, unit in names.items() if isinstance(unit, allunits.Unit)}
    return displayed | named


def test_the_table_has_every_unit_of_brian2_and_no_other(units: dict[str, Any]) -> None:
    """By name, in both directions; minute and hour are ours."""
    assert len(units) > 2000
    assert read_units().keys() - units.keys() == {"min", "h"}, ADVICE
    assert units.keys() - read_units().keys() == set(), ADVICE


def test_every_unit_is_what_brian2_says(units: dict[str, Any]) -> None:
    """Scale to the last bit, and all seven exponents."""
    for name, unit in units.items():
        found = read_units()[name]
        assert (float(found.scale), found.scale) == (float(unit), repr(float(unit))), (name, ADVICE)
        assert found.exponents == tuple(unit.dim._dims), (name, ADVICE)


def test_every_dimension_has_the_name_that_brian2_gives_it(units: dict[str, Any]) -> None:
    """As equations write it: one word where there is one, else a product of base units."""
    dimensions = {unit.dim for unit in units.values() if not unit.dim.is_dimensionless}
    assert len(dimensions) > 50
    for dimension in dimensions:
        name = repr(get_unit(dimension))
        assert name_dimension(tuple(dimension._dims)) == (name if name.isalpha() else repr(dimension))
    unnamed = get_or_create_dimension((1, 0, -2, 0.5, 0, 0, 0))
    assert name_dimension((1, 0, -2, 0.5, 0, 0, 0)) == write_product((1, 0, -2, 0.5, 0, 0, 0)) == repr(unnamed)
    assert name_dimension((0,) * 7) == "1"
    assert len(BASE_UNITS) == 7


def test_the_table_is_what_the_tool_writes() -> None:
    """Made from the installed version, which its first line names."""
    assert f"Brian2 {version('brian2')}," in TABLE.read_text().splitlines()[0], ADVICE
    code = "import runpy; print(*runpy.run_path('tools/write-units', run_name='tool')['write_lines'](), sep='\\n')"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == TABLE.read_text(), ADVICE


def test_quantities_do_not_wait_for_brian2() -> None:
    """A model is read and its groups are planned without Brian2, own equations included."""
    code = """
import sys
from models import load_network
from models.expand import expand_network
from models.groups import plan_groups
for model in ("hierarchy", "tests/networks/mixed.toml"):
    plan_groups(expand_network(load_network(model)), 1, "engine")
sys.exit("brian2" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
