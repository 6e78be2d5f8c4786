"""Recorders and events."""

from tests.models.bad_input.small_model import COUNTING, OWN, OWN_CONSTANTS, Case

STATES = {"kind": "states", "interval": "1 ms"}
WITH_CONDUCTANCE = OWN | {
    "equations": "dv/dt = (I - v)/tau : volt\n# how open\nopen : boolean\ndg/dt = (1*nS - g)/tau : siemens",
    "parameters": {"tau": "10 ms"},
}

CASES: dict[str, Case] = {
    "recording interval between two steps": (
        {"record.currents.interval": "0.25 ms"},
        'small: record.currents.interval: is not a multiple of network.dt = 0.1 ms (expected "0.2 ms" or '
        '"0.3 ms"; got "0.25 ms").',
    ),
    "recording interval of 0": (
        {"record.currents.interval": "0 ms"},
        'small: record.currents.interval: is not above 0 (expected "0.1 ms"; got "0 ms").',
    ),
    "recorder of an unknown kind": (
        {"record.currents.kind": "current"},
        'small: record.currents.kind: is not one of its choices (expected "currents"; got "current").',
    ),
    "recorder of an unknown population": (
        {"record.currents.population": "L9E"},
        'small: record.currents.population: names a population that does not exist (expected "E", "I", "L1E", '
        '"L1I", "L2E" or "L2I"; got "L9E").\n  next: did you mean "L2E"?',
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
    "recorder of a variable that is no real number": (
        {"neuron.lif": WITH_CONDUCTANCE, "record.states": STATES | {"variables": ["g", "open"]}},
        "small: record.states.variables: names a variable of L1E that has no real numbers "
        '(got "open", of type boolean).',
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
    "event that sets no variable": (
        {"event.0.set": "v_app"},
        'small: event.0.set: is no state variable of L1E (expected "I_slow" or "v"; got "v_app").',
    ),
    "event that sets a variable nearly": (
        {"event.0.set": "I_slwo"},
        'small: event.0.set: is no state variable of L1E (expected "I_slow"; got "I_slwo").',
    ),
    "event that sets a parameter": (
        {"event.0.set": "v_threshold"},
        'small: event.0.set: is no state variable of L1E (expected "I_slow" or "v"; got "v_threshold").',
    ),
    "event that sets a constant of own equations": (
        {"neuron.lif": OWN_CONSTANTS, "event.0.set": "bias"},
        'small: event.0.set: is no state variable of L1E (expected "I_slow" or "v"; got "bias").',
    ),
    "event on one of many variables": (
        {
            "neuron.lif": OWN
            | {"equations": "\n".join(["dv/dt = I/ms : volt", *(f"g_{i:02} : 1" for i in range(14))])},
            "event.0.set": "conductance",
        },
        'small: event.0.set: is no state variable of L1E (expected "I_slow", "g_00", "g_01", "g_02", "g_03", "g_04", '
        '"g_05", "g_06", "g_07", "g_08", "g_09", "g_10" or …; got "conductance").',
    ),
    "event that sets a variable of another kind of neuron": (
        {"neuron.own": OWN | {"parameters": {"tau": "10 ms"}}, "event.0.set": "w"},
        'small: event.0.set: is no state variable of L1E (expected "I_slow" or "v"; got "w").',
    ),
    "event with a current in another unit": (
        {"event.0.set": "I_slow", "event.0.value": "1 Hz"},
        'small: event.0.value: has the wrong dimension (expected a quantity in volt, such as "0.2 mV"; got "1 Hz").',
    ),
    "event with an own variable in another unit": (
        {"neuron.lif": WITH_CONDUCTANCE, "event.0.set": "g", "event.0.value": "1 V"},
        'small: event.0.value: has the wrong dimension (expected a quantity in siemens, such as "1 siemens"; '
        'got "1 V").',
    ),
    "event that sets an integer to a fraction": (
        {"neuron.lif": COUNTING, "event.0.set": "n", "event.0.value": 2.5},
        "small: event.0.value: sets n, which is of type integer, to another number "
        "(expected a whole number below 2^31; got 2.5).",
    ),
    "event that sets an integer to a voltage": (
        {"neuron.lif": COUNTING, "event.0.set": "n", "event.0.value": "0.5 V"},
        'small: event.0.value: has the wrong dimension (expected a number without a unit, such as 0.5; got "0.5 V").',
    ),
    "event that sets a boolean to 2": (
        {"neuron.lif": WITH_CONDUCTANCE, "event.0.set": "open", "event.0.value": 2},
        "small: event.0.value: sets open, which is of type boolean, to another number (expected 0 or 1; got 2).",
    ),
    "event that sets what arrives": (
        {"event.0.set": "in_fast"},
        'small: event.0.set: is no state variable of L1E (expected "I_slow" or "v"; got "in_fast").',
    ),
    "recorder of what all neurons share": (
        {
            "neuron.lif": OWN | {"equations": f"{OWN['equations']}\ny : volt (shared)", "parameters": {"tau": "10 ms"}},
            "record.currents": STATES | {"variables": ["y"]},
        },
        "small: record.currents.variables: names a variable that all neurons of L1E share, and nothing changes "
        '(got "y").\n'
        "  next: give it in `parameters` alone",
    ),
    "recorder of what arrives": (
        {"record.currents": STATES | {"variables": ["in_fast"]}},
        'small: record.currents.variables: names no variable of L1E (expected "I", "I_slow", "tau_m", "tau_slow", "v", '
        '"v_reset", "v_rest" or "v_threshold"; got "in_fast").',
    ),
    "event with a unit for a number": (
        {"neuron.lif": WITH_CONDUCTANCE, "event.0.set": "open", "event.0.value": "1 V"},
        'small: event.0.value: has the wrong dimension (expected a number without a unit, such as 0.5; got "1 V").',
    ),
    "recorder of a variable that does not exist": (
        {"record.currents": STATES | {"variables": ["v", "I_slwo"]}},
        'small: record.currents.variables: names no variable of L1E (expected "I_slow"; got "I_slwo").',
    ),
    "recorder of a variable far from all": (
        {"record.currents": STATES | {"variables": ["conductance"]}, "pathway": {}, "drive": {}},
        'small: record.currents.variables: names no variable of L1E (expected "I", "tau_m", "v", "v_reset", "v_rest" '
        'or "v_threshold"; got "conductance").',
    ),
    "recorder of a variable that only some neurons have": (
        {
            "neuron.own": WITH_CONDUCTANCE,
            "layers.population.I.neuron": "own",
            "record.currents": STATES | {"variables": ["g"]},
        },
        'small: record.currents.variables: names no variable of L1E (expected "I", "I_slow", "tau_m", "tau_slow", '
        '"v", "v_reset", "v_rest" or "v_threshold"; got "g").\n'
        "  next: choose by `population` those that have it: L1I, L2I",
    ),
}
