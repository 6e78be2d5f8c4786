"""Array files that a model names: found, opened without being loaded, and what is wrong with them."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import Problem, SpecError


def show_shape(shape: tuple[int, ...]) -> str:
    """Return a shape as prose: `3 by 4`, `a list of 5`, `a single number`."""
    if len(shape) == 1:
        return f"a list of {shape[0]}"
    return " by ".join(str(length) for length in shape) if shape else "a single number"


class MissingFileProblem(Problem):
    """A file that a spec names is not there; what else the spec says may be right all the same."""


def find_file(place: str, folder: Path, name: str) -> Path:
    """Return the path of a file that a spec names, relative to the model file's folder.

    Raises
    ------
    SpecError
        If there is no such file.
    """
    path = folder.resolve() / name
    if not path.is_file():
        what = "names a file that does not exist"
        remedy = "make the file, or correct its name, which is relative to the model file's folder"
        raise SpecError(MissingFileProblem(place, what, got=str(path), next=remedy))
    return path


def open_array(place: str, folder: Path, name: str) -> NDArray[np.generic]:
    """Return the numbers of a `.npy` file, mapped and not loaded.

    Raises
    ------
    SpecError
        If there is no such file, or it does not hold finite numbers.
    """
    path = find_file(place, folder, name)
    try:
        array: NDArray[np.generic] = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError) as error:
        what = "names a file that is not a NumPy array"
        raise SpecError(Problem(place, what, got=str(path), evidence=str(error))) from None
    if array.dtype.kind not in "biuf":
        raise SpecError(Problem(place, "names an array that does not hold numbers", got=f"{array.dtype} in {path}"))
    if not np.isfinite(array).all():
        raise SpecError(Problem(place, "names an array with numbers that are not finite", got=str(path)))
    return array


def open_pairs(place: str, folder: Path, name: str) -> NDArray[np.integer]:
    """Return source and target numbers, (n_pairs, 2) integers, from a `.npy` file or a `.csv` file without header.

    Raises
    ------
    SpecError
        If there is no such file, or it does not hold pairs of whole numbers.
    """
    path = find_file(place, folder, name)
    array = open_array(place, folder, name) if path.suffix == ".npy" else _read_csv(place, path)
    if array.size == 0 or array.ndim != 2 or array.shape[1] != 2:
        got = f"{show_shape(array.shape)} in {path}"
        raise SpecError(Problem(place, "is not a list of pairs", "one row per edge: source, target", got))
    if array.dtype.kind not in "iu":
        raise SpecError(Problem(place, "is not a list of pairs", "whole numbers", f"{array.dtype} in {path}"))
    return array.astype(np.int64)


def _read_csv(place: str, path: Path) -> NDArray[np.generic]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty file is an error, which says so
            return np.loadtxt(path, delimiter=",", ndmin=2, dtype=np.int64)
    except (OSError, ValueError) as error:
        what, expected = "is not a list of pairs", "lines such as 0,12 (source, target), without a header"
        raise SpecError(Problem(place, what, expected, str(path), evidence=str(error))) from None
