"""Nine mistakes of modellers that the software makes impossible or loud; one test, or two, for each."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models import SpecError, load_network
from models.assembly.objects import ReferenceAssembly
from models.assembly.reference import assemble_reference
from models.expand import expand_network
from models.groups import plan_groups
from models.kinetics import Kinetics, find_kinetics
from models.sample import sample_edges

SMALL = {"layers.population.E.size": 20, "layers.population.I.size": 5}
CONSTANTS = {"tau": 0.01, "tau_rise": 0.002, "tau_trace": 0.02}


@pytest.fixture(autouse=True)
def numpy_target() -> Iterator[None]:
    """Run networks that a test assembles on Brian2's NumPy target, which compiles nothing."""
    import brian2

    before = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"
    yield
    brian2.prefs.codegen.target = before


def _run(model: str, settings: dict[str, object], n_steps: int) -> dict[str, NDArray[np.float64]]:
    """Return what the first recorder of currents saw, (n_bins - 1, n_neurons) per column: all but the last bin."""
    import brian2

    assembly = assemble_reference(load_network(model, settings), n_steps=n_steps)
    assembly.network.run(n_steps * assembly.expanded.spec.network.dt.value * brian2.second, namespace={})
    return _read(assembly)


def _read(assembly: ReferenceAssembly) -> dict[str, NDArray[np.float64]]:
    objects: dict[str, Any] = {item.name: item for item in assembly.network.objects}
    return {
        array.variable: np.array(getattr(objects[array.monitor], f"{array.monitored}_")).T[1:]
        for array in assembly.recorders[0].arrays
        if array.local.size
    }


def test_1_a_negative_weight_is_refused() -> None:
    """A weight is a magnitude: the sign is applied once, by the polarity."""
    with pytest.raises(SpecError) as caught:
        load_network("hierarchy", {"pathway.inhibition.weight": "-1 mV"})
    assert str(caught.value) == (
        'hierarchy: pathway.inhibition.weight: is negative (expected 0 or more; got "-1 mV").\n'
        "  next: write the magnitude; `polarity` says which way it acts"
    )


@pytest.mark.parametrize(("polarity", "sign"), [("excitatory", 1), ("inhibitory", -1)])
def test_1_polarity_decides_which_way_input_moves_v(polarity: str, sign: int) -> None:
    """The same input raises v when excitatory and lowers it when inhibitory, and is recorded with that sign."""
    settings = {
        "drive.background.polarity": polarity,
        "neuron.lif.v_threshold": "10 V",
        "neuron.lif.v_initial": "0 V",
        "layers.population.E.size": 3,
    }
    seen = _run("independent_drive", settings, 200)
    assert np.sign(seen["background"].sum()) == sign
    assert (np.sign(seen["v"][-1]) == sign).all()


@pytest.mark.parametrize("kinetics", find_kinetics().values(), ids=lambda kinetics: kinetics.name)
def test_2_every_current_decays(kinetics: type[Kinetics]) -> None:
    """Whatever a spike causes is gone 50 time constants later; there is no kinetics without decay."""
    times = np.array([0.0, 0.001, 1.0])
    kernel = kinetics.kernel(times, CONSTANTS)
    assert np.abs(kernel[:2]).max() > 0.1
    assert abs(kernel[2]) < 1e-12
    dynamics = np.asarray(kinetics.dynamics(CONSTANTS), np.float64)
    assert (np.linalg.eigvals(dynamics).real < 0).all()


def test_2_a_kinetics_that_does_not_exist_is_refused() -> None:
    """An integrating synapse cannot be written."""
    with pytest.raises(SpecError, match=r"pathway\.lateral\.kinetics: names a kinetics that does not exist"):
        load_network("hierarchy", {"pathway.lateral.kinetics": "integrator"})


def test_3_a_pathway_without_weight_is_refused() -> None:
    """Weights have no silent default."""
    tables = load_network("hierarchy").model_dump(exclude_none=True, exclude_defaults=True)
    del tables["pathway"]["feedforward"]["weight"]
    import tomli_w

    from models.files import parse_model

    with pytest.raises(SpecError) as caught:
        parse_model(tomli_w.dumps(_with_text_keys(tables)), load_network("hierarchy").folder, "model")
    assert str(caught.value) == "model: pathway.feedforward.weight: is missing."


def _with_text_keys(item: Any) -> Any:
    if isinstance(item, dict):
        return {str(key): _with_text_keys(value) for key, value in item.items()}
    return [_with_text_keys(part) for part in item] if isinstance(item, list) else item


def test_4_shared_and_private_input_have_different_names() -> None:
    """A drive says which it is; there is no default."""
    with pytest.raises(SpecError) as caught:
        load_network("hierarchy", {"drive.background.kind": "noise"})
    assert str(caught.value) == (
        "hierarchy: drive.background.kind: is not one of its choices "
        '(expected "poisson", "shared_poisson", "spike_file" or "current"; got "noise").'
    )


def test_5_unlike_inputs_cannot_share_a_channel() -> None:
    """A jump and a current are not added into one channel."""
    with pytest.raises(SpecError) as caught:
        load_network("hierarchy", {"pathway.local.channel": "lateral"})
    assert str(caught.value) == (
        'hierarchy: pathway.local: shares the channel "lateral" with inputs of other kinetics, time constant or '
        "polarity (expected a channel of its own)."
    )


@pytest.mark.parametrize(("kinetics", "charge_s"), [("delta", 10e-3), ("exponential", 5e-3)])
def test_5_all_channels_have_one_scale(kinetics: str, charge_s: float) -> None:
    """One spike of weight w is the charge w·tau_m (delta) or w·tau (exponential), in volts times seconds."""
    settings: dict[str, object] = {
        "pathway.slow.kinetics": kinetics,
        "pathway.slow.weight": "0.01 V",
        "record.currents.interval": "1 ms",
        **({"pathway.slow.tau": "5 ms"} if kinetics == "exponential" else {}),
    }
    model = load_network("exponential_current")
    tables = {"kinetics": kinetics, **({"tau": "5 ms"} if kinetics == "exponential" else {})}
    pathway = {**model.model_dump(exclude_none=True, exclude_defaults=True)["pathway"]["slow"], **tables}
    pathway["weight"] = "0.01 V"
    if kinetics == "delta":
        del pathway["tau"]
    settings = {"pathway.slow": pathway, "record.currents.interval": "1 ms"}
    seen = _run("exponential_current", settings, 1000)
    charge = seen["slow"].sum(axis=0) * 1e-3
    # Three spikes; the last, at 60 ms, has decayed to e^-7.8 of its start when the last full bin ends.
    np.testing.assert_allclose(charge, 3 * 0.01 * charge_s, rtol=1e-3)


def test_6_no_impulse_is_lost_between_recordings() -> None:
    """At a recording interval of 10 steps the record holds as much charge as at one step."""
    totals = [
        _run("independent_drive", {"record.currents.interval": interval, "layers.population.E.size": 4}, 1010)[
            "background"
        ][:n_bins].sum(axis=0)
        * step_s
        for interval, step_s, n_bins in (("0.1 ms", 1e-4, 1000), ("1 ms", 1e-3, 100))
    ]
    assert totals[0].min() > 0
    np.testing.assert_allclose(totals[1], totals[0], rtol=1e-5)


@pytest.mark.parametrize("kinetics", find_kinetics().values(), ids=lambda kinetics: kinetics.name)
def test_7_synapses_say_whose_variable_they_mean(kinetics: type[Kinetics]) -> None:
    """In the code of synapses every variable but the synapse's own weight ends in _pre or _post."""
    names = re.findall(r"[A-Za-z_]\w*", kinetics.on_pre("lateral"))
    assert names
    assert all(name == "w" or name.endswith(("_pre", "_post")) for name in names)


def test_8_a_transposed_matrix_is_refused() -> None:
    """The message shows both shapes, and which is which."""
    settings: dict[str, object] = {
        "layers.population.I": {"size": 2, "neuron": "lif"},
        "pathway.slow.target": "I",
        "pathway.slow.weight": {"values": [[1, 2, 3], [4, 5, 6]], "unit": "mV"},
    }
    with pytest.raises(SpecError) as caught:
        load_network("exponential_current", settings)
    assert str(caught.value) == (
        "exponential_current: pathway.slow.weight: is a matrix of the wrong shape "
        "(expected 3 rows (sources, L1E) by 2 columns (targets, L1I); got 2 by 3)."
    )


def test_8_row_is_source_and_column_is_target() -> None:
    """The weight from neuron 0 to neuron 2 is the matrix' entry [0, 2]."""
    table = sample_edges(expand_network(load_network("exponential_current")))["slow"]
    weight = {(i, j): w for i, j, w in zip(table.source, table.target, table.weight, strict=True)}
    assert weight[0, 2] == np.float32(0.02)
    assert weight[2, 0] == np.float32(0.06)


def test_9_more_layers_do_not_mean_more_objects() -> None:
    """Two layers and six have the same Brian2 objects, of other sizes."""
    names = []
    for count in (2, 6):
        assembly = assemble_reference(load_network("hierarchy", {**SMALL, "layers.count": count}), n_steps=10)
        names.append(sorted(item.name for item in assembly.network.objects))
        assert len(assembly.groups) == 1
        assert len(assembly.synapses) == 4
        assert len(assembly.populations) == 2 * count
    assert names[0] == names[1]


def test_9_populations_of_different_parameters_share_a_group() -> None:
    """Neurons of one model are one NeuronGroup, whatever their parameters."""
    neuron = load_network("hierarchy").model_dump(exclude_none=True, exclude_defaults=True)["neuron"]["lif"]
    settings = {**SMALL, "neuron.fast": {**neuron, "tau_m": "10 ms"}, "layers.population.I.neuron": "fast"}
    (plan,) = plan_groups(expand_network(load_network("hierarchy", settings)), seed=1)
    assert set(plan.parameters["tau_m"].values) == {0.01, 0.02}
