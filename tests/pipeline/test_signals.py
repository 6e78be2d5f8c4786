"""Signals that ask to stop: heeded once, delayed until what must be complete is, and ignored where they were before."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pipeline.signals import delay_signals, interrupt_on_signals

STAYING = """
import signal
from pipeline.signals import delay_signals, interrupt_on_signals

with interrupt_on_signals():
    import pipeline.emit
    signal.raise_signal(signal.SIGINT)
with interrupt_on_signals():
    signal.raise_signal(signal.SIGINT)
    with delay_signals():
        signal.raise_signal(signal.SIGINT)
print("still here")
"""


@pytest.fixture
def heeded() -> Iterator[None]:
    """Have no signal ignored, as they may be where tests are started with `nohup`."""
    before = {
        number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_only_the_first_signal_counts(number: signal.Signals) -> None:
    """A signal interrupts once, later ones do not disturb, and the handlers are restored."""
    before = signal.getsignal(number)

    def interrupt_twice() -> None:
        with interrupt_on_signals():
            try:
                signal.raise_signal(number)
            finally:
                signal.raise_signal(number)

    with pytest.raises(KeyboardInterrupt):
        interrupt_twice()
    assert signal.getsignal(number) is before


def test_a_delayed_signal_comes_afterwards() -> None:
    """What must be complete is, and then the signal is delivered."""
    done: list[str] = []

    def interrupt() -> None:
        with interrupt_on_signals():
            with delay_signals():
                signal.raise_signal(signal.SIGTERM)
                done.append("complete")
            done.append("not reached")

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert done == ["complete"]


def test_what_was_ignored_stays_ignored() -> None:
    """In a job in the background SIGINT is; Brian2, which has a handler of its own, does not change that."""
    words = [sys.executable, "-c", STAYING]
    result = subprocess.run(words, capture_output=True, text=True, check=False, preexec_fn=_ignore_interrupt)
    assert (result.returncode, result.stdout) == (0, "still here\n"), result.stderr


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
