"""`arrivals.h` hands over the same numbers whether it counts events or adds weights, and adds them up over bins."""

import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipeline.engine.headers import CHECKED, FLOATS, build

pytestmark = pytest.mark.compiled

PROGRAM = r"""
#include "arrivals.h"
#include <algorithm>
#include <cstdio>

// Standard input: neurons, ranges (begin, end, most, weight), steps, steps per bin; then per step and neuron a number
// of events. Standard output: whether they are counted; then per step what is handed over, and the sums of the bin.
int main() {
    long n, n_ranges, n_steps, steps_per_bin;
    double* in = nullptr;
    if (std::scanf("%ld %ld", &n, &n_ranges) != 2) return 1;
    currents::Array variable("in_x", currents::ItemType::float64, false,
                             [&in](void* data) { in = static_cast<double*>(data); });
    variable.allocate(n);
    currents::Arrivals arrivals("in_x", n);
    std::vector<double> weight_of(static_cast<std::size_t>(n), 0.0);
    for (long i = 0; i < n_ranges; ++i) {
        long begin, end, most;
        double weight;
        if (std::scanf("%ld %ld %ld %la", &begin, &end, &most, &weight) != 4) return 1;
        arrivals.expect(begin, end, most, weight);
        std::fill(weight_of.begin() + begin, weight_of.begin() + end, weight);
    }
    arrivals.settle();
    std::printf("%d\n", arrivals.are_counted() ? 1 : 0);
    if (std::scanf("%ld %ld", &n_steps, &steps_per_bin) != 2) return 1;
    const std::size_t i_bin = arrivals.add_bin(steps_per_bin);
    const bool is_bin_counted = arrivals.bins()[i_bin].is_counted;
    currents::OwnMemory memory(static_cast<std::size_t>(n) * arrivals.n_bytes_per_neuron());
    // Half of the neurons may be another part's, which takes them over after two steps.
    currents::Inlet first(arrivals, variable, 0, n, memory), second(arrivals, variable, n / 2, n, memory);
    for (long step = 0; step < n_steps; ++step) {
        for (long i = 0; i < n; ++i) {
            int events;
            if (std::scanf("%d", &events) != 1) return 1;
            currents::Inlet& inlet = step >= 2 && i >= n / 2 ? second : first;
            if (inlet.are_counted()) inlet.counts()[i] = static_cast<std::uint16_t>(events);
            else for (int e = 0; e < events; ++e) inlet.sums()[i] += weight_of[static_cast<std::size_t>(i)];
        }
        if (step == 2) second.take_over(first, n / 2, n);
        for (std::int64_t begin = 0; begin < n; begin += currents::n_neurons_per_block) {
            const std::int64_t end = std::min<std::int64_t>(n, begin + currents::n_neurons_per_block);
            const std::int64_t middle = step >= 2 ? std::clamp<std::int64_t>(n / 2, begin, end) : end;
            if (begin < middle) {
                first.hand_over(step, begin, middle);
                for (std::int64_t i = begin; i < middle; ++i) std::printf("%a ", in[i]);
                first.clear(begin, middle);
            }
            if (middle < end) {
                second.hand_over(step, middle, end);
                for (std::int64_t i = middle; i < end; ++i) std::printf("%a ", in[i]);
                second.clear(middle, end);
            }
        }
        for (std::int64_t i = 0; i < n; ++i) {
            const currents::Inlet& inlet = step >= 2 && i >= n / 2 ? second : first;
            const double weight = weight_of[static_cast<std::size_t>(i)];
            std::printf("%a ", is_bin_counted ? weight * inlet.bin_counts(i_bin)[i] : inlet.bin_weights(i_bin)[i]);
        }
        std::printf("\n");
    }
    return 0;
}
"""


@pytest.fixture(scope="module", params=[CHECKED, FLOATS], ids=["checked", "fast"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the test program, with a memory checker and as engines are built."""
    return build(tmp_path_factory.mktemp("arrivals"), PROGRAM, *request.param)


def hand_over(
    program: Path, ranges: list[tuple[int, int, int, float]], events: np.ndarray, steps_per_bin: int
) -> tuple[bool, np.ndarray, np.ndarray]:
    """Return whether events are counted, and (n_steps, n_neurons) what is handed over and what bins add up to."""
    n_steps, n_neurons = events.shape
    lines = [f"{n_neurons} {len(ranges)}", *(f"{b} {e} {most} {float(w).hex()}" for b, e, most, w in ranges)]
    lines += [f"{n_steps} {steps_per_bin}", *(" ".join(map(str, row)) for row in events.tolist())]
    done = subprocess.run([str(program)], input="\n".join(lines), capture_output=True, text=True, check=True)
    counted, *rows = done.stdout.splitlines()
    values = np.array([[float.fromhex(word) for word in row.split()] for row in rows])
    return counted == "1", values[:, :n_neurons], values[:, n_neurons:]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    n_neurons=st.integers(1, 1200),
    cuts=st.lists(st.integers(0, 1200), max_size=2),
    seed=st.integers(0, 2**32 - 1),
    # In a bin of as many steps as the last one, more than 2^32 events could arrive at a neuron.
    steps_per_bin=st.sampled_from([1, 2, 3, 2**31]),
    most=st.sampled_from([3, 65535, 70000]),
)
def test_what_arrives_is_handed_over(
    program: Path, n_neurons: int, cuts: list[int], seed: int, steps_per_bin: int, most: int
) -> None:
    """Events times weights, neuron by neuron, in blocks and ranges of any size; exactly."""
    rng = np.random.default_rng(seed)
    edges = sorted({0, n_neurons, *(cut for cut in cuts if cut < n_neurons)})
    weights = rng.uniform(1e-5, 1e-3, len(edges) - 1).astype(np.float32).astype(np.float64)
    ranges = [(*pair, most, w) for pair, w in zip(pairwise(edges), weights, strict=True)]
    events = rng.integers(0, 4, (5, n_neurons))
    counted, values, sums = hand_over(program, ranges, events, steps_per_bin)
    if most == 70000:
        assert not counted  # 16 bits would not hold them
    elif len(ranges) == 1:
        assert counted
    weight_of = np.repeat(weights, np.diff(edges))
    np.testing.assert_array_equal(values, events * weight_of)
    starts = np.arange(5) // steps_per_bin * steps_per_bin
    expected = [events[start : step + 1].sum(axis=0) * weight_of for step, start in enumerate(starts)]
    np.testing.assert_array_equal(sums, expected)


def test_unlike_weights_at_one_neuron_are_added(program: Path) -> None:
    """Counts would not say which weight an event had."""
    counted, values, _ = hand_over(program, [(0, 8, 1, 0.5), (4, 8, 1, 0.25)], np.ones((1, 8), int), 1)
    assert not counted
    np.testing.assert_array_equal(values, [[0.5] * 4 + [0.25] * 4])


@pytest.mark.parametrize("weights", [(0.0, 0.5), (0.5, 0.0), (0.0, 0.5, 0.25)])
def test_a_weight_of_0_stays_0(program: Path, weights: tuple[float, ...]) -> None:
    """Neurons whose events weigh nothing are no neurons that nothing can reach, which go with any others."""
    ranges = [(4 * i, 4 * i + 4, 1, weight) for i, weight in enumerate(weights)]
    n_neurons = 1024  # enough for three ranges to be counted
    events = np.ones((2, n_neurons), int)
    events[:, 4 * len(weights) :] = 0
    _, values, sums = hand_over(program, ranges, events, 1)
    expected = np.zeros(n_neurons)
    expected[: 4 * len(weights)] = np.repeat(weights, 4)
    np.testing.assert_array_equal(values, [expected, expected])
    np.testing.assert_array_equal(sums, [expected, expected])
