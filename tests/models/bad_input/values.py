"""Keys and values, each judged by itself: unknown, missing, of the wrong type, unit or size."""

from tests.models.bad_input.small_model import GONE, Case

CASES: dict[str, Case] = {
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
        'small: pathway.slow.weight: has the unknown unit "mVolt" (expected "mV"; got "mVolt").',
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
}
