"""The engine's Brian2 device: from the equations of a group of neurons to a C++ class, and what it refuses."""

from pathlib import Path
from typing import Any

import pytest
from brian2 import Clock, second
from pytest_regressions.file_regression import FileRegressionFixture

from models import SpecError
from models.assembly.neurons import make_group
from models.expand import expand_network
from models.files import parse_model
from models.groups import plan_groups
from pipeline.emit import activate_device
from pipeline.engine.device import (
    READY_STEP,
    DeclaredConstant,
    EngineCodeObject,
    EngineDevice,
    GroupCode,
    generate_group,
    keep_used,
    refuse_random_numbers,
)

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
parameters = { El = "0 mV", tau_m = { uniform = ["10 ms", "20 ms"] }, tau_u = "100 ms", Vt = "20 mV", du = "1 mV" }

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

[record.currents]
kind = "currents"
interval = "1 ms"
"""


def generate(before: str = "", after: str = "", settings: dict[str, object] | None = None) -> GroupCode:
    """Return the C++ of the model's one group, with a part of the model replaced."""
    assert before in MODEL
    spec = parse_model(MODEL.replace(before, after) if before else MODEL, Path(), "own", settings)
    with activate_device(EngineDevice()) as device:
        (plan,) = plan_groups(expand_network(spec), 0, "engine")
        return generate_group(device, plan, make_group(plan, Clock(1e-4 * second, name="step_clock")))


@pytest.fixture(scope="module")
def code() -> GroupCode:
    """Return the C++ of the model as it is."""
    return generate()


def function(code: GroupCode, name: str) -> str:
    """Return one member function."""
    (found,) = (text for text in code.functions if f"::{name}(" in text)
    return found


def test_the_class_is_the_golden_one(code: GroupCode, file_regression: FileRegressionFixture) -> None:
    """The whole file, character by character: own equations, refractory, with a recorder."""
    text = str(EngineCodeObject.templater.network(None, None, groups=[code], support=[], network_key="key"))
    lines = [line.rstrip() for line in text.splitlines()]
    file_regression.check("\n".join(lines) + "\n", extension=".cpp")


def test_every_variable_is_declared_once(code: GroupCode) -> None:
    """State, parameters and what refractoriness needs, with type and whether all neurons share it."""
    declared = {array.variable: (array.c_type, array.shared) for array in code.own_arrays}
    assert len(declared) == len(code.own_arrays)
    for name in ("v", "u", "I_noise", "in_noise", "sum_currents_noise", "lastspike", "tau_m"):
        assert declared[name] == ("double", False), name
    for name in ("El", "Vt", "du", "tau_u", "keep_currents", "refractory_period"):
        assert declared[name] == ("double", True), name
    assert declared["not_refractory"] == ("char", False)
    assert declared[READY_STEP] == ("int64_t", False)
    assert declared["i"] == ("int32_t", False)
    assert not {"N", "_spikespace", "t", "dt"} & declared.keys()
    assert [array.variable for array in code.own_arrays] == sorted(declared)
    assert [array.variable for array in code.clock_arrays] == ["dt", "timestep"]
    assert code.arrays == code.own_arrays + code.clock_arrays


def test_functions_come_in_the_order_of_a_step(code: GroupCode) -> None:
    """Update, threshold, arrivals, reset, end of the step."""
    names = [text.split("::")[1].split("(")[0] for text in code.functions]
    assert names == ["update_state", "find_crossings", "enter_arrivals", "reset_neurons", "finish_step"]
    assert code.name == "neurons_own_adaptive"
    assert all(text.startswith(f"void {code.name}::") for text in code.functions)


def test_a_refractory_neuron_holds_v_but_is_reset(code: GroupCode) -> None:
    """`unless refractory` guards v in the update, not u, and never the reset."""
    update, reset = function(code, "update_state"), function(code, "reset_neurons")
    assert "not_refractory = t_in_timesteps >= _ready_step;" in update
    assert "if(not_refractory)\n            v = _v;" in update
    assert "\n        u = _u;" in update
    assert "not_refractory" not in reset
    assert "v = El;" in reset


def test_without_a_refractory_period_nothing_is_asked() -> None:
    """No flag and no step is read or declared."""
    plain = generate('refractory = "2 ms"\n')
    assert READY_STEP not in {array.variable for array in plain.own_arrays}
    assert "not_refractory" not in function(plain, "find_crossings") + function(plain, "reset_neurons")


def test_what_is_not_looped_over_has_no_loop() -> None:
    """A neuron without anything to do on a spike: no loop, and arguments without names, which nobody would use."""
    plain = generate('reset = "v = El; u += du"', 'reset = ""')
    text = function(plain, "reset_neurons")
    assert "for (" not in text
    assert "(const std::int32_t*, std::size_t)" in text


def test_constants_and_functions_of_brian2() -> None:
    """Units are constants of the class; a function that C++ lacks brings its definition along, once."""
    used = generate('"v > Vt"', '"v > Vt and sin(t/ms) < 2 and int(clip(v/mV, -1, 5)) > -2"')
    assert used.constants == (DeclaredConstant("mV", "double", "0.001"), DeclaredConstant("ms", "double", "0.001"))
    assert "t" in {array.variable for array in used.clock_arrays}
    (support,) = used.support
    assert "_clip" in support
    assert generate().support == ()


def test_what_a_header_defines_is_included() -> None:
    """Brian2's int() is no definition that a loop brings along; where nothing calls it, its header is not needed."""
    counting = generate('"v > Vt"', '"v > Vt and int(v/mV) > 2"')
    assert counting.calls_int
    assert counting.support == ()
    assert not generate().calls_int


def test_only_pointers_that_are_used_are_declared() -> None:
    """A name that begins like another one is not taken for it: the compiler would warn of an unused variable."""
    pointers = ["double* __restrict _ptr_v  = _v;", "  int32_t* _ptr_i = _i;", "", "double *_ptr_w = _w;"]
    code = ["const double v = _ptr_v[_idx];"], ["in = _ptr_in[_idx] + _ptr_w[0];"]
    assert keep_used(pointers, *code) == "double* __restrict _ptr_v = _v;\ndouble *_ptr_w = _w;"
    assert keep_used(pointers, []) == ""


RANDOM = {
    "rand": ("- u/tau_u", "- u/tau_u + rand()*volt/second"),
    "randn with a blank": ("- u/tau_u", "- u/tau_u + randn ()*volt/second"),
    "noise": ("(El - v + I - u)/tau_m", "(El - v + I - u)/tau_m + volt*xi*tau_m**-0.5"),
    "noise of its own": ("(El - v + I - u)/tau_m", "(El - v + I - u)/tau_m + volt*xi_u*tau_m**-0.5"),
    "poisson in the threshold": ('"v > Vt"', '"v > Vt and poisson(2) > 1"'),
    "rand in the reset": ("u += du", "u += du*rand()"),
}


def plan(before: str, after: str) -> Any:
    """Return the plan of the model's one group, with a part of the model replaced."""
    before = before.replace("- u/tau_u", "-u/tau_u")
    assert before in MODEL
    (only,) = plan_groups(expand_network(parse_model(MODEL.replace(before, after), Path(), "own")), 1, "engine")
    return only


@pytest.mark.parametrize("what", RANDOM)
def test_random_numbers_of_brian2_are_refused(what: str) -> None:
    """They have no counter; the whole message."""
    with pytest.raises(SpecError) as caught:
        refuse_random_numbers(plan(*RANDOM[what]))
    assert str(caught.value) == (
        "neuron.adaptive.equations: draws random numbers, which the engine could not repeat on another device or "
        "after a stop.\n  next: a poisson drive, or --device reference"
    )


@pytest.mark.parametrize("name", ["maxi_u", "xilo", "operand", "brand"])
def test_names_that_only_look_random_are_allowed(name: str) -> None:
    """A parameter may be called almost anything."""
    refuse_random_numbers(plan("tau_u", name))
    assert any(array.variable == name for array in generate("tau_u", name).own_arrays)


REFUSED = {
    "unknown name in the threshold": (
        '"v > Vt"',
        '"v > Vx"',
        'threshold: is not what Brian2 accepts.\n  evidence: The identifier "Vx" could not be resolved.',
    ),
    "unit of the threshold": (
        '"v > Vt"',
        '"v > tau_u"',
        "threshold: is not what Brian2 accepts.\n  evidence: ",
    ),
    "unit of the reset": (
        "u += du",
        "u += tau_u",
        "reset: is not what Brian2 accepts.\n  evidence: Expression 'u + tau_u' uses inconsistent units "
        "('u' has unit V; 'tau_u' has unit s).",
    ),
    "unit of the equations": ("-u/tau_u", "-u", "equations: is not what Brian2 accepts.\n  evidence: "),
    "syntax": ("-u/tau_u", "-u/(tau_u", "equations: "),
    "unknown method": (
        "refractory =",
        'method = "exat"\nrefractory =',
        "method: is not what Brian2 accepts.\n  evidence: No state updater with the name 'exat' is known.",
    ),
    "method that cannot": (
        "(unless refractory)\n",
        "(unless refractory)\ndw/dt = -w*w/tau_u : 1\n",
        "method: is not what Brian2 accepts.\n  evidence: ",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_brian2_refuses_names_the_key(what: str) -> None:
    """A mistake in the modeller's own equations is an error of the spec, not of the program."""
    before, after, message = REFUSED[what]
    method: dict[str, object] = {"neuron.adaptive.method": "exact"} if what == "method that cannot" else {}
    with pytest.raises(SpecError) as caught:
        generate(before, after, method)
    (problem,) = caught.value.problems
    assert message in str(caught.value)
    assert problem.where.removeprefix("own: ").startswith("neuron.adaptive.")
