"""`synapse_traces.h` computes what Brian2's state update, `x += 1` and summed variables compute, bit for bit."""

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.pipeline.engine.headers import CHECKED, FLOATS, build
from tests.pipeline.engine.test_delivery import Edges, random_edges, tables

pytestmark = pytest.mark.compiled

PROGRAM = r"""
#include "synapse_traces.h"
#include <cstdio>
#include <cstdlib>

using currents::OrderedEdges;
using currents::SynapseTraces;

static void write(const std::vector<double>& values) {
    std::fwrite(values.data(), sizeof(double), values.size(), stdout);
}

// Arguments: a folder, the sizes of the groups, the factor of a step, the initial trace, the number of steps, and which
// traces: of synapses or sources. Standard output, raw: the sums of each step, over one pathway and over it twice. In
// step n, a spike of source s arrives through delay d when (n + s + d) is a multiple of 3.
int main(int, char** argv) {
    const std::string folder = argv[1];
    const auto n_sources = static_cast<std::int32_t>(std::atol(argv[2]));
    const auto n_targets = static_cast<std::int32_t>(std::atol(argv[3]));
    const double propagate = std::atof(argv[4]), initial = std::atof(argv[5]);
    const int n_steps = std::atoi(argv[6]);
    const auto source_local = currents::read_npy<std::int32_t>(folder + "/source_local.npy");
    const auto target_local = currents::read_npy<std::int32_t>(folder + "/target_local.npy");
    const auto load = [&] { return OrderedEdges::load(folder, source_local, n_sources, target_local, n_targets); };
    std::vector<double> I(static_cast<std::size_t>(n_targets), 1e300);  // must be overwritten
    if (argv[7] == std::string("sources")) {
        const std::vector<OrderedEdges> pathways = {load(), load()};
        const auto x = currents::read_npy<double>(folder + "/x.npy");
        currents::sum_source_traces(pathways[0], x.data(), I.data());
        write(I);
        currents::sum_source_traces(pathways, I.size(), x.data(), I.data());
        write(I);
        return 0;
    }
    std::vector<SynapseTraces> pathways = {{load(), propagate, initial}, {load(), propagate, initial}};
    for (int step = 0; step < n_steps; ++step) {
        for (SynapseTraces& traces : pathways) {
            traces.decay();
            for (std::int32_t s = 0; s < n_sources; ++s)
                for (std::size_t d = 0; d < traces.edges().delays().size(); ++d)
                    if ((step + s + static_cast<int>(d)) % 3 == 0) traces.arrive(s, d);
        }
        pathways[0].sum_into(I.data());
        write(I);
        currents::sum_traces(pathways, I.size(), I.data());
        write(I);
    }
    return 0;
}
"""
PROPAGATE = 0.9048374180359595


@dataclass(frozen=True)
class Arguments:
    """How the program is run."""

    initial: float = 0.0
    n_steps: int = 7
    which: str = "synapses"


@pytest.fixture(scope="module", params=[CHECKED, [*FLOATS, "-march=native"]], ids=["checked", "fast"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the test program, with a memory checker and for this machine."""
    return build(tmp_path_factory.mktemp("traces"), PROGRAM, *request.param)


def run(program: Path, folder: Path, edges: Edges, arguments: Arguments) -> NDArray[np.float64]:
    """Return (n_steps, 2, n_targets): the sums of each step over one pathway, and over it twice."""
    edges.save(folder)
    sizes = [str(edges.n_sources), str(edges.n_targets)]
    numbers = [repr(PROPAGATE), repr(arguments.initial), str(arguments.n_steps), arguments.which]
    done = subprocess.run([program, folder, *sizes, *numbers], capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float64).reshape(-1, 2, edges.n_targets)


def add_in_order(edges: Edges, x: NDArray[np.float64], n_times: int) -> NDArray[np.float64]:
    """Return the sum of w·x, edge by edge, from one end of the files to the other, n times."""
    _, target, weight, _ = edges.kept()
    current = np.zeros(edges.n_targets)
    for _ in range(n_times):
        np.add.at(current, target, weight * x)
    return current


def expect(edges: Edges, arguments: Arguments) -> NDArray[np.float64]:
    """Return the same as `run` from NumPy."""
    source, _, _, delay = edges.kept()
    i_delay = np.searchsorted(np.unique(delay), delay)
    x = np.full(source.size, arguments.initial)
    sums = np.zeros((arguments.n_steps, 2, edges.n_targets))
    for step in range(arguments.n_steps):
        x = x * PROPAGATE
        x[(step + source + i_delay) % 3 == 0] += 1
        sums[step] = [add_in_order(edges, x, 1), add_in_order(edges, x, 2)]
    return sums


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=tables(), initial=st.sampled_from([0.0, 0.7]))
def test_traces_of_synapses_agree(program: Path, tmp_path: Path, edges: Edges, initial: float) -> None:
    """Any groups, weights and delays, every sum of every step to the last bit."""
    arguments = Arguments(initial)
    assert run(program, tmp_path, edges, arguments).tobytes() == expect(edges, arguments).tobytes()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edges=tables())
def test_traces_of_sources_agree(program: Path, tmp_path: Path, edges: Edges) -> None:
    """The trace of a source is read by its local index."""
    x = 0.1 + np.arange(edges.n_sources) / 3
    np.save(tmp_path / "x.npy", x)
    sums = run(program, tmp_path, edges, Arguments(which="sources"))
    per_edge = x[edges.kept()[0]]
    assert sums[0, 0].tobytes() == add_in_order(edges, per_edge, 1).tobytes()
    assert sums[0, 1].tobytes() == add_in_order(edges, per_edge, 2).tobytes()


@pytest.mark.parametrize("n_delays", [1, 20])
def test_many_edges(program: Path, tmp_path: Path, n_delays: int) -> None:
    """Rows that span blocks of the files, and sums of hundreds of terms, whose order shows in the last bits."""
    edges = random_edges(60, 40, 1500, n_delays)
    arguments = Arguments(0.3, 4)
    expected = expect(edges, arguments)
    assert run(program, tmp_path, edges, arguments).tobytes() == expected.tobytes()
    reverse = slice(None, None, -1)
    delay = edges.delay[reverse] if n_delays > 1 else edges.delay
    backwards = replace(
        edges, source=edges.source[reverse], target=edges.target[reverse], weight=edges.weight[reverse], delay=delay
    )
    assert np.mean(expect(backwards, arguments) != expected) > 0.5
