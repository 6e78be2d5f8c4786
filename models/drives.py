"""Drives as Brian2 functions: each a pure function of neuron and step, in C++ and in NumPy, bit for bit the same.

Brian2 hands a function's arrays to the generated program as files: the numbers here are data, not part of the code.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.counter_rng import Key, bernoulli, bernoulli_threshold, bits32, derive_key
from models.errors import Problem, SpecError
from models.expand import InjectedCurrent, PoissonInput, SourceGroup
from models.poisson import poisson_counts, poisson_thresholds
from models.quantities import Quantity
from models.sample import load_values
from models.steps import count_steps, format_time
from models.values import Series

FOREVER = np.iinfo(np.int64).max
"""Steps that a value which does not vary in time holds."""


@dataclass(frozen=True, eq=False)
class StepSeries:
    """A value over time: `values[k]` holds for `steps_per_value` steps; a constant has one value that holds forever."""

    values: NDArray[np.float64]
    steps_per_value: int

    def at(self, step: int) -> float:
        """Return the value in a step."""
        return float(self.values[min(step // self.steps_per_value, self.values.size - 1)])


def read_series(series: Quantity | Series, dt_s: float, n_steps: int, folder: Path, place: str) -> StepSeries:
    """Return a value of the spec by steps.

    Raises
    ------
    SpecError
        If the interval is no multiple of dt, or the values end before the run does.
    """
    if isinstance(series, Quantity):
        return StepSeries(np.array([series.value]), int(FOREVER))
    steps = count_steps(series.interval.value, dt_s)
    values = load_values(series.values, folder, place)
    if values.ndim != 1 or values.size * steps < n_steps:
        covered, needed = format_time(values.size * steps * dt_s), format_time(n_steps * dt_s)
        raise SpecError(Problem(place, "ends before the run does", f"values for {needed}", f"values for {covered}"))
    return StepSeries(values, steps)


@dataclass(frozen=True, eq=False)
class PoissonRow:
    """The numbers of one population's independent Poisson input."""

    population: str
    key: Key
    means: StepSeries
    """Expected events per neuron and step."""


def poisson_rows(
    drive: str, inputs: Sequence[PoissonInput], seed: int, dt_s: float, n_steps: int, folder: Path
) -> tuple[PoissonRow, ...]:
    """Return one row per population that a `poisson` drive reaches."""
    return tuple(
        PoissonRow(
            item.target.name,
            derive_key(seed, "poisson", drive, item.target.name),
            _scale(read_series(item.rate, dt_s, n_steps, folder, f"drive.{drive}.rate"), item.sources * dt_s),
        )
        for item in inputs
    )


def _scale(series: StepSeries, factor: float) -> StepSeries:
    return StepSeries(series.values * factor, series.steps_per_value)


def source_probabilities(group: SourceGroup, dt_s: float, n_steps: int, folder: Path) -> StepSeries:
    """Return the probability, per step, that one source of a `shared_poisson` drive fires.

    Raises
    ------
    SpecError
        If it is above 1.
    """
    assert group.rate is not None
    place = f"drive.{group.drive}.rate"
    probabilities = _scale(read_series(group.rate, dt_s, n_steps, folder, place), dt_s)
    if probabilities.values.max() > 1:
        raise SpecError(Problem(place, "makes a source fire more than once in a step", "rate · dt ≤ 1"))
    return probabilities


def source_key(seed: int, drive: str) -> Key:
    """Return the key of a `shared_poisson` drive's sources."""
    return derive_key(seed, "shared_poisson", drive)


_COUNTS_CPP = """
static inline int32_t %NAME%(const int32_t row, const int32_t index, const int64_t step)
{
    if (row < 0)
        return 0;
    const int64_t* r = _namespace_%NAME%_rows + 5 * row;  // key0, key1, first table, tables, steps per table
    const int64_t i_table = r[3] == 1 ? r[2] : r[2] + std::min(step / r[4], r[3] - 1);
    const int64_t* table = _namespace_%NAME%_tables + 2 * i_table;  // first threshold, thresholds
    const uint32_t bits = currents::bits32((uint32_t)r[0], (uint32_t)r[1], (uint64_t)index, (uint64_t)step);
    return currents::poisson_count(_namespace_%NAME%_thresholds + table[0], (int)table[1], bits);
}
"""

_FIRES_CPP = """
static inline int32_t %NAME%(const int32_t index, const int64_t step)
{
    const int64_t* r = _namespace_%NAME%_row;  // key0, key1, values, steps per value
    const int64_t i_value = r[2] == 1 ? 0 : std::min(step / r[3], r[2] - 1);
    const uint32_t bits = currents::bits32((uint32_t)r[0], (uint32_t)r[1], (uint64_t)index, (uint64_t)step);
    return currents::bernoulli(_namespace_%NAME%_thresholds[i_value], bits);
}
"""

_CURRENT_CPP = """
static inline double %NAME%(const int32_t row, const int64_t step)
{
    if (row < 0)
        return 0.0;
    const int64_t* r = _namespace_%NAME%_rows + 3 * row;  // first value, values, steps per value
    return _namespace_%NAME%_values[r[1] == 1 ? r[0] : r[0] + std::min(step / r[2], r[1] - 1)];
}
"""

_EVENT_CPP = """
static inline double %NAME%(const double value, const int32_t neuron, const int64_t step)
{
    const int64_t* first = _namespace_%NAME%_steps;
    const int64_t* last = first + _namespace_%NAME%_count[0];
    double result = value;
    for (const int64_t* at = std::lower_bound(first, last, step); at != last && *at == step; ++at)
        if (_namespace_%NAME%_neurons[at - first] == neuron)
            result = _namespace_%NAME%_values[at - first];
    return result;
}
"""


def _make_function(
    name: str, cpp: str, namespace: dict[str, Any], numpy: Callable[..., Any], arg_units: list[Any], return_unit: Any
) -> Any:
    """Return a Brian2 function whose arrays reach the generated program as files."""
    from brian2 import Function

    function = Function(numpy, arg_units=arg_units, return_unit=return_unit)
    function.implementations.add_numpy_implementation(numpy, discard_units=True)
    function.implementations.add_implementation(
        "cpp",
        cpp.replace("%NAME%", name),
        name=name,
        namespace={f"_{name}_{key}": array for key, array in namespace.items()},
        compiler_kwds={"headers": ["<algorithm>", '"counter_rng.h"']},
    )
    return function


def counts_function(name: str, rows: Sequence[PoissonRow]) -> Any:
    """Return the Brian2 function `name(row, index, step)`: events that reach a neuron in a step; row -1 has none."""
    tables = [poisson_thresholds(float(mean)) for row in rows for mean in row.means.values]
    starts = np.cumsum([0, *(table.size for table in tables)])
    first_table = np.cumsum([0, *(row.means.values.size for row in rows)])
    row_data = [
        (*row.key, first_table[i], row.means.values.size, row.means.steps_per_value) for i, row in enumerate(rows)
    ]
    namespace = {
        "rows": np.array(row_data, np.int64).ravel(),
        "tables": np.array([(starts[i], table.size) for i, table in enumerate(tables)], np.int64).ravel(),
        "thresholds": np.concatenate([*tables, np.zeros(1, np.uint32)]),
    }

    def counts(row: Any, index: Any, step: Any) -> NDArray[np.int32]:
        row, index = np.broadcast_arrays(row, index)
        result = np.zeros(row.shape, np.int32)
        for i_row, data in enumerate(rows):
            chosen = row == i_row
            thresholds = poisson_thresholds(data.means.at(int(step)))
            result[chosen] = poisson_counts(thresholds, bits32(data.key, index[chosen], int(step)))
        return result

    return _make_function(name, _COUNTS_CPP, namespace, counts, [1, 1, 1], 1)


def fires_function(name: str, key: Key, probabilities: StepSeries) -> Any:
    """Return the Brian2 function `name(index, step)`: 1 when a source fires in a step, else 0."""
    thresholds = np.array([bernoulli_threshold(float(p)) for p in probabilities.values], np.uint64)
    row = np.array([*key, thresholds.size, probabilities.steps_per_value], np.int64)

    def fires(index: Any, step: Any) -> NDArray[np.bool_]:
        i_value = min(int(step) // probabilities.steps_per_value, thresholds.size - 1)
        return bernoulli(int(thresholds[i_value]), bits32(key, index, int(step)))

    return _make_function(name, _FIRES_CPP, {"row": row, "thresholds": thresholds}, fires, [1, 1], 1)


def current_function(name: str, inputs: Sequence[InjectedCurrent], dt_s: float, n_steps: int, folder: Path) -> Any:
    """Return the Brian2 function `name(row, step)`: the current, in volts, into the population of a row in a step."""
    from brian2 import volt

    series = [read_series(i.value, dt_s, n_steps, folder, f"drive.{i.drive}.value") for i in inputs]
    starts = np.cumsum([0, *(item.values.size for item in series)])
    rows = [(starts[i], item.values.size, item.steps_per_value) for i, item in enumerate(series)]

    def current(row: Any, step: Any) -> NDArray[np.float64]:
        now = np.array([*(item.at(int(step)) for item in series), 0.0])
        return now[np.asarray(row)]

    namespace = {"rows": np.array(rows, np.int64).ravel(), "values": np.concatenate([item.values for item in series])}
    return _make_function(name, _CURRENT_CPP, namespace, current, [1, 1], volt)


def event_function(
    name: str, steps: NDArray[np.int64], neurons: NDArray[np.int32], values: NDArray[np.float64], unit: Any
) -> Any:
    """Return the Brian2 function `name(value, neuron, step)`: the value, unless an event sets it to another.

    Parameters
    ----------
    name : str
    steps : (n_events,), ascending
    neurons : (n_events,) index in the NeuronGroup
    values : (n_events,) in SI units
    unit : brian2 unit of the variable
    """
    namespace = {"steps": steps, "neurons": neurons, "values": values, "count": np.array([steps.size], np.int64)}

    def event(value: Any, neuron: Any, step: Any) -> NDArray[np.float64]:
        result = np.array(value, np.float64)
        for i_event in np.flatnonzero(steps == int(step)):
            result[np.asarray(neuron) == neurons[i_event]] = values[i_event]
        return result

    return _make_function(name, _EVENT_CPP, namespace, event, [unit, 1, 1], unit)
