"""A small model, what the cases change in it, and how it is refused."""

import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest

from models import SpecError
from models.files import parse_model

MODEL = """
[network]
name = "small"
dt = "0.1 ms"
duration = "100 ms"

[neuron.lif]
model = "lif"
tau_m = "20 ms"
v_threshold = "20 mV"
v_reset = "10 mV"

[layers]
count = 2
[layers.population.E]
size = 4
neuron = "lif"
[layers.population.I]
size = 3
neuron = "lif"

[pathway.slow]
source = "E"
target = "E"
between = "within"
polarity = "excitatory"
kinetics = "exponential"
tau = "10 ms"
weight = "0.2 mV"
connect = { probability = 0.5 }
delay = "1.5 ms"

[pathway.fast]
source = "I"
target = ["E", "I"]
between = "within"
polarity = "inhibitory"
kinetics = "delta"
weight = "1 mV"
connect = "all_to_all"

[drive.noise]
kind = "poisson"
target = ["E", "I"]
sources = 10
rate = "10 Hz"
polarity = "excitatory"
kinetics = "delta"
weight = "0.2 mV"

[record.currents]
kind = "currents"
population = "E"
interval = "1 ms"

[[event]]
time = "20 ms"
population = "L1E"
index = 0
set = "v"
value = "1 V"
"""
"""What every case changes a little."""

GONE = object()
"""In an edit: the key is left out."""
SHARED = {
    "kind": "shared_poisson",
    "target": "E",
    "sources": 5,
    "rate": "10 Hz",
    "polarity": "excitatory",
    "kinetics": "delta",
    "weight": "1 mV",
}
SPIKES = {key: value for key, value in SHARED.items() if key != "rate"} | {"kind": "spike_file", "file": "spikes.csv"}
BORROWED = {key: value for key, value in SHARED.items() if key not in ("sources", "rate")}
OWN = {"equations": "dv/dt = (I - v)/tau : volt", "threshold": "v > 1*volt", "reset": "v = 0*volt"}
OWN_CONSTANTS = OWN | {
    "equations": "dv/dt = (total - v)/tau : volt\ntotal = I + bias : volt\nbias : volt (constant)\n"
    "tau : second (constant, shared)"
}
COUNTING = OWN | {"equations": "dv/dt = (I - v)/tau : volt\nn : integer", "parameters": {"tau": "10 ms"}}
ONE_LABEL: Final[dict[str, Any]] = {
    "layers.population": {"E": {"size": 4, "neuron": "lif"}},
    "pathway.fast.source": "E",
    "pathway.fast.target": "E",
    "drive.noise.target": "E",
}

type Edit = dict[str, Any]
type Case = tuple[Edit, str]
"""What is changed, by path, and the whole message."""

TABLES = tomllib.loads(MODEL)


def apply_edit(edit: Edit) -> dict[str, Any]:
    """Return the small model's tables with values by path put in."""
    tables: dict[str, Any] = deepcopy(TABLES)
    for path, value in edit.items():
        *parents, last = path.split(".")
        table: Any = tables
        for part in parents:
            table = table[int(part)] if isinstance(table, list) else table.setdefault(part, {})
        if value is GONE:
            del table[last]
        else:
            table[last] = value
    return tables


def refuse(text: str, folder: Path) -> SpecError:
    """Return the error of a model file's text."""
    with pytest.raises(SpecError) as caught:
        parse_model(text, folder, "small")
    return caught.value
