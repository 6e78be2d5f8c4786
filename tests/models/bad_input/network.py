"""Times of the whole network, neurons, populations and layers."""

from tests.models.bad_input.small_model import COUNTING, ONE_LABEL, OWN, OWN_CONSTANTS, Case

CASES: dict[str, Case] = {
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
    "exception for a second layer of one": (
        {"layers.count": 1, "pathway.slow.layer": {"2": {"weight": "1 mV"}}},
        "small: pathway.slow.layer.2: names a layer that does not exist (expected 1).",
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
    "own equations with a parameter that is no number": (
        {"neuron.lif": OWN | {"parameters": {"tau": "long"}}},
        'small: neuron.lif.parameters.tau: is not a number with a unit (expected text such as "0.2 mV"; got "long").',
    ),
    "own equations with an initial value of no variable": (
        {"neuron.lif": OWN | {"parameters": {"tau": "10 ms"}, "initial": {"tau": "1 ms"}}},
        'small: neuron.lif.initial.tau: is no variable that each neuron has its own value of (expected "I_slow" '
        'or "v"; got "tau").\n'
        "  next: give it in `parameters` alone; a value there may be a distribution, too",
    ),
    "own equations with an initial value of what they compute": (
        {"neuron.lif": OWN_CONSTANTS | {"initial": {"total": "1 mV"}}},
        'small: neuron.lif.initial.total: is no variable that each neuron has its own value of (expected "I_slow", '
        '"bias" or "v"; got "total").',
    ),
    "own equations with an initial value of what all neurons share": (
        {"neuron.lif": OWN_CONSTANTS | {"initial": {"tau": "1 ms"}}},
        'small: neuron.lif.initial.tau: is no variable that each neuron has its own value of (expected "I_slow", '
        '"bias" or "v"; got "tau").',
    ),
    "own equations with an initial value of what a pathway says": (
        {"neuron.lif": OWN_CONSTANTS | {"initial": {"tau_slow": "1 ms"}}},
        'small: neuron.lif.initial.tau_slow: is no variable that each neuron has its own value of (expected "I_slow"; '
        'got "tau_slow").',
    ),
    "own equations with initial integers that are drawn": (
        {"neuron.lif": COUNTING | {"initial": {"n": {"uniform": [0, 5]}}}},
        "small: neuron.lif.initial.n: is of type integer, and does not start at such numbers "
        "(expected a whole number below 2^31, { values = […] } or { file = … }; got a distribution).",
    ),
    "own equations with an initial integer that is none": (
        {"neuron.lif": COUNTING | {"initial": {"n": 2.5}}},
        "small: neuron.lif.initial.n: is of type integer, and does not start at such numbers "
        "(expected a whole number below 2^31, { values = […] } or { file = … }; got 2.5).",
    ),
    "own equations with initial integers of which one is none": (
        {"neuron.lif": COUNTING | {"initial": {"n": {"values": [0, 1, 2.5, 3]}}}, **ONE_LABEL},
        "small: neuron.lif.initial.n: is of type integer, and does not start at such numbers "
        "(expected a whole number below 2^31, { values = […] } or { file = … }; got values between them).",
    ),
    "own equations with initial integers from a file of which one is none": (
        {"neuron.lif": COUNTING | {"initial": {"n": {"file": "halves.npy"}}}, **ONE_LABEL},
        "small: neuron.lif.initial.n: is of type integer, and does not start at such numbers "
        "(expected a whole number below 2^31, { values = […] } or { file = … }; "
        "got values between them in {folder}/halves.npy).",
    ),
    "own equations with initial integers from a file that does not exist": (
        {"neuron.lif": COUNTING | {"initial": {"n": {"file": "gone.npy"}}}, **ONE_LABEL},
        "small: neuron.lif.initial.n: names a file that does not exist (got {folder}/gone.npy).\n"
        "  next: make the file, or correct its name, which is relative to the model file's folder",
    ),
    "own equations with a variable of another group": (
        {"neuron.lif": OWN | {"equations": f"{OWN['equations']}\nz : volt (linked)", "parameters": {"tau": "10 ms"}}},
        "small: neuron.lif.equations: declare z as linked, and nothing links it.\n"
        "  next: declare it as a variable or a parameter of the neuron",
    ),
    "own equations that read what arrives": (
        {"neuron.lif": OWN | {"equations": "dv/dt = (I - v + in_fast)/tau : volt", "parameters": {"tau": "10 ms"}}},
        "small: neuron.lif.equations: uses in_fast, which is what arrives in a step and no variable of the neuron.\n"
        "  next: use I, the sum of the currents (impulses enter v by themselves), or another name",
    ),
    "own equations with a reset of what arrives": (
        {"neuron.lif": OWN | {"reset": "v = 0*volt\nin_fast = 0*volt  # none", "parameters": {"tau": "10 ms"}}},
        "small: neuron.lif.reset: uses in_fast, which is what arrives in a step and no variable of the neuron.\n"
        "  next: use I, the sum of the currents (impulses enter v by themselves), or another name",
    ),
    "own equations with a parameter that is called like what arrives": (
        {"neuron.lif": OWN | {"parameters": {"tau": "10 ms", "in_fast": "1 mV"}}},
        "small: neuron.lif.parameters.in_fast: uses in_fast, which is what arrives in a step and no variable of the "
        "neuron.\n  next: use I, the sum of the currents (impulses enter v by themselves), or another name",
    ),
    "own equations with an initial value without unit": (
        {"neuron.lif": OWN_CONSTANTS | {"initial": {"v": 0.01}}},
        'small: neuron.lif.initial.v: has no unit (expected a quantity in volt, such as "0.2 mV"; got "0.01").',
    ),
    "own equations with initial values without unit, of which the first is 0": (
        {"neuron.lif": OWN_CONSTANTS | {"initial": {"v": {"values": [0, 1, 2, 3]}}}, **ONE_LABEL},
        'small: neuron.lif.initial.v: has no unit (expected a quantity in volt, such as "0.2 mV"; got "0").',
    ),
    "own equations with an initial 0 in another unit": (
        {"neuron.lif": OWN_CONSTANTS | {"initial": {"bias": "0 ms"}}},
        'small: neuron.lif.initial.bias: has the wrong dimension (expected a quantity in volt, such as "0.2 mV"; '
        'got "0 ms").',
    ),
    "own equations with an initial file in another unit": (
        {"neuron.lif": OWN_CONSTANTS | {"initial": {"v": {"file": "4.npy", "unit": "ms"}}}, **ONE_LABEL},
        'small: neuron.lif.initial.v: has the wrong dimension (expected a quantity in volt, such as "0.2 mV"; '
        'got "1 ms").',
    ),
    "own equations with an initial value in another unit": (
        {"neuron.lif": OWN | {"parameters": {"tau": "10 ms"}, "initial": {"v": {"uniform": ["0 ms", "1 ms"]}}}},
        'small: neuron.lif.initial.v: has the wrong dimension (expected a quantity in volt, such as "0.2 mV"; '
        'got "0 ms").',
    ),
    "own equations without threshold": (
        {"neuron.lif": {"equations": "dv/dt = -v/second : volt", "reset": ""}},
        "small: neuron.lif.threshold: is missing.",
    ),
}
