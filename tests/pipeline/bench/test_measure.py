"""Contenders run in turn, and ratios pair what stood side by side; no time is tested, only what is made of times."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from models.errors import CurrentsError
from models.spec import CurrentsRecord
from pipeline.bench import bench, contenders
from pipeline.bench.contenders import (
    Contender,
    Timing,
    count_recorded,
    hierarchy_spec,
    plain_hierarchy,
    traced_spec,
)
from pipeline.bench.measure import Comparison, Measured, compare_pairs, list_comparisons, measure_comparison
from pipeline.bench.place import Place, temporary_place
from pipeline.bench.probes import list_probes, recording_cost
from pipeline.bench.sizes import FULL, QUICK, TINY
from pipeline.build_root import BuildRoot
from pipeline.errors import ProgramError


def _timings(*simulation_s: float, spikes: str | None = None) -> list[Timing]:
    return [Timing(seconds, seconds + 1, 5.0, spikes) for seconds in simulation_s]


def test_contenders_run_in_turn_and_the_first_run_is_not_counted(tmp_path: Path) -> None:
    """Each repetition runs every contender in order, in a folder of its own; the run that builds is dropped."""
    calls: list[tuple[str, str]] = []

    def contender(name: str) -> Contender:
        def run(place: Place) -> Timing:
            assert place.folder.is_dir()
            calls.append((name, place.folder.name))
            return Timing(float(len(calls)), 100.0, 5.0)

        return Contender(name, run)

    notices: list[str] = []
    comparison = Comparison("work", [contender("a"), contender("b")], 2)
    measured = measure_comparison(comparison, Place(tmp_path, tmp_path), notices.append)
    assert calls == [("a", "contender0"), ("b", "contender1")] * 3
    times = {name: [timing.simulation_s for timing in timings] for name, timings in measured.timings.items()}
    assert times == {"a": [3.0, 5.0], "b": [4.0, 6.0]}
    assert notices == [f"work: {name}, {part}" for part in ("build", "1 of 2", "2 of 2") for name in "ab"]


def test_ratio_is_of_pairs() -> None:
    """A ratio's values are those of the repetitions, and its median is theirs: not the ratio of medians."""
    ratio = compare_pairs("slow", "fast", _timings(8.0, 4.0, 30.0), _timings(2.0, 4.0, 10.0), "simulation_s")
    assert ratio.values == (4.0, 1.0, 3.0)
    assert ratio.median == 3.0


def test_every_two_contenders_are_compared_by_both_clocks() -> None:
    """Three contenders make three pairs, the one listed first being the numerator."""
    measured = Measured("work", {"a": _timings(1.0), "b": _timings(2.0), "c": _timings(4.0)})
    assert [(ratio.slow, ratio.fast, ratio.clock, ratio.median) for ratio in measured.ratios] == [
        ("a", "b", "simulation_s", 0.5),
        ("a", "b", "wall_s", 2 / 3),
        ("a", "c", "simulation_s", 0.25),
        ("a", "c", "wall_s", 0.4),
        ("b", "c", "simulation_s", 0.5),
        ("b", "c", "wall_s", 0.6),
    ]


@pytest.mark.parametrize(
    ("digests", "expected"),
    [(("x", "x", None), True), (("x", "y", None), False), (("x", None, None), None)],
)
def test_same_spikes_is_asked_only_of_those_with_equal_random_numbers(
    digests: tuple[str | None, ...], expected: bool | None
) -> None:
    """A contender that draws its own numbers is left out; with fewer than two others there is nothing to say."""
    timings = {f"contender{i}": _timings(1.0, 1.0, spikes=digest) for i, digest in enumerate(digests)}
    assert Measured("work", timings).same_spikes is expected


def test_a_contender_whose_runs_differ_does_not_pass() -> None:
    """Spikes that change from one repetition to the next are not the same spikes."""
    wavering = _timings(1.0, spikes="x") + _timings(1.0, spikes="y")
    assert Measured("work", {"a": wavering, "b": _timings(1.0, 1.0, spikes="x")}).same_spikes is False


def test_the_bench_compares_what_speed_is_measured_by() -> None:
    """All recordings of the full reference workload, plain first; the engine's recording, its threads; traces."""
    all_three, threads = ["plain", "reference", "engine"], ["1 thread", "2 threads"]
    listed = [(c.name, [contender.name for contender in c.contenders], c.n_repetitions) for c in list_comparisons(FULL)]
    assert listed == [
        ("traced_synapses, 400 neurons all-to-all", ["per synapse", "lowered"], 5),
        ("hierarchy, spikes", all_three, 5),
        ("hierarchy, spikes, threads", threads, 5),
        ("hierarchy, engine", ["spikes only", "currents too"], 5),
        ("hierarchy, currents, threads", threads, 5),
        ("hierarchy, currents", all_three, 5),
        ("hierarchy, everything, threads", threads, 3),
        ("hierarchy, everything", all_three, 3),
    ]
    assert (FULL.layers, FULL.n_excitatory, FULL.n_inhibitory) == (3, 3200, 800)
    assert QUICK.n_repetitions == 2


def test_what_takes_long_or_gigabytes_is_left_to_the_full_size() -> None:
    """The quick size builds, but neither records minutes nor reads gigabytes."""
    assert [probe.name for probe in list_probes(FULL)] == ["memory", "reading", "building"]
    assert [probe.name for probe in list_probes(QUICK)] == ["building"]
    assert QUICK.growth is None
    assert FULL.memory_s == (10.0, 100.0)
    assert FULL.build_layers == (3, 12)


def test_what_does_not_fit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that records more than there is room for is named, and not run."""
    monkeypatch.setattr(bench, "free_bytes", lambda: 5_000_000_000)
    left_out: list[str] = []
    fits = [comparison.name for comparison in list_comparisons(FULL) if bench._fits(comparison, left_out)]
    assert "hierarchy, everything" not in fits
    assert len(fits) == 7
    assert left_out == ["hierarchy, everything: needs 9.0 GB, and 5.0 GB are free"]


def test_recorded_values_are_counted() -> None:
    """Of each neuron v and the channels that reach it, feedforward only beyond the first layer, once per interval."""
    assert count_recorded(FULL, "spikes") == 0
    assert count_recorded(FULL, "currents") == 3200 * (4 + 5 + 5) * 1000
    assert count_recorded(FULL, "everything") == 4000 * (4 + 5 + 5) * 10_000


def test_recording_costs_the_median_of_what_pairs_differ_by() -> None:
    """Per second of model time, and not the difference of medians."""
    measured = Measured("work", {"spikes only": _timings(1.0, 2.0, 9.0), "currents too": _timings(1.5, 3.0, 9.2)})
    assert recording_cost(measured, 2.0).value == pytest.approx(0.25)


def test_programs_are_kept_and_outputs_are_not(tmp_path: Path) -> None:
    """What is compiled under a place's root is found in the kept root; its other folders are the place's own."""
    kept = tmp_path / "kept"
    with temporary_place(kept) as place:
        inner = place.within("contender0")
        (BuildRoot(inner.root).binaries / "program").touch()
        (BuildRoot(inner.root).structures / "structure.json").touch()
        assert inner.root.parent == inner.folder
        assert inner.root == inner.root
        assert inner.folder.parent == place.folder
    assert (BuildRoot(kept).binaries / "program").exists()
    assert (BuildRoot(kept).structures / "structure.json").exists()
    assert not place.folder.exists()


def test_measured_networks_are_the_shipped_ones() -> None:
    """At full size the measured `hierarchy` is that of the shipped file; its recorders are those that are compared."""
    from models.files import load_network

    shipped = load_network("hierarchy")
    spec = hierarchy_spec(FULL, "currents")
    assert (spec.layers, spec.pathway, spec.drive) == (shipped.layers, shipped.pathway, shipped.drive)
    assert spec.record == shipped.record
    assert list(hierarchy_spec(FULL, "spikes").record) == ["spikes"]
    everything = hierarchy_spec(FULL, "everything").record["currents"]
    assert isinstance(everything, CurrentsRecord)
    assert (everything.population, everything.interval.value) == (["E", "I"], 1e-4)
    assert [traced_spec(FULL, lower=lower).pathway["slow"].lower for lower in (False, True)] == [False, True]


def _message(run: Callable[[Place], Timing], folder: Path, kind: type[CurrentsError]) -> str:
    with pytest.raises(kind) as caught:
        run(Place(folder / "outputs", folder))
    return str(caught.value)


def test_a_script_that_fails_says_so(tmp_path: Path) -> None:
    """The plain script's own complaint reaches the user: here, a folder that it will not replace."""
    options = ["spikes", "0.05", "2", "40", "10"]
    names = ["recording", "duration-s", "layers", "n-excitatory", "n-inhibitory"]
    words = " ".join(f"--{name}={value}" for name, value in zip(names, options, strict=True))
    build = tmp_path / "bench" / f"plain-{hashlib.sha256(words.encode()).hexdigest()[:8]}"
    build.mkdir(parents=True)
    (build / "thesis.tex").touch()
    message = _message(plain_hierarchy(TINY, "spikes").run, tmp_path, ProgramError)
    assert message.splitlines()[0] == "plain_hierarchy.py: ended with exit code 2."
    assert message.endswith(f"--build {build} holds something else than such a program")
    assert (build / "thesis.tex").exists()


def test_without_a_checkout_there_is_no_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package has no benchmarks/; the error says where to find it."""
    missing = tmp_path / "plain_hierarchy.py"
    monkeypatch.setattr(contenders, "PLAIN_SCRIPT", missing)
    assert _message(plain_hierarchy(TINY, "spikes").run, tmp_path, ProgramError) == (
        f"{missing}: is not there: the bench needs a checkout of the project.\n  next: run it in one: make bench"
    )
