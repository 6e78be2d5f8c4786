"""The emit stage of the engine: the generated program, as a folder of C++ with a makefile."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import brian2

from models.assembly.neurons import make_group, read_variables
from models.assembly.objects import GroupVariables
from models.groups import GroupPlan
from pipeline.compiler import Compiler
from pipeline.emit import INCLUDE as SHARED_INCLUDE
from pipeline.emit import Runtime, SourceTree, activate_device, fingerprint_sources
from pipeline.engine.device import EngineCodeObject, EngineDevice, GroupCode, generate_group
from pipeline.exit_codes import write_header
from pipeline.structure import hash_network

INCLUDE = Path(__file__).resolve().parent / "include"
"""Headers of ours that make up the program, and its main file."""

_NETWORK = "network.cpp"
"""All that differs between networks."""
_RUNTIME_OBJECTS = ("part.o", "simulation.o", "crew.o", "profiler.o", "builder.o", "program.o")

_BRIAN2_HEADERS = ("devices/cpp_standalone/brianlib/common_math.h", "synapses/stdint_compat.h")
"""What Brian2's own functions need."""

_MAKEFILE = """\
CXX ?= g++
CXXFLAGS = -std=c++17 {flags} -Wall -Wextra -MMD -pthread
# The program shall run on machines that have no compiler.
LDFLAGS = -static-libstdc++ -static-libgcc

main: network.o part.o simulation.o crew.o profiler.o builder.o program.o
\t$(CXX) $(CXXFLAGS) $(LDFLAGS) $^ -o $@

# What runs once, or now and then, gains nothing from -O3, which takes three times as long.
simulation.o crew.o profiler.o builder.o program.o: CXXFLAGS += -O1

clean:
\trm -f main *.o *.d

-include *.d
"""


@dataclass(frozen=True)
class EmittedProgram:
    """The sources of a network's program, and what Brian2 read in the equations of its groups."""

    tree: SourceTree
    variables: dict[str, GroupVariables]
    """By the name of the group's plan."""


def emit_program(plans: tuple[GroupPlan, ...], dt_s: float, compiler: Compiler, folder: Path) -> EmittedProgram:
    """Write the C++ of a network.

    Parameters
    ----------
    plans : tuple of GroupPlan
        Made for the engine.
    dt_s : float
        The step, which Brian2's clock wants to know; it is no part of what is written.
    compiler : Compiler
    folder : Path
        New folder; `source/` is made in it.

    Raises
    ------
    SpecError
        If Brian2 does not accept the modeller's own equations.
    """
    with activate_device(EngineDevice()) as device:
        clock = brian2.Clock(dt=dt_s * brian2.second, name="step_clock")
        groups = {plan.name: make_group(plan, clock) for plan in plans}
        variables = {name: read_variables(group) for name, group in groups.items()}
        code = [generate_group(device, plan, groups[plan.name]) for plan in plans]
    source = folder / "source"
    source.mkdir(parents=True)
    _write_sources(code, hash_network(plans), compiler, source)
    runtime = Runtime(_RUNTIME_OBJECTS, fingerprint_sources(source, compiler, without=_NETWORK))
    return EmittedProgram(SourceTree(source, fingerprint_sources(source, compiler), runtime=runtime), variables)


def _write_sources(groups: list[GroupCode], network_key: str, compiler: Compiler, source: Path) -> None:
    for path in [*sorted(INCLUDE.iterdir()), *sorted(SHARED_INCLUDE.glob("*.h"))]:
        shutil.copy(path, source)
    (source / _NETWORK).write_text(_write_network(groups, network_key), encoding="utf-8")
    (source / "exit_codes.h").write_text(write_header(), encoding="utf-8")
    (source / "makefile").write_text(_MAKEFILE.format(flags=" ".join(compiler.flags)), encoding="utf-8")
    (source / "brianlib").mkdir()
    for name in _BRIAN2_HEADERS:
        shutil.copy(Path(brian2.__file__).parent / name, source / "brianlib")


def _write_network(groups: list[GroupCode], network_key: str) -> str:
    support = list(dict.fromkeys(text for group in groups for text in group.support))
    text = str(EngineCodeObject.templater.network(None, None, groups=groups, support=support, network_key=network_key))
    lines = (line.rstrip() for line in text.splitlines())
    # Blocks that turned out empty leave blank lines.
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
