"""The C++ compiler: which one, with which flags, and what to say when there is none."""

import os
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from models.errors import Problem, SpecError

type Arch = Literal["native", "x86-64-v3", "x86-64-v2"]

STRICT_FLAGS = ("-std=c++17", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")
"""Strict floating point: nothing reordered or fused, so that every machine gives the same bits; NaN stays NaN."""


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler and the flags that it is called with."""

    command: str
    """May have arguments: `ccache g++`."""
    version: str
    flags: tuple[str, ...]
    machine: str = ""
    """What `native` stands for here, and options that the command brings along; empty where there is neither."""
    launcher: str = ""
    """What the command is called through, `ccache` where it exists: no part of any fingerprint."""

    @property
    def arch(self) -> str:
        """The machine that is compiled for, as `--arch` names it."""
        return next((flag.removeprefix("-march=") for flag in self.flags if flag.startswith("-march=")), "")


def find_compiler(arch: Arch = "native") -> Compiler:
    """Return `$CXX`, or g++, with the project's flags.

    Raises
    ------
    SpecError
        If there is no such compiler or no `make`.
    """
    command = os.environ.get("CXX", "").strip() or "g++"
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise SpecError(Problem("CXX", "is no command", "g++, say", command, evidence=str(error))) from None
    for tool, kind in ((words[0], "C++ compiler"), ("make", "make program")):
        if shutil.which(tool) is None:
            raise SpecError(
                Problem(
                    "build",
                    f'finds no {kind} named "{tool}" on the PATH',
                    next="install one (Debian: apt-get install g++ make), or name another compiler in CXX",
                )
            )
    options = [word for word in words if word.startswith("-")]
    machine = "\n".join([*([_read_machine(command)] if arch == "native" else []), *options])
    flags = (*STRICT_FLAGS, f"-march={arch}")
    return Compiler(command, _read_version(command), flags, machine, _find_launcher(command))


def _find_launcher(command: str) -> str:
    """Return `ccache` where that is on the PATH, unless the command calls it or `CURRENTS_CCACHE` is `off`."""
    called = any(Path(word).name == "ccache" for word in shlex.split(command))
    wanted = os.environ.get("CURRENTS_CCACHE", "").strip().lower() not in ("off", "no", "0")
    return "ccache" if wanted and not called and shutil.which("ccache") else ""


@cache
def _read_version(command: str) -> str:
    result = subprocess.run([*shlex.split(command), "--version"], capture_output=True, text=True, check=False)
    return (result.stdout.splitlines() or ["unknown"])[0]


@cache
def _read_machine(command: str) -> str:
    """Return the compiler's own call for `-march=native`, which names this machine's instructions.

    Machines that share a build root must not share such a binary when they differ: it would end with SIGILL.
    """
    asked = [*shlex.split(command), "-march=native", "-E", "-v", "-x", "c++", os.devnull]
    result = subprocess.run(asked, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    return "\n".join(line.strip() for line in result.stderr.splitlines() if "cc1" in line)
