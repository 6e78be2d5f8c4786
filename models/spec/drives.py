"""`[drive.<name>]`: the kinds of input from outside."""

from typing import Annotated, Literal

from pydantic import Field

from models.quantities import Quantity
from models.spec.base import Count, Injection, LayerNumber, Name, Names, Polarity, Rate, Table, Time, TimeValue, Weight
from models.spec.pathways import Connect, ConnectRule, PathwayLayer


class _SynapticDrive(Table):
    """What all drives that act through synapses have."""

    target: Names
    polarity: Polarity
    kinetics: str
    tau: Time | None = None
    tau_rise: Time | None = None
    weight: Weight
    channel: Name | None = None


class PoissonLayer(Table):
    """`[drive.<name>.layer.<n>]`: an exception for the targets in layer n."""

    sources: Count | None = None
    rate: Rate | None = None
    weight: Weight | None = None


class PoissonDrive(_SynapticDrive):
    """`kind = "poisson"`: every target neuron has `sources` Poisson inputs of its own."""

    kind: Literal["poisson"]
    sources: Count = 1
    rate: Rate
    layer: dict[LayerNumber, PoissonLayer] = {}


class SharedPoissonDrive(_SynapticDrive):
    """`kind = "shared_poisson"`: one population of Poisson sources, the same for all targets."""

    kind: Literal["shared_poisson"]
    sources: Count | None = None
    rate: Rate | None = None
    sources_of: str | None = None
    """Another `shared_poisson` drive, whose sources this one shares instead of having its own."""
    connect: ConnectRule = Connect(rule="all_to_all")
    delay: TimeValue = Quantity("0 ms", 0.0)
    layer: dict[LayerNumber, PathwayLayer] = {}


class SpikeFileDrive(_SynapticDrive):
    """`kind = "spike_file"`: sources that fire at the times in a file (columns `time` in seconds and `source`)."""

    kind: Literal["spike_file"]
    file: str
    sources: Count
    connect: ConnectRule = Connect(rule="all_to_all")
    delay: TimeValue = Quantity("0 ms", 0.0)
    layer: dict[LayerNumber, PathwayLayer] = {}


class CurrentLayer(Table):
    """`[drive.<name>.layer.<n>]`: an exception for the targets in layer n."""

    value: Injection | None = None


class CurrentDrive(Table):
    """`kind = "current"`: a current in volts, the steady depolarisation that it causes; may vary in time."""

    kind: Literal["current"]
    target: Names
    polarity: Polarity
    value: Injection
    channel: Name | None = None
    layer: dict[LayerNumber, CurrentLayer] = {}


type Drive = Annotated[
    PoissonDrive | SharedPoissonDrive | SpikeFileDrive | CurrentDrive,
    Field(discriminator="kind"),
]
type SynapticDrive = PoissonDrive | SharedPoissonDrive | SpikeFileDrive
"""Drives whose weights are a pathway's."""
type SourcedDrive = SharedPoissonDrive | SpikeFileDrive
"""Drives with numbered sources, which edges lead from."""
