"""`row_table.h` delivers what NumPy's `add.at` adds, bit for bit, and refuses edges that cannot be."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.pipeline.engine.headers import CHECKED, FLOATS, build

pytestmark = pytest.mark.compiled

PROGRAM = r"""
#include "row_table_builder.h"
#include "shares.h"
#include <cstdio>
#include <cstdlib>

// Whether counts of edges are what deliver() adds where all have one weight, and add up to the in-degrees.
bool counts_agree(const currents::RowTable& table, std::int32_t n_sources, std::size_t n_targets,
                  currents::SegmentRange all) {
    std::vector<std::uint32_t> in_degrees(n_targets, 0), total(n_targets, 0);
    table.add_in_degrees(in_degrees);
    bool agree = true;
    for (std::int32_t s = 0; s < n_sources; ++s) {
        for (std::size_t d = 0; d < table.delays().size(); ++d) {
            std::vector<std::uint16_t> counts(n_targets, 0);
            std::vector<double> in(n_targets, 0.0);
            const std::size_t n = table.count(s, d, all, counts.data());
            agree = agree && table.deliver(s, d, all, in.data()) == n;
            for (std::size_t t = 0; t < n_targets; ++t) {
                total[t] += counts[t];
                const double weight = static_cast<double>(table.one_weight());
                agree = agree && (!table.has_one_weight() || in[t] == counts[t] * weight);
            }
        }
    }
    return agree && total == in_degrees;
}

// Arguments: a folder, the sizes of the groups, a factor, for how many shares targets are cut into segments, and how
// many of these are delivered at a time.
// The folder also holds the local indices and what the targets start from. Standard output: edges, bytes, delays; then,
// raw, what the targets hold after each row and delay.
int main(int, char** argv) {
    const std::string folder = argv[1];
    const auto n_sources = static_cast<std::int32_t>(std::atol(argv[2]));
    const auto n_targets = static_cast<std::int32_t>(std::atol(argv[3]));
    const double factor = std::atof(argv[4]);
    try {
        const auto source_local = currents::read_npy<std::int32_t>(folder + "/source_local.npy");
        const auto target_local = currents::read_npy<std::int32_t>(folder + "/target_local.npy");
        const auto start = currents::read_npy<double>(folder + "/start.npy");
        const auto n_shares = static_cast<std::size_t>(std::atol(argv[5]));
        const auto n_at_once = static_cast<std::size_t>(std::atol(argv[6]));
        const currents::Segments segments(n_targets, currents::make_cuts(currents::count_blocks(n_targets), n_shares));
        const auto table = currents::RowTable::load(folder, source_local, n_sources, target_local, segments);
        std::printf("%lld %lld", static_cast<long long>(table.n_edges()), static_cast<long long>(table.n_bytes()));
        for (const std::int32_t delay : table.delays()) std::printf(" %d", delay);
        std::printf("\n");
        if (!counts_agree(table, n_sources, static_cast<std::size_t>(n_targets), segments.all())) return 5;
        for (std::int32_t s = 0; s < n_sources; ++s) {
            for (std::size_t d = 0; d < table.delays().size(); ++d) {
                std::vector<double> in = start;
                for (std::size_t g = 0; g < segments.size(); g += n_at_once) {
                    const currents::SegmentRange range = {g, std::min(g + n_at_once, segments.size())};
                    table.prefetch(s, d, range);
                    if (factor == 1.0) table.deliver(s, d, range, in.data());
                    else table.deliver_scaled(s, d, range, factor, in.data());
                }
                std::fwrite(in.data(), sizeof(double), in.size(), stdout);
            }
        }
    } catch (const currents::InputFailure& failure) {
        std::fputs(failure.what(), stderr);
        return 3;
    }
    return 0;
}
"""
UNITS_PROGRAM = r"""
#include "row_table_builder.h"
#include "shares.h"
#include <cstdio>
#include <cstdlib>

// Positions below and above 2^32, and delays that are and are not looked up.
int main() {
    currents::Offsets narrow(3, UINT32_MAX), wide(3, UINT64_C(1) << 32);
    narrow.set(2, UINT32_MAX);
    wide.set(1, UINT32_MAX);
    wide.set(2, UINT64_C(1) << 32);
    if (narrow.n_bytes() != 12 || narrow[2] != UINT32_MAX || narrow[0] != 0) return 1;
    if (wide.n_bytes() != 24 || wide[1] != UINT32_MAX || wide[2] != UINT64_C(1) << 32) return 2;
    const currents::DelayIndex index({0, 7, 65535, 65536, 2147483647});
    const std::vector<std::int32_t> delays = {0, 7, 65535, 65536, 2147483647};
    for (std::size_t i = 0; i < delays.size(); ++i)
        if (index[delays[i]] != i) return 3;
    try {
        currents::RowTable::load(std::getenv("FOLDER"), {1, 0}, 2, {0, 1}, {2, currents::make_cuts(1, 1)});
    } catch (const std::invalid_argument&) {
        return 0;
    }
    return 4;
}
"""


@dataclass(frozen=True)
class Edges:
    """The edges of a pathway, and the groups that they connect; -1 is another group."""

    source: NDArray[np.int32]
    target: NDArray[np.int32]
    weight: NDArray[np.float32]
    delay: NDArray[np.int32]
    source_local: NDArray[np.int32]
    target_local: NDArray[np.int32]

    def save(self, folder: Path) -> None:
        """Write the files of a run, and what else the program needs."""
        row = np.concatenate([[0], np.cumsum(np.bincount(self.source, minlength=self.source_local.size))])
        arrays: dict[str, NDArray[Any]] = {
            "row": row.astype(np.int64),
            "target": self.target,
            "weight": self.weight,
            "delay": self.delay,
        }
        start = 0.1 + np.arange(self.n_targets) / 3  # sums from here on are rounded: another order would show
        maps: dict[str, NDArray[Any]] = {
            "source_local": self.source_local,
            "target_local": self.target_local,
            "start": start,
        }
        for name, array in (arrays | maps).items():
            np.save(folder / f"{name}.npy", array)

    @property
    def n_sources(self) -> int:
        """Size of the source group."""
        return int(self.source_local.max(initial=-1)) + 1

    @property
    def n_targets(self) -> int:
        """Size of the target group."""
        return int(self.target_local.max(initial=-1)) + 1

    def kept(self) -> tuple[NDArray[Any], ...]:
        """Return local source and target, weight and delay of the edges between the two groups."""
        source, target = self.source_local[self.source], self.target_local[self.target]
        inside = (source >= 0) & (target >= 0)
        weight = np.broadcast_to(self.weight, source.size).astype(np.float64)
        return tuple(a[inside] for a in (source, target, weight, np.broadcast_to(self.delay, source.size)))

    def deliver(self, factor: float) -> NDArray[np.float64]:
        """Return (n_sources, n_delays, n_targets): what each row and delay adds."""
        source, target, weight, delay = self.kept()
        delays = np.unique(delay)
        start = 0.1 + np.arange(self.n_targets) / 3
        result = np.tile(start, (self.n_sources, delays.size, 1))
        for s in range(self.n_sources):
            for i, d in enumerate(delays):
                chosen = (source == s) & (delay == d)
                np.add.at(result[s, i], target[chosen], weight[chosen] * factor)
        return result


@dataclass(frozen=True)
class Delivered:
    """What the program prints."""

    n_edges: int
    n_bytes: int
    delays: list[int]
    sums: NDArray[np.float64]


def run(
    program: Path, folder: Path, edges: Edges, factor: float = 1.0, *, n_shares: int = 1, n_at_once: int = 1
) -> Delivered:
    """Load the edges and deliver every row, some segments at a time."""
    edges.save(folder)
    numbers = (edges.n_sources, edges.n_targets, factor, n_shares, n_at_once)
    command = [str(program), str(folder), *map(repr, numbers)]
    done = subprocess.run(command, capture_output=True, check=True)
    line, _, raw = done.stdout.partition(b"\n")
    n_edges, n_bytes, *delays = (int(word) for word in line.split())
    sums = np.frombuffer(raw, np.float64).reshape(edges.n_sources, len(delays), edges.n_targets)
    return Delivered(n_edges, n_bytes, delays, sums)


@pytest.fixture(scope="module", params=[CHECKED, [*FLOATS, "-march=x86-64-v2"]], ids=["checked", "fast"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the test program, with a memory checker and as engines are built."""
    return build(tmp_path_factory.mktemp("delivery"), PROGRAM, *request.param)


@st.composite
def groups(draw: st.DrawFn, n: int, *, shuffled: bool) -> NDArray[np.int32]:
    """Draw which of n neurons belong to a group, and their indices in it."""
    member = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    member[draw(st.integers(0, n - 1))] = True
    local = np.arange(member.sum(), dtype=np.int32)
    result = np.full(n, -1, np.int32)
    result[member] = draw(st.permutations(local.tolist())) if shuffled else local
    return result


@st.composite
def tables(draw: st.DrawFn) -> Edges:
    """Draw edges with repeated targets and empty rows, every form of weights and delays, any groups."""
    n_sources, n_targets = draw(st.integers(1, 6)), draw(st.integers(1, 9))
    rows = [sorted(draw(st.lists(st.integers(0, n_targets - 1), max_size=12))) for _ in range(n_sources)]
    source = np.repeat(np.arange(n_sources, dtype=np.int32), [len(row) for row in rows])
    n_edges = source.size
    weights = st.sampled_from([0.1, 0.2, 1e-3, 3.0, 1e10, 0.0])
    delays = st.sampled_from([0, 1, 15, 16, 65535, 65536, 2**31 - 1])
    return Edges(
        source,
        np.array([target for row in rows for target in row], np.int32),
        draw(per_edge(weights, n_edges)).astype(np.float32),
        draw(per_edge(delays, n_edges)).astype(np.int32),
        draw(groups(n_sources, shuffled=False)),
        draw(groups(n_targets, shuffled=draw(st.booleans()))),
    )


@st.composite
def per_edge(draw: st.DrawFn, value: st.SearchStrategy[float], n_edges: int) -> NDArray[np.float64]:
    """Draw one value for all edges, n equal values, or n values."""
    form = draw(st.sampled_from(["one", "equal", "each"]))
    if form == "one":
        return np.array([draw(value)])
    if form == "equal":
        return np.full(n_edges, draw(value))
    return np.array(draw(st.lists(value, min_size=n_edges, max_size=n_edges)), np.float64)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=tables(), factor=st.sampled_from([1.0, 0.3, -2.0]))
def test_rows_are_delivered_as_numpy_adds_them(program: Path, tmp_path: Path, edges: Edges, factor: float) -> None:
    """Every row and delay, in the order of the file, every sum to the last bit."""
    delivered = run(program, tmp_path, edges, factor)
    source, _, _, delay = edges.kept()
    assert delivered.n_edges == source.size
    assert delivered.delays == np.unique(delay).tolist()
    assert delivered.sums.tobytes() == edges.deliver(factor).tobytes()


def random_edges(n_sources: int, n_targets: int, n_out: int, n_delays: int, *, one_weight: bool = False) -> Edges:
    """Return edges with random targets, weights and delays."""
    rng = np.random.default_rng(7)
    target = np.sort(rng.integers(0, n_targets, (n_sources, n_out), np.int32), axis=1).ravel()
    weight = np.full(1, 0.1, np.float32) if one_weight else rng.random(target.size, np.float32)
    delay = rng.integers(1, n_delays + 1, target.size, np.int32) if n_delays > 1 else np.full(1, 15, np.int32)
    source = np.repeat(np.arange(n_sources, dtype=np.int32), n_out)
    sources, targets = np.arange(n_sources, dtype=np.int32), np.arange(n_targets, dtype=np.int32)
    return Edges(source, target, weight, delay, sources, targets)


@pytest.mark.parametrize("n_delays", [1, 3, 1000])
@pytest.mark.parametrize("one_weight", [True, False])
@pytest.mark.parametrize(("n_shares", "n_at_once"), [(1, 1), (1, 9), (2, 3), (3, 100)])
def test_more_targets_than_two_bytes_count(
    program: Path, tmp_path: Path, n_delays: int, one_weight: bool, n_shares: int, n_at_once: int
) -> None:
    """Targets on both sides of multiples of 65,536, cells dense and sparse, segments that share a region or do not."""
    edges = random_edges(2, 140_000, 3 if n_delays > 3 else 600, n_delays, one_weight=one_weight)
    borders = np.array([0, 65535, 65536, 131071, 131072, 139999], np.int32)
    edges.target[:3] = borders[:3]
    edges.target[-3:] = borders[3:]
    delivered = run(program, tmp_path, edges, n_shares=n_shares, n_at_once=n_at_once)
    assert delivered.sums.tobytes() == edges.deliver(1.0).tobytes()


@pytest.mark.parametrize("n_delays", [1, 5])
@pytest.mark.parametrize("n_shares", [2, 7])
@pytest.mark.parametrize("n_at_once", [1, 2, 5])
def test_segments_together_receive_all(
    program: Path, tmp_path: Path, n_delays: int, n_shares: int, n_at_once: int
) -> None:
    """Segments of a group, in whole blocks and one or some at a time, together receive what the group does."""
    edges = random_edges(3, 3000, 500, n_delays)
    delivered = run(program, tmp_path, edges, n_shares=n_shares, n_at_once=n_at_once)
    assert delivered.sums.tobytes() == edges.deliver(1.0).tobytes()


def test_rows_that_span_blocks(program: Path, tmp_path: Path) -> None:
    """Files are read in blocks of 32,768 edges; rows end before, at and after their borders."""
    lengths = [32767, 1, 0, 1, 70_000, 0, 32_768]
    for n_delays in (1, 4):
        edges = random_edges(1, 50, sum(lengths), n_delays)
        source = np.repeat(np.arange(7, dtype=np.int32), lengths)
        edges = Edges(source, edges.target, edges.weight, edges.delay, np.arange(7, dtype=np.int32), edges.target_local)
        assert run(program, tmp_path, edges).sums.tobytes() == edges.deliver(1.0).tobytes()


@pytest.mark.parametrize(
    ("n_out", "n_delays", "one_weight", "most"),
    [(1000, 1, True, 2.1), (1000, 1, False, 6.1), (1000, 50, False, 7.0), (40, 50, False, 14.5)],
)
def test_memory_per_edge(
    program: Path, tmp_path: Path, n_out: int, n_delays: int, one_weight: bool, most: float
) -> None:
    """Two bytes for a target, four for a weight of its own, and little for delays."""
    edges = random_edges(100, 1000, n_out, n_delays, one_weight=one_weight)
    delivered = run(program, tmp_path, edges)
    assert 2 + 4 * (not one_weight) <= delivered.n_bytes / delivered.n_edges <= most


def test_equal_weights_take_no_memory(program: Path, tmp_path: Path) -> None:
    """A weight per edge, all the same: the table is as large as with one weight, and larger once one differs."""
    edges = random_edges(10, 100, 1000, 1)
    sizes = []
    for n_others in (0, 1):
        edges.weight[:] = 0.5
        edges.weight[5 : 5 + n_others] = 0.25
        delivered = run(program, tmp_path, edges)
        sizes.append(delivered.n_bytes / delivered.n_edges)
        assert delivered.sums.tobytes() == edges.deliver(1.0).tobytes()
    assert sizes[0] < 2.1 < 6 <= sizes[1] < 6.1


def test_parts(tmp_path: Path) -> None:
    """Positions that need eight bytes, long delays, and local indices that do not ascend."""
    random_edges(2, 2, 1, 1).save(tmp_path)
    program = build(tmp_path, UNITS_PROGRAM, *CHECKED)
    assert subprocess.run([program], env={"FOLDER": str(tmp_path)}, check=False).returncode == 0


def damage(name: str, position: int, value: float) -> Callable[[Path], None]:
    """Return what changes one number of a file."""

    def change(folder: Path) -> None:
        array = np.load(folder / f"{name}.npy")
        array[position] = value
        np.save(folder / f"{name}.npy", array)

    return change


def replace(name: str, array: Any) -> Callable[[Path], None]:
    """Return what writes another array."""
    return lambda folder: np.save(folder / f"{name}.npy", array)


HOSTILE = {
    "row begins": (damage("row", 0, 1), "row.npy: does not begin at edge 0 (expected 0; got 1)"),
    "row decreases": (damage("row", 5, 999), "row.npy: decreases at position 6 (expected at least 999; got 60)"),
    "row negative": (damage("row", 3, -2), "row.npy: decreases at position 3 (expected at least 20; got -2)"),
    "row ends": (damage("row", -1, 999), "row.npy: does not end at the number of edges (expected 1000; got 999)"),
    "row too short": (replace("row", np.zeros(3, np.int64)), "row.npy: has the wrong length (expected 101; got 3)"),
    "row empty": (replace("row", np.zeros(0, np.int64)), "row.npy: has the wrong length (expected 101; got 0)"),
    "target beyond": (
        damage("target", 617, 50),
        "target.npy: names no neuron at position 617 (expected 0 to 50 - 1; got 50)",
    ),
    "target negative": (
        damage("target", 999, -1),
        "target.npy: names no neuron at position 999 (expected 0 to 50 - 1; got -1)",
    ),
    "weight nan": (
        damage("weight", 10, np.nan),
        "weight.npy: is not finite at position 10 (expected a number; got nan)",
    ),
    "weight inf": (
        damage("weight", 0, -np.inf),
        "weight.npy: is not finite at position 0 (expected a number; got -inf)",
    ),
    "weight length": (
        replace("weight", np.zeros(2, np.float32)),
        "weight.npy: has the wrong length (expected 1 or 1000; got 2)",
    ),
    "one weight": (
        replace("weight", np.array([np.inf], np.float32)),
        "weight.npy: is not finite at position 0 (expected a number; got inf)",
    ),
    "no weight": (
        replace("weight", np.zeros(0, np.float32)),
        "weight.npy: has the wrong length (expected 1 or 1000; got 0)",
    ),
    "weight type": (replace("weight", np.zeros(1)), "weight.npy: has the wrong type (expected <f4; got <f8)"),
    "delay negative": (
        damage("delay", 700, -3),
        "delay.npy: is negative at position 700 (expected a number of steps; got -3)",
    ),
    "one delay": (
        replace("delay", np.array([-1], np.int32)),
        "delay.npy: is negative at position 0 (expected a number of steps; got -1)",
    ),
    "missing": (
        lambda folder: (folder / "target.npy").unlink(),
        "target.npy: cannot be opened: No such file or directory",
    ),
}


@pytest.mark.parametrize(("change", "expected"), HOSTILE.values(), ids=HOSTILE.keys())
def test_edges_that_cannot_be_are_refused(
    program: Path, tmp_path: Path, change: Callable[[Path], None], expected: str
) -> None:
    """The text names the file, the position, and what is there."""
    random_edges(100, 50, 10, 3).save(tmp_path)
    change(tmp_path)
    done = subprocess.run([program, tmp_path, "100", "50", "1", "1", "1"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", f"{tmp_path}/{expected}")
