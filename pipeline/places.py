"""Folders that a user names: what can be none is refused before anything is written."""

from pathlib import Path

from models.errors import Problem, SpecError
from models.quantities import show_value


def is_utf8(text: str) -> bool:
    """Return whether a text from outside, such as a file's name, can be written into a manifest."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def choose_another(option: str) -> str:
    """Return what to do about a folder that cannot be written to, which an option chooses."""
    return f"choose another folder with {option}"


def check_place(name: str, place: str | Path) -> Path:
    """Return a folder that was named; raise `SpecError` where it is empty, or not text in UTF-8."""
    if not str(place):
        raise SpecError(Problem(name, "names no folder", got='""'))
    path = Path(place).absolute()
    if not is_utf8(str(path)):
        what, remedy = "is not text in UTF-8, which a run's manifest is", "rename it, or choose another folder"
        raise SpecError(Problem(name, what, got=show_value(str(path)), next=remedy))
    return Path(place)
