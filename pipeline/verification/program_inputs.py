"""What the engine's program was given: whether it is as it was written, and the neurons' parameters the model's."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from crc32c import crc32c
from numpy.typing import NDArray

from models.errors import Problem, SpecError
from models.expand import Expanded
from models.quantities import Quantity
from models.spec import EquationsNeuron, Neuron
from models.values import ArrayFile, Normal, Uniform, Values
from pipeline.checksums import find_damage
from pipeline.errors import RecordingError
from pipeline.recording import load_array
from pipeline.run_folder import RunFolder
from pipeline.verification.neurons import CheckedNeurons
from pipeline.verification.report import Row, unchecked_row

type Floats = NDArray[np.float64]

_NAMES = {"refractory": "refractory_period", "w_ap": "after_potential"}
"""The program's names of keys of the model, where these are others."""
_DEFAULTS = {"refractory_period": 0.0}
"""What holds where the program has no such variable."""
_MOST_NAMES = 3
"""Files that are named."""
_INITIAL = "v_initial"
"""Depends on the run's seed, and is compared with the recorded v."""


@dataclass(eq=False)
class _Inputs:
    """What `program.txt` says of groups of neurons."""

    neurons: dict[str, NDArray[np.int32]] = field(default_factory=dict)
    """Global indices by group."""
    values: dict[str, dict[str, Floats]] = field(default_factory=dict)
    """By variable and group: one value that all neurons share, or one of each."""
    files: dict[Path, tuple[int, int]] = field(default_factory=dict)
    """Size and checksum of all files."""

    def gather(self, name: str, n_neurons: int) -> Floats:
        """Return a variable of all neurons; NaN where there is none."""
        gathered = np.full(n_neurons, _DEFAULTS.get(name, np.nan))
        for group, values in self.values.get(name, {}).items():
            neurons = self.neurons[group]
            if neurons.size and 0 <= neurons.min() <= neurons.max() < n_neurons and values.size in (1, neurons.size):
                gathered[neurons] = values
        return gathered


def check_inputs(folder: RunFolder, network: Expanded) -> Iterator[Row]:
    """Check the files that the engine's program was given, and compare every parameter, by `[neuron]` table.

    Raises
    ------
    RecordingError
        If what says which files there are, or a list of neurons or values, cannot be read.
    """
    inputs = _read_inputs(folder.program_inputs)
    if inputs.files:
        yield _check_files(inputs.files)
    used = {population.neuron for population in network.populations}
    tables = [(name, table) for name, table in network.spec.neuron.items() if inputs.neurons and name in used]
    for name, table in tables:
        for key, variable in _list_keys(table).items():
            yield _compare(name, key, network, inputs.gather(variable, network.n_neurons))


def _read_inputs(path: Path) -> _Inputs:
    inputs = _Inputs()
    for words in _read_lines(path):
        match words:
            case ["group", group, _, file, _]:
                inputs.neurons[group] = load_array(path.parent / file, np.int32, 1)
            case ["file", name, size, checksum]:
                inputs.files[path.parent / name] = int(size), int(checksum)
            case ["number", group, name, value]:
                inputs.values.setdefault(name, {})[group] = np.array([float.fromhex(value)])
            case ["values", group, name, file]:
                inputs.values.setdefault(name, {})[group] = load_array(path.parent / file, np.float64, 1)
    return inputs


def _read_lines(path: Path) -> Iterator[list[str]]:
    """Yield the words of each line; none of a run that had no such inputs."""
    if not path.is_file():
        return
    text, _, end = path.read_bytes().rpartition(b"end ")
    if end != b"%d\n" % crc32c(text):
        raise RecordingError(Problem(str(path), "is damaged: its checksum is wrong"))
    for line in text.decode().splitlines():
        yield line.split()


def _check_files(files: dict[Path, tuple[int, int]]) -> Row:
    """Return the row of all files: those that are not as they were written, edges among them, are named."""
    found = [find_damage(Path(os.path.normpath(path)), expected) for path, expected in files.items()]
    damaged = [str(problem).rstrip(".") for problem in found if problem is not None]
    row = Row("program", "inputs", "", False, len(files), len(damaged), np.nan, np.nan, 0.0, "ok")
    if not damaged:
        return row
    more = [f"{len(damaged) - _MOST_NAMES} more"] if len(damaged) > _MOST_NAMES else []
    return replace(row, verdict="differs", reason="; ".join(damaged[:_MOST_NAMES] + more))


def _list_keys(table: Neuron) -> dict[str, str]:
    """Return the keys of a table's parameters, each with the name that the program has for it."""
    kinds = (Quantity, Uniform, Normal, Values, ArrayFile)
    keys = [key for key, value in table if isinstance(value, kinds) and key != _INITIAL]
    own = table.parameters if isinstance(table, EquationsNeuron) else {}
    return {key: _NAMES.get(key, key) for key in keys} | {key: key for key in own}


def _expect(neurons: CheckedNeurons, key: str) -> Floats:
    """Return what the program should have been given, which knows `w_ap` with its sign."""
    return neurons.kick if key == "w_ap" and neurons.model == "after_potential" else neurons.parameter(key)


def _compare(table: str, key: str, network: Expanded, recorded: Floats) -> Row:
    """Return the row of one parameter."""
    populations = [population for population in network.populations if population.neuron == table]
    whole = [np.arange(p.start, p.stop, dtype=np.int32) for p in populations]
    neurons = np.concatenate(whole)
    if np.isnan(recorded[neurons]).all():
        return unchecked_row(table, key, "", "the program was given no such variable")
    seed = network.spec.network.seed
    try:
        pairs = zip(populations, whole, strict=True)
        found = [_expect(CheckedNeurons(network, *pair, seed), key) for pair in pairs]
    except SpecError as error:
        return unchecked_row(table, key, "", str(error.problems[0]))
    expected, given = np.concatenate(found), recorded[neurons]
    row = Row(table, key, "", False, neurons.size, 0, 0.0, np.nan, 0.0, "ok")
    differs = np.flatnonzero(expected != given)
    if not differs.size:
        return row
    largest = float(np.abs(given[differs] - expected[differs]).max())
    row = replace(row, verdict="differs", n_different=differs.size, largest_absolute=largest)
    at = differs[0]
    return replace(row, neuron=int(neurons[at]), expected=float(expected[at]), recorded=float(given[at]))
