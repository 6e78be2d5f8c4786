"""The whole bench at a size where its times mean nothing: it is complete, and contenders did the same work."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.bench.plot import CURVES
from pipeline.bench.show import format_bench
from pipeline.cli import main

RECORDED = ("spikes", "currents", "everything")
pytestmark = [pytest.mark.compiled, pytest.mark.long, pytest.mark.xdist_group("bench")]


@pytest.fixture(scope="module")
def plot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the tiny bench draws its curves."""
    return tmp_path_factory.mktemp("bench") / "curves" / "growth.png"


@pytest.fixture(scope="module")
def results(build_root: Path, plot: Path) -> dict[str, Any]:
    """Return what `currents bench --json` prints for tiny networks."""
    from contextlib import redirect_stdout
    from io import StringIO

    with redirect_stdout(StringIO()) as output:
        code = main(["bench", "--tiny", "--build-root", str(build_root), "--plot", str(plot), "--json"])
    assert code == 0, output.getvalue()
    return dict(json.loads(output.getvalue()))


def test_every_contender_has_positive_times(results: dict[str, Any]) -> None:
    """Every contender of every comparison has a time for each repetition, and a program takes longer than its steps."""
    n_contenders = 0
    for comparison in results["comparisons"]:
        for contender in comparison["contenders"]:
            assert len(contender["simulation_s"]) == len(contender["wall_s"]) == results["sizes"]["n_repetitions"] == 2
            pairs = zip(contender["simulation_s"], contender["wall_s"], strict=True)
            assert all(0 < simulation_s < wall_s for simulation_s, wall_s in pairs)
            n_contenders += 1
    assert n_contenders == 19


def test_every_ratio_is_complete(results: dict[str, Any]) -> None:
    """Every pair of contenders has a ratio by each clock, with its median between the smallest and the largest."""
    ratios = [ratio for comparison in results["comparisons"] for ratio in comparison["ratios"]]
    assert len(ratios) == 3 * 6 + 5 * 2
    for ratio in ratios:
        assert len(ratio["values"]) == 2
        assert 0 < ratio["min"] <= ratio["median"] <= ratio["max"] < math.inf


def test_contenders_had_the_same_work(results: dict[str, Any]) -> None:
    """All networks fire, plain with other random numbers within a factor of two; our devices give the same spikes."""
    for comparison in results["comparisons"]:
        rates = [contender["rate_hz"] for contender in comparison["contenders"]]
        assert all(len(set(rate)) == 1 and rate[0] > 1 for rate in rates)
        assert 0.5 < rates[0][0] / rates[1][0] < 2
    assert [comparison["same_spikes"] for comparison in results["comparisons"]] == [True] * 8
    by_bytes = [comparison["name"] for comparison in results["comparisons"] if comparison["compared"] == "bytes"]
    assert by_bytes == [f"hierarchy, {recorded}, threads" for recorded in RECORDED]


def test_the_engine_tells_its_start_and_its_memory(results: dict[str, Any]) -> None:
    """Of each repetition; the other programs tell neither."""
    (comparison,) = (item for item in results["comparisons"] if item["name"] == "hierarchy, spikes")
    by_name = {contender["name"]: contender for contender in comparison["contenders"]}
    assert all(0 < seconds < 60 for seconds in by_name["engine"]["start_s"])
    assert all(1e6 < n_bytes < 1e9 for n_bytes in by_name["engine"]["peak_memory_bytes"])
    assert "start_s" not in by_name["plain"] | by_name["reference"]


def test_facts_are_complete(results: dict[str, Any]) -> None:
    """Recording, memory at two lengths, reading and building have been measured; nothing was left out."""
    facts = {fact["what"]: (fact["value"], fact["unit"]) for fact in results["facts"]}
    assert results["left_out"] == []
    assert len(facts) == 1 + 4 + 3 + 3
    assert facts["2 layers: times compiled again for other numbers"] == (0, "")
    assert facts["2 layers: compiling"][0] > 1
    peaks = [value for what, (value, _) in facts.items() if what.startswith("peak memory")]
    assert len(peaks) == 2
    assert all(value > 1e6 for value in peaks)
    assert facts["recording"] == (pytest.approx(results["sizes"]["reading_bytes"], rel=0.5), "bytes")


def test_the_machine_is_described(results: dict[str, Any]) -> None:
    """Without processor, load, compiler and versions, seconds say nothing."""
    machine = results["machine"]
    assert machine["cores"] >= 1
    assert machine["load_before"] >= 0
    assert machine["load_after"] >= 0
    assert all(machine[key] for key in ("cpu", "memory_bytes", "date", "outputs", "system"))
    assert machine["memory_bytes_per_s"] > 1e8
    assert all(re.fullmatch(r"\d+[KM], of processors [\d,-]+", size) for size in machine["caches"].values())
    assert "-ffp-contract=off" in machine["compiler"]["flags"]
    assert {"python", "brian2", "numpy", "brian2currents"} == set(machine["versions"])


def test_the_parts_are_the_whole(results: dict[str, Any]) -> None:
    """Every recording has a table; its parts add up to the steps, and what they cost fits the work that there was."""
    n_neurons, steps_per_s = 2 * (40 + 10), 10_000
    assert [table["name"] for table in results["parts"]] == [f"hierarchy, {kind}" for kind in RECORDED]
    for table in results["parts"]:
        parts = {part["name"]: part for part in table["parts"]}
        assert set(parts) == {"update", "arrivals", "drive", "delivery", "recording", "other", "waiting"}
        assert sum(part["share"] for part in parts.values()) == pytest.approx(1)
        assert sum(part["ms"] for part in parts.values()) == pytest.approx(1000 * table["simulation_s"])
        for name in ("update", "arrivals", "drive"):
            assert parts[name]["unit_ns"] == pytest.approx(1e6 * parts[name]["ms"] / (n_neurons * steps_per_s))
        update_ns = parts["update"]["unit_ns"] + parts["arrivals"]["unit_ns"]
        assert table["neuron_update_ns"] == pytest.approx(update_ns)
        assert parts["delivery"]["unit"] == "synaptic event"
    spikes, currents, everything = (table["recording_bytes"] for table in results["parts"])
    assert 0 < spikes < currents
    # All neurons instead of four in five, and ten times as often; but numbers of events are smaller in shorter bins.
    assert 12.5 / 2 < everything / currents < 12.5


def test_curves_have_all_points(results: dict[str, Any]) -> None:
    """Each curve has its points in order, each with what it was measured at, and a network that fires."""
    growth = results["sizes"]["growth"]
    points = results["growth"]
    xs = {curve: [point["x"] for point in points if point["curve"] == curve] for curve in CURVES}
    assert xs == {
        "neurons": growth["neurons"],
        "synapses": growth["synapses"] + growth["weighted_synapses"],
        "layers": growth["layers"],
        "recorded neurons": [0, 2 * (4 + 1), 2 * (40 + 10)],
    }
    assert sum(len(found) for found in xs.values()) == len(points)
    assert all(point["n_neurons"] == point["x"] for point in points if point["curve"] == "neurons")
    assert all(point["n_synapses"] == point["x"] for point in points if point["curve"] == "synapses")
    times = ("simulation_s", "start_s", "sampling_s", "neuron_update_ns", "event_ns")
    assert all(point[key] > 0 for point in points for key in times)
    assert all(2 < point["rate_hz"] < 60 for point in points)


def test_synapses_take_few_bytes(results: dict[str, Any]) -> None:
    """A target takes 2 bytes, a weight of its own 4 more; where rows begin takes the less, the longer the rows."""
    points = [point for point in results["growth"] if point["n_synapses"] == 1_000_000]
    assert [point["weights"] for point in points] == ["constant", "individual"]
    constant, individual = (point["bytes_per_synapse"] for point in points)
    assert 1.5 < constant < 2.5
    assert 5.5 < individual < 6.5


def test_curves_are_drawn(results: dict[str, Any], plot: Path) -> None:
    """The picture is a PNG that a page may show; beside it are the numbers that it shows."""
    assert plot.read_bytes().startswith(b"\x89PNG\r\n")
    assert 20_000 < plot.stat().st_size < 150_000
    numbers = json.loads(plot.with_suffix(".json").read_text(encoding="utf-8"))
    assert set(numbers) == {"format", "machine", "sizes", "growth"}
    assert numbers == {key: results[key] for key in numbers}


def test_the_table_has_a_row_for_each_contender(results: dict[str, Any]) -> None:
    """People see every contender with its times, and that both forms of traced synapses gave the same spikes."""
    text = format_bench(results)
    for comparison in results["comparisons"]:
        for contender in comparison["contenders"]:
            row = re.compile(rf" *{re.escape(comparison['name'])} +{re.escape(contender['name'])} +\d")
            rows = [line for line in text.splitlines() if row.match(line)]
            assert len(rows) == 1
            assert f"{contender['median_simulation_s']:.3f}" in rows[0]
    assert "traced_synapses, 20 neurons all-to-all: the same spikes" in text
    assert "hierarchy, currents, threads: the same bytes" in text
    assert all(f"{fact['what']}: " in text for fact in results["facts"])
    assert all(f"parts of {table['name']}, engine, one thread: " in text for table in results["parts"])
    assert len(re.findall(r"^synapses, own weights +1,000,000 +2,000 ", text, re.M)) == 1


def test_results_of_curves_alone_are_shown(results: dict[str, Any]) -> None:
    """Of `--growth` there is nothing to show but the machine and the curves."""
    alone = results | {"comparisons": [], "parts": [], "facts": []}
    text = format_bench(alone)
    assert text.startswith(results["machine"]["cpu"])
    assert "contender" not in text
    assert text.count("\n\n") == 1
