"""Structures: a network's structure leads straight to its program, without Brian2.

Everything that shapes the C++ of a network is in the plans of its groups, in this package's sources, in the versions of
those that write code, and in the compiler. A hash of all that, the structure key, names a small file that says which
build it became, and what Brian2 read in the groups' equations.
"""

import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from models.assembly.objects import GroupVariables
from models.groups import GroupPlan
from pipeline.atomic import write_atomically
from pipeline.build_root import BuildRoot
from pipeline.compiler import Compiler
from pipeline.fingerprint import hash_parts
from pipeline.sources import PROGRAM, hash_sources, list_versions

_VERSION = 1
_PACKAGES = ("brian2", "sympy", "jinja2", "numpy")
"""What writes the statements of a program."""


@dataclass(frozen=True)
class Structure:
    """What a structure has become."""

    fingerprint: str
    """Of its build."""
    variables: dict[str, GroupVariables]
    """What the equations of each group declare, by its plan's name."""


def key_structure(plans: Iterable[GroupPlan], compiler: Compiler) -> str:
    """Return the structure key of a network's groups."""
    built_by = [compiler.version, compiler.flags, compiler.machine, list(sys.version_info[:2])]
    return hash_parts([_VERSION, hash_network(plans), built_by, hash_sources(PROGRAM), list_versions(_PACKAGES)])


def hash_network(plans: Iterable[GroupPlan]) -> str:
    """Return a hash of everything in the plans of a network's groups that is not a number."""
    return hash_parts([_describe_group(plan) for plan in plans])


def _describe_group(plan: GroupPlan) -> list[object]:
    """Return everything of a plan that is not a number."""
    texts = (plan.name, plan.equations, plan.threshold, plan.reset, plan.refractory, plan.method, plan.update)
    parameters = [[name, parameter.unit, parameter.values.size == 1] for name, parameter in plan.parameters.items()]
    sums = [[recorder, list(names)] for recorder, names in plan.sums.items()]
    # Initial values are inputs; those of traces are not there yet when a program is emitted.
    return [*texts, plan.arrivals, plan.end_of_step, parameters, sums, plan.n_neurons == 1]


def load_structure(root: BuildRoot, key: str) -> Structure | None:
    """Return what a structure has become; None when that is not known."""
    try:
        content = json.loads((root.structures / f"{key}.json").read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            return None
        return Structure(content["fingerprint"], {name: _read(group) for name, group in content["groups"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _read(group: dict[str, object]) -> GroupVariables:
    names, settable = group["names"], group["settable"]
    if not isinstance(names, list) or not isinstance(settable, dict):
        raise TypeError
    return GroupVariables(tuple(names), {name: tuple(powers) for name, powers in settable.items()})


def save_structure(root: BuildRoot, key: str, structure: Structure) -> None:
    """Note what a structure has become; without consequence where the build root cannot be written to."""
    groups = {name: vars(variables) for name, variables in structure.variables.items()}
    content = {"version": _VERSION, "fingerprint": structure.fingerprint, "groups": groups}
    with suppress(OSError):
        root.structures.mkdir(parents=True, exist_ok=True)
        write_atomically(root.structures / f"{key}.json", json.dumps(content) + "\n")
