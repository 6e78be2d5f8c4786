"""What `currents` does where its output goes nowhere, its input is no text, or it is interrupted: no traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import main
from tests.conftest import ARCH, SimulateOnce
from tests.pipeline.processes import run_currents

CHECKOUT = Path(__file__).resolve().parents[2]
FULL = "standard output: cannot be written to.\n  evidence: [Errno 28] No space left on device\n"


def run_shell(command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of shell, in which $C is `currents`, in the checkout."""
    variables = {**os.environ, "C": f"{sys.executable} -m pipeline", **environment}
    return subprocess.run(
        ["bash", "-c", command], cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["list", "list --json", "describe nosuch --json", "--help", "--version"])
def test_a_full_standard_output_is_one_error(words: str, unbuffered: str) -> None:
    """Whether it is found while printing or at the end: exit 1, the reason, and nothing else."""
    result = run_shell(f"$C {words} > /dev/full", PYTHONUNBUFFERED=unbuffered)
    assert (result.returncode, result.stderr) == (1, FULL)


@pytest.mark.parametrize("words", ["list", "describe hierarchy --json", "--help"])
def test_a_reader_that_leaves_is_no_error(words: str) -> None:
    """`currents list | head -1` says nothing on standard error, whether something was read or not."""
    for reader in ("true", "head -1"):
        assert run_shell(f"$C {words} | {reader} > /dev/null").stderr == ""


@pytest.mark.compiled
def test_nobody_has_to_read_how_far_a_run_is(build_root: Path, tmp_path: Path, simulate_once: SimulateOnce) -> None:
    """The reader of standard error leaves: the run goes on, and its summary is on standard output."""
    simulate_once("exponential_current")
    words = f"simulate exponential_current --seed 5 --arch {ARCH} --build-root {build_root} --out {tmp_path / 'run'}"
    result = run_shell(f"( $C {words} 2>&1 1>&3 | true; exit ${{PIPESTATUS[0]}} ) 3> {tmp_path / 'summary'}")
    assert result.returncode == 0
    assert f"run: {tmp_path / 'run'}" in (tmp_path / "summary").read_text()


def test_an_error_that_nobody_reads_keeps_its_exit_code() -> None:
    """Standard error is full, or closed: exit 2, and nothing on standard output."""
    for sink in ("2> /dev/full", "2>&-"):
        result = run_shell(f"$C describe nosuch {sink}")
        assert (result.returncode, result.stdout) == (2, "")


def test_signs_that_a_terminal_lacks_are_spelt_out() -> None:
    """In ASCII a line becomes its numbers, and nothing is lost of what is JSON."""
    result = run_currents("describe", "hierarchy", PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert "\\u2500" in result.stdout


@pytest.mark.parametrize("option", ["--out", "--build-root", "--set", "--duration"])
def test_an_argument_that_is_no_text_is_refused(option: str, tmp_path: Path) -> None:
    """Before anything is done, since a manifest could not say it."""
    words = [sys.executable, "-m", "pipeline", "simulate", "hierarchy", option]
    result = subprocess.run(
        [*map(str.encode, words), bytes(tmp_path / "b") + b"\xff"], cwd=CHECKOUT, capture_output=True, check=False
    )
    assert result.returncode == 2
    assert result.stderr.decode() == (
        "currents: an argument is not text in UTF-8, which a run's manifest is "
        f'(got "{tmp_path}/b\\udcff").\n  next: rename the file or folder\n'
    )
    assert not list(tmp_path.iterdir())


LESS = "  next: ask for less at a time, or see what a run takes with: currents plan MODEL\n"
SURROUNDINGS: dict[str, tuple[Exception, str]] = {
    "memory": (
        MemoryError("Unable to allocate 9.31 GiB"),
        f"currents: ran out of memory.\n  evidence: Unable to allocate 9.31 GiB\n{LESS}",
    ),
    "memory, without a word": (MemoryError(), f"currents: ran out of memory.\n{LESS}"),
    "memory for a library": (
        ImportError("some.so: failed to map segment from shared object"),
        f"currents: ran out of memory.\n  evidence: some.so: failed to map segment from shared object\n{LESS}",
    ),
    "memory for a process": (
        OSError(12, "Cannot allocate memory"),
        f"currents: ran out of memory.\n  evidence: [Errno 12] Cannot allocate memory\n{LESS}",
    ),
    "files": (
        OSError(24, "Too many open files", "/some/file"),
        "/some/file: cannot be read or written: Too many open files.\n"
        "  evidence: [Errno 24] Too many open files: '/some/file'\n"
        "  next: raise the limit with: ulimit -n 1024\n",
    ),
    "processes": (
        OSError(11, "Resource temporarily unavailable"),
        "currents: cannot go on: Resource temporarily unavailable.\n"
        "  evidence: [Errno 11] Resource temporarily unavailable\n"
        "  next: end what else runs, or raise the limit with: ulimit -u unlimited\n",
    ),
    "a disk": (
        OSError(5, "Input/output error", "/some/file"),
        "/some/file: cannot be read or written: Input/output error.\n"
        "  evidence: [Errno 5] Input/output error: '/some/file'\n",
    ),
    "a folder that is none": (
        OSError(20, "Not a directory", "/some/file/scratch"),
        "/some/file/scratch: cannot be read or written: Not a directory.\n"
        "  evidence: [Errno 20] Not a directory: '/some/file/scratch'\n",
    ),
}


@pytest.mark.parametrize("what", SURROUNDINGS)
def test_what_the_machine_refuses_is_one_error(
    what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wherever that happens: exit 1, and what to do about it."""
    error, message = SURROUNDINGS[what]

    def fail() -> dict[str, Path]:
        raise error

    monkeypatch.setattr("pipeline.cli.list_networks", fail)
    assert main(["list"]) == 1
    assert capsys.readouterr() == ("", message)


@pytest.mark.parametrize(
    "error",
    [
        OSError(2, "No such file or directory", "/some/internal/name"),
        OSError(2, "No such file or directory"),
        OSError(17, "File exists", "/some/internal/name"),
        OSError("no number"),
    ],
    ids=str,
)
def test_what_the_machine_does_not_answer_for_is_a_bug(
    error: OSError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of ours: a traceback, and exit 70."""

    def fail() -> dict[str, Path]:
        raise error

    monkeypatch.setattr("pipeline.cli.list_networks", fail)
    assert main(["list"]) == 70
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-2:] == [
        f"{type(error).__name__}: {error}",
        "currents: this is a bug in brian2currents; please report it with the lines above.",
    ]


def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    """Is told for what it is."""
    folder, script = tmp_path / "gone", str(Path(sys.executable).with_name("currents"))
    folder.mkdir()
    result = run_shell(f"cd {folder} && rmdir {folder} && $C simulate hierarchy --out run", C=script)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "the working directory: does not exist any more.\n"
        "  evidence: [Errno 2] No such file or directory\n  next: change to a folder that is there\n"
    )


INTERRUPTING = """
import os, signal, sys
from pipeline import __main__

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
sys.argv[2:] = ["list"]
__main__.main()
"""


@pytest.mark.parametrize("module", ["pipeline.cli", "models.errors", "cyclopts", "numpy", "pydantic"])
def test_an_interrupt_while_importing(module: str) -> None:
    """Ctrl-C before the verb has begun: exit 130, and no traceback."""
    words = [sys.executable, "-c", INTERRUPTING, module]
    result = subprocess.run(
        words, cwd=CHECKOUT, capture_output=True, text=True, check=False, preexec_fn=_default_interrupt
    )
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "interrupted\n")


def _default_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interrupt_that_a_library_takes_for_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 130, as for any other interrupt."""

    def fail() -> dict[str, Path]:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise ImportError("initialization failed") from error

    monkeypatch.setattr("pipeline.cli.list_networks", fail)
    assert main(["list"]) == 130
    assert capsys.readouterr() == ("", "interrupted\n")
