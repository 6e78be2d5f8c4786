"""The load stage: from a recording to tables.

The columns, their types and units are those of `models.tables`. Selections are the same everywhere: `populations` are
names (`L1E`) or labels (`E`), `neurons` global indices, `start` and `stop` seconds or text such as `"10 ms"`. What is
named and does not exist, or was not recorded, is a `SpecError`.
"""

from pipeline.tabulate.binned import (
    DEFAULT_PART_MB,
    iterate_currents,
    iterate_states,
    neurons_of_reader,
    plan_currents,
    tabulate_currents,
    tabulate_states,
)
from pipeline.tabulate.connectivity import tabulate_connectivity
from pipeline.tabulate.rates import tabulate_rates
from pipeline.tabulate.spikes import (
    find_spikes,
    iterate_spikes,
    neurons_of_populations,
    tabulate_inputs,
    tabulate_spikes,
)

__all__ = [
    "DEFAULT_PART_MB",
    "find_spikes",
    "iterate_currents",
    "iterate_spikes",
    "iterate_states",
    "neurons_of_populations",
    "neurons_of_reader",
    "plan_currents",
    "tabulate_connectivity",
    "tabulate_currents",
    "tabulate_inputs",
    "tabulate_rates",
    "tabulate_spikes",
    "tabulate_states",
]
