"""Errors: one shape, built by the exception from its fields.

    <where>: <what is wrong> (expected …; got …).
      evidence: <file, line or log tail>        (when there is one)
      likely cause: <one sentence>              (when known)
      next: <one command or edit>               (when there is one)

`CurrentsError` is the root of everything that the project raises on purpose. Leaves also inherit the builtin that a
caller would expect to catch. `InternalError` alone means that the project, not its user, is at fault.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, with where it is and what to do about it."""

    where: str
    """Place in the user's terms: a path in the spec, a file, a command-line option."""
    what: str
    """What is wrong, a clause without a final full stop."""
    expected: str | None = None
    got: str | None = None
    evidence: str | None = None
    likely_cause: str | None = None
    next: str | None = None

    def __str__(self) -> str:
        contrast = "; ".join(
            f"{label} {text}" for label, text in (("expected", self.expected), ("got", self.got)) if text is not None
        )
        lines = [f"{self.where}: {self.what}" + (f" ({contrast})." if contrast else ".")]
        for label, text in (("evidence", self.evidence), ("likely cause", self.likely_cause), ("next", self.next)):
            if text is not None:
                lines.append(f"  {label}: " + text.replace("\n", "\n    "))
        return "\n".join(lines)

    def within(self, place: str) -> "Problem":
        """Return the same problem with `place` put before its `where`."""
        return replace(self, where=f"{place}: {self.where}" if self.where else place)


class CurrentsError(Exception):
    """Root of the project's errors; holds one or more problems, reported together.

    Attributes
    ----------
    problems : tuple of Problem
    exit_code : int
        What the `currents` command exits with when this error ends it.
    """

    exit_code = 1

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class SpecError(CurrentsError, ValueError):
    """The model, a setting or an argument is wrong; nothing was started."""

    exit_code = 2


class InternalError(CurrentsError, RuntimeError):
    """The project is at fault: please report it."""


def suggest_spelling(word: str, valid: Iterable[str], preferred: Iterable[str] = ()) -> str | None:
    """Return the valid word nearest to `word`, or None when none is near.

    One that differs in capitals alone comes before others, and then a preferred one before those that are not.
    """
    groups = [*preferred], [*valid]
    same = [[item for item in group if item.casefold() == word.casefold()] for group in groups]
    matches = [get_close_matches(word, group, n=1, cutoff=0) for group in same]
    matches += [get_close_matches(word, group, n=1, cutoff=0.6) for group in groups]
    return next((found[0] for found in matches if found), None)


def list_choices(choices: Sequence[str]) -> str:
    """Return choices as prose: `a`, `a or b`, `a, b or c`."""
    if len(choices) < 2:
        return "".join(choices)
    return f"{', '.join(choices[:-1])} or {choices[-1]}"
