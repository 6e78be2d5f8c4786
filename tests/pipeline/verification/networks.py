"""Small networks for the tests of the verifier."""

from pathlib import Path
from typing import Any

from models.files import parse_model
from models.spec import NetworkSpec

HIERARCHY = """
[network]
name = "small"
dt = "0.1 ms"
duration = "400 ms"
seed = 3
[neuron.lif]
model = "lif"
tau_m = "20 ms"
v_threshold = "20 mV"
v_reset = "10 mV"
refractory = "2 ms"
v_initial = { uniform = ["0 mV", "20 mV"] }
[layers]
count = 2
[layers.population.E]
size = 12
neuron = "lif"
[layers.population.I]
size = 6
neuron = "lif"
[pathway.lateral]
source = "E"
target = "E"
between = "within"
polarity = "excitatory"
kinetics = "exponential"
tau = "10 ms"
weight = { uniform = ["0.2 mV", "0.6 mV"] }
connect = { probability = 0.5 }
delay = "1.5 ms"
[pathway.inhibition]
source = "I"
target = ["E", "I"]
between = "within"
polarity = "inhibitory"
kinetics = "delta"
weight = "1.0 mV"
connect = { probability = 0.5 }
delay = { uniform = ["0.5 ms", "2.5 ms"] }
[pathway.feedforward]
source = "E"
target = ["E", "I"]
between = "next"
polarity = "excitatory"
kinetics = "delta"
weight = { uniform = ["0.1 mV", "0.3 mV"] }
connect = "all_to_all"
delay = "1.5 ms"
[drive.background]
kind = "poisson"
target = ["E", "I"]
sources = 500
rate = "22 Hz"
polarity = "excitatory"
kinetics = "delta"
weight = "0.2 mV"
[drive.background.layer.1]
rate = "23 Hz"
[drive.common]
kind = "shared_poisson"
target = "E"
sources = 5
rate = "100 Hz"
polarity = "excitatory"
kinetics = "exponential"
tau = "5 ms"
weight = { uniform = ["0.1 mV", "0.3 mV"] }
connect = { probability = 0.6 }
delay = "0.3 ms"
[record.currents]
kind = "currents"
interval = "1 ms"
[record.spikes]
kind = "spikes"
"""
"""Two layers of E and I: two exponential and three delta channels, private and shared drive, equal and other delays."""

PAIR = """
[network]
name = "pair"
dt = "0.1 ms"
duration = "80 ms"
seed = 3
[neuron.lif]
model = "lif"
tau_m = "10 ms"
v_rest = "-65 mV"
v_threshold = "-50 mV"
v_reset = "-60 mV"
v_initial = "-62 mV"
[layers]
[layers.population.E]
size = 6
neuron = "lif"
[pathway.slow]
source = "E"
target = "E"
polarity = "excitatory"
kinetics = "exponential"
tau = "10 ms"
weight = { uniform = ["0.2 mV", "0.6 mV"] }
connect = "all_to_all"
delay = "0.2 ms"
[drive.push]
kind = "current"
target = "E"
polarity = "excitatory"
value = "20 mV"
[record.currents]
kind = "currents"
interval = "0.1 ms"
dtype = "float64"
[record.spikes]
kind = "spikes"
"""
"""Six neurons that a constant current makes fire; the synapse's time constant is the membrane's."""


def make_spec(text: str, settings: dict[str, Any] | None = None) -> NetworkSpec:
    """Return a network, with settings; one whose slow pathway is set to `delta` loses that one's time constant."""
    if (settings or {}).get("pathway.slow.kinetics") == "delta":
        text = text.replace('tau = "10 ms"\n', "")
    return parse_model(text, Path(), settings=settings)
