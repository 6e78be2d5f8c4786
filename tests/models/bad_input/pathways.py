"""Pathways: what they join, by which rule, with which weights and delays."""

from tests.models.bad_input.small_model import GONE, Case

CASES: dict[str, Case] = {
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
        "small: pathway.slow.delay: is too large (expected at most 1677.72 in SI units; got 1e+09).",
    ),
    "exception for a layer that no pathway reaches": (
        {"pathway.slow.between": "next", "pathway.slow.layer": {"1": {"weight": "1 mV"}}},
        "small: pathway.slow.layer.1: changes nothing: no target is in this layer (expected 2).",
    ),
    "pathway from an unknown population": (
        {"pathway.slow.source": "X"},
        'small: pathway.slow.source: names a population that does not exist (expected "E", "I", "L1E", '
        '"L1I", "L2E" or "L2I"; got "X").',
    ),
    "pathway to a population of a layer too far": (
        {"pathway.fast.target": "L3E"},
        'small: pathway.fast.target: names a population that does not exist (expected "E", "I", "L1E", '
        '"L1I", "L2E" or "L2I"; got "L3E").\n  next: did you mean "L2E"?',
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
}
