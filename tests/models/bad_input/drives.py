"""Drives, and the channels of all that arrives."""

from tests.models.bad_input.small_model import BORROWED, SHARED, Case

CASES: dict[str, Case] = {
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
        {"drive.noise": SHARED | {"rate": {"values": [1, 20], "unit": "kHz", "interval": "50 ms"}}},
        "small: drive.noise.rate: makes a source fire more than once in a step of 0.1 ms (expected rate · dt "
        "≤ 1; got up to 20000 Hz).",
    ),
    "rate that ends too early": (
        {"drive.noise.rate": {"values": [5, 10, 5], "unit": "Hz", "interval": "33 ms"}},
        "small: drive.noise.rate: ends before the run does (expected values for 100 ms; got values for 99 ms).\n"
        "  next: give more values, or a shorter duration",
    ),
    "rate in a file that ends too early": (
        {"drive.noise.rate": {"file": "4.npy", "unit": "Hz", "interval": "10 ms"}},
        "small: drive.noise.rate: ends before the run does (expected values for 100 ms; got values for 40 ms in "
        "{folder}/4.npy).\n  next: give more values, or a shorter duration",
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
}
