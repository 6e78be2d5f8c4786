"""Signals that ask this process to stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interrupt_on_signals() -> Iterator[None]:
    """Raise `KeyboardInterrupt` at the first signal that asks to stop, and ignore later ones.

    What follows the first one is short and bounded, and must not be cut short: the program is stopped and the manifest
    written. Signals that were ignored (`nohup`, a background job) stay ignored. Only the main thread can set handlers;
    in any other one nothing changes.
    """
    if not _in_main_thread():
        yield
        return
    ignore_again()
    before = {number: signal.getsignal(number) for number in _STOPPING}
    handled = [number for number, handler in before.items() if handler is not signal.SIG_IGN]

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        for number in handled:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in handled:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])


@contextmanager
def delay_signals() -> Iterator[None]:
    """Deliver a signal that asks to stop after what happens here, such as the start of a process, is complete."""
    if not _in_main_thread():
        yield
        return
    arrived: list[int] = []
    ignore_again()
    before = {number: signal.getsignal(number) for number in _STOPPING}
    delayed = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in delayed:
        signal.signal(number, lambda number, _frame: arrived.append(number))
    try:
        yield
    finally:
        for number in delayed:
            signal.signal(number, before[number])
        if arrived:
            signal.raise_signal(arrived[0])


def ignore_again() -> None:
    """Have SIGINT ignored where it was before Brian2 was imported, whose handler would pass it on to none."""
    handler = signal.getsignal(signal.SIGINT)
    if getattr(handler, "previous_handler", None) is signal.SIG_IGN and _in_main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
