"""A network as tables that a paper can print: populations, neurons, pathways, drive, recording, events.

After Nordlie, Gewaltig & Plesser 2009, Towards reproducible descriptions of neuronal network models
(doi:10.1371/journal.pcbi.1000456).
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as TextTable

from models.array_files import open_array, show_shape
from models.expand import Expanded, Projection, expand_network
from models.expected import expect_edges
from models.kinetics import find_kinetics
from models.quantities import write_inline
from models.spec import (
    CurrentDrive,
    Drive,
    EquationsNeuron,
    NetworkSpec,
    Neuron,
    PathwayTable,
    Record,
    SynapticDrive,
    Table,
)
from models.values import ArrayFile, Series

type Row = dict[str, object]

_EQUATIONS = {
    "lif": (
        "leaky integrate-and-fire",
        {
            "equations": "tau_m dv/dt = v_rest - v + I",
            "threshold": "v > v_threshold",
            "reset": "v = v_reset",
            "integration": "exact",
        },
    ),
    "after_potential": (
        "leaky integrator with an after-potential",
        {
            "equations": "tau_m dv/dt = v_rest - v + I, tau_ap dv_ap/dt = -v_ap",
            "threshold": "v + v_ap > v_threshold",
            "reset": "v_ap -= w_ap if hyperpolarizing, v_ap += w_ap if depolarizing; v stays",
            "integration": "exact",
        },
    ),
}
"""Name and equations of each `model` of a neuron."""
_EXPECTED = "synapses_expected"
"""Column of what marks a number that depends on chance."""
_MAX_WRITTEN = 200
"""Characters of written-out values that a cell shows; of longer ones, their number."""
_WIDTH = 80
"""Columns of a text that does not go to a terminal."""


def describe_network(spec: NetworkSpec) -> dict[str, pd.DataFrame]:
    """Return a network's description.

    Parameters
    ----------
    spec : NetworkSpec
        As `load_network` returns it.

    Returns
    -------
    dict of str to DataFrame
        `network` (one row), `populations` (one per population), `neurons` (one per neuron type and property),
        `pathways`, `drive`, `recording`, `events` and `notes`; those without rows are left out. Values are shown as
        the model file writes them, a file's with their range; `synapses` is the number, a float, and
        `synapses_expected` is true where it is the expected one, as edges are drawn by probability.

    Raises
    ------
    SpecError
        If the tables of the spec contradict each other.
    """
    expanded = expand_network(spec)
    rows: dict[str, list[Row]] = {
        "network": [_describe_whole(expanded)],
        "populations": list(_describe_populations(expanded)),
        "neurons": [row for name, neuron in spec.neuron.items() for row in _describe_neuron(name, neuron)],
        "pathways": [_describe_pathway(name, pathway, expanded) for name, pathway in spec.pathway.items()],
        "drive": [_describe_drive(name, drive, expanded) for name, drive in spec.drive.items()],
        "recording": [_describe_record(name, record) for name, record in spec.record.items()],
        "events": [{key: _show(value) for key, value in to_plain(event).items()} for event in spec.event],
        "notes": [{"note": note} for note in spec.notes],
    }
    return {title: _make_frame(table) for title, table in rows.items() if table}


def _make_frame(rows: list[Row]) -> pd.DataFrame:
    """Return rows as a frame, without the columns that no row fills, and with "" where a row lacks a column."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    used = [column for column in columns if any(row.get(column, "") != "" for row in rows)]
    return pd.DataFrame([[row.get(column, "") for column in used] for row in rows], columns=used)


def to_plain(table: Table) -> dict[str, Any]:
    """Return a table of the spec as text, numbers, lists and dictionaries: with defaults, without what has no value."""
    plain: dict[str, Any] = table.model_dump(exclude_none=True)
    return plain


def _show(value: object) -> object:
    """Return a value of the model file as a cell: text and numbers as they are, lists and tables as TOML."""
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, dict) and "values" in value and len(str(value)) > _MAX_WRITTEN:
        return f"values, {show_shape(np.shape(value['values']))}"
    return write_inline(value)


def _describe_whole(expanded: Expanded) -> Row:
    network = expanded.spec.network
    return {
        "network": network.name,
        "description": network.description,
        "dt": network.dt.text,
        "duration": network.duration.text,
        "seed": network.seed,
        "layers": expanded.spec.layers.count,
        "neurons": expanded.n_neurons,
        **_count_synapses(expanded.projections, expanded),
    }


def _count_synapses(projections: Sequence[Projection], expanded: Expanded) -> Row:
    """Return the number of edges, and whether it is what is expected of chance."""
    row: Row = {"synapses": sum((expect_synapses(projection, expanded) for projection in projections), 0.0)}
    chance = any(0 < (projection.connect.probability or 0) < 1 for projection in projections)
    return row | ({_EXPECTED: True} if chance else {})


def _describe_populations(expanded: Expanded) -> Iterator[Row]:
    for population in expanded.populations:
        yield {
            "population": population.name,
            "layer": population.layer,
            "size": population.size,
            "neuron": population.neuron,
            "first": population.start,
            "last": population.stop - 1,
        }


def _describe_neuron(name: str, neuron: Neuron) -> Iterator[Row]:
    """Yield the equations and every parameter of a neuron type, defaults included."""
    if isinstance(neuron, EquationsNeuron):
        properties = {"model": "own equations", **_flatten(neuron)}
    else:
        model, equations = _EQUATIONS[neuron.model]
        properties = {"model": model, **equations} | {k: v for k, v in to_plain(neuron).items() if k != "model"}
    for key, value in properties.items():
        yield {"neuron": name, "property": key, "value": str(_show(value)).strip()}


def _flatten(neuron: EquationsNeuron) -> dict[str, Any]:
    plain = to_plain(neuron)
    initial = {f"initial {name}": value for name, value in plain.pop("initial").items()}
    parameters: dict[str, Any] = plain.pop("parameters")
    return plain | parameters | initial


def expect_synapses(projection: Projection, expanded: Expanded) -> float:
    """Return the expected number of edges between two populations; exact unless they are drawn by probability."""
    return expect_edges(
        projection.connect,
        projection.source,
        projection.target,
        autapses=projection.autapses,
        folder=expanded.spec.folder,
    )


def _describe_pathway(name: str, pathway: PathwayTable, expanded: Expanded) -> Row:
    return {
        "pathway": name,
        "source": ", ".join(pathway.source),
        "target": ", ".join(pathway.target),
        "between": pathway.between or "",
        **_describe_synapse(name, pathway, expanded),
        "autapses": "yes" if pathway.autapses else "no",
        "channel": pathway.channel or name,
        "exceptions": _describe_exceptions(pathway, expanded.spec.folder),
    }


def _describe_drive(name: str, drive: Drive, expanded: Expanded) -> Row:
    plain = to_plain(drive)
    row: Row = {"drive": name, "kind": drive.kind, "target": ", ".join(drive.target)}
    row |= {key: _show(plain[key]) for key in ("sources", "file") if key in plain}
    row |= _show_keys(drive, ("rate", "value"), expanded.spec.folder)
    if isinstance(drive, CurrentDrive):
        row |= {"polarity": drive.polarity, "kinetics": "current"}
    else:
        row |= _describe_synapse(name, drive, expanded)
    return row | {"channel": drive.channel or name, "exceptions": _describe_exceptions(drive, expanded.spec.folder)}


def _describe_synapse(name: str, table: PathwayTable | SynapticDrive, expanded: Expanded) -> Row:
    """Return what pathways and drives that act through synapses have in common."""
    projections = [projection for projection in expanded.projections if projection.pathway == name]
    row: Row = {"polarity": table.polarity, "kinetics": table.kinetics, "kernel": describe_kernel(table)}
    row |= _show_keys(table, ("weight", "connect"), expanded.spec.folder)
    if projections or isinstance(table, PathwayTable):
        row |= _count_synapses(projections, expanded)
    return row | _show_keys(table, ("delay",), expanded.spec.folder)


def _show_keys(table: Table, keys: Iterable[str], folder: Path) -> Row:
    """Return cells of those keys that a table has: what is written and, of a file, the range of its numbers."""
    plain = to_plain(table)
    return {key: f"{_show(plain[key])}{_show_range(getattr(table, key), folder)}" for key in keys if key in plain}


def _show_range(value: object, folder: Path) -> str:
    """Return the range and the mean of a file's numbers, in its unit or in SI units; nothing for other values."""
    listed = value.values if isinstance(value, Series) else value
    if not isinstance(listed, ArrayFile):
        return ""
    array, unit = open_array("", folder, listed.file), listed.unit or "in SI units"
    return f": {array.min():g} to {array.max():g} {unit}, mean {array.mean():g}" if array.size else ""


def describe_kernel(table: PathwayTable | SynapticDrive) -> str:
    """Return what one spike does, in one line, with its time constants: `I(t) = w exp(-t/tau), tau = 10 ms`."""
    kinetics = find_kinetics()[table.kinetics]
    constants = [f"{key} = {getattr(table, key).text}" for key in kinetics.time_constants]
    return ", ".join([kinetics.summary, *constants])


def _describe_exceptions(table: PathwayTable | Drive, folder: Path) -> str:
    return "; ".join(
        f"layer {layer}: "
        + ", ".join(f"{key} = {cell}" for key, cell in _show_keys(exception, to_plain(exception), folder).items())
        for layer, exception in table.layer.items()
    )


def _describe_record(name: str, record: Record) -> Row:
    plain = to_plain(record)
    row: Row = {"recorder": name, "kind": plain.pop("kind"), "population": _show(plain.pop("population", "all"))}
    if hasattr(record, "neurons"):
        row["neurons"] = _show(plain.pop("neurons", "all"))
    return row | {key: _show(value) for key, value in plain.items()}


def tables_to_json(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[dict[str, Any]]]:
    """Return tables as lists of rows that `json.dumps` can write; empty cells are left out."""
    rows: dict[str, list[dict[str, Any]]] = {
        title: json.loads(frame.to_json(orient="records", double_precision=15)) for title, frame in tables.items()
    }
    return {
        title: [{key: cell for key, cell in row.items() if cell not in ("", None)} for row in table]
        for title, table in rows.items()
    }


def format_tables(tables: Mapping[str, pd.DataFrame], width: int | None = None, *, color: bool = False) -> str:
    """Return tables as text.

    A table that fits is printed as one. A wider one is printed as a list of its rows, each cell under the name of its
    column; long cells are folded and never cut.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By title.
    width : int, optional
        Of the text, in characters; 80 unless given.
    color : bool
        Whether to add a terminal's codes for bold.
    """
    console = Console(
        file=StringIO(),
        width=width or _WIDTH,
        force_terminal=color,
        color_system="standard" if color else None,
        emoji=False,
        markup=False,
        highlight=False,
    )
    for title, frame in tables.items():
        console.print(title, style="bold")
        console.print(_choose_layout(_mark_expected(frame), console))
    assert isinstance(console.file, StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def _mark_expected(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose expected numbers of synapses are texts that start with ~."""
    if _EXPECTED not in frame:
        return frame
    pairs = zip(frame[_EXPECTED], frame["synapses"], strict=True)
    cells = [f"{'~' if expected else ''}{_format_cell(cell)}" for expected, cell in pairs]
    return frame.assign(synapses=cells).drop(columns=_EXPECTED)


def _choose_layout(frame: pd.DataFrame, console: Console) -> TextTable:
    table = _lay_out_rows(frame)
    natural = Measurement.get(console, console.options.update(width=10**6), table).maximum
    return table if natural <= console.width else _lay_out_cells(frame)


def _lay_out_rows(frame: pd.DataFrame) -> TextTable:
    table = TextTable(box=SIMPLE_HEAD, pad_edge=False)
    for column in frame.columns:
        number = pd.api.types.is_numeric_dtype(frame[column])
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*(_format_cell(cell) for cell in row))
    return table


def _lay_out_cells(frame: pd.DataFrame) -> TextTable:
    """Return a table of two columns, the name of a cell's column and the cell; a line after each row of the frame."""
    table = TextTable(box=SIMPLE_HEAD, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in frame.to_dict("records"):
        filled = [(str(key), _format_cell(cell)) for key, cell in row.items() if cell != ""]
        for i_cell, (key, cell) in enumerate(filled):
            table.add_row(key, cell, end_section=i_cell == len(filled) - 1)
    return table


def _format_cell(cell: object) -> str:
    """Return a cell as text; whole numbers, which expected counts often are, without a point."""
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell == round(cell) else f"{cell:.1f}"
    return str(cell)
