"""The emit stage: Brian2 objects to a folder of C++ and the data that the program reads."""

import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import brian2
from brian2.core.base import BrianObjectException
from brian2.core.names import Nameable
from brian2.devices import reset_device, set_device
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

from models.assembly.neurons import refuse_equations
from models.assembly.objects import ReferenceAssembly
from pipeline.compiler import Compiler
from pipeline.signals import ignore_again

INCLUDE = Path(__file__).resolve().parent.parent / "models" / "include"
"""Headers of ours that generated programs include."""

ignore_again()  # Brian2 has been imported

# The body of a function that the program calls about twice a second: one JSON line on stderr.
_REPORT = r"""
fprintf(stderr, "{\"completed\": %.6f, \"elapsed_s\": %.3f}\n", completed, elapsed);
fflush(stderr);
"""
_REPORT_PERIOD_S = 0.5

# Brian2 makes a translation unit per code object, and each would parse the standard library again. A precompiled header
# halves the time from nothing (14 s instead of 33 s for a network of one group). What only sets up or writes arrays
# gains nothing from -O3.
_PRELUDE = """\
#include "objects.h"
#include "brianlib/common_math.h"
#include "brianlib/spikequeue.h"
#include <algorithm>
#include <chrono>
#include <climits>
#include <cmath>
#include <csignal>
#include <ctime>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <tuple>
"""
_RULES = """
# -w: the warnings of Brian2's templates are not ours to mend.
CXXFLAGS += %s -w
$(OBJS): CXXFLAGS += -include prelude.h
$(OBJS): prelude.h.gch
prelude.h.gch: prelude.h makefile
\t$(CXX) $(CXXFLAGS) -x c++-header $< -o $@
main.o objects.o run.o: CXXFLAGS += -O1
"""


_REFUSED_PARTS = {"No state updater": "method", "_thresholder": "threshold", "_resetter": "reset"}
"""Keys of a neuron's table by what Brian2's message mentions when it refuses them."""


@dataclass(frozen=True)
class Runtime:
    """The object files of a program that are the same for every network."""

    objects: tuple[str, ...]
    fingerprint: str
    """Of their sources, the compiler and its flags."""


@dataclass(frozen=True)
class SourceTree:
    """An emitted program, in a folder of its own."""

    folder: Path
    """`*.cpp`, `*.h`, `makefile`."""
    fingerprint: str
    """Of sources, compiler and flags: equal ones give the same binary."""
    runtime: Runtime | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class ReferenceTree(SourceTree):
    """An emitted program of Brian2's stock device, which reads and writes its arrays in folders of its own."""

    data: Path
    """Folder of the arrays that the program reads, as `static_arrays/` in its working directory."""
    results: dict[tuple[str, str], str]
    """Names of the files that the program writes, by Brian2 object and variable."""


@contextmanager
def activate_device[D: CPPStandaloneDevice](device: D) -> Iterator[D]:
    """Make a new device the active one; restore the caller's device and preferences."""
    wanted = {
        "codegen.cpp.compiler": "unix",
        # Ours are added to the makefile: Brian2 would try each of them on the compiler first.
        "codegen.cpp.extra_compile_args_gcc": [],
        "devices.cpp_standalone.openmp_threads": 0,
        "core.default_float_dtype": brian2.float64,
    }
    before = {name: brian2.prefs[name] for name in wanted}
    logger = logging.getLogger("brian2")
    level = logger.level
    # Brian2 logs every file that it writes, whole: a second of a small build.
    logger.setLevel(logging.WARNING)
    _set_preferences(wanted)
    set_device(device, build_on_run=False)
    try:
        with _free_names():
            yield device
    finally:
        reset_device()
        _set_preferences(before)
        logger.setLevel(level)


@contextmanager
def _free_names() -> Iterator[None]:
    """Let an object have its plain name although one of an earlier network, perhaps not yet collected, has it too.

    Otherwise code objects are numbered by what this process did before, and equal networks differ in their sources.
    """
    known = Nameable.__instances__()
    earlier = set(known)
    known.clear()
    try:
        yield
    finally:
        for reference in known:
            _mark_used(reference())
        known.update(earlier)


def _mark_used(item: Any) -> None:
    """Keep Brian2 from warning, when an object goes, that no network has run it: the engine's own program does."""
    if getattr(item, "_network", "not a Brian2 object") is None:
        item._network = "brian2currents"


def _set_preferences(values: dict[str, Any]) -> None:
    for name, value in values.items():
        brian2.prefs[name] = value


def emit_sources(
    assembly: ReferenceAssembly, device: CPPStandaloneDevice, compiler: Compiler, folder: Path
) -> ReferenceTree:
    """Write the C++ of an assembled network.

    Parameters
    ----------
    assembly : ReferenceAssembly
        Made while `device` was active.
    device : CPPStandaloneDevice
        The active device (`activate_device`).
    compiler : Compiler
    folder : Path
        New folder; `source/` and `static_arrays/` are made in it.

    Returns
    -------
    ReferenceTree
    """
    duration = assembly.n_steps * assembly.expanded.spec.network.dt.value * brian2.second
    try:
        assembly.network.run(duration, report=_REPORT, report_period=_REPORT_PERIOD_S * brian2.second, namespace={})
    except BrianObjectException as error:
        raise _explain_refusal(assembly, error) from error
    _sort_clocks(device)
    source = folder / "source"
    device.build(directory=str(source), compile=False, run=False)
    for header in INCLUDE.glob("*.h"):
        shutil.copy(header, source)
    (source / "prelude.h").write_text(_PRELUDE, encoding="utf-8")
    with (source / "makefile").open("a", encoding="utf-8") as makefile:
        makefile.write(_RULES % " ".join(compiler.flags))
    (source / "static_arrays").rename(folder / "static_arrays")
    (source / "results").rmdir()
    results = {
        (variable.owner.name, variable.name): device.get_array_filename(variable)
        for variable in (*device.arrays, *device.dynamic_arrays_2d)
        if hasattr(variable.owner, "name")
    }
    return ReferenceTree(source, fingerprint_sources(source, compiler), folder / "static_arrays", results)


def _sort_clocks(device: CPPStandaloneDevice) -> None:
    """Start the clocks in the order of their names; Brian2 takes that of a set, which differs from call to call."""
    names = {device.get_array_name(v) for v in device.arrays if isinstance(v.owner, brian2.Clock)}

    def name_clock(entry: tuple[str, Any]) -> str:
        """Return the array of a clock that an entry of the program sets; empty for other entries."""
        return str(entry[1][0]) if entry[0] == "set_by_single_value" and entry[1][0] in names else ""

    runs = groupby(device.main_queue, key=lambda entry: name_clock(entry) != "")
    device.main_queue[:] = [
        entry for is_clock, entries in runs for entry in (sorted(entries, key=name_clock) if is_clock else entries)
    ]


def _explain_refusal(assembly: ReferenceAssembly, error: BrianObjectException) -> Exception:
    """Return the spec's error when Brian2 refuses the modeller's own equations, else the error itself."""
    text = f"{error} {error.__cause__}"
    key = next((key for part, key in _REFUSED_PARTS.items() if part in text), "equations")
    for plan in assembly.plans:
        if plan.method is not None and f"'{plan.name}" in text:
            return refuse_equations(plan, key, error)
    same: Exception = error
    return same


def fingerprint_sources(source: Path, compiler: Compiler, *, without: str = "") -> str:
    """Return a hash of all files of a source tree but one, of the compiler and of its flags."""
    digest = hashlib.sha256("\n".join([compiler.version, *compiler.flags, compiler.machine]).encode())
    for path in sorted(path for path in source.rglob("*") if path.is_file() and path.name != without):
        digest.update(f"\n{path.relative_to(source)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
