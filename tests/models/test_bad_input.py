"""Every mistake that can be found in a model before anything is compiled, with the whole message that it gets."""

import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from models import CurrentsError, SpecError, load_network
from models.checks import check_duration
from models.files import parse_model
from models.quantities import SECOND, parse_quantity

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

type Edit = dict[str, Any]

CASES: dict[str, tuple[Edit, str]] = {
    "unknown key": (
        {"network.sed": 3},
        'small: network.sed: is not a known key (expected "seed").',
    ),
    "unknown key of a pathway": (
        {"pathway.slow.wieght": "1 mV"},
        'small: pathway.slow.wieght: is not a known key (expected "weight").',
    ),
    "unknown key of an exception": (
        {"pathway.slow.layer": {"1": {"delai": "1 ms"}}},
        'small: pathway.slow.layer.1.delai: is not a known key (expected "delay").',
    ),
    "unknown table": (
        {"pathways": {}},
        'small: pathways: is not a known key (expected "pathway").',
    ),
    "unknown key far from all others": (
        {"layers.zzz": 1},
        "small: layers.zzz: is not a known key (expected count or population).",
    ),
    "missing weight": (
        {"pathway.slow.weight": GONE},
        "small: pathway.slow.weight: is missing.",
    ),
    "missing dt": (
        {"network.dt": GONE},
        "small: network.dt: is missing.",
    ),
    "missing table": (
        {"layers": GONE},
        "small: layers: is missing.",
    ),
    "missing kind": (
        {"drive.noise.kind": GONE},
        "small: drive.noise.kind: is missing.",
    ),
    "no neuron": (
        {"neuron": {}},
        "small: neuron: is empty (expected at least one entry).",
    ),
    "no population": (
        {"layers.population": {}},
        "small: layers.population: is empty (expected at least one entry).",
    ),
    "wrong dimension": (
        {"neuron.lif.tau_m": "20 mV"},
        'small: neuron.lif.tau_m: has the wrong dimension (expected a quantity in second, such as "1.5 ms"; '
        'got "20 mV").',
    ),
    "wrong dimension of a rate": (
        {"drive.noise.rate": "10 ms"},
        'small: drive.noise.rate: has the wrong dimension (expected a quantity in hertz, such as "10 Hz"; '
        'got "10 ms").',
    ),
    "no unit": (
        {"pathway.slow.weight": 0.2},
        'small: pathway.slow.weight: has no unit (expected a quantity in volt, such as "0.2 mV"; got 0.2).',
    ),
    "unknown unit": (
        {"pathway.slow.weight": "0.2 mVolt"},
        'small: pathway.slow.weight: has the unknown unit "mVolt" (expected "mvolt"; got "mVolt").',
    ),
    "no number": (
        {"pathway.slow.weight": "strong"},
        'small: pathway.slow.weight: is not a number with a unit (expected text such as "0.2 mV"; got "strong").',
    ),
    "flag for a quantity": (
        {"pathway.slow.weight": True},
        'small: pathway.slow.weight: is not a number with a unit (expected text such as "0.2 mV"; got true).',
    ),
    "flag for a count": (
        {"layers.population.E.size": True},
        "small: layers.population.E.size: has the wrong type (expected a whole number; got true).",
    ),
    "flag for a seed": (
        {"network.seed": False},
        "small: network.seed: has the wrong type (expected a whole number; got false).",
    ),
    "flag for a probability": (
        {"pathway.slow.connect": {"probability": True}},
        "small: pathway.slow.connect: has a probability outside [0, 1] (expected 0 to 1; got true).",
    ),
    "text for a count": (
        {"layers.population.E.size": "4"},
        'small: layers.population.E.size: has the wrong type (expected a whole number; got "4").',
    ),
    "fraction for a count": (
        {"drive.noise.sources": 2.0},
        "small: drive.noise.sources: has the wrong type (expected a whole number; got 2.0).",
    ),
    "number for a flag": (
        {"pathway.slow.autapses": 1},
        "small: pathway.slow.autapses: has the wrong type (expected true or false; got 1).",
    ),
    "number for a name": (
        {"pathway.slow.target": 3},
        "small: pathway.slow.target: has the wrong type (expected a name or a list of names; got 3).",
    ),
    "number for a table": (
        {"pathway.slow": 3},
        "small: pathway.slow: has the wrong type (expected a table; got 3).",
    ),
    "number for a drive": (
        {"drive.noise": 3},
        "small: drive.noise: has the wrong type (expected a table; got 3).",
    ),
    "negative weight": (
        {"pathway.fast.weight": "-1 mV"},
        'small: pathway.fast.weight: is negative (expected 0 or more; got "-1 mV").\n'
        "  next: write the magnitude; `polarity` says which way it acts",
    ),
    "negative weight in a matrix": (
        {"pathway.slow.weight": {"values": [[1, 1, 1, -1]] * 4, "unit": "mV"}, "pathway.slow.connect": "all_to_all"},
        'small: pathway.slow.weight: is negative (expected 0 or more; got "-1 mV").\n'
        "  next: write the magnitude; `polarity` says which way it acts",
    ),
    "negative bound of a distribution": (
        {"pathway.slow.weight": {"uniform": ["-2 mV", "1 mV"]}},
        'small: pathway.slow.weight: is negative (expected 0 or more; got "-2 mV").\n'
        "  next: write the magnitude; `polarity` says which way it acts",
    ),
    "bounds in the wrong order": (
        {"pathway.slow.weight": {"uniform": ["2 mV", "1 mV"]}},
        'small: pathway.slow.weight: has its bounds in the wrong order (expected [low, high]; got ["2 mV", "1 mV"]).',
    ),
    "negative standard deviation": (
        {"pathway.slow.weight": {"normal": ["2 mV", "-1 mV"]}},
        'small: pathway.slow.weight: has a negative standard deviation (expected sd ≥ 0; got ["2 mV", "-1 mV"]).',
    ),
    "distribution with three parts": (
        {"pathway.slow.weight": {"normal": ["2 mV", "1 mV", "0 mV"]}},
        'small: pathway.slow.weight: has the wrong number of parts (expected [mean, sd]; got ["2 mV", "1 '
        'mV", "0 mV"]).',
    ),
    "unknown distribution": (
        {"pathway.slow.weight": {"unifrom": ["1 mV", "2 mV"]}},
        'small: pathway.slow.weight: has the unknown form "unifrom" (expected "uniform").',
    ),
    "distribution with another key": (
        {"pathway.slow.weight": {"uniform": ["1 mV", "2 mV"], "unit": "mV"}},
        'small: pathway.slow.weight: has the unknown key "unit" (expected uniform; got { uniform = ["1 mV", '
        '"2 mV"], unit = "mV" }).',
    ),
    "not a number": (
        {"pathway.slow.weight": "nan mV"},
        'small: pathway.slow.weight: is not finite (expected a finite number; got "nan mV").',
    ),
    "infinity": (
        {"neuron.lif.v_threshold": float("inf")},
        "small: neuron.lif.v_threshold: is not finite (expected a finite number; got inf).",
    ),
    "infinity in a matrix": (
        {"pathway.slow.weight": {"values": [[float("inf")] * 4] * 4, "unit": "mV"}},
        'small: pathway.slow.weight: is not finite (expected a finite number; got "inf mV").',
    ),
    "too large for a float": (
        {"network.duration": "1e999 s"},
        "small: network.duration: is beyond what a float64 can hold (expected 1e-308 to 1e308 in SI units, "
        'or 0; got "1e999 s").',
    ),
    "seed below 0": (
        {"network.seed": -1},
        "small: network.seed: is out of range (expected ≥ 0; got -1).",
    ),
    "seed beyond 63 bits": (
        {"network.seed": 2**63},
        "small: network.seed: is out of range (expected ≤ 9223372036854775807; got 9223372036854775808).",
    ),
    "refractory below 0": (
        {"neuron.lif.refractory": "-2 ms"},
        'small: neuron.lif.refractory: is negative (expected 0 or more; got "-2 ms").',
    ),
    "refractory between two steps": (
        {"neuron.lif.refractory": "2.05 ms"},
        'small: neuron.lif.refractory: is not a multiple of network.dt = 0.1 ms (expected "2 ms" or "2.1 '
        'ms"; got "2.05 ms").',
    ),
    "delay between two steps": (
        {"pathway.slow.delay": "0.25 ms"},
        'small: pathway.slow.delay: is not a multiple of network.dt = 0.1 ms (expected "0.2 ms" or "0.3 ms"; '
        'got "0.25 ms").',
    ),
    "delay of an exception between two steps": (
        {"pathway.slow.layer": {"2": {"delay": "0.25 ms"}}},
        'small: pathway.slow.layer.2.delay: is not a multiple of network.dt = 0.1 ms (expected "0.2 ms" or '
        '"0.3 ms"; got "0.25 ms").',
    ),
    "membrane without time constant": (
        {"neuron.lif.tau_m": "0 ms"},
        'small: neuron.lif.tau_m: is not above 0 (got "0 ms").',
    ),
    "membrane time constant that may be 0": (
        {"neuron.lif.tau_m": {"normal": ["20 ms", "5 ms"]}},
        "small: neuron.lif.tau_m: can be 0 or below, and the equations divide by it (expected values above "
        '0; mean > 8.3 sd; got { normal = ["20 ms", "5 ms"] }).',
    ),
    "reset above threshold": (
        {"neuron.lif.v_reset": "30 mV"},
        "small: neuron.lif.v_reset: is above v_threshold: after its first spike a neuron would never stop "
        'firing (expected at most "20 mV"; got "30 mV").',
    ),
    "unknown model of a neuron": (
        {"neuron.lif.model": "adex"},
        'small: neuron.lif.model: is not one of its choices (expected "lif"; got "adex").',
    ),
    "one value too few for a population": (
        {"neuron.lif.v_initial": {"values": [1, 2, 3], "unit": "mV"}},
        "small: neuron.lif.v_initial: has the wrong number of values (expected a list of 4, one per neuron "
        "of L1E; got a list of 3).",
    ),
    "dt of 0": (
        {"network.dt": "0 ms"},
        'small: network.dt: is not above 0 (got "0 ms").',
    ),
    "duration of 0": (
        {"network.duration": "0 s"},
        'small: network.duration: is not above 0 (expected "0.1 ms"; got "0 s").',
    ),
    "duration between two steps": (
        {"network.duration": "100.05 ms"},
        'small: network.duration: is not a multiple of network.dt = 0.1 ms (expected "100 ms" or "100.1 ms"; '
        'got "100.05 ms").',
    ),
    "duration of half a step more after days": (
        {"network.duration": "100000.00005 s", "record": {}},
        'small: network.duration: is not a multiple of network.dt = 0.1 ms (expected "100000 s" or '
        '"100000.0001 s"; got "100000.00005 s").',
    ),
    "too many steps": (
        {"network.duration": "1e300 s", "record": {}},
        "small: network.duration: has too many steps of network.dt = 0.1 ms (expected at most "
        '9007199254740992; got "1e300 s").',
    ),
    "duration between two bins": (
        {"network.duration": "100.5 ms"},
        'small: network.duration: is not a multiple of record.currents.interval = 1 ms (expected "100 ms" or '
        '"101 ms"; got "100.5 ms").',
    ),
    "recording interval between two steps": (
        {"record.currents.interval": "0.25 ms"},
        'small: record.currents.interval: is not a multiple of network.dt = 0.1 ms (expected "0.2 ms" or '
        '"0.3 ms"; got "0.25 ms").',
    ),
    "recording interval of 0": (
        {"record.currents.interval": "0 ms"},
        'small: record.currents.interval: is not above 0 (expected "0.1 ms"; got "0 ms").',
    ),
    "empty population": (
        {"layers.population.E.size": 0},
        "small: layers.population.E.size: is out of range (expected ≥ 1; got 0).",
    ),
    "empty population in one layer": (
        {"layers.population.E.layer": {"1": {"size": 0}}},
        "small: layers.population.E.layer.1.size: is out of range (expected ≥ 1; got 0).",
    ),
    "no layer": (
        {"layers.count": 0},
        "small: layers.count: is out of range (expected ≥ 1; got 0).",
    ),
    "too many layers": (
        {"layers.count": 128},
        "small: layers.count: is out of range (expected ≤ 127; got 128).",
    ),
    "weight that no float32 holds": (
        {"pathway.slow.weight": "1e300 mV"},
        "small: pathway.slow.weight: is too large (expected at most 3e+38 in SI units; got 1e+297).",
    ),
    "weight of a drive that no float32 holds": (
        {"drive.noise.weight": "1e39 V"},
        "small: drive.noise.weight: is too large (expected at most 3e+38 in SI units; got 1e+39).",
    ),
    "delay of more steps than there are": (
        {"pathway.slow.delay": {"uniform": ["1 ms", "1e9 s"]}},
        "small: pathway.slow.delay: is too large (expected at most 214748 in SI units; got 1e+09).",
    ),
    "too many neurons": (
        {"layers.population.E.size": 2**31, "pathway": {}},
        "small: layers: has too many neurons (expected at most 2147483647; got 4294967302).",
    ),
    "population of an unknown neuron": (
        {"layers.population.E.neuron": "lfi"},
        'small: layers.population.E.neuron: names a neuron that does not exist (expected "lif"; got "lfi").',
    ),
    "exception for a layer that does not exist": (
        {"layers.population.E.layer": {"3": {"size": 5}}},
        "small: layers.population.E.layer.3: names a layer that does not exist (expected 1 to 2).",
    ),
    "exception for no number": (
        {"layers.population.E.layer": {"first": {"size": 5}}},
        'small: layers.population.E.layer.first: is not the number of a layer (expected 1, 2, …; got "first").',
    ),
    "exception for a layer that no pathway reaches": (
        {"pathway.slow.between": "next", "pathway.slow.layer": {"1": {"weight": "1 mV"}}},
        "small: pathway.slow.layer.1: changes nothing: no target is in this layer (expected 2).",
    ),
    "label that is one layer's population": (
        {"layers.population.L1E": {"size": 2, "neuron": "lif"}},
        "small: layers.population.L1E: has the name of one layer's population (expected a name without a "
        'layer; got "L1E").',
    ),
    "label that cannot be a name": (
        {"layers.population.E-1": {"size": 2, "neuron": "lif"}},
        "small: layers.population.E-1: is not a usable name (expected letters, digits and _, a letter first; "
        'got "E-1").',
    ),
    "pathway from an unknown population": (
        {"pathway.slow.source": "X"},
        'small: pathway.slow.source: names a population that does not exist (expected "E", "I", "L1E", '
        '"L1I", "L2E" or "L2I"; got "X").',
    ),
    "pathway to a population of a layer too far": (
        {"pathway.fast.target": "L3E"},
        'small: pathway.fast.target: names a population that does not exist (expected "L2E"; got "L3E").',
    ),
    "pathway to nothing": (
        {"pathway.fast.target": []},
        "small: pathway.fast.target: is empty (expected at least one entry).",
    ),
    "pathway without between": (
        {"pathway.slow.between": GONE},
        'small: pathway.slow.between: is missing, though "E" is in every layer (expected "within", "next" or '
        '"previous").',
    ),
    "unknown between": (
        {"pathway.slow.between": "witin"},
        'small: pathway.slow.between: is not one of its choices (expected "within"; got "witin").',
    ),
    "pathway that connects nothing": (
        {"pathway.slow.source": "L2E", "pathway.slow.between": "next"},
        "small: pathway.slow: connects nothing: in 2 layers, no source and target are so placed (got "
        'between = "next").',
    ),
    "pathway that connects twice": (
        {"pathway.slow.target": ["E", "L2E"]},
        'small: pathway.slow: connects the same two populations twice (got ["E"] to ["E", "L2E"]).',
    ),
    "unknown polarity": (
        {"pathway.slow.polarity": "neutral"},
        'small: pathway.slow.polarity: is not one of its choices (expected "excitatory" or "inhibitory"; got '
        '"neutral").',
    ),
    "unknown kinetics": (
        {"pathway.slow.kinetics": "exponentail"},
        'small: pathway.slow.kinetics: names a kinetics that does not exist (expected "exponential"; got '
        '"exponentail").',
    ),
    "time constant missing": (
        {"pathway.slow.tau": GONE},
        'small: pathway.slow.tau: is missing, and kinetics "exponential" needs it (expected "10 ms", say).',
    ),
    "time constant without meaning": (
        {"pathway.fast.tau": "5 ms"},
        'small: pathway.fast.tau: has no meaning for kinetics "delta" (got "5 ms").\n'
        "  next: remove tau, or change kinetics",
    ),
    "time constant of 0": (
        {"pathway.slow.tau": "0 ms"},
        'small: pathway.slow.tau: is not above 0 (got "0 ms").',
    ),
    "probability above 1": (
        {"pathway.slow.connect": {"probability": 1.5}},
        "small: pathway.slow.connect: has a probability outside [0, 1] (expected 0 to 1; got 1.5).",
    ),
    "probability below 0": (
        {"pathway.slow.connect": {"probability": -0.1}},
        "small: pathway.slow.connect: has a probability outside [0, 1] (expected 0 to 1; got -0.1).",
    ),
    "probability that is no number": (
        {"pathway.slow.connect": {"probability": float("nan")}},
        "small: pathway.slow.connect: has a probability outside [0, 1] (expected 0 to 1; got nan).",
    ),
    "unknown rule": (
        {"pathway.slow.connect": "all_to_al"},
        'small: pathway.slow.connect: has the unknown form "all_to_al" (expected "all_to_all").',
    ),
    "unknown rule in a table": (
        {"pathway.slow.connect": {"fan_in": 3}},
        'small: pathway.slow.connect: has the unknown form "fan_in" (expected all_to_all, one_to_one, '
        "probability, in_degree, out_degree, pairs or matrix).",
    ),
    "two rules": (
        {"pathway.slow.connect": {"probability": 0.1, "in_degree": 3}},
        'small: pathway.slow.connect: has the unknown key "in_degree" (expected probability; got { '
        "probability = 0.1, in_degree = 3 }).",
    ),
    "number for a rule": (
        {"pathway.slow.connect": 0.1},
        "small: pathway.slow.connect: is not a connection rule (expected all_to_all, one_to_one, "
        "probability, in_degree, out_degree, pairs or matrix; got 0.1).",
    ),
    "negative degree": (
        {"pathway.slow.connect": {"in_degree": -1}},
        "small: pathway.slow.connect: has an impossible in_degree (expected a whole number ≥ 0; got -1).",
    ),
    "more partners than there are": (
        {"pathway.slow.connect": {"in_degree": 5}},
        "small: pathway.slow.connect: asks each neuron for more distinct partners than there are, L1E (4) to "
        "L1E (4) (expected at most 4; got 5).",
    ),
    "more partners than there are without autapses": (
        {"pathway.slow.connect": {"out_degree": 4}, "pathway.slow.autapses": False},
        "small: pathway.slow.connect: asks each neuron for more distinct partners than there are, L1E (4) to "
        "L1E (4) (expected at most 3; got 4).",
    ),
    "one to one between unequal sizes": (
        {"pathway.fast.connect": "one_to_one"},
        "small: pathway.fast.connect: joins populations of unequal size one to one (got L1I (3) to L1E (4)).",
    ),
    "matrix of the wrong shape": (
        {"pathway.slow.weight": {"values": [[1, 2], [3, 4]], "unit": "mV"}},
        "small: pathway.slow.weight: is a matrix of the wrong shape (expected 4 rows (sources, L1E) by 4 "
        "columns (targets, L1E); got 2 by 2).",
    ),
    "matrix of the wrong shape in one layer": (
        {"pathway.slow.layer": {"2": {"weight": {"values": [[1, 2]], "unit": "mV"}}}},
        "small: pathway.slow.layer.2.weight: is a matrix of the wrong shape (expected 4 rows (sources, L2E) "
        "by 4 columns (targets, L2E); got 1 by 2).",
    ),
    "matrix with uneven rows": (
        {"pathway.slow.weight": {"values": [[1, 2], [3]], "unit": "mV"}},
        "small: pathway.slow.weight: has rows of unequal length (expected one row per source, one column per target).",
    ),
    "list for a matrix": (
        {"pathway.slow.weight": {"values": [1, 2, 3, 4], "unit": "mV"}},
        "small: pathway.slow.weight: is not a matrix (expected 4 rows (sources, L1E) by 4 columns (targets, "
        "L1E); got a list of 4).",
    ),
    "matrix without unit": (
        {"pathway.slow.weight": {"values": [[1, 2, 3, 4]] * 4}},
        'small: pathway.slow.weight: has no unit (expected a quantity in volt, such as "0.2 mV"; got 1).',
    ),
    "delays of the wrong shape": (
        {"pathway.slow.delay": {"values": [[1, 2]], "unit": "ms"}},
        "small: pathway.slow.delay: is a matrix of the wrong shape (expected 4 rows (sources, L1E) by 4 "
        "columns (targets, L1E); got 1 by 2).",
    ),
    "file that does not exist": (
        {"pathway.slow.weight": {"file": "gone.npy", "unit": "mV"}},
        "small: pathway.slow.weight: names a file that does not exist (got {folder}/gone.npy).\n"
        "  next: make the file, or correct its name, which is relative to the model file's folder",
    ),
    "file that is no array": (
        {"pathway.slow.weight": {"file": "text.npy"}},
        "small: pathway.slow.weight: names a file that is not a NumPy array (got {folder}/text.npy).\n"
        "  evidence: the magic string is not correct; expected b'\\x93NUMPY', got b'not an'",
    ),
    "file of another kind": (
        {"pathway.slow.weight": {"file": "w.txt"}},
        'small: pathway.slow.weight: is not a NumPy file (expected a file name that ends in ".npy"; got "w.txt").',
    ),
    "file of the wrong shape": (
        {"pathway.slow.weight": {"file": "2x3.npy", "unit": "mV"}},
        "small: pathway.slow.weight: is a matrix of the wrong shape (expected 4 rows (sources, L1E) by 4 "
        "columns (targets, L1E); got 2 by 3 in {folder}/2x3.npy).",
    ),
    "file with a negative weight": (
        {"pathway.slow.weight": {"file": "negative.npy", "unit": "mV"}},
        "small: pathway.slow.weight: has a negative number (expected 0 or more; got -0.0005 in SI units in "
        "{folder}/negative.npy).\n"
        "  next: write magnitudes; `polarity` says which way they act",
    ),
    "file with nan": (
        {"pathway.slow.weight": {"file": "nan.npy", "unit": "mV"}},
        "small: pathway.slow.weight: names an array with numbers that are not finite (got {folder}/nan.npy).",
    ),
    "file with text": (
        {"pathway.slow.weight": {"file": "names.npy"}},
        "small: pathway.slow.weight: names an array that does not hold numbers (got <U1 in {folder}/names.npy).",
    ),
    "file of initial values of the wrong length": (
        {"neuron.lif.v_initial": {"file": "2x3.npy", "unit": "mV"}},
        "small: neuron.lif.v_initial: has the wrong number of values (expected a list of 4, one per neuron "
        "of L1E; got 2 by 3 in {folder}/2x3.npy).",
    ),
    "pairs that do not exist": (
        {"pathway.slow.connect": {"pairs": "sub/pairs.csv"}},
        "small: pathway.slow.connect: names a file that does not exist (got {folder}/sub/pairs.csv).\n"
        "  next: make the file, or correct its name, which is relative to the model file's folder",
    ),
    "pairs beyond the population": (
        {"pathway.slow.connect": {"pairs": "pairs.csv"}},
        "small: pathway.slow.connect: has a target that does not exist (expected 0 to 3 (L1E); got 4 in "
        "{folder}/pairs.csv).",
    ),
    "pairs with a header": (
        {"pathway.slow.connect": {"pairs": "header.csv"}},
        "small: pathway.slow.connect: is not a list of pairs (expected lines such as 0,12 (source, target), "
        "without a header; got {folder}/header.csv).\n"
        "  evidence: could not convert string 'source' to int64 at row 0, column 1.",
    ),
    "a pair twice": (
        {"pathway.slow.connect": {"pairs": "twice.npy"}},
        "small: pathway.slow.connect: has a pair twice (expected each pair once; got 0, 1 in {folder}/twice.npy).",
    ),
    "pairs in three columns": (
        {"pathway.slow.connect": {"pairs": "2x3.npy"}},
        "small: pathway.slow.connect: is not a list of pairs (expected one row per edge: source, target; got "
        "2 by 3 in {folder}/2x3.npy).",
    ),
    "one weight too few for the pairs": (
        {"pathway.slow.connect": {"pairs": "good.csv"}, "pathway.slow.weight": {"values": [1], "unit": "mV"}},
        "small: pathway.slow.weight: has the wrong number of values (expected 2, one per pair; got a list of 1).",
    ),
    "matrix file that does not exist": (
        {"pathway.slow.connect": {"matrix": "gone.npy"}},
        "small: pathway.slow.connect: names a file that does not exist (got {folder}/gone.npy).\n"
        "  next: make the file, or correct its name, which is relative to the model file's folder",
    ),
    "matrix file of the wrong shape": (
        {"pathway.slow.connect": {"matrix": "2x3.npy"}},
        "small: pathway.slow.connect: is a matrix of the wrong shape (expected 4 rows (sources, L1E) by 4 "
        "columns (targets, L1E); got 2 by 3 in {folder}/2x3.npy).",
    ),
    "spike file that does not exist": (
        {"drive.noise": SPIKES},
        "small: drive.noise.file: names a file that does not exist (got {folder}/spikes.csv).\n"
        "  next: make the file, or correct its name, which is relative to the model file's folder",
    ),
    "drive of an unknown kind": (
        {"drive.noise.kind": "poison"},
        'small: drive.noise.kind: is not one of its choices (expected "poisson"; got "poison").',
    ),
    "drive of an unknown population": (
        {"drive.noise.target": ["E", "J"]},
        'small: drive.noise.target: names a population that does not exist (expected "E", "I", "L1E", "L1I", '
        '"L2E" or "L2I"; got "J").',
    ),
    "drive with the name of a pathway": (
        {"drive.slow": SHARED | {"target": "I"}},
        "small: drive.slow: has the name of a pathway (expected a name of its own).",
    ),
    "drive without sources": (
        {"drive.noise.sources": 0},
        "small: drive.noise.sources: is out of range (expected ≥ 1; got 0).",
    ),
    "negative rate": (
        {"drive.noise.rate": "-1 Hz"},
        'small: drive.noise.rate: is negative (expected 0 or more; got "-1 Hz").',
    ),
    "independent drive with many weights": (
        {"drive.noise.weight": {"uniform": ["0 mV", "1 mV"]}},
        "small: drive.noise.weight: differs between neurons, but a poisson drive has one weight (expected "
        '"0.2 mV", say).',
    ),
    "independent drive with too many events": (
        {"drive.noise.rate": "1e10 Hz"},
        "small: drive.noise.rate: gives each neuron of layer 1 more events per step than can be drawn "
        "(expected sources · rate · dt ≤ 1e+06; got 1e+07).",
    ),
    "shared source that fires twice in a step": (
        {"drive.noise": SHARED | {"rate": "20 kHz"}},
        "small: drive.noise.rate: makes a source fire more than once in a step of 0.1 ms (expected rate · dt "
        '≤ 1; got "20 kHz").',
    ),
    "shared source that fires twice in a step at times": (
        {"drive.noise": SHARED | {"rate": {"values": [1, 20], "unit": "kHz", "interval": "1 ms"}}},
        "small: drive.noise.rate: makes a source fire more than once in a step of 0.1 ms (expected rate · dt "
        "≤ 1; got up to 20000 Hz).",
    ),
    "shared sources without a number": (
        {"drive.noise": {key: value for key, value in SHARED.items() if key != "sources"}},
        "small: drive.noise.sources: is missing.",
    ),
    "sources of a drive that has none": (
        {"drive.noise": SHARED, "drive.more": BORROWED | {"sources_of": "nose"}},
        "small: drive.more.sources_of: names no shared_poisson drive with sources of its own "
        '(expected noise; got "nose").',
    ),
    "shared sources of two kinds": (
        {"drive.noise": SHARED, "drive.more": BORROWED | {"sources_of": "noise", "rate": "1 Hz"}},
        'small: drive.more.rate: is that of drive "noise", whose sources this one shares.',
    ),
    "rate over time without interval": (
        {"drive.noise.rate": {"values": [1, 2], "unit": "Hz"}},
        'small: drive.noise.rate: varies in time without an interval (expected interval = "10 ms"; got { '
        'values = [1, 2], unit = "Hz" }).',
    ),
    "rate over time with a crooked interval": (
        {"drive.noise.rate": {"values": [1, 2], "unit": "Hz", "interval": "0.25 ms"}},
        'small: drive.noise.rate.interval: is not a multiple of network.dt = 0.1 ms (expected "0.2 ms" or '
        '"0.3 ms"; got "0.25 ms").',
    ),
    "rate over time from a distribution": (
        {"drive.noise.rate": {"uniform": ["1 Hz", "2 Hz"], "interval": "1 ms"}},
        "small: drive.noise.rate: varies in time, but not by a list of values (expected a constant, { values "
        '= […], … } or { file = …, … }; got { uniform = ["1 Hz", "2 Hz"], interval = "1 ms" }).',
    ),
    "negative current": (
        {"drive.noise": {"kind": "current", "target": "E", "polarity": "excitatory", "value": "-1 mV"}},
        'small: drive.noise.value: is negative (expected 0 or more; got "-1 mV").\n'
        "  next: write the magnitude; `polarity` says which way it acts",
    ),
    "channel with the name of a column": (
        {"pathway.slow.channel": "total"},
        'small: pathway.slow: has the channel name "total", which is a column of the tables (expected '
        "another name, or `channel = …`).",
    ),
    "channel of unlike kinetics": (
        {"pathway.fast.channel": "slow"},
        'small: pathway.fast: shares the channel "slow" with inputs of other kinetics, time constant or '
        "polarity (expected a channel of its own).",
    ),
    "recorder of an unknown kind": (
        {"record.currents.kind": "current"},
        'small: record.currents.kind: is not one of its choices (expected "currents"; got "current").',
    ),
    "recorder of an unknown population": (
        {"record.currents.population": "L9E"},
        'small: record.currents.population: names a population that does not exist (expected "L2E"; got "L9E").',
    ),
    "recorder of an unknown channel": (
        {"record.currents.channels": ["slwo"]},
        'small: record.currents.channels: names a channel that does not exist (expected "slow"; got "slwo").',
    ),
    "recorder of a channel that does not reach it": (
        {"record.currents.population": "I", "record.currents.channels": ["slow"]},
        "small: record.currents.channels: names a channel that reaches none of the recorded populations "
        '(expected a recorder of L1E, L2E; got "slow").',
    ),
    "recorder of a channel twice": (
        {"record.currents.channels": ["slow", "slow"]},
        'small: record.currents.channels: has an entry twice (got "slow").',
    ),
    "recorder of channels by number": (
        {"record.currents.channels": 1},
        'small: record.currents.channels: has the wrong type (expected "all" or a list of channels; got 1).',
    ),
    "recorder of a neuron that does not exist": (
        {"record.currents.neurons": [0, 4]},
        "small: record.currents.neurons: has an index beyond L1E (expected 0 to 3; got 4).",
    ),
    "recorder of no neuron": (
        {"record.currents.neurons": []},
        "small: record.currents.neurons: is empty (expected at least one index).",
    ),
    "recorder of a neuron twice": (
        {"record.currents.neurons": [1, 1]},
        "small: record.currents.neurons: has an entry twice (got 1).",
    ),
    "recorder of more neurons than there are": (
        {"record.currents.neurons": {"random": 5}},
        "small: record.currents.neurons.random: asks for more neurons than L1E has (expected at most 4; got 5).",
    ),
    "recorder of an empty slice": (
        {"record.currents.neurons": {"start": 2, "stop": 2}},
        "small: record.currents.neurons: selects no neuron (expected start < stop; got start = 2, stop = 2).",
    ),
    "recorder of unclear neurons": (
        {"record.currents.neurons": "some"},
        "small: record.currents.neurons: is not a selection of neurons (expected [0, 5, …], { every = k }, { "
        "random = k } or { start = a, stop = b, step = c }).",
    ),
    "recorder of an unknown precision": (
        {"record.currents.dtype": "float16"},
        'small: record.currents.dtype: is not one of its choices (expected "float64"; got "float16").',
    ),
    "event between two steps": (
        {"event.0.time": "20.05 ms"},
        'small: event.0.time: is not a multiple of network.dt = 0.1 ms (expected "20 ms" or "20.1 ms"; got '
        '"20.05 ms").',
    ),
    "event at an unknown population": (
        {"event.0.population": "E"},
        'small: event.0.population: names a population that does not exist (expected "L1E", "L1I", "L2E" or '
        '"L2I"; got "E").',
    ),
    "event at a neuron that does not exist": (
        {"event.0.index": 4},
        "small: event.0.index: has an index beyond L1E (expected 0 to 3; got 4).",
    ),
    "event with a voltage in another unit": (
        {"event.0.value": "1 ms"},
        'small: event.0.value: has the wrong dimension (expected a quantity in volt, such as "0.2 mV"; got "1 ms").',
    ),
    "event with a distribution": (
        {"event.0.value": {"uniform": ["0 mV", "1 mV"]}},
        'small: event.0.value: is not one value (expected "1 V", say; got { uniform = ["0 mV", "1 mV"] }).',
    ),
    "own equations with a parameter that is no number": (
        {"neuron.lif": OWN | {"parameters": {"tau": "long"}}},
        'small: neuron.lif.parameters.tau: is not a number with a unit (expected text such as "0.2 mV"; got "long").',
    ),
    "own equations without threshold": (
        {"neuron.lif": {"equations": "dv/dt = -v/second : volt", "reset": ""}},
        "small: neuron.lif.threshold: is missing.",
    ),
}


def _apply(edit: Edit) -> dict[str, Any]:
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


TABLES = tomllib.loads(MODEL)


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with array files, good and bad, for a model of 4 E and 3 I neurons."""
    folder = tmp_path_factory.mktemp("model").resolve()
    _make_files(folder)
    return folder


def _make_files(folder: Path) -> None:
    np.save(folder / "2x3.npy", np.arange(6).reshape(2, 3))
    np.save(folder / "negative.npy", np.where(np.eye(4) > 0, -0.5, 1.0))
    np.save(folder / "nan.npy", np.full((4, 4), np.nan))
    np.save(folder / "names.npy", np.array(["a", "b"]))
    np.save(folder / "twice.npy", np.array([[0, 1], [2, 3], [0, 1]]))
    np.save(folder / "4x4.npy", np.ones((4, 4)))
    (folder / "text.npy").write_text("not an array", encoding="utf-8")
    (folder / "good.csv").write_text("0,1\n2,3\n", encoding="utf-8")
    (folder / "pairs.csv").write_text("0,1\n2,4\n", encoding="utf-8")
    (folder / "header.csv").write_text("source,target\n0,1\n", encoding="utf-8")


def _refuse(text: str, folder: Path) -> SpecError:
    """Return the error of a model file's text."""
    with pytest.raises(SpecError) as caught:
        parse_model(text, folder, "small")
    return caught.value


@pytest.mark.parametrize("name", CASES)
def test_the_whole_message(name: str, folder: Path) -> None:
    """Each mistake alone has exactly this message, and is a usage error to the command line."""
    edit, message = CASES[name]
    error = _refuse(tomli_w.dumps(_apply(edit)), folder)
    assert str(error) == message.replace("{folder}", str(folder))
    assert error.exit_code == 2


GOOD: dict[str, Edit] = {
    "nothing changed": {},
    "weights from a file": {"pathway.slow.weight": {"file": "4x4.npy", "unit": "mV"}},
    "pairs from a file": {"pathway.slow.connect": {"pairs": "good.csv"}},
    "weights of pairs": {
        "pathway.slow.connect": {"pairs": "good.csv"},
        "pathway.slow.weight": {"values": [1, 2], "unit": "mV"},
    },
    "matrix from a file": {"pathway.slow.connect": {"matrix": "4x4.npy"}},
    "shared drive": {"drive.noise": SHARED},
    "shared sources of another drive": {"drive.noise": SHARED, "drive.more": BORROWED | {"sources_of": "noise"}},
    "hours that divide": {"network.duration": "1000 h", "record.currents.interval": "1 s"},
    "own equations": {"neuron.lif": OWN | {"parameters": {"tau": "10 ms"}}},
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_right_is_not_refused(name: str, folder: Path) -> None:
    """The small model itself, and the right way of what the cases get wrong, are accepted."""
    spec = parse_model(tomli_w.dumps(_apply(GOOD[name])), folder, "small")
    assert spec.network.name == "small"


def test_there_are_many_cases_and_no_two_are_alike() -> None:
    """The table is long, and every message is one problem of its own."""
    messages = [message for _, message in CASES.values()]
    assert len(CASES) >= 40
    assert len(set(messages)) == len(messages)
    assert all("{" not in message.replace("{folder}", "").replace("{ ", "") for message in messages)


def test_errors_are_reported_together(folder: Path) -> None:
    """Mistakes in keys, values, names and times, in five tables, are one error with all of them."""
    edit = {
        "network.sed": 3,
        "neuron.lif.tau_m": "20 mV",
        "pathway.slow.weight": "-1 mV",
        "pathway.fast.target": ["E", "X"],
        "drive.noise.rate": "10 ms",
        "record.currents.interval": "0.25 ms",
        "event.0.index": 9,
    }
    error = _refuse(tomli_w.dumps(_apply(edit)), folder)
    assert [problem.where for problem in error.problems] == [
        "small: network.sed",
        "small: neuron.lif.tau_m",
        "small: pathway.slow.weight",
        "small: drive.noise.rate",
        "small: record.currents.interval",
        "small: pathway.fast.target",
        "small: event.0.index",
    ]
    assert str(error) == "\n".join(str(problem) for problem in error.problems)


def test_a_broken_pathway_does_not_make_its_channel_unknown(folder: Path) -> None:
    """One mistake is one problem: what depends on it is not reported too."""
    edit = {"pathway.slow.weight": "-1 mV", "record.currents.channels": ["slow"]}
    assert len(_refuse(tomli_w.dumps(_apply(edit)), folder).problems) == 1


TEXTS = {
    "empty": ("", "small: is empty.\n  next: see a shipped network for an example: currents list"),
    "not TOML": (
        "network: {dt: 0.1}",
        "small: is not a TOML file.\n  evidence: Expected '=' after a key in a key/value pair (at line 1, column 8)",
    ),
    "key twice": (
        '[network]\nname = "a"\nname = "b"\n',
        "small: is not a TOML file.\n  evidence: Cannot overwrite a value (at line 3, column 11)",
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_that_is_no_model(name: str, folder: Path) -> None:
    """What cannot be read at all is said with the place where reading failed."""
    text, message = TEXTS[name]
    assert str(_refuse(text, folder)) == message


@pytest.mark.parametrize("text", ["x = " + "[" * 100_000, "x = " + "1" * 5000], ids=["deep", "long"])
def test_text_that_overwhelms_the_reader_is_refused(text: str, folder: Path) -> None:
    """Absurd nesting and numbers of thousands of digits are errors like any other."""
    assert str(_refuse(text, folder)).startswith("small: is not a TOML file.\n  evidence: ")


def _refuse_file(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load_network(path)
    return str(caught.value)


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    """Latin-1 is named as what it is: not UTF-8."""
    path = tmp_path / "latin.toml"
    path.write_bytes('[network]\nname = "a" # é\n'.encode("latin-1"))
    assert _refuse_file(path) == (
        f"{path}: is not text in UTF-8, which TOML is.\n"
        "  evidence: 'utf-8' codec can't decode byte 0xe9 in position 23: invalid continuation byte\n"
        "  next: save it in UTF-8"
    )


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    """A recording given for a model is refused before it is read."""
    path = tmp_path / "large.toml"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    assert _refuse_file(path) == (
        f"{path}: is too large for a model file (expected at most 64 MiB; got 100 MiB).\n"
        "  next: put long lists of numbers into .npy files"
    )


def test_a_folder_for_a_file(tmp_path: Path) -> None:
    """A folder is said to be one."""
    assert _refuse_file(tmp_path) == (
        f"{tmp_path}: is a folder, not a model file.\n  next: list the networks with: currents list"
    )


def test_a_name_that_is_no_network() -> None:
    """A name that is nearly a shipped one is answered with that."""
    with pytest.raises(SpecError) as caught:
        load_network("hierachy")
    assert str(caught.value) == (
        'hierachy: is neither a shipped network nor a file (expected "hierarchy").\n'
        "  next: list the networks with: currents list"
    )


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"], ids=["long", "nul"])
def test_a_name_that_no_file_can_have(name: str) -> None:
    """What the operating system refuses as a name is no file, and no crash."""
    with pytest.raises(CurrentsError, match="is neither a shipped network nor a file"):
        load_network(name)


def test_a_duration_from_the_command_line_has_its_own_place() -> None:
    """`--duration` is checked like the file's own, against steps and bins, and named as what it is."""
    spec = parse_model(MODEL, Path())
    crooked = parse_quantity("10.5 ms", SECOND)
    assert [str(problem) for problem in check_duration(spec, crooked, "--duration")] == [
        '--duration: is not a multiple of record.currents.interval = 1 ms (expected "10 ms" or "11 ms"; got "10.5 ms").'
    ]
    assert check_duration(spec, parse_quantity("1 min", SECOND), "--duration") == []
