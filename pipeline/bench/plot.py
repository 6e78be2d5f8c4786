"""The curves of growth as a picture."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from pipeline.atomic import write_atomically

CURVES = ("neurons", "synapses", "layers", "recorded neurons")
"""One column of panels each."""
_BLUE, _ORANGE = "#0072B2", "#D55E00"
_MB = 1e6
_DOTS_PER_INCH = 100
_ROOM = 3.0
"""By how much a row's axis reaches beyond its points: there the legend is."""


@dataclass(frozen=True)
class _Line:
    key: str
    label: str
    color: str
    scale: float = 1.0


_ROWS: dict[str, tuple[_Line, ...]] = {
    "seconds": (
        _Line("simulation_s", "steps, per second of model time", _BLUE),
        _Line("start_s", "start, once", _ORANGE),
    ),
    "nanoseconds": (
        _Line("event_ns", "per synaptic event", _BLUE),
        _Line("neuron_update_ns", "per neuron update", _ORANGE),
    ),
    "megabytes": (_Line("peak_memory_bytes", "peak memory of the program", _BLUE, 1 / _MB),),
}
"""What is drawn in each row of panels, by its axis."""
_STYLES: dict[str, tuple[str, Literal["-", "--"], str]] = {
    "constant": ("o", "-", "one weight per pathway"),
    "individual": ("s", "--", "one weight per synapse"),
}
"""Marker, line and legend of each kind of weights."""


def save_growth(results: dict[str, Any], path: Path) -> None:
    """Write the curves of growth as a picture, and the numbers beside it as JSON.

    Parameters
    ----------
    results : dict
        The bench's.
    path : Path
        Of the picture; its folder is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    plot_growth(results["growth"], path)
    numbers = {key: results[key] for key in ("format", "machine", "sizes", "growth")}
    write_atomically(path.with_suffix(".json"), json.dumps(numbers, indent=1) + "\n")


def plot_growth(points: list[dict[str, Any]], path: Path) -> None:
    """Draw all curves into a PNG file.

    Parameters
    ----------
    points : list of dict
        `growth` of the bench's results.
    path : Path
    """
    curves = [curve for curve in CURVES if any(point["curve"] == curve for point in points)]
    figure = Figure(figsize=(2.6 * len(curves) + 0.6, 7), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(_ROWS), len(curves), squeeze=False, sharey="row", sharex="col")
    for i_row, (axis, lines) in enumerate(_ROWS.items()):
        for panel, curve in zip(panels[i_row], curves, strict=True):
            _draw_panel(panel, [point for point in points if point["curve"] == curve], lines)
        panels[i_row][0].set_ylabel(axis)
        _scale_row(panels[i_row][0], lines)
    for panel, curve in zip(panels[-1], curves, strict=True):
        panel.set_xlabel(curve)
        _scale_column(panel, sorted({point["x"] for point in points if point["curve"] == curve}))
    styles = [Line2D([], [], color="black", marker=marker, linestyle=line) for marker, line, _ in _STYLES.values()]
    words = [words for _, _, words in _STYLES.values()]
    figure.legend(styles, words, loc="outside lower center", ncols=len(styles), frameon=False)
    figure.savefig(path, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})


def _draw_panel(panel: Axes, points: list[dict[str, Any]], lines: tuple[_Line, ...]) -> None:
    for line in lines:
        for weights, (marker, style, _) in _STYLES.items():
            chosen = [point for point in points if point["weights"] == weights]
            y = [line.scale * point[line.key] for point in chosen]
            x = [point["x"] for point in chosen]
            panel.plot(x, y, color=line.color, linestyle=style, marker=marker, markersize=4)
    panel.grid(alpha=0.3)


def _scale_row(panel: Axes, lines: tuple[_Line, ...]) -> None:
    """Let a row's panels share a logarithmic axis with plain numbers, and tell what the colours are in the first."""
    panel.set_yscale("log")
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())
    handles = [Line2D([], [], color=line.color, marker="o") for line in lines]
    panel.set_ylim(top=_ROOM * panel.get_ylim()[1])
    panel.legend(handles, [line.label for line in lines], loc="upper left", fontsize="x-small", frameon=False)


def _scale_column(panel: Axes, xs: list[int]) -> None:
    """Let a column's panels share a logarithmic axis, with a tick at each point."""
    if xs[0] == 0:  # of the neurons that are recorded, say
        panel.set_xscale("symlog", linthresh=xs[1])
        panel.set_xlim(-0.2 * xs[1], 2 * xs[-1])
    else:
        panel.set_xscale("log")
    panel.xaxis.set_major_locator(FixedLocator(xs))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _shorten(value)))


def _shorten(number: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:g}"
