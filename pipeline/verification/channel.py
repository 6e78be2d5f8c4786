"""One channel recomputed: arrivals of every step, and the current that they cause, at every population of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.expand import Channel
from models.kinetics import Kinetics, find_kinetics
from pipeline.verification.binned import BinnedCheck
from pipeline.verification.cascade import Cascade, fit_outputs, fit_samples
from pipeline.verification.edges import Arrivals
from pipeline.verification.membrane import Membrane
from pipeline.verification.neurons import CheckedNeurons
from pipeline.verification.responses import Kernel, membrane_gains, step_means

type Floats = NDArray[np.float64]


class Input(Protocol):
    """Something that adds to the arrivals of one population."""

    def add(self, arrivals: Floats, start: int) -> None:
        """Add to the rows of steps start … start + n_rows of (n_rows, n_neurons), volts."""


class Physics:
    """What arrivals become: the series that a chunk of them gives, and what these contribute to the current and to v.

    Without more, an impulse: q volts that arrive in a step are the current q·tau_m/dt, and v jumps by q.
    """

    lag = 0
    """Steps after which a series acts on v."""

    def __init__(self, channel: Channel, dt_s: float) -> None:
        self.channel, self.dt_s = channel, dt_s

    def start(self, n_columns: int) -> None:
        """Prepare the state of so many neurons."""

    def run(self, arrivals: Floats) -> list[Floats]:
        """Return the series, (n_steps, n_columns) each, of the next steps."""
        return [arrivals]

    def last(self) -> list[Floats]:
        """Return the row, (n_columns,), of each series before the next step."""
        return []

    def current_factors(self, checked: CheckedNeurons) -> list[Floats]:
        """Return what each series is multiplied by to give the mean current of a step: (1,) or (n_checked,)."""
        return [checked.tau_m / self.dt_s]

    def membrane_factors(self, tau_m: Floats) -> list[Floats]:
        """Return what each series is multiplied by to give what v gains: (1,) or (n_checked,)."""
        return [np.ones(1)]


class Impulse(Physics):
    """`delta`."""


class Injected(Physics):
    """A current from outside, constant within the step, acting on v in the same step."""

    def current_factors(self, checked: CheckedNeurons) -> list[Floats]:
        """Return 1: the current itself."""
        return [np.ones(1)]

    def membrane_factors(self, tau_m: Floats) -> list[Floats]:
        """Return what a constant current of 1 V adds to v in a step."""
        return [-np.expm1(-self.dt_s / tau_m)]


class Filtered(Physics):
    """A kinetics with a kernel that is a sum of exponentials."""

    lag = 1

    def __init__(self, channel: Channel, dt_s: float) -> None:
        super().__init__(channel, dt_s)
        kind = find_kinetics()[channel.kinetics]
        self.kernel: Kernel = lambda times: kind.kernel(times, channel.constants)
        self.taus = filter_constants(kind, channel)
        self.place = f'the kernel of channel "{channel.name}"'
        self.cascade = Cascade(self.taus, dt_s, 0)

    def start(self, n_columns: int) -> None:
        """Prepare the state of so many neurons."""
        self.cascade = Cascade(self.taus, self.dt_s, n_columns)

    def run(self, arrivals: Floats) -> list[Floats]:
        """Return the outputs of the cascade; the arrivals are overwritten."""
        return self.cascade.run(arrivals)

    def last(self) -> list[Floats]:
        """Return the outputs of the cascade in the last row."""
        return [row.copy() for row in self.cascade.last]

    def current_factors(self, checked: CheckedNeurons) -> list[Floats]:
        """Return the factors with which the outputs give the mean of the kernel over each step."""
        response = step_means(self.kernel, self.taus, self.dt_s, fit_samples(self.taus, self.dt_s))
        return [np.array([factor]) for factor in fit_outputs(self.place, self.taus, self.dt_s, response)]

    def membrane_factors(self, tau_m: Floats) -> list[Floats]:
        """Return the factors with which the outputs give what v gains in the next state update."""
        steps = fit_samples(self.taus, self.dt_s)
        response = membrane_gains(self.kernel, self.taus, self.dt_s, tau_m, steps)
        return list(fit_outputs(self.place, self.taus, self.dt_s, response))


def filter_constants(kind: type[Kinetics], channel: Channel) -> list[float]:
    """Return the time constant of each state of a kinetics, in seconds: one that is short of them has equal ones."""
    given = [channel.constants[key] for key in kind.time_constants]
    return [given[min(i_state, len(given) - 1)] for i_state in range(len(kind.states))]


def choose_physics(channel: Channel, dt_s: float) -> Physics:
    """Return the physics of a channel."""
    if channel.kinetics == "current":
        return Injected(channel, dt_s)
    return Filtered(channel, dt_s) if find_kinetics()[channel.kinetics].states else Impulse(channel, dt_s)


@dataclass(eq=False)
class Part:
    """One population of a channel."""

    checked: CheckedNeurons
    columns: slice
    """Where its neurons are in the channel's arrays."""
    inputs: list[Input]
    """Drives that are private to the population."""
    membrane: Membrane | None
    """What the channel acts on, where v is checked."""
    checks: list[BinnedCheck] = field(default_factory=list)
    factors: list[Floats] = field(default_factory=list)
    """Sign included, from the series to v."""


class ChannelRun:
    """The arrivals and currents of one channel, chunk by chunk."""

    def __init__(self, channel: Channel, physics: Physics, parts: Sequence[Part], edges: Sequence[Arrivals]) -> None:
        self.channel, self.physics, self.parts, self.edges = channel, physics, parts, edges
        self.n_columns = parts[-1].columns.stop if parts else 0
        self.drive_s = 0.0
        physics.start(self.n_columns)
        for part in parts:
            if part.membrane is not None:
                part.factors = [channel.sign * factor for factor in physics.membrane_factors(part.membrane.tau_m)]

    def begin(self, arrivals: Floats) -> None:
        """Start with what has arrived in the step before the first one, (1, n_columns)."""
        self.physics.run(arrivals)

    def advance(self, start: int, n_steps: int) -> None:
        """Take the next steps, compare, and pass on what v gains."""
        arrivals = np.zeros((n_steps, self.n_columns))
        for edges in self.edges:
            edges.add(arrivals, start)
        self._add_drives(arrivals, start)
        last = self.physics.last()
        series = self.physics.run(arrivals)
        for part in self.parts:
            own = [rows[:, part.columns] for rows in series]
            for check in part.checks:
                check.add(own)
            if part.membrane is not None:
                self._act(part, part.membrane, own, [row[part.columns] for row in last])

    def _add_drives(self, arrivals: Floats, start: int) -> None:
        began = perf_counter()
        for part in self.parts:
            for item in part.inputs:
                item.add(arrivals[:, part.columns], start)
        self.drive_s += perf_counter() - began

    def _act(self, part: Part, membrane: Membrane, series: list[Floats], last: list[Floats]) -> None:
        """Add to what v gains: at delivery from an impulse, else in the state update."""
        gained = membrane.jump if isinstance(self.physics, Impulse) else membrane.flow
        for i_series, (factor, rows) in enumerate(zip(part.factors, series, strict=True)):
            if self.physics.lag:
                gained[0] += factor * last[i_series]
                gained[1:] += factor * rows[:-1]
            else:
                gained += factor * rows
