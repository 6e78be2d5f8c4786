"""The whole bench at a size where its times mean nothing: it is complete, and contenders did the same work."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from pipeline.bench.show import format_bench
from pipeline.cli import main

pytestmark = [pytest.mark.compiled, pytest.mark.long, pytest.mark.xdist_group("bench")]


@pytest.fixture(scope="module")
def results(build_root: Path) -> dict[str, Any]:
    """Return what `currents bench --json` prints for tiny networks."""
    from contextlib import redirect_stdout
    from io import StringIO

    with redirect_stdout(StringIO()) as output:
        code = main(["bench", "--tiny", "--build-root", str(build_root), "--json"])
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
    assert n_contenders == 13


def test_every_ratio_is_complete(results: dict[str, Any]) -> None:
    """Every pair of contenders has a ratio by each clock, with its median between the smallest and the largest."""
    ratios = [ratio for comparison in results["comparisons"] for ratio in comparison["ratios"]]
    assert len(ratios) == 3 * 6 + 2 * 2
    for ratio in ratios:
        assert len(ratio["values"]) == 2
        assert 0 < ratio["min"] <= ratio["median"] <= ratio["max"] < math.inf


def test_contenders_had_the_same_work(results: dict[str, Any]) -> None:
    """All networks fire, plain with other random numbers within a factor of two; our devices give the same spikes."""
    for comparison in results["comparisons"]:
        rates = [contender["rate_hz"] for contender in comparison["contenders"]]
        assert all(len(set(rate)) == 1 and rate[0] > 1 for rate in rates)
        assert 0.5 < rates[0][0] / rates[1][0] < 2
    assert [comparison["same_spikes"] for comparison in results["comparisons"]] == [True] * 5


def test_the_engine_tells_its_start_and_its_memory(results: dict[str, Any]) -> None:
    """Of each repetition; the other programs tell neither."""
    by_name = {contender["name"]: contender for contender in results["comparisons"][0]["contenders"]}
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
    assert "-ffp-contract=off" in machine["compiler"]["flags"]
    assert {"python", "brian2", "numpy", "brian2currents"} == set(machine["versions"])


def test_the_table_has_a_row_for_each_contender(results: dict[str, Any]) -> None:
    """People see every contender with its times, and that both forms of traced synapses gave the same spikes."""
    text = format_bench(results)
    for comparison in results["comparisons"]:
        for contender in comparison["contenders"]:
            rows = [line for line in text.splitlines() if comparison["name"] in line and contender["name"] in line]
            assert len(rows) == 1
            assert f"{contender['median_simulation_s']:.3f}" in rows[0]
    assert "traced_synapses, 20 neurons all-to-all: the same spikes" in text
    assert all(f"{fact['what']}: " in text for fact in results["facts"])
