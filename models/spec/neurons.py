"""`[neuron.<name>]`: the kinds of neurons."""

from typing import Annotated, Literal

from pydantic import Discriminator, Tag

from models.quantities import Quantity
from models.spec.base import Name, Parameter, Table, TimeValue, Voltage, Weight


class LifNeuron(Table):
    """`[neuron.<name>]` with `model = "lif"`: leaky integrate-and-fire.

    tau_m dv/dt = v_rest - v + I, with I the sum of all currents in volts; spike when v > v_threshold.
    """

    model: Literal["lif"]
    tau_m: TimeValue
    v_rest: Voltage = Quantity("0 V", 0.0)
    v_threshold: Voltage
    v_reset: Voltage
    refractory: TimeValue = Quantity("0 ms", 0.0)
    v_initial: Voltage = Quantity("0 V", 0.0)


class AfterPotentialNeuron(Table):
    """`[neuron.<name>]` with `model = "after_potential"`: spikes shape the neuron's own potential; v is not reset.

    tau_m dv/dt = v_rest - v + I and tau_ap dv_ap/dt = -v_ap; spike when v + v_ap > v_threshold, and then v_ap changes
    by w_ap: down when hyperpolarizing, up when depolarizing.
    """

    model: Literal["after_potential"]
    tau_m: TimeValue
    v_rest: Voltage = Quantity("0 V", 0.0)
    v_threshold: Voltage
    tau_ap: TimeValue
    w_ap: Weight
    direction: Literal["hyperpolarizing", "depolarizing"]
    refractory: TimeValue = Quantity("0 ms", 0.0)
    v_initial: Voltage = Quantity("0 V", 0.0)


class EquationsNeuron(Table):
    """`[neuron.<name>]` with the modeller's own Brian2 `equations`.

    The equations must define `v` in volts. `I` in them stands for the sum, in volts, of all currents that are not
    `delta`; `delta` pathways jump `v`.
    """

    equations: str
    threshold: str
    reset: str
    refractory: TimeValue = Quantity("0 ms", 0.0)
    method: str = "exponential_euler"
    parameters: dict[Name, Parameter] = {}
    initial: dict[Name, Parameter] = {}
    """Initial values of the equations' variables; those not named start at 0."""


def _neuron_form(raw: object) -> str:
    if isinstance(raw, EquationsNeuron) or (isinstance(raw, dict) and "equations" in raw):
        return "<equations>"
    model = raw.get("model") if isinstance(raw, dict) else getattr(raw, "model", None)
    return "<after_potential>" if model == "after_potential" else "<lif>"


type Neuron = Annotated[
    Annotated[LifNeuron, Tag("<lif>")]
    | Annotated[AfterPotentialNeuron, Tag("<after_potential>")]
    | Annotated[EquationsNeuron, Tag("<equations>")],
    Discriminator(_neuron_form),
]
