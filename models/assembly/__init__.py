"""From the plans of a network's groups to all that a run is made of.

`assemble_network` makes what every device needs, without Brian2: edges, recorders and events, checked against what the
groups' equations declare. `models.assembly.reference` makes the Brian2 objects of the reference device besides.
"""

from collections.abc import Mapping

from models.assembly.events import list_events
from models.assembly.objects import Assembly, BinnedArray, BinnedRecorder, GroupVariables, TimedEvent
from models.assembly.recorders import list_recorders
from models.assembly.traces import start_traces
from models.expand import Expanded
from models.groups import GroupPlan
from models.sample import EdgeTable

__all__ = ["Assembly", "BinnedArray", "BinnedRecorder", "GroupVariables", "TimedEvent", "assemble_network"]


def assemble_network(
    expanded: Expanded,
    plans: tuple[GroupPlan, ...],
    variables: Mapping[str, GroupVariables],
    edges: dict[str, EdgeTable],
    *,
    seed: int,
    n_steps: int,
) -> Assembly:
    """Put together what a run is made of.

    Parameters
    ----------
    expanded : Expanded
    plans : tuple of GroupPlan
        Of the network's groups, made with the same seed.
    variables : mapping of str to GroupVariables
        What the equations of each group declare, by its plan's name.
    edges : dict of str to EdgeTable
        Of every pathway and of every drive with sources (`models.sample`).
    seed : int
        The run's, for drive.
    n_steps : int
        Steps that the run will take.

    Returns
    -------
    Assembly

    Raises
    ------
    SpecError
        If an event, a recorder or traces do not fit the groups.
    """
    return Assembly(
        expanded=expanded,
        seed=seed,
        n_steps=n_steps,
        plans=start_traces(expanded, plans, edges),
        edges=edges,
        events=list_events(expanded, plans, variables),
        recorders=tuple(list_recorders(expanded, plans, variables)),
    )
