"""The Brian2 device of the engine: it turns the equations of a group of neurons into the loops of a C++ class."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.codegen.codeobject import create_runner_codeobj
from brian2.codegen.generators.cpp_generator import CPPCodeGenerator, c_data_type
from brian2.core.base import BrianObjectException
from brian2.core.variables import ArrayVariable, Constant
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import all_devices
from brian2.stateupdaters.base import UnsupportedEquationsException
from brian2.units.fundamentalunits import DimensionMismatchError

from models.assembly.neurons import refuse_equations, write_update
from models.errors import CurrentsError, Problem, SpecError
from models.groups import GroupPlan

DEVICE_NAME = "currents_engine"
"""What Brian2 knows the device by."""

READY_STEP = "_ready_step"
"""(n_neurons,) int64: the first step in which a neuron is not refractory any more."""

_REFUSALS = (
    *(UnsupportedEquationsException, BrianObjectException, DimensionMismatchError),
    *(SyntaxError, ValueError, TypeError, KeyError),
)
"""What Brian2 raises when it does not accept equations."""

_RANDOM = re.compile(r"\b(?:(?:rand|randn|poisson)\s*\(|xi(?:_\w+)?\b)")
"""What draws a random number in Brian2's syntax."""

_NOT_STATE = ("_spikespace", "_spikespace_last")


def keep_used(pointers: list[str], *code: list[str]) -> str:
    """Return the lines that declare pointers which the code uses; Brian2 also declares what only its templates need."""
    words = set(re.findall(r"\w+", "\n".join(line for lines in code for line in lines)))
    used = [line for line in pointers if line.strip() and _declared(line) in words]
    return "\n".join(" ".join(line.split()) for line in used)


def _declared(line: str) -> str:
    return line.split("=")[0].split()[-1].lstrip("*")


class EngineCodeObject(CPPStandaloneCodeObject):  # type: ignore[misc]  # Brian2 is not typed
    """C++ of one loop over neurons, from templates that replace Brian2's own where there is one of the same name."""

    templater = CPPStandaloneCodeObject.templater.derive("pipeline.engine", env_globals={"keep_used": keep_used})
    templater.env.filters["text"] = lambda lines: "\n".join(lines).strip()
    generator_class = CPPCodeGenerator


class EngineDevice(CPPStandaloneDevice):  # type: ignore[misc]
    """A `cpp_standalone` device whose programs consist of loops over neurons and of the headers in `include/`.

    Brian2 parses the equations, checks their units, applies the modeller's integration method and generates the
    statements; what surrounds them, and everything between neurons, is ours.
    """

    def make_loop(
        self, group: Any, function: str, template: str, code: str, *, whatever_state: bool = False
    ) -> EngineCodeObject:
        """Generate one member function of a group's class.

        Parameters
        ----------
        group : brian2.NeuronGroup
        function : str
            Its name.
        template : {"stateupdate", "threshold", "reset"}
        code : str
            Abstract code, in Brian2's syntax.
        whatever_state : bool
            Whether variables that a refractory neuron holds are written all the same.
        """
        loop: EngineCodeObject = create_runner_codeobj(
            group,
            code,
            template,
            run_namespace={},
            name=f"{group.name}_{function}",
            check_units=template != "stateupdate",
            template_kwds={"function": function},
            override_conditional_write=["not_refractory"] if whatever_state else None,
            codeobj_class=EngineCodeObject,
        )
        return loop


all_devices[DEVICE_NAME] = EngineDevice()


@dataclass(frozen=True)
class DeclaredArray:
    """An array of a group, as the generated class declares it."""

    variable: str
    c_name: str
    c_type: str
    shared: bool


@dataclass(frozen=True)
class DeclaredConstant:
    """A constant that the loops of a group use, such as pi."""

    name: str
    c_type: str
    value: str


@dataclass(frozen=True)
class GroupCode:
    """The C++ of one group of neurons: what the template `network.cpp` needs to know."""

    name: str
    own_arrays: tuple[DeclaredArray, ...]
    clock_arrays: tuple[DeclaredArray, ...]
    constants: tuple[DeclaredConstant, ...]
    functions: tuple[str, ...]
    support: tuple[str, ...]
    """Definitions that the functions need: those of Brian2's own functions."""

    @property
    def arrays(self) -> tuple[DeclaredArray, ...]:
        """All arrays that are members of the class."""
        return (*self.own_arrays, *self.clock_arrays)

    @property
    def calls_int(self) -> bool:
        """Whether a function calls `int_`, Brian2's int(), which no support code defines but a header."""
        return any(re.search(r"\bint_\(", function) for function in self.functions)


def generate_group(device: EngineDevice, plan: GroupPlan, group: Any) -> GroupCode:
    """Return the C++ of a group of neurons.

    Parameters
    ----------
    device : EngineDevice
        The active device.
    plan : GroupPlan
    group : brian2.NeuronGroup
        Of that plan, with its equations, and nothing else that matters here.
    """
    loops = list(_make_loops(device, plan, group))
    used = {name: variable for loop in loops for name, variable in loop.variables.items()}
    arrays = [v for v in (*group.variables.values(), *used.values()) if isinstance(v, ArrayVariable)]
    own = {v.name: _declare(device, v) for v in arrays if v.owner is not None and v.owner.name == group.name}
    clock = {v.name: _declare(device, v) for v in arrays if v.owner is not None and v.owner.name == group.clock.name}
    constants = {name: v for name, v in used.items() if isinstance(v, Constant) and _mentions(loops, name)}
    return GroupCode(
        name=plan.name,
        own_arrays=tuple(own[name] for name in sorted(own) if name not in _NOT_STATE),
        clock_arrays=tuple(clock[name] for name in sorted(clock) if _mentions(loops, clock[name].c_name)),
        constants=tuple(_declare_constant(name, constants[name]) for name in sorted(constants)),
        functions=tuple(str(loop.code.body) for loop in loops),
        support=_gather_support(loops),
    )


def _make_loops(device: EngineDevice, plan: GroupPlan, group: Any) -> Iterator[EngineCodeObject]:
    refuse_random_numbers(plan)
    refractory = plan.refractory is not None
    if refractory:
        group.variables.add_array(READY_STEP, size=plan.n_neurons, dtype=np.int64)
    released = f"not_refractory = t_in_timesteps >= {READY_STEP}\n" if refractory else ""
    with _explain_refusal(plan, "equations"):
        # Brian2 checks units when it starts a run of its own, which the engine does not.
        group.equations.check_units(group, run_namespace={})
    with _explain_refusal(plan, "method"):
        update = released + write_update(plan, group)
    with _explain_refusal(plan, "equations"):
        yield device.make_loop(group, "update_state", "stateupdate", update)
    with _explain_refusal(plan, "threshold"):
        yield device.make_loop(group, "find_crossings", "threshold", f"_cond = {plan.threshold}")
    yield device.make_loop(group, "enter_arrivals", "stateupdate", plan.arrivals)
    with _explain_refusal(plan, "reset"):
        yield device.make_loop(group, "reset_neurons", "reset", plan.reset, whatever_state=True)
    yield device.make_loop(group, "finish_step", "stateupdate", plan.end_of_step)


@contextmanager
def _explain_refusal(plan: GroupPlan, key: str) -> Iterator[None]:
    """Make the spec's error of what Brian2 refuses of the modeller's own equations."""
    try:
        yield
    except _REFUSALS as error:
        if plan.method is None or isinstance(error, CurrentsError):
            raise
        raise refuse_equations(plan, key, error) from error


def refuse_random_numbers(plan: GroupPlan) -> None:
    """Raise `SpecError` where the modeller's own equations draw random numbers, which have no counters to key them."""
    if plan.method is not None and _RANDOM.search("\n".join((plan.equations, plan.threshold, plan.reset))):
        what = "draws random numbers, which the engine could not repeat on another device or after a stop"
        place = f"neuron.{plan.populations[0].neuron}.equations"
        raise SpecError(Problem(place, what, next="a poisson drive, or --device reference"))


def _declare(device: EngineDevice, variable: ArrayVariable) -> DeclaredArray:
    name = device.get_array_name(variable)
    return DeclaredArray(str(variable.name), name, c_data_type(variable.dtype), bool(variable.scalar))


def _declare_constant(name: str, constant: Constant) -> DeclaredConstant:
    value = constant.value
    is_real = isinstance(value, float | np.floating)
    return DeclaredConstant(
        name, "double" if is_real else "std::int64_t", repr(float(value)) if is_real else str(value)
    )


def _mentions(loops: list[EngineCodeObject], name: str) -> bool:
    return any(re.search(rf"\b{name}\b", str(loop.code.body)) for loop in loops)


def _gather_support(loops: list[EngineCodeObject]) -> tuple[str, ...]:
    """Return the definitions that loops need, each once; Brian2 offers its general ones to all of them."""
    bare = "\n".join(line.strip() for line in CPPCodeGenerator.universal_support_code.splitlines() if line.strip())
    texts: dict[str, None] = {}
    for loop in loops:
        text = "\n".join(line.strip() for line in str(loop.code.support).splitlines() if line.strip())
        if text != bare or "_brian_" in str(loop.code.body):
            texts[text] = None
    return tuple(texts)
