"""The emit stage of the engine: the generated program, as a folder of C++ with a makefile."""

import re
import shutil
from pathlib import Path

import brian2

from models.assembly import Assembly
from pipeline.compiler import Compiler
from pipeline.emit import INCLUDE as SHARED_INCLUDE
from pipeline.emit import Runtime, SourceTree, fingerprint_sources
from pipeline.engine.device import EngineCodeObject, EngineDevice, GroupCode, generate_group
from pipeline.exit_codes import write_header

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


def emit_program(assembly: Assembly, device: EngineDevice, compiler: Compiler, folder: Path) -> SourceTree:
    """Write the C++ of an assembled network.

    Parameters
    ----------
    assembly : Assembly
        Made for the engine while `device` was active.
    device : EngineDevice
    compiler : Compiler
    folder : Path
        New folder; `source/` is made in it.

    Returns
    -------
    SourceTree
    """
    groups = [generate_group(device, plan, assembly.groups[plan.name]) for plan in assembly.plans]
    source = folder / "source"
    source.mkdir(parents=True)
    for path in [*sorted(INCLUDE.iterdir()), *sorted(SHARED_INCLUDE.glob("*.h"))]:
        shutil.copy(path, source)
    (source / _NETWORK).write_text(_write_network(groups), encoding="utf-8")
    (source / "exit_codes.h").write_text(write_header(), encoding="utf-8")
    (source / "makefile").write_text(_MAKEFILE.format(flags=" ".join(compiler.flags)), encoding="utf-8")
    (source / "brianlib").mkdir()
    for name in _BRIAN2_HEADERS:
        shutil.copy(Path(brian2.__file__).parent / name, source / "brianlib")
    runtime = Runtime(_RUNTIME_OBJECTS, fingerprint_sources(source, compiler, without=_NETWORK))
    return SourceTree(source, fingerprint_sources(source, compiler), runtime=runtime)


def _write_network(groups: list[GroupCode]) -> str:
    support = list(dict.fromkeys(text for group in groups for text in group.support))
    text = str(EngineCodeObject.templater.network(None, None, groups=groups, support=support))
    lines = (line.rstrip() for line in text.splitlines())
    # Blocks that turned out empty leave blank lines.
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
