"""All that is wrong in a model is reported together, also where a part of it cannot be read."""

from pathlib import Path

import pytest
import tomli_w

from tests.models.bad_input.small_model import GONE, SHARED, Edit, apply_edit, refuse


def test_errors_are_reported_together() -> None:
    """Mistakes in keys, values, names and times, in five tables, are one error with all of them."""
    edit = {
        "network.sed": 3,
        "neuron.lif.tau_m": "20 mV",
        "pathway.slow.weight": "-1 mV",
        "pathway.fast.target": ["E", "X"],
        "drive.noise.rate": "10 ms",
        "record.currents.interval": "0.25 ms",
        "event.0.index": 9,
    }
    error = refuse(tomli_w.dumps(apply_edit(edit)), Path())
    assert [problem.where for problem in error.problems] == [
        "small: network.sed",
        "small: neuron.lif.tau_m",
        "small: pathway.slow.weight",
        "small: drive.noise.rate",
        "small: record.currents.interval",
        "small: pathway.fast.target",
        "small: event.0.index",
    ]
    assert str(error) == "\n".join(str(problem) for problem in error.problems)


def test_a_broken_pathway_does_not_make_its_channel_unknown() -> None:
    """One mistake is one problem: what depends on it is not reported too."""
    edit = {"pathway.slow.weight": "-1 mV", "record.currents.channels": ["slow"]}
    assert len(refuse(tomli_w.dumps(apply_edit(edit)), Path()).problems) == 1


@pytest.mark.parametrize(("key", "value"), [("source", "X"), ("target", "X"), ("kinetics", "exponental")])
def test_a_broken_pathway_does_not_make_its_variable_unknown(key: str, value: str) -> None:
    """The same for what it gives to neurons, which a recorder or an event may name."""
    states = {"kind": "states", "population": "E", "variables": ["I_slow"], "interval": "1 ms"}
    edit = {f"pathway.slow.{key}": value, "record.states": states, "event.0.set": "I_slow"}
    problems = refuse(tomli_w.dumps(apply_edit(edit)), Path()).problems
    assert [problem.where for problem in problems] == [f"small: pathway.slow.{key}"]


MISTAKES: Edit = {
    "pathway.slow.tau": "0 ms",
    "pathway.fast.target": ["E", "Q"],
    "pathway.fast.connect": {"matrix": "gone.npy"},
    "drive.noise.kinetics": "exponental",
    "record.currents.interval": "0.25 ms",
    "event.0.time": "20.05 ms",
    "event.0.index": 9,
}
"""One or two in each table but `[network]`, `[neuron]` and `[layers]`."""
FREE = {
    "record.currents.interval": "is not a multiple of network.dt = 0.1 ms",
    "pathway.slow.tau": "is not above 0",
    "drive.noise.kinetics": "names a kinetics that does not exist",
    "event.0.time": "is not a multiple of network.dt = 0.1 ms",
}
"""What is wrong whatever the layers are."""
NAMED = {"pathway.fast.target": "names a population that does not exist"}
SIZED = {"event.0.index": "has an index beyond L1E"}
TIMED = FREE.keys() - {"pathway.slow.tau", "drive.noise.kinetics"}
"""What needs the step."""


@pytest.mark.parametrize(
    ("edit", "place", "judged"),
    [
        ({"layers": GONE}, "layers", FREE),
        ({"layers": 3}, "layers", FREE),
        ({"layers.zzz": 1}, "layers.zzz", FREE | NAMED | SIZED),
        ({"layers.count": 0}, "layers.count", FREE | SIZED),
        ({"layers.population": {}}, "layers.population", FREE),
        ({"layers.population.E": 3}, "layers.population.E", FREE | NAMED),
        ({"layers.population.E.size": 0}, "layers.population.E.size", FREE | NAMED),
        ({"layers.population.E.size": GONE}, "layers.population.E.size", FREE | NAMED),
        ({"layers.population.I.size": 0}, "layers.population.I.size", FREE | NAMED | SIZED),
        ({"layers.population.E.neuron": 5}, "layers.population.E.neuron", FREE | NAMED | SIZED),
        ({"layers.population.E.sise": 5}, "layers.population.E.sise", FREE | NAMED | SIZED),
        ({"layers.population.E.layer": 3}, "layers.population.E.layer", FREE | NAMED | SIZED),
        ({"layers.population.E.layer": {"1": 3}}, "layers.population.E.layer.1", FREE | NAMED),
        ({"layers.population.E.layer": {"1": {"size": 0}}}, "layers.population.E.layer.1.size", FREE | NAMED),
        ({"layers.population.E.layer": {"2": {"size": 0}}}, "layers.population.E.layer.2.size", FREE | NAMED | SIZED),
        ({"layers.population.E.layer": {"1": {"x": 0}}}, "layers.population.E.layer.1.x", FREE | NAMED | SIZED),
        ({"layers.population.E.layer": {"a": {"size": 5}}}, "layers.population.E.layer.a", FREE | NAMED | SIZED),
        ({"layers.population.1-E": {"size": 3, "neuron": "lif"}}, "layers.population.1-E", FREE | SIZED),
        ({"neuron": {}}, "neuron", FREE | NAMED | SIZED),
        ({"neuron.lif": 3}, "neuron.lif", FREE | NAMED | SIZED),
        ({"network.duration": "1"}, "network.duration", FREE | NAMED | SIZED),
        ({"network.dt": "0 s"}, "network.dt", {k: v for k, v in (FREE | NAMED | SIZED).items() if k not in TIMED}),
        ({"network.dt": GONE}, "network.dt", {k: v for k, v in (FREE | NAMED | SIZED).items() if k not in TIMED}),
        ({"network": 3}, "network", {k: v for k, v in (FREE | NAMED | SIZED).items() if k not in TIMED}),
    ],
)
def test_a_broken_table_hides_no_other_mistake(edit: Edit, place: str, judged: dict[str, str]) -> None:
    """What is said of the rest does not depend on what is broken, and nothing is said that does."""
    error = refuse(tomli_w.dumps(apply_edit(MISTAKES | edit)), Path())
    found = {problem.where.removeprefix("small: "): problem.what for problem in error.problems}
    assert place in found
    assert {where: what for where, what in found.items() if where != place} == judged


@pytest.mark.parametrize(
    "edit",
    [
        {"layers.population.E.size": 0, "pathway.slow.weight": {"values": [[1] * 4] * 4, "unit": "mV"}},
        {"layers.population.E.size": 0, "record.currents.neurons": [0, 3]},
        {"layers.population.E.size": 0, "neuron.lif.v_initial": {"values": [1, 2, 3], "unit": "mV"}},
        {"layers.count": 2.0, "event.0.population": "L2E", "pathway.slow.layer": {"2": {"weight": "1 mV"}}},
        {"layers.population": 1, "drive.more": SHARED},
        {
            "layers.population.1E": {"size": 0, "neuron": "1f"},
            "neuron.1f": {"model": "lif"},
            "drive.noise.target": "1E",
        },
        {"neuron.lif.model": "after_potentials", "event.0.set": "v_ap"},
        {"pathway.slow.polarity": "up", "event.0.set": "I_slow"},
    ],
    ids=["matrix", "selection", "values", "layer", "names", "unusable names", "own variable", "current"],
)
def test_what_may_be_right_is_not_called_wrong(edit: Edit) -> None:
    """Everything else in the model could be right, and so the only problems are those of what cannot be read."""
    broken = {path for path in edit if path.startswith(("layers", "neuron", "pathway.slow.polarity"))}
    error = refuse(tomli_w.dumps(apply_edit(edit)), Path())
    for problem in error.problems:
        assert problem.where.removeprefix("small: ").startswith(tuple(broken)), str(problem)
        assert not problem.what.startswith("names")
