"""The compile stage: a source tree to a binary, once per fingerprint."""

import errno
import json
import os
import shlex
import shutil
import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import Problem
from pipeline.atomic import lock_file, write_atomically
from pipeline.build_root import BuildRoot
from pipeline.cache import enforce_limit, mark_used, note_use, use_entry
from pipeline.checksums import checksum_file
from pipeline.compiler import Compiler
from pipeline.errors import CompileError
from pipeline.links import link_file
from pipeline.signals import delay_signals
from pipeline.storage import DISK_FULL, RAISE_LIMIT, TOO_LARGE, free_space, is_full

if TYPE_CHECKING:
    from pipeline.emit import Runtime, SourceTree  # which imports Brian2: a search for errors should not wait for that

_BINARY = "main"
_SEAL = "main.json"
"""Size and checksum of the binary."""
_LOG = "make.log"
_TAIL_LINES = 12
_MAX_JOBS = 8
_MAKE_VARIABLES = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "GNUMAKEFLAGS", "MAKEFILES")
"""Of a make that we were started from: it would hand its own options on to ours."""


@dataclass(frozen=True)
class Binary:
    """A compiled program."""

    path: Path
    fingerprint: str
    compiled: bool
    """Whether it was compiled now; False when it was found."""


def compile_sources(
    tree: "SourceTree", compiler: Compiler, root: BuildRoot, *, program: Path | None = None, n_jobs: int | None = None
) -> Binary:
    """Compile a source tree, or find the binary of an equal one; of several processes that want the same, one compiles.

    Parameters
    ----------
    tree : SourceTree
    compiler : Compiler
    root : BuildRoot
    program : Path, optional
        Where the binary shall be, too: its own place may be cleaned.
    n_jobs : int, optional
        Files compiled at a time; one per processor, and not more than 8, when not given.

    Raises
    ------
    CompileError
        If make fails, with the end of its output. The sources stay, to be looked at.
    """
    folder = root.binaries / tree.fingerprint
    for path in (root.binaries, root.scratch):
        path.mkdir(parents=True, exist_ok=True)
    with lock_file(root.scratch / f"{tree.fingerprint}.lock"):
        compiled = not _is_sound(folder)
        if compiled:
            _compile(tree, compiler, root, n_jobs or min(_MAX_JOBS, os.process_cpu_count() or 1))
        if program is not None:
            link_file(folder / _BINARY, program)
    if compiled:
        enforce_limit(root)
    return Binary(folder / _BINARY, tree.fingerprint, compiled)


def find_binary(root: BuildRoot, fingerprint: str, program: Path) -> Binary | None:
    """Return the binary of a fingerprint, and give it its name in a run's folder; None when there is none."""
    path = root.binaries / fingerprint / _BINARY
    with use_entry(root, fingerprint):
        if not _is_sound(path.parent):
            return None
        try:
            link_file(path, program)
        except FileNotFoundError:
            return None
    return Binary(path, fingerprint, compiled=False)


def _compile(tree: "SourceTree", compiler: Compiler, root: BuildRoot, n_jobs: int) -> None:
    if tree.runtime is None:
        _make(tree, compiler, root, n_jobs)
        return
    kept = root.binaries / f"runtime-{tree.runtime.fingerprint}"
    with lock_file(root.scratch / f"{kept.name}.lock"):
        if not kept.is_dir():
            _make(tree, compiler, root, n_jobs)
            return
        mark_used(kept)
        for name in tree.runtime.objects:
            # Not their old times: to make, an object must be younger than its sources.
            shutil.copyfile(kept / name, tree.folder / name)
    _make(tree, compiler, root, n_jobs)


def _make(tree: "SourceTree", compiler: Compiler, root: BuildRoot, n_jobs: int) -> None:
    folder = root.binaries / tree.fingerprint
    code = _run_make(tree.folder, compiler, n_jobs)
    if code != 0 and compiler.launcher:
        # The launcher itself may be what failed: it cannot write to its own cache, say.
        code = _run_make(tree.folder, replace(compiler, launcher=""), n_jobs)
    if code != 0:
        kept = folder.with_suffix(".failed")
        _install(tree.folder, kept)
        raise _compile_error(kept, compiler, code)
    if tree.runtime is not None:
        _keep_runtime(tree.runtime, tree.folder, root, compiler)
    for path in [*tree.folder.rglob("*.o"), *tree.folder.rglob("*.gch"), *tree.folder.rglob("*.d")]:
        path.unlink()
    _seal(tree.folder)
    _install(tree.folder, folder)


def _seal(folder: Path) -> None:
    """Note what a binary is, which the folders of runs will share, and keep it from being written to."""
    binary = folder / _BINARY
    binary.chmod(0o555)
    _sync(binary)
    write_atomically(folder / _SEAL, json.dumps(checksum_file(binary)) + "\n")


def _is_sound(folder: Path) -> bool:
    """Return whether a folder has a binary that is what was compiled."""
    try:
        sealed = json.loads((folder / _SEAL).read_text(encoding="utf-8"))
        return bool(sealed == list(checksum_file(folder / _BINARY)))
    except (OSError, ValueError):
        return False


def _sync(path: Path) -> None:
    """Have a file on the disk before its folder gets the name under which it counts as complete."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _keep_runtime(runtime: "Runtime", source: Path, root: BuildRoot, compiler: Compiler) -> None:
    """Keep the object files that programs of other models can be linked with."""
    kept = root.binaries / f"runtime-{runtime.fingerprint}"
    if kept.is_dir():
        return
    partial = source.parent / kept.name
    partial.mkdir()
    for name in runtime.objects:
        shutil.copyfile(source / name, partial / name)
        _sync(partial / name)
    note_use(partial, None, compiler.arch)
    _move(partial, kept)


def _run_make(source: Path, compiler: Compiler, n_jobs: int) -> int:
    """Run make, with its output in `make.log`; return its exit code."""
    with (source / _LOG).open("w", encoding="utf-8") as log:
        process: subprocess.Popen[bytes] | None = None
        try:
            with delay_signals():
                # A session of its own, so that make and the compilers that it started can be stopped together.
                process = subprocess.Popen(
                    ["make", f"-j{n_jobs}", f"CXX={compiler.launcher} {compiler.command}".replace("= ", "=")],
                    cwd=source,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    env={name: value for name, value in os.environ.items() if name not in _MAKE_VARIABLES},
                    start_new_session=True,
                )
            return process.wait()
        finally:
            if process is not None and process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _install(source: Path, folder: Path) -> None:
    """Move a build to its place; what is there already is unfinished or failed."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _move(source, folder)
    except OSError:
        # Where locks do not work, another process may have been faster with the same one.
        if not (folder / _BINARY).is_file():
            raise


def _move(source: Path, folder: Path) -> None:
    """Rename a folder; where the new place is on another disk, copy it there under a temporary name first."""
    try:
        source.rename(folder)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial)
        partial.rename(folder)


_CAUSES = {
    "No space left on device": (DISK_FULL, free_space("--build-root")),
    "File size limit exceeded": (TOO_LARGE, RAISE_LIMIT),
    "File too large": (TOO_LARGE, RAISE_LIMIT),
    "Killed signal terminated program": ("memory ran out", "end what else takes memory, or compile on another machine"),
    "out of memory": ("memory ran out", "end what else takes memory, or compile on another machine"),
}
"""What else than the code may be wrong, and what to do, by what make and the compilers say."""
_WRONG_CODE = "equations that Brian2 accepts but C++ does not, or a compiler that is too old"


def _compile_error(folder: Path, compiler: Compiler, code: int) -> CompileError:
    log = folder / _LOG
    output = log.read_text(encoding="utf-8", errors="replace")
    # Where there is no space for it, there may be no output either.
    said = "No space left on device" if is_full(folder) else "File too large" if code == -signal.SIGXFSZ else output
    cause, remedy = next(
        (cause for text, cause in _CAUSES.items() if text in said), (_WRONG_CODE, _repeat(folder, compiler))
    )
    tail = "\n".join(output.strip().splitlines()[-_TAIL_LINES:])
    what = "the generated C++ does not compile" if cause == _WRONG_CODE else "the generated C++ cannot be compiled"
    return CompileError(Problem("build", what, evidence=f"{log}\n{tail}".rstrip(), likely_cause=cause, next=remedy))


def _repeat(folder: Path, compiler: Compiler) -> str:
    """Return the command that compiles a folder again, by the same compiler."""
    words = ["make", "-C", str(folder), *([] if compiler.command == "g++" else [f"CXX={compiler.command}"])]
    return shlex.join(words)
