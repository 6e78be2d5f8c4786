"""`python -m pipeline`, the same as `currents`: where both start, ready for Ctrl-C before what takes time."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType


def main() -> int:
    """Run a verb; return the exit code."""
    # Before and after the verb there is nothing to be cleaned up, and an interrupt in the midst of an import may be
    # taken for an error, or swallowed.
    _handle(_leave)
    from pipeline import cli

    try:
        _handle(signal.default_int_handler)
        return cli.main()
    except KeyboardInterrupt:
        return cli.EXIT_INTERRUPTED
    finally:
        _handle(_leave)


def _handle(handler: Callable[[int, FrameType | None], object]) -> None:
    """Have Ctrl-C handled so, unless it is ignored, as in a job in the background."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    os.write(2, b"interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
