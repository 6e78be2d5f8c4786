"""v of a population recomputed from all of its input, its own spikes resetting it; crossings are compared with spikes.

One class per neuron model, found in `MEMBRANES` by its name. The order within a step is that of the simulation: state
update, threshold, delivery, reset. A neuron that spiked less than its refractory period ago holds v and ignores jumps,
those of the step of its spike included. The reset follows the recorded spikes, so that one wrong spike
is one difference.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.steps import step_time
from pipeline.verification.binned import BinnedCheck, Difference, Tally
from pipeline.verification.neurons import CheckedNeurons
from pipeline.verification.trains import Train

type Floats = NDArray[np.float64]

_NEVER = -(1 << 62)
_CLOCK_SLACK = 1e-3
"""Brian2 counts whole steps of a time after adding this part of one (`timestep`)."""
AMBIGUOUS = 1e-9
"""Distance of v from the threshold, relative to the neurons' own voltages, within which either outcome is right."""


class Membrane:
    """tau_m dv/dt = v_rest - v + I, refractoriness, and the recorded spikes; what a spike does is the subclass's."""

    voltages: ClassVar[tuple[str, ...]] = ("v_rest", "v_threshold")
    """Keys of the neuron's own voltages, which set the scale of v."""
    observables: ClassVar[tuple[str, ...]] = ("v",)
    """Variables that recorders may be compared with."""

    def __init__(self, checked: CheckedNeurons, train: Train, guarded: bool) -> None:
        """Prepare.

        Parameters
        ----------
        checked : CheckedNeurons
        train : Train
            All spikes of the network.
        guarded : bool
            Whether any neuron of this model is ever refractory; only then does a spike block its own step's jumps.
        """
        self.checked, self.train, self.guarded = checked, train, guarded
        self.dt_s = checked.network.spec.network.dt.value
        self.tau_m, self.rest = checked.tau_m, checked.parameter("v_rest")
        self.threshold = checked.parameter("v_threshold")
        self.decay = np.exp(-self.dt_s / self.tau_m)
        self.hold = np.floor(checked.parameter("refractory") / self.dt_s + _CLOCK_SLACK).astype(np.int64)
        self.scale_v = max(float(np.abs(checked.parameter(key)).max()) for key in self.voltages)
        self.v = checked.parameter("v_initial", "initial")
        self.ready = np.full(checked.neurons.size, _NEVER)
        """(n_checked,) first step in which each neuron is not refractory."""
        self.events = checked.events()
        self.column = np.full(checked.population.size, -1, np.int64)
        self.column[checked.index] = np.arange(checked.neurons.size)
        self.checks: list[BinnedCheck] = []
        self.tally = Tally()
        self.flow = self.jump = np.empty((0, checked.neurons.size))

    def begin(self, n_steps: int) -> None:
        """Clear the input of the next steps.

        `flow` is what v gains in a step's state update, v_rest included, `jump` what it gains at delivery: (n_steps,
        n_checked), volts.
        """
        self.jump = np.zeros((n_steps, self.v.size))
        self.flow = np.empty_like(self.jump)
        self.flow[...] = self.rest * -np.expm1(-self.dt_s / self.tau_m)

    def advance(self, start: int) -> None:
        """Take the steps whose input is in `flow` and `jump`, and compare."""
        n_steps = len(self.flow)
        row, column = self._spikes(start, start + n_steps)
        bounds = np.searchsorted(row, np.arange(n_steps + 1))
        margin = np.empty_like(self.flow)
        series = {name: np.empty_like(self.flow) for name in {check.variable for check in self.checks}}
        for i_row in range(n_steps):
            fired = column[bounds[i_row] : bounds[i_row + 1]]
            margin[i_row] = self._step(start + i_row, i_row, fired)
            for name, rows in series.items():
                rows[i_row] = self.observe(name)
        self._compare_spikes(start, margin, row, column)
        for check in self.checks:
            check.add([series[check.variable]])

    def _spikes(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return rows and columns of the checked neurons' recorded spikes, by row."""
        step, neuron = self.train.between(start, stop)
        population = self.checked.population
        inside = (neuron >= population.start) & (neuron < population.stop)
        column = self.column[neuron[inside] - population.start]
        return step[inside][column >= 0] - start, column[column >= 0]

    def _step(self, step: int, i_row: int, fired: NDArray[np.int64]) -> Floats:
        """Take one step; return by how much each neuron is above threshold before delivery, -inf when refractory."""
        for variable, position, value in self.events.get(step, ()):
            self.set_variable(variable, position, value)
        held = np.flatnonzero(self.ready > step)
        before = self.v[held]
        self.v *= self.decay
        self.v += self.flow[i_row]
        self.v[held] = before
        self.decay_own()
        margin = self.potential() - self.threshold
        margin[held] = -np.inf
        self.ready[fired] = step + self.hold[fired]
        held = np.concatenate([held, fired]) if self.guarded else held
        before = self.v[held]
        self.v += self.jump[i_row]
        self.v[held] = before
        self.reset(fired)
        return margin

    def _compare_spikes(self, start: int, margin: Floats, row: NDArray[np.int64], column: NDArray[np.int64]) -> None:
        """Compare recorded spikes with crossings, sparing those too near the threshold to tell."""
        crossed = margin > 0
        wrong = crossed.copy()
        wrong[row, column] ^= True
        self.tally.n_values += row.size + int(np.count_nonzero(wrong & crossed))
        self.tally.exercised = self.tally.n_values > 0
        wrong &= np.abs(margin) > AMBIGUOUS * self.scale_v
        if wrong.any():
            i_row, i_column = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
            spiked = float(crossed[i_row, i_column])
            self.tally.widen(1.0, np.inf)
            at = int(self.checked.neurons[i_column]), step_time(start + int(i_row), self.dt_s)
            self.tally.note(Difference(*at, spiked, 1 - spiked), int(np.count_nonzero(wrong)))

    def observe(self, variable: str) -> Floats:
        """Return the values of a variable at the end of the step."""
        assert variable == "v"
        return self.v

    def set_variable(self, variable: str, position: int, value: float) -> None:
        """Do what an event does."""
        if variable == "v":
            self.v[position] = value

    def potential(self) -> Floats:
        """Return what is compared with the threshold."""
        return self.v

    def decay_own(self) -> None:
        """Update what else the neuron has, refractory or not."""

    def reset(self, fired: NDArray[np.int64]) -> None:
        """Do what a spike does to the neurons that fired."""
        raise NotImplementedError


class LifMembrane(Membrane):
    """`lif`: v is reset."""

    voltages = ("v_rest", "v_threshold", "v_reset")

    def __init__(self, checked: CheckedNeurons, train: Train, guarded: bool) -> None:
        super().__init__(checked, train, guarded)
        self.to = checked.parameter("v_reset")

    def reset(self, fired: NDArray[np.int64]) -> None:
        """Set v to v_reset."""
        self.v[fired] = self.to[fired]


class AfterPotentialMembrane(Membrane):
    """`after_potential`: v stays, and v_ap, which adds to it at the threshold, jumps by w_ap and decays."""

    observables = ("v", "v_ap", "v_final")

    def __init__(self, checked: CheckedNeurons, train: Train, guarded: bool) -> None:
        super().__init__(checked, train, guarded)
        self.kick = checked.kick
        self.decay_ap = np.exp(-self.dt_s / checked.parameter("tau_ap"))
        self.v_ap = np.zeros(self.v.size)
        self.scale_v = max(self.scale_v, float(np.abs(self.kick).max()))

    def observe(self, variable: str) -> Floats:
        """Return v, v_ap or their sum at the end of the step."""
        return {"v": self.v, "v_ap": self.v_ap}[variable] if variable != "v_final" else self.potential()

    def set_variable(self, variable: str, position: int, value: float) -> None:
        """Do what an event does."""
        (self.v_ap if variable == "v_ap" else self.v)[position] = value

    def potential(self) -> Floats:
        """Return v + v_ap."""
        return self.v + self.v_ap

    def decay_own(self) -> None:
        """Let v_ap decay."""
        self.v_ap *= self.decay_ap

    def reset(self, fired: NDArray[np.int64]) -> None:
        """Let v_ap jump."""
        self.v_ap[fired] += self.kick[fired]


MEMBRANES: dict[str, type[Membrane]] = {"lif": LifMembrane, "after_potential": AfterPotentialMembrane}
"""By the `model` of the `[neuron]` table."""
