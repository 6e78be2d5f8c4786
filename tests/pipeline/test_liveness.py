"""Whether a process that wrote its number into a file is still there."""

import os
import socket
import subprocess
import time

from pipeline.liveness import is_gone
from tests.pipeline.processes import wait_until

HOST = socket.gethostname()


def test_a_process_that_runs_is_there() -> None:
    """The test's own, and one of somebody else's."""
    assert not is_gone(os.getpid(), HOST, time.time())
    assert not is_gone(1, HOST, time.time())


def test_a_process_that_has_ended_is_gone() -> None:
    """On this machine; of another one nothing is known."""
    process = subprocess.Popen(["true"])
    process.wait()
    assert is_gone(process.pid, HOST, time.time())
    assert not is_gone(process.pid, f"not-{HOST}", time.time())


def test_a_process_that_nobody_has_waited_for_is_gone() -> None:
    """Killed, and its parent has not asked how it ended."""
    process = subprocess.Popen(["sleep", "60"])
    process.kill()
    wait_until(lambda: is_gone(process.pid, HOST, time.time()), "its end")
    process.wait()


def test_a_number_that_no_process_has() -> None:
    """Of a damaged file: nothing is certain."""
    assert not is_gone(2**40, HOST, time.time())


def test_a_number_that_was_given_again() -> None:
    """A process that began long after the other one was seen is another one."""
    assert is_gone(os.getpid(), HOST, time.time() - 1e6)
