"""How long the stages of a run take."""

import time
from itertools import pairwise


class StageClock:
    """A `notify` that measures stages: each lasts until the next one begins."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, float]] = []

    def __call__(self, stage: str) -> None:
        """Note that a stage begins."""
        self.begun.append((stage, time.monotonic()))

    def seconds(self, *stages: str) -> float:
        """Return the time of some stages together; the last stage that began has none."""
        return sum(end - begin for (name, begin), (_, end) in pairwise(self.begun) if name in stages)
