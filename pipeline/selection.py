"""Which recorder, populations, neurons and channels a table is asked for; what does not exist is named."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.checks.basics import unknown_name as unknown_name
from models.errors import Problem, SpecError, list_choices
from models.expand import Expanded, find_populations

type Names = str | Sequence[str] | None
"""One name, several, or None for all."""
type Neurons = int | Iterable[int] | None
"""One global neuron index, several (an array, too), or None for all."""


def list_names(names: Names) -> list[str] | None:
    """Return names as a list."""
    return [names] if isinstance(names, str) else None if names is None else list(names)


def select_names(place: str, kind: str, names: Names, valid: Sequence[str]) -> tuple[str, ...]:
    """Return the valid names that are asked for, in the order of `valid`; raise `SpecError` for unknown ones."""
    asked = list_names(names)
    if asked is None:
        return tuple(valid)
    problems = [unknown_name(place, kind, name, valid) for name in asked if name not in valid]
    if problems:
        raise SpecError(*problems)
    return tuple(name for name in valid if name in asked)


def select_recorder[T](kind: str, recorders: Mapping[str, T], name: str | None) -> T:
    """Return the recorder of a name, or the only one.

    Raises
    ------
    SpecError
        If there is none of this kind, none of this name, or several and no name.
    """
    if not recorders:
        next_ = f'add a table [record.{kind}] with kind = "{kind}" to the model and run it again'
        raise SpecError(Problem("recorder", f"the run recorded no {kind}", next=next_))
    choices = list_choices([f'"{choice}"' for choice in recorders])
    if name is None and len(recorders) > 1:
        raise SpecError(Problem("recorder", f"is needed: the run has several recorders of {kind}", choices))
    if name is not None and name not in recorders:
        raise SpecError(unknown_name("recorder", f"recorder of {kind}", name, recorders))
    return next(iter(recorders.values())) if name is None else recorders[name]


@dataclass(frozen=True, eq=False)
class NeuronSelection:
    """The neurons of the network that are asked for, before a recorder has said which of them it holds."""

    network: Expanded
    populations: tuple[str, ...] | None
    """Names of populations, or None when all were asked for."""
    neurons: NDArray[np.int32] | None
    """(n,) ascending global indices, or None when all were asked for."""

    @property
    def is_all(self) -> bool:
        """Whether nothing was left out."""
        return self.populations is None and self.neurons is None

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(n_neurons,) whether each neuron of the network is asked for."""
        mask = np.ones(self.network.n_neurons, bool)
        if self.populations is not None:
            mask[:] = False
            for name in self.populations:
                mask[self.network.population[name].start : self.network.population[name].stop] = True
        if self.neurons is not None:
            named = np.zeros_like(mask)
            named[self.neurons] = True
            mask &= named
        return mask

    def within(self, recorded: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return those of the recorded neurons that are asked for, ascending."""
        return recorded[self.mask[recorded]]

    def check(self, recorder: str, recorded: NDArray[np.int32]) -> None:
        """Raise `SpecError` when a population or neuron that was named is not recorded at all."""
        there = np.zeros(self.network.n_neurons, bool)
        there[recorded] = True
        of = [p.name for p in self.network.populations if there[p.start : p.stop].any()]
        recorded_text = f"one of those that it records, in {list_choices(of)}" if of else "none"
        for name in self.populations or ():
            if name not in of:
                problem = Problem(
                    "populations", f'names one that recorder "{recorder}" lacks', list_choices(of), f'"{name}"'
                )
                raise SpecError(problem)
        named = np.empty(0, np.int32) if self.neurons is None else self.neurons
        lacking = named[~there[named]]
        if lacking.size:
            problem = Problem("neurons", f'names one that recorder "{recorder}" lacks', recorded_text, str(lacking[0]))
            raise SpecError(problem)


def select_neurons(network: Expanded, populations: Names = None, neurons: Neurons = None) -> NeuronSelection:
    """Return the neurons in all of: the populations (names such as `L1E`, or labels such as `E`), and the indices.

    Raises
    ------
    SpecError
        If a population or neuron does not exist, or none is in both.
    """
    names = _select_populations(network, list_names(populations))
    indices = None if neurons is None else _check_indices(network, neurons)
    selection = NeuronSelection(network, names, indices)
    if not selection.mask.any():
        raise SpecError(Problem("populations and neurons", "select no neuron together"))
    return selection


def _select_populations(network: Expanded, names: list[str] | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    valid = dict.fromkeys([p.label for p in network.populations] + [p.name for p in network.populations])
    found = {name: find_populations(network.populations, name) for name in names}
    problems = [unknown_name("populations", "population", name, valid) for name, hits in found.items() if not hits]
    if problems:
        raise SpecError(*problems)
    return tuple(p.name for p in network.populations if any(p in hits for hits in found.values()))


def _check_indices(network: Expanded, neurons: int | Iterable[int]) -> NDArray[np.int32]:
    whole = isinstance(neurons, (int, np.integer, np.ndarray))
    indices = np.atleast_1d(np.asarray(neurons if whole else list(neurons)))  # type: ignore[arg-type]
    if indices.size and indices.dtype.kind not in "iu":
        raise SpecError(Problem("neurons", "are not global indices", "whole numbers", f"{indices.dtype} values"))
    beyond = indices[(indices < 0) | (indices >= network.n_neurons)]
    if beyond.size:
        raise SpecError(
            Problem("neurons", "names one that does not exist", f"0 to {network.n_neurons - 1}", str(beyond[0]))
        )
    return np.unique(indices).astype(np.int32)
