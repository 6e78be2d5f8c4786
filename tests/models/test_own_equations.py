"""The modeller's own Brian2 equations, and what is said when Brian2 does not accept them."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest

from models import SpecError, load_network
from models.assembly.events import list_events
from models.assembly.objects import GroupVariables
from models.assembly.recorders import list_recorders
from models.assembly.reference import assemble_reference
from models.counter_rng import derive_key
from models.distributions import sample_uniform
from models.expand import expand_network
from models.files import parse_model
from models.groups import Device, plan_groups
from models.quantities import parse_any_quantity
from models.spec import NetworkSpec
from pipeline import simulate
from tests.conftest import SimulateOnce

VOLTS = parse_any_quantity("1 V")[1]
MODEL = """
[network]
name = "own"
dt = "0.1 ms"
duration = "10 ms"

[neuron.adaptive]
equations = '''
dv/dt = (El - v + I - u)/tau_m : volt (unless refractory)
du/dt = -u/tau_u : volt
'''
threshold = "v > Vt"
reset = "v = El; u += du"
refractory = "2 ms"
parameters = { El = "0 mV", tau_m = "20 ms", tau_u = "100 ms", Vt = "20 mV", du = "1 mV" }

[layers.population.E]
size = 3
neuron = "adaptive"

[drive.noise]
kind = "poisson"
target = "E"
rate = "100 Hz"
polarity = "excitatory"
kinetics = "exponential"
tau = "5 ms"
weight = "2 mV"
"""


def _parse(before: str = "", after: str = "") -> NetworkSpec:
    assert before in MODEL
    return parse_model(MODEL.replace(before, after) if before else MODEL, Path(), "own")


def test_the_currents_enter_through_i() -> None:
    """Equations that do not use I would let the currents vanish without a word."""
    with pytest.raises(SpecError) as caught:
        assemble_reference(_parse("+ I - u", "- u"), n_steps=100)
    assert str(caught.value) == (
        "neuron.adaptive.equations: do not use I, the sum of the currents, though these reach it: noise "
        "(expected … + I …)."
    )


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            'Vt = "20 mV", ',
            "",
            "own: neuron.adaptive.threshold: is not what Brian2 accepts.\n"
            '  evidence: The identifier "Vt" could not be resolved.',
        ),
        (
            "u += du",
            "w += du",
            'own: neuron.adaptive.reset: is not what Brian2 accepts.\n  evidence: the name "w" is unknown',
        ),
        (
            "refractory =",
            'method = "exat"\nrefractory =',
            "own: neuron.adaptive.method: is not what Brian2 accepts.\n"
            "  evidence: No state updater with the name 'exat' is known.",
        ),
        (
            'du = "1 mV"',
            'du = "1 ms"',
            "own: neuron.adaptive.reset: is not what Brian2 accepts.\n"
            "  evidence: Expression 'u + du' uses inconsistent units ('u' has unit V; 'du' has unit s).",
        ),
        (
            "du/dt = -u/tau_u",
            "du/dt = -u",
            "own: neuron.adaptive.equations: is not what Brian2 accepts.\n"
            "  evidence: Expression '-u' does not have the expected unit "
            "metre ** 2 * kilogram * second ** -4 * amp ** -1 (unit is V).",
        ),
    ],
    ids=[
        "unknown name in the threshold",
        "unknown name in the reset",
        "unknown method",
        "wrong unit in the reset",
        "wrong unit in the equations",
    ],
)
@pytest.mark.parametrize("device", ["engine", "reference"])
@pytest.mark.compiled
def test_what_brian2_refuses_is_an_error_of_the_spec(
    tmp_path: Path, before: str, after: str, message: str, device: Device
) -> None:
    """The message names the key, and nothing is left behind."""
    with pytest.raises(SpecError) as caught:
        simulate(_parse(before, after), device=device, out=tmp_path / "run", build_root=tmp_path / "build")
    assert str(caught.value) == message
    assert not (tmp_path / "run").exists()


def test_a_state_of_one_kind_of_neuron_can_be_recorded(networks: Path) -> None:
    """A states recorder of the populations that have a variable does not ask it of the others."""
    recorder = {"kind": "states", "variables": ["a"], "population": "A", "interval": "1 ms"}
    assembly = assemble_reference(load_network(networks / "mixed.toml", {"record.adaptation": recorder}), n_steps=1000)
    (arrays,) = (item.arrays for item in assembly.recorders if item.name == "adaptation")
    assert [array.group for array in arrays] == ["neurons_own_adaptive"]
    assert arrays[0].neurons.size == 8


def test_a_state_that_a_recorded_neuron_lacks_is_refused(networks: Path) -> None:
    """Without a population the recorder asks every neuron for the variable."""
    recorder = {"kind": "states", "variables": ["a"], "interval": "1 ms"}
    with pytest.raises(SpecError, match=r"record\.adaptation\.variables: names no variable of L1E .*got \"a\""):
        load_network(networks / "mixed.toml", {"record.adaptation": recorder})


def test_an_initial_value_of_one_neuron_is_not_another_ones() -> None:
    """Neurons that differ only in which variables have initial values are groups of their own."""
    same = MODEL[MODEL.index("[neuron.adaptive]") : MODEL.index("[layers")].replace("adaptive]", "eager]")
    text = MODEL.replace(
        "[layers", same.replace("parameters =", 'initial = { u = "3 mV" }\nparameters =') + "[layers", 1
    )
    text = text.replace("[drive", '[layers.population.F]\nsize = 2\nneuron = "eager"\n\n[drive', 1)
    plans = plan_groups(expand_network(parse_model(text, Path(), "own")), 1)
    assert [(plan.name, sorted(plan.initial)) for plan in plans] == [
        ("neurons_own_adaptive", []),
        ("neurons_own_eager", ["u"]),
    ]
    assert plans[1].initial["u"].tolist() == [3e-3, 3e-3]


RECORDED = """
[record.states]
kind = "states"
variables = ["bias", "v", "u"]
interval = "0.1 ms"
dtype = "float64"
"""
CONSTANT: Final[dict[str, object]] = {
    "neuron.adaptive.equations": "dv/dt = (El - v + I - bias)/tau_m : volt\ndu/dt = -u/tau_u : volt\n"
    "bias : volt (constant)",
    "neuron.adaptive.initial": {"bias": {"uniform": ["1 mV", "2 mV"]}, "v": {"file": "v.npy"}, "u": 0},
    "drive": {},
}


@pytest.mark.parametrize("device", ["engine", "reference"])
@pytest.mark.compiled
def test_constants_and_files_without_unit_start_as_written(
    simulate_once: SimulateOnce, shared_tmp: Path, device: Device
) -> None:
    """A constant of the equations is sampled for each neuron, and a file without a unit is in SI units."""
    model = shared_tmp / "constants.toml"
    model.write_text(MODEL + RECORDED)
    np.save(shared_tmp / "v.npy", [1e-3, 2e-3, 3e-3])
    run = simulate_once(model, settings=CONSTANT, device=device, duration="1 ms")
    states = run.states(stop="0.1 ms")
    bias = sample_uniform(derive_key(0, "initial", "bias", "L1E"), 3, 1e-3, 2e-3)
    assert states["bias"].tolist() == bias.tolist()
    assert states["u"].tolist() == [0, 0, 0]
    expected = -bias + (np.array([1e-3, 2e-3, 3e-3]) + bias) * np.exp(-0.1 / 20)
    np.testing.assert_allclose(states["v"], expected, rtol=1e-12)


def test_brian2_has_the_last_word_on_variables(networks: Path) -> None:
    """Where Brian2 reads fewer variables than were expected, what is set or recorded is asked of it again."""
    recorder = {"kind": "states", "variables": ["a"], "population": "A", "interval": "1 ms"}
    event = {"time": "1 ms", "population": "L1A", "index": 0, "set": "a", "value": "1 mV"}
    expanded = expand_network(load_network(networks / "mixed.toml", {"record.adaptation": recorder, "event": [event]}))
    plans = plan_groups(expanded, 1)
    found = {plan.name: GroupVariables(("aa", "v"), {"v": VOLTS}) for plan in plans}
    with pytest.raises(SpecError) as caught:
        list_events(expanded, plans, found)
    assert str(caught.value) == 'event.0.set: is no state variable of L1A (expected "v"; got "a").'
    with pytest.raises(SpecError) as caught:
        list(list_recorders(expanded, plans, found))
    assert str(caught.value) == (
        'record.adaptation.variables: names no variable of neurons_own_adaptive (expected "aa"; got "a").'
    )


@pytest.mark.parametrize("value", ["3", "{ values = [0, 1, 2] }"])
def test_an_integer_starts_at_whole_numbers(value: str) -> None:
    """One for all neurons, or one for each."""
    spec = _parse("du/dt = -u/tau_u : volt", "du/dt = -u/tau_u : volt\nn : integer")
    spec = load_network(spec, {"neuron.adaptive.initial": f"{{ n = {value} }}"})
    (plan,) = plan_groups(expand_network(spec), 1, "engine")
    np.testing.assert_array_equal(plan.initial["n"], [3] * 3 if value == "3" else [0, 1, 2])
