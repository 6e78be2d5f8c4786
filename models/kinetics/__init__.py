"""Kinetics: what one arriving spike does to its target, one file each.

A module of this package defines one subclass of `Kinetics` and is found by its name; nothing else need be changed.
"""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from models.kinetics.base import Kinetics

__all__ = ["Kinetics", "find_kinetics"]


@cache
def find_kinetics() -> dict[str, type[Kinetics]]:
    """Return every kinetics by the name that the model file uses."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return {kind.name: kind for kind in sorted(_subclasses(Kinetics), key=lambda kind: kind.name)}


def _subclasses(kind: type[Any]) -> Iterator[type[Kinetics]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
