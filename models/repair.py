"""What is wrong in the sound parts of a model of which others could not be read, so that all is reported together.

What cannot be read is left out, or replaced by stand-ins: twice, by other ones, and a problem counts when it is said in
the same words both times. What depends on a stand-in, such as an index beyond a population whose size is not known, has
its name or number in the words.
"""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from models.checks import check_spec
from models.errors import Problem
from models.quantities import show_value
from models.spec import NetworkSpec

_NEURON = {"model": "lif", "tau_m": "1 s", "v_threshold": "1 V", "v_reset": "0 V"}
"""What a neuron that cannot be read counts as."""
_VARIANTS = (0, 1)
_NETWORKS = (
    {"name": "unnamed", "dt": "1 us", "duration": "1 s"},
    {"name": "unnamed", "dt": "2 us", "duration": "2 s"},
)
_COUNTS = (1, 127)
_SIZES = (1, 1009)
_LABELS = ("Xa", "Yb")
"""Names of populations, and what names that are not usable are made to start with."""


def check_sound_parts(tables: dict[str, Any], errors: list[ErrorDetails], folder: Path) -> list[Problem]:
    """Return what is wrong between the parts of a model that could be read.

    Parameters
    ----------
    tables : dict
        Of the model file.
    errors : list of ErrorDetails
        What pydantic found in them.
    folder : Path
        What file names are relative to.
    """
    first, second = (_check_variant(tables, errors, folder, variant) for variant in _VARIANTS)
    unusable = {show_value(error["loc"][-2]) for error in errors if _is_about_name(error)}
    # A name that something has, though it cannot have it, is not unknown.
    return [problem for problem in first if problem in second and problem.got not in unusable]


def _check_variant(tables: dict[str, Any], errors: list[ErrorDetails], folder: Path, variant: int) -> list[Problem]:
    sound = deepcopy(tables)
    for error in sorted(errors, key=_is_about_name):
        _repair(sound, error, variant)
    if any(error["loc"][0] in ("pathway", "drive") for error in errors):
        for record in sound.get("record", {}).values():
            record.pop("channels", None)  # they may be those of what was left out
    try:
        spec = NetworkSpec.model_validate(sound).with_origin(folder)
    except ValidationError:  # something is broken in a way that nothing above knows
        return []
    complete = all(error["loc"][0] in ("network", "record", "event") for error in errors)
    return check_spec(spec, complete=complete)


def _is_about_name(error: ErrorDetails) -> bool:
    """Return whether a table's name is not usable; it is replaced last, when what the table holds has been repaired."""
    return error["loc"][-1] == "[key]"


def _rename(name: int | str, variant: int) -> str:
    """Return a usable name, another one in each variant."""
    return _LABELS[variant] + re.sub("[^A-Za-z0-9]", "_", str(name))


def _repair(tables: dict[str, Any], error: ErrorDetails, variant: int) -> None:
    """Take what an error is about out of the tables, or put a stand-in there."""
    place, name = (*error["loc"], "", "")[:2]
    if place == "layers":
        _repair_layers(tables, error, variant)
    elif place == "network":
        _repair_network(tables, str(name), variant)
    elif place == "neuron" and _is_about_name(error):
        tables[place][_rename(name, variant)] = tables[place].pop(name)
    elif place == "neuron" and name:
        tables[place][name] = _NEURON
    elif place == "neuron":
        tables[place] = dict.fromkeys(_list_used(tables), _NEURON) or {"none": _NEURON}
    elif place in ("pathway", "drive", "record") and name:
        tables[place].pop(name, None)
    else:
        tables.pop(str(place), None)


def _repair_network(tables: dict[str, Any], name: str, variant: int) -> None:
    if not name:
        tables["network"] = dict(_NETWORKS[variant])
    elif name in _NETWORKS[variant]:
        tables["network"][name] = _NETWORKS[variant][name]
    else:
        tables["network"].pop(name, None)


def _list_used(tables: dict[str, Any]) -> list[str]:
    """Return the names of the neurons that populations are said to consist of."""
    layers = tables.get("layers")
    populations = layers.get("population") if isinstance(layers, dict) else None
    found = populations.values() if isinstance(populations, dict) else ()
    names = [table.get("neuron") for table in found if isinstance(table, dict)]
    return [name for name in names if isinstance(name, str)]


def _repair_layers(tables: dict[str, Any], error: ErrorDetails, variant: int) -> None:
    key, label = (*error["loc"][1:], "", "")[:2]
    if not key:
        tables["layers"] = {"count": _COUNTS[variant], "population": {_LABELS[variant]: _stand_in(tables, variant)}}
    elif key == "population" and not label:
        tables["layers"]["population"] = {_LABELS[variant]: _stand_in(tables, variant)}
    elif key == "population":
        _repair_population(tables, error["loc"][2:], variant)
    elif key == "count":
        tables["layers"]["count"] = _COUNTS[variant]
    else:
        tables["layers"].pop(key, None)


def _repair_population(tables: dict[str, Any], location: tuple[int | str, ...], variant: int) -> None:
    """Repair one population: `location` starts with its label."""
    populations, stand_in = tables["layers"]["population"], _stand_in(tables, variant)
    label, key, layer, own = (*location, "", "", "", "")[:4]
    if key == "[key]":
        populations[_rename(label, variant)] = populations.pop(label)
    elif not key:
        populations[label] = stand_in
    elif key == "layer" and layer and own in ("", "size", "neuron"):
        exception = populations[label]["layer"].get(layer)
        populations[label]["layer"][layer] = stand_in if own == "" else exception | {own: stand_in[own]}
    elif key == "layer" and layer and own != "[key]":
        populations[label]["layer"][layer].pop(own, None)
    elif key == "layer" and layer:
        populations[label]["layer"].pop(layer, None)
    elif key in stand_in:
        populations[label][key] = stand_in[key]
    else:
        populations[label].pop(key, None)


def _stand_in(tables: dict[str, Any], variant: int) -> dict[str, Any]:
    """Return a population of another size, and where there is a choice another neuron, in each variant."""
    neurons = tables.get("neuron")
    names = list(neurons) if isinstance(neurons, dict) and neurons else ["none"]
    return {"size": _SIZES[variant], "neuron": names[-variant]}
