"""The compile stage: a source tree to a binary, once per fingerprint."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from models.errors import Problem
from pipeline.build_root import BuildRoot
from pipeline.compiler import Compiler
from pipeline.emit import SourceTree
from pipeline.errors import CompileError

_TAIL_LINES = 12


@dataclass(frozen=True)
class Binary:
    """A compiled program."""

    path: Path
    fingerprint: str
    compiled: bool
    """Whether it was compiled now; False when it was found."""


def compile_sources(tree: SourceTree, compiler: Compiler, root: BuildRoot, *, n_jobs: int = 2) -> Binary:
    """Compile a source tree, or find the binary of an equal one.

    Raises
    ------
    CompileError
        If make fails, with the end of its output. The sources stay, to be looked at.
    """
    folder = root.binaries / tree.fingerprint
    if (folder / "main").is_file():
        return Binary(folder / "main", tree.fingerprint, compiled=False)
    command = ["make", f"-j{n_jobs}", f"CXX={compiler.command}"]
    result = subprocess.run(command, cwd=tree.folder, capture_output=True, text=True, check=False)
    (tree.folder / "make.log").write_text(result.stdout + result.stderr, encoding="utf-8")
    if result.returncode != 0:
        kept = folder.with_suffix(".failed")
        shutil.rmtree(kept, ignore_errors=True)
        _install(tree.folder, kept)
        raise _compile_error(kept, result.stdout + result.stderr)
    for path in [*tree.folder.rglob("*.o"), *tree.folder.rglob("*.gch")]:
        path.unlink()
    _install(tree.folder, folder)
    return Binary(folder / "main", tree.fingerprint, compiled=True)


def _install(source: Path, folder: Path) -> None:
    """Move a build to its place; another process may have been faster with the same one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(source, folder)
    except OSError:
        if not (folder / "main").is_file():
            raise
        shutil.rmtree(source)


def _compile_error(folder: Path, output: str) -> CompileError:
    tail = "\n".join(output.strip().splitlines()[-_TAIL_LINES:])
    return CompileError(
        Problem(
            "build",
            "the generated C++ does not compile",
            evidence=f"{folder / 'make.log'}\n{tail}",
            likely_cause="equations that Brian2 accepts but C++ does not, or a compiler that is too old",
            next=f"make -C {folder}",
        )
    )
