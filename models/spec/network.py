"""`[network]`, and the model file as a whole."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, PrivateAttr

from models.quantities import Quantity, show_value
from models.spec.base import Name, Table, Time
from models.spec.drives import Drive
from models.spec.layers import LayersTable
from models.spec.neurons import Neuron
from models.spec.pathways import PathwayTable
from models.spec.records import EventTable, Record
from models.values import fail


def _refuse_zero(step: Quantity) -> Quantity:
    if step.value <= 0:
        raise fail("is not above 0", got=show_value(step.text))
    return step


class NetworkTable(Table):
    """`[network]`."""

    name: Name
    dt: Annotated[Time, AfterValidator(_refuse_zero)]
    duration: Time
    """Model time of a run that does not say otherwise."""
    seed: Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)] = 0
    """Fixes edges, weights, delays and per-neuron parameters; also a run's own seed unless that is given."""
    description: str = ""
    """One line for `currents list`."""


class NetworkSpec(Table):
    """A whole model file."""

    network: NetworkTable
    neuron: Annotated[dict[Name, Neuron], Field(min_length=1)]
    layers: LayersTable
    pathway: dict[Name, PathwayTable] = {}
    drive: dict[Name, Drive] = {}
    record: dict[Name, Record] = {}
    event: list[EventTable] = []

    _folder: Path = PrivateAttr(default=Path())
    _notes: tuple[str, ...] = PrivateAttr(default=())

    @property
    def folder(self) -> Path:
        """The model file's folder, which its file names are relative to."""
        return self._folder

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know about the settings that were applied, and about what the network lacks."""
        return self._notes

    def with_origin(self, folder: Path, notes: tuple[str, ...] = ()) -> Self:
        """Return the same network as read from a model file in `folder`."""
        copy = self.model_copy()
        copy._folder, copy._notes = folder, notes
        return copy
