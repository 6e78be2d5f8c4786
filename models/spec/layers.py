"""`[layers]`: the populations, and how often they are repeated."""

from typing import Annotated

from pydantic import Field

from models.spec.base import Count, LayerNumber, Name, Table


class PopulationLayer(Table):
    """`[layers.population.<label>.layer.<n>]`: an exception for one layer."""

    size: Count | None = None
    neuron: str | None = None


class PopulationTable(Table):
    """`[layers.population.<label>]`: one kind of neuron, repeated in every layer."""

    size: Count
    neuron: str
    layer: dict[LayerNumber, PopulationLayer] = {}


class LayersTable(Table):
    """`[layers]`."""

    count: Annotated[int, Field(strict=True, ge=1, le=127)] = 1
    population: Annotated[dict[Name, PopulationTable], Field(min_length=1)]
