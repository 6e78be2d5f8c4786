"""How verbs show how far they are, on stderr: bars with the time left, or plain lines where that is no terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from pipeline.cli_output import Notices

_MEASURED = ("run", "verify")
"""Stages that tell how far they are."""
_WORDS = {"wait": "wait for another process that computes the same run"}
"""What stages are called whose names do not say enough."""


@contextmanager
def show_progress(
    *, quiet: bool, stages: list[str] | None = None
) -> Iterator[tuple[Callable[[str], None], Callable[[float], None]]]:
    """Show stages, and how far each is that tells; yield what is called with a stage's name, and with a fraction.

    Names of stages are added to `stages` as they begin. A run that was found is no stage to show.
    """
    console = Notices(stderr=True, quiet=quiet)
    with _show_bars(console) if console.is_terminal else nullcontext(_plain_progress(console)) as (show, progress):

        def notify(stage: str) -> None:
            if stages is not None:
                stages.append(stage)
            if stage != "found":
                with suppress(OSError):
                    show(_WORDS.get(stage, stage))

        def tell(completed: float) -> None:
            # Whoever does not want to read this loses nothing else.
            with suppress(OSError):
                progress(completed)

        yield notify, tell


@contextmanager
def _show_bars(console: Console) -> Iterator[tuple[Callable[[str], None], Callable[[float], None]]]:
    columns = (TextColumn("{task.description:10}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=console) as bars:
        task: list[Any] = []

        def notify(stage: str) -> None:
            if task:
                bars.update(task[-1], total=1.0, completed=1.0)
            task.append(bars.add_task(stage, total=1.0 if stage in _MEASURED else None))

        def progress(completed: float) -> None:
            bars.update(task[-1], completed=completed)

        yield notify, progress
        if task:
            bars.update(task[-1], total=1.0, completed=1.0)


def _plain_progress(console: Console) -> tuple[Callable[[str], None], Callable[[float], None]]:
    shown = [0]

    def notify(stage: str) -> None:
        console.print(f"{stage} …")

    def progress(completed: float) -> None:
        tenth = int(completed * 10)
        if tenth > shown[0]:
            shown[0] = tenth
            console.print(f"  {tenth * 10} %")

    return notify, progress
