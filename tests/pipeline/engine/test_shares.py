"""How segments are cut, and which of them each part of the network has: all, once, and in the end for equal times."""

import subprocess
from pathlib import Path

import pytest

from tests.pipeline.engine.headers import CHECKED, build

CUTS = r"""
#include "shares.h"
#include <cstdio>

using namespace currents;

// Every segment begins where the one before ends, in whole blocks, and none is longer than 16 bits can tell.
bool is_cut(std::int64_t n_neurons, const Cuts& cuts) {
    const Segments segments(n_neurons, cuts);
    if (segments.size() != cuts.n_segments()) return false;
    if (segments.start(0) != 0 || segments.start(segments.size()) != n_neurons) return false;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const std::int64_t begin = segments.start(i), end = segments.start(i + 1);
        const std::int64_t base = segments.region_start(i), last = segments.start(segments.region_last(i));
        if (end < begin || begin % n_neurons_per_block != 0) return false;
        if (base > begin || last < end || last - base > Segments::n_most_neurons) return false;
        for (std::int64_t neuron = begin; neuron < end; neuron += 97)
            if (segments.find(neuron) != i) return false;
    }
    return true;
}

int main() {
    for (const std::int64_t n_neurons : {1, 256, 257, 3000, 12000, 65536, 65537, 200000, 1000000}) {
        for (std::size_t n_parts = 1; n_parts <= 40; n_parts += 1 + n_parts / 9) {
            const Cuts cuts = make_cuts(count_blocks(n_neurons), n_parts);
            // A smaller group is cut like the largest.
            if (!is_cut(n_neurons, cuts) || !is_cut(1 + n_neurons / 3, cuts)) return 1;
            const Shares shares(cuts, n_parts);
            const std::size_t n = shares.size();
            if (n > n_parts || shares[0].first != 0 || shares[n - 1].last != cuts.n_segments()) return 2;
            for (std::size_t i = 0; i < n; ++i) {
                if (shares[i].first >= shares[i].last) return 3;
                if (i > 0 && shares[i - 1].last != shares[i].first) return 4;
                // Shares may grow into those beside them, and no further.
                const SegmentRange most = shares.most(i);
                if (most.first > shares[i].first || most.last < shares[i].last) return 7;
                if (i > 0 && most.first <= shares[i - 1].first) return 8;
                if (i + 1 < n && most.last >= shares[i + 1].last) return 9;
            }
        }
    }
    // One part needs no cuts but those of 16 bits.
    if (make_cuts(count_blocks(12000), 1).n_segments() != 1) return 5;
    return make_cuts(count_blocks(65537), 1).n_segments() == 2 ? 0 : 6;
}
"""
BALANCE = r"""
#include "shares.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>

using namespace currents;

// What a block costs, the same in every window.
double cost(std::int64_t block, std::int64_t n_blocks) { return block < n_blocks / 3 ? 2.0 : 1.0; }

// Arguments: blocks, parts. Standard output: by how much the longest share is longer than the mean, at first and after
// 1000 windows, and how often shares changed in 1000 windows more.
int main(int, char** argv) {
    const std::int64_t n_blocks = std::atol(argv[1]);
    const auto n_parts = static_cast<std::size_t>(std::atol(argv[2]));
    const Cuts cuts = make_cuts(n_blocks, n_parts);
    Shares shares(cuts, n_parts);
    double worst[2];
    std::size_t n_changes = 0, before = 0;
    for (int window = 0; window < 2000; ++window) {
        double longest = 0.0, sum = 0.0;
        std::size_t state = 0;
        for (std::size_t i = 0; i < shares.size(); ++i) {
            double time = 0.0;
            const SegmentRange share = shares[i];
            for (std::int64_t b = cuts.places[share.first]; b < cuts.places[share.last]; ++b) time += cost(b, n_blocks);
            longest = std::max(longest, time);
            sum += time;
            state = state * 1000 + shares[i].first;
            if (share.first < shares.most(i).first || share.last > shares.most(i).last) return 1;
            // Something else had the processor, mostly that of the first part.
            shares.note(i, (window + static_cast<int>(i)) % 3 == 0 ? 5.0 * time : time);
        }
        if (window == 0 || window == 999) worst[window > 0] = longest / sum * static_cast<double>(shares.size()) - 1.0;
        n_changes += window >= 1000 && state != before ? 1 : 0;
        before = state;
        shares.end_window();
    }
    std::printf("%f %f %zu", worst[0], worst[1], n_changes);
    return 0;
}
"""


def test_every_neuron_is_in_one_segment_and_every_segment_in_one_share(tmp_path: Path) -> None:
    """From a single neuron to a million, and from one part to dozens."""
    assert subprocess.run([build(tmp_path, CUTS, *CHECKED)], check=False).returncode == 0


@pytest.fixture(scope="module")
def balance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the program that lets shares grow and shrink."""
    return build(tmp_path_factory.mktemp("balance"), BALANCE, *CHECKED)


@pytest.mark.parametrize(("n_blocks", "n_parts", "most"), [(47, 2, 0.05), (47, 3, 0.1), (400, 2, 0.05), (400, 4, 0.15)])
def test_shares_become_equal_and_stay(balance: Path, n_blocks: int, n_parts: int, most: float) -> None:
    """A third of the neurons costs twice as much as the others; what disturbs a window now and then does not count."""
    done = subprocess.run([balance, str(n_blocks), str(n_parts)], capture_output=True, text=True, check=True)
    at_first, in_the_end, n_changes = map(float, done.stdout.split())
    assert at_first > 0.12
    assert in_the_end < most
    assert n_changes == 0
