"""Hundreds of damaged inputs and senseless arguments, on a program that ends at any access to memory not its own.

Whatever it is given, the program ends with one of its exit codes and says why; and never with 0 where what it was given
has been damaged, unless it records the same.
"""

import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pipeline.exit_codes import ExitCode
from pipeline.run_folder import RunFolder
from tests.pipeline.engine.fuzz import Case, copy_linked, make_arguments, make_cases
from tests.pipeline.engine.programs import CHECKED_PROGRAM, Prepared, copy_sources, prepare

pytestmark = [pytest.mark.compiled, pytest.mark.long]

CODES = {code.value for code in ExitCode} - {ExitCode.INTERNAL}
DURATION = ("--duration", "20 ms")
PATIENCE_S = 10.0
N_ARGUMENTS = 150
ENVIRONMENT = {"ASAN_OPTIONS": "exitcode=99", "UBSAN_OPTIONS": "exitcode=99:print_stacktrace=1"}


@pytest.fixture(scope="module")
def checked(build_root: Path, networks: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Return a program that checks itself, and the folder of a run with all kinds of inputs and recorders."""
    base = tmp_path_factory.mktemp("checked")
    prepared = prepare(networks / "everything.toml", build_root, base / "run")
    copy_sources(prepared.binary, build_root, base / "source")
    command = ["make", "-j2", f"CXXFLAGS={CHECKED_PROGRAM}", "LDFLAGS="]
    subprocess.run(command, cwd=base / "source", check=True, capture_output=True)
    return Prepared(base / "source" / "main", prepared.folder)


def read_recording(folder: Path) -> dict[str, bytes]:
    """Return all files of a recording by name."""
    recording = folder / "recording"
    return {str(path.relative_to(recording)): path.read_bytes() for path in recording.rglob("*") if path.is_file()}


def run(binary: Path, words: list[str], cwd: Path) -> tuple[int, list[str]]:
    """Run the program; stop one that is still at work after a while. Return its exit code and its reports."""
    pipe = subprocess.PIPE
    command = [os.fsencode(word) for word in [str(binary), *words]]
    process = subprocess.Popen(command, cwd=cwd, stdout=pipe, stderr=pipe, stdin=subprocess.DEVNULL, env=ENVIRONMENT)
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            out, err = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        assert process.returncode == ExitCode.STOPPED, "it neither worked nor stopped"
    assert b"Sanitizer" not in err, err.decode(errors="replace")
    assert process.returncode in CODES, (process.returncode, err.decode(errors="replace"))
    assert out == b"" or "--help" in words or "--version" in words
    return process.returncode, err.decode().splitlines()


def check_case(case: Case, checked: Prepared, folder: RunFolder, expected: dict[str, bytes]) -> int:
    """Run a damaged folder; return the exit code."""
    case.damage(folder, np.random.default_rng([7, *case.name.encode()]))
    n_threads = 1 + int(case.name[-1]) % 3
    words = ["--run-dir", str(folder.path), *DURATION, "--threads", str(n_threads)]
    code, reports = run(checked.binary, words, folder.path)
    last = json.loads(reports[-1])
    assert last["exit_code"] == code
    assert code == 0 or "what" in last or code == ExitCode.STOPPED
    if code == 0 and case.must_be_noticed:
        assert read_recording(folder.path) == expected
    return code


def test_damaged_inputs(checked: Prepared, tmp_path: Path) -> None:
    """Files, values and lines: most are refused, and some numbers make another run, or one that ends in infinity."""
    whole = copy_linked(checked.folder, tmp_path / "whole")
    assert run(checked.binary, ["--run-dir", str(whole.path), *DURATION], tmp_path)[0] == 0
    expected = read_recording(whole.path)
    assert len(expected["spikes/chunk-00000000.cur"]) > 1000
    codes: dict[str, Counter[int]] = {}
    cases = make_cases()
    for case in cases:
        folder = copy_linked(checked.folder, tmp_path / case.name)
        try:
            code = check_case(case, checked, folder, expected)
        except AssertionError as error:
            raise AssertionError(f"{case.name}: {error}") from error
        codes.setdefault(case.name.partition("-")[0], Counter())[code] += 1
        shutil.rmtree(folder.path)
    assert len(cases) >= 500
    refused = {kind: found[ExitCode.INPUT] / found.total() for kind, found in codes.items()}
    assert refused["file"] > 0.9
    assert min(refused.values()) > 0.5


def test_senseless_arguments(checked: Prepared, tmp_path: Path) -> None:
    """Any words in any order: exit 64 and why, or what was asked for."""
    found: Counter[int] = Counter()
    for i_case in range(N_ARGUMENTS):
        folder = copy_linked(checked.folder, tmp_path / str(i_case))
        words = make_arguments(np.random.default_rng([11, i_case]), folder.path)
        try:
            code, _ = run(checked.binary, words, folder.path)
        except AssertionError as error:
            raise AssertionError(f"{words}: {error}") from error
        found[code] += 1
        shutil.rmtree(folder.path)
    assert found[ExitCode.USAGE] > N_ARGUMENTS / 2
    assert found[0] > 3
