"""The options of the engine's program: what makes no sense is said in one line of JSON."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from pipeline.exit_codes import ExitCode
from tests.pipeline.engine.programs import Prepared

UNITS = "s, ms, us, min or h"
OPTIONS = "one of those that --help lists"
USAGE: list[tuple[list[str], str]] = [
    ([], "--run-dir: is missing (expected --run-dir DIR; got )"),
    (["--run-dir"], "--run-dir: has no value (expected --run-dir DIR; got )"),
    (["--run-dir", ""], '--run-dir: names no folder (expected a path; got "")'),
    (["--run-dir", "x", "--run-dir", "y"], "--run-dir: is given twice (expected ; got )"),
    (["--inputs", ""], '--inputs: names no folder (expected a path; got "")'),
    (["--frob", "x"], f"--frob: is no option (expected {OPTIONS}; got )"),
    (["--run-dir", "x", "surplus"], f"surplus: is no option (expected {OPTIONS}; got )"),
    (["", "x"], f'"": is no option (expected {OPTIONS}; got )'),
    (['\udcff\n"', "x"], f'\ufffd\n": is no option (expected {OPTIONS}; got )'),
    *(
        (["--seed", seed], f'--seed: is no whole number in range (expected 0 to {2**63 - 1}; got "{seed}")')
        for seed in ("", "-1", "+1", " 1", "1.0", "0x1", str(2**63), "9" * 30, "one")
    ),
    *(
        (["--threads", n], f'--threads: is no whole number in range (expected 1 to 1024; got "{n}")')
        for n in ("0", "1025", "-2")
    ),
    *(
        (["--progress-fd", n], f'--progress-fd: is no whole number in range (expected 0 to {2**20}; got "{n}")')
        for n in ("-1", "1x", str(2**20 + 1))
    ),
    (["--progress-fd", "77"], "--progress-fd: is no descriptor that is open for writing (expected ; got 77)"),
    (["--progress-fd", "0"], "--progress-fd: is no descriptor that is open for writing (expected ; got 0)"),
    *(
        (
            ["--duration", text],
            f'--duration: is not a number with a unit (expected a duration such as "10 s"; got "{text}")',
        )
        for text in ("", "s", "ten s", "nan s", ". s", "e5 s")
    ),
    (["--duration", "10"], f'--duration: has no unit (expected {UNITS}; got "10")'),
    *(
        (["--duration", text], f'--duration: has an unknown unit (expected {UNITS}; got "{text}")')
        for text in ("10 sec", "1e s", "10 ms ms", "0x10 s", "10 mV")
    ),
]
"""Arguments, and what is said of them."""


@pytest.mark.compiled
@pytest.mark.parametrize(("words", "told"), USAGE, ids=[ascii(" ".join(words)) for words, _ in USAGE])
def test_arguments_that_make_no_sense(steady: Prepared, tmp_path: Path, words: list[str], told: str) -> None:
    """Exit 64 and one line on stderr, which says what is wrong; nothing is written."""
    command = [str(steady.binary), *words]
    with Path(os.devnull).open("rb") as nothing:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, stdin=nothing)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    (line,) = done.stderr.splitlines()
    end = json.loads(line)
    assert (end["end"], end["exit_code"]) == ("usage", 64)
    assert "{where}: {what} (expected {expected}; got {got})".format(**end) == told
    assert not list(tmp_path.iterdir())


DURATIONS = [
    ("0 s", 'is not above 0 (expected "0.1 ms"; got "0 s")'),
    ("-1 s", 'is not above 0 (expected "0.1 ms"; got "-1 s")'),
    ("0.05 ms", 'is not a multiple of dt = 0.1 ms (expected "0.1 ms"; got "0.05 ms")'),
    ("1.00025 s", 'is not a multiple of dt = 0.1 ms (expected "1.0002 s" or "1.0003 s"; got "1.00025 s")'),
    ("1e300 h", f'has too many steps of dt = 0.1 ms (expected at most {2**53}; got "1e300 h")'),
    ("1.2 ms", 'is not a multiple of the interval of currents = 1 ms (expected "1 ms" or "2 ms"; got "1.2 ms")'),
]


@pytest.mark.compiled
@pytest.mark.parametrize(("duration", "told"), DURATIONS, ids=[duration for duration, _ in DURATIONS])
def test_durations_that_do_not_fit(prepared: Prepared, duration: str, told: str) -> None:
    """Exit 64 with the nearest durations that are whole numbers of steps, and of every recorder's bins."""
    ended = prepared.run("--duration", duration)
    assert (ended.code, ended.last["end"], ended.last["where"]) == (ExitCode.USAGE, "usage", "--duration")
    assert "{what} (expected {expected}; got {got})".format(**ended.last) == told
    assert not list(prepared.folder.recording.rglob("*.cur"))


@pytest.mark.compiled
@pytest.mark.parametrize("text", ["300 ms", "0.3 s", ".3s", "3e-1 s", "3E2ms", "0.005 min", "300000 us", "+0.3 s"])
def test_durations_as_they_are_written(prepared: Prepared, text: str) -> None:
    """Any unit and any way to write a number: the same number of steps."""
    assert prepared.run("--duration", text).last["step"] == 3000


@pytest.mark.compiled
def test_help_and_version_go_to_stdout(steady: Prepared, tmp_path: Path) -> None:
    """Exit 0; all options and all exit codes are told of, and the formats' versions."""
    told = subprocess.run([steady.binary, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stderr == ""
    for option in ("run-dir", "inputs", "seed", "duration", "threads", "progress-fd", "help", "version"):
        assert f"\n  --{option} " in told.stdout
    for code in ExitCode:
        assert f" {code.value} {code.name.lower()}" in told.stdout
        assert code.meaning in told.stdout
    version = subprocess.run([steady.binary, "--version"], capture_output=True, text=True, check=True)
    assert version.stderr == ""
    assert version.stdout.splitlines()[:3] == ["currents engine", "format of inputs 4", "format of recordings 1"]
    assert not list(tmp_path.iterdir())
