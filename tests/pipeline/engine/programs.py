"""The engine's program as a process of its own, with a run's folder that is ready for it, and may be spoilt."""

import json
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from crc32c import crc32c

from pipeline import Run, load_run, simulate
from pipeline.checksums import checksum_file
from pipeline.run_folder import RunFolder
from tests.conftest import ARCH

type Process = subprocess.Popen[str]

CHECKED_PROGRAM = (
    "-std=c++17 -O1 -g -msse4.2 -ffp-contract=off -pthread -fno-omit-frame-pointer "
    "-fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all"
)
"""Flags for a program that checks itself."""


class _Ready(Exception):
    """Everything but the run itself has happened."""


@dataclass(frozen=True)
class Prepared:
    """A program, and the folder of a run that it has not begun."""

    binary: Path
    folder: RunFolder

    def copy(self, path: Path) -> "Prepared":
        """Return the same with a folder of its own."""
        shutil.copytree(self.folder.path, path)
        return replace(self, folder=RunFolder(path))

    def start(self, *options: str, **arguments: Any) -> Process:
        """Start the program; both of its outputs are pipes."""
        command = [str(self.binary), "--run-dir", str(self.folder.path), *options]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, **arguments)

    def run(self, *options: str, **arguments: Any) -> "Ended":
        """Run the program to its end."""
        return finish(self.start(*options, **arguments))

    def shorten(self, n_steps: int) -> None:
        """Let the run have so many steps."""
        lines = self.folder.program_inputs.read_text().splitlines()
        lines = [f"{line.rpartition(' ')[0]} {n_steps}" if line.startswith("time ") else line for line in lines]
        self.folder.program_inputs.write_text("\n".join(lines) + "\n")
        seal(self.folder)

    def load(self, status: str = "failed") -> Run:
        """Open the run, as far as it goes unless it is said to be finished."""
        manifest = json.loads(self.folder.manifest.read_text()) | {"status": status}
        self.folder.manifest.write_text(json.dumps(manifest))
        return load_run(self.folder.path, partial=status != "finished")


def seal(folder: RunFolder) -> None:
    """Make the checksums of a run's inputs those of what is there."""
    lines = folder.program_inputs.read_text(errors="surrogateescape").splitlines()
    for i_line, line in enumerate(lines):
        match line.split():
            case ["file", name, _, _] if (folder.inputs / name).is_file():
                n_bytes, checksum = checksum_file(folder.inputs / name)
                lines[i_line] = f"file {name} {n_bytes} {checksum}"
    text = "".join(f"{line}\n" for line in lines if not line.startswith("end ")).encode(errors="surrogateescape")
    folder.program_inputs.write_bytes(text + f"end {crc32c(text)}\n".encode())


@dataclass(frozen=True)
class Ended:
    """How a program ended, and all that it said."""

    code: int
    reports: list[dict[str, Any]]

    @property
    def last(self) -> dict[str, Any]:
        """What it said at the end."""
        return self.reports[-1]


def finish(process: Process) -> Ended:
    """Wait for a program; all that it may print is lines of JSON, on stderr."""
    out, err = process.communicate(timeout=120)
    assert out == ""
    assert err == "" or err.endswith("\n")
    reports = [json.loads(line) for line in err.splitlines()]
    assert all(isinstance(report, dict) for report in reports)
    return Ended(process.returncode, reports)


def wait_for_step(process: Process, least: int) -> int:
    """Read a program's reports until it has run so many steps; return how many it has."""
    assert process.stderr is not None
    for line in process.stderr:
        step = int(json.loads(line)["step"])
        if step >= least:
            return step
    raise AssertionError(f"the program ended with {process.wait()}")


def prepare(model: Path, build_root: Path, folder: Path, **arguments: Any) -> Prepared:
    """Do everything that `simulate` does before it starts the program."""
    binaries: list[Path] = []

    def stop(binary: Path, *_: object) -> None:
        binaries.append(binary)
        raise _Ready

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.engine.run.run_program", stop)
        with pytest.raises(_Ready):
            simulate(model, out=folder, arch=ARCH, build_root=build_root, **arguments)
    return Prepared(binaries[0], RunFolder(folder))


def copy_sources(binary: Path, build_root: Path, to: Path) -> Path:
    """Copy what a program was made from to a new folder, where `make` makes it again."""
    sources = next(path.parent for path in (build_root / "binaries").glob("*/main") if path.samefile(binary))
    shutil.copytree(sources, to)
    (to / "main").unlink()
    return to
