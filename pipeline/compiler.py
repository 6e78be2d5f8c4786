"""The C++ compiler: which one, with which flags, and what to say when there is none."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Literal

from models.errors import Problem, SpecError

type Arch = Literal["native", "x86-64-v3", "x86-64-v2"]

STRICT_FLAGS = ("-std=c++17", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")
"""Strict floating point: no reordering, no fused operations, so that every machine gives the same bits; NaN stays NaN."""


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler and the flags that it is called with."""

    command: str
    version: str
    flags: tuple[str, ...]


def find_compiler(arch: Arch = "native") -> Compiler:
    """Return `$CXX`, or g++, with the project's flags.

    Raises
    ------
    SpecError
        If there is no such compiler or no `make`.
    """
    command = os.environ.get("CXX", "g++")
    for tool, kind in ((command, "C++ compiler"), ("make", "make program")):
        if shutil.which(tool) is None:
            raise SpecError(
                Problem(
                    "build",
                    f'finds no {kind} named "{tool}" on the PATH',
                    next="install one (Debian: apt-get install g++ make), or name another compiler in CXX",
                )
            )
    return Compiler(command, _read_version(command), (*STRICT_FLAGS, f"-march={arch}"))


@cache
def _read_version(command: str) -> str:
    result = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    return (result.stdout.splitlines() or ["unknown"])[0]
