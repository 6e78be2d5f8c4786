"""`RecordedPart` of `recorders.h` puts the chosen neurons' values where the chunk format wants them."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipeline.engine.headers import CHECKED, FLOATS, build

pytestmark = pytest.mark.compiled

PROGRAM = r"""
#include "npy.h"
#include "recorders.h"
#include <cstdio>
#include <cstdlib>

// Arguments: a folder, the columns of the section, the width of its tiles, rows of a chunk, the row that is written,
// what is recorded ("values", "shared" or "scaled" ones, values made of "counts", or the counts as "numbers"), and the
// type of the items. Standard output: the section, raw.
template <class T> int record(char** argv) {
    const std::string folder = argv[1], kind = argv[6];
    const currents::Section section = {sizeof(T), std::atol(argv[2]), std::atol(argv[3])};
    const long chunk_rows = std::atol(argv[4]), row = std::atol(argv[5]);
    const auto local = currents::read_npy<std::int32_t>(folder + "/local.npy");
    const auto columns = currents::read_npy<std::int32_t>(folder + "/columns.npy");
    auto values = currents::read_npy<double>(folder + "/values.npy");
    const auto scale = currents::read_npy<double>(folder + "/scale.npy");
    const auto n = static_cast<std::int64_t>(values.size());
    const std::vector<std::uint32_t> counts(values.begin(), values.end());
    currents::Arrivals arrivals("in_x", n);
    arrivals.expect(0, n / 2, 1, 0.5);
    arrivals.expect(n / 2, n, 1, 0.25);
    arrivals.settle();
    currents::RecordedVariable variable;
    variable.name = "in_x";
    currents::ValueSource source;
    source.values = values.data();
    if (kind == "counts" || kind == "numbers") {
        variable.arrivals = &arrivals;
        variable.i_bin = arrivals.add_bin(1);
        if (arrivals.are_counted()) source.counts = counts.data();
        // Few neurons of unlike weights are not counted.
        else for (std::int64_t i = 0; i < n; ++i) values[static_cast<std::size_t>(i)] *= i < n / 2 ? 0.5 : 0.25;
    }
    if (kind == "numbers") {
        for (const std::int32_t neuron : local) variable.event_weights.push_back(neuron < n / 2 ? 0.5 : 0.25);
    }
    if (kind != "values" && kind != "numbers") source.scale = scale.data();
    source.scale_is_shared = kind != "scaled";
    const currents::RecordedPart part(0, variable, local, columns, section, chunk_rows, n);
    const std::int64_t n_tiles = (section.n_columns + section.tile_columns - 1) / section.tile_columns;
    std::vector<T> image(static_cast<std::size_t>(n_tiles * section.tile_columns * chunk_rows), static_cast<T>(-1));
    for (std::int64_t b = 0; b < currents::count_blocks(n); ++b) part.write_block(source, b, image.data(), row);
    std::fwrite(image.data(), sizeof(T), image.size(), stdout);
    return 0;
}

int main(int, char** argv) {
    const std::string type = argv[7];
    try {
        return type == "uint8" ? record<std::uint8_t>(argv) : type == "uint16" ? record<std::uint16_t>(argv)
             : type == "float32" ? record<float>(argv) : record<double>(argv);
    } catch (const currents::InputFailure& failure) {
        std::fprintf(stderr, "%s", failure.what());
        return 65;
    }
}
"""


@pytest.fixture(scope="module", params=[CHECKED, FLOATS], ids=["checked", "fast"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the test program, with a memory checker and as engines are built."""
    return build(tmp_path_factory.mktemp("part"), PROGRAM, *request.param, "-pthread")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    n_neurons=st.integers(1, 1300),
    density=st.sampled_from([0.1, 0.9, 1.0]),
    seed=st.integers(0, 2**32 - 1),
    width=st.sampled_from([1, 3, 32]),
    kind=st.sampled_from(["values", "shared", "scaled", "counts", "numbers"]),
    wide=st.booleans(),
)
def test_values_go_to_their_place(
    program: Path, tmp_path: Path, n_neurons: int, density: float, seed: int, width: int, kind: str, wide: bool
) -> None:
    """Row r and column c at item ((c / width) * rows + r) * width + c % width; nothing else is written."""
    rng = np.random.default_rng(seed)
    local = np.flatnonzero(rng.random(n_neurons) <= density).astype(np.int32)
    n_columns = local.size + 5  # columns of other groups between ours
    columns = np.sort(rng.permutation(n_columns)[: local.size]).astype(np.int32)
    types = ("uint8", "uint16") if kind == "numbers" else ("float32", "float64")
    dtype = np.dtype(types[wide])
    values = rng.integers(0, 256 if dtype == np.uint8 else 1000, n_neurons).astype(np.float64)
    scale = rng.normal(size=n_neurons) if kind == "scaled" else np.array([-2.0])
    for name, array in {"local": local, "columns": columns, "values": values, "scale": scale}.items():
        np.save(tmp_path / f"{name}.npy", array)
    words = [str(tmp_path), str(n_columns), str(width), "4", "2", kind, dtype.name]
    done = subprocess.run([str(program), *words], capture_output=True, check=True)
    image = np.frombuffer(done.stdout, dtype).reshape(-1, 4, width)

    untouched = np.iinfo(dtype).max if kind == "numbers" else -1
    expected = np.full(image.shape, untouched, dtype)
    weight = np.where(np.arange(n_neurons) < n_neurons // 2, 0.5, 0.25) if kind == "counts" else 1.0
    whole = values * weight * (1.0 if kind in ("values", "numbers") else scale) + 0.0
    expected[columns // width, 2, columns % width] = whole[local]
    np.testing.assert_array_equal(image, expected)
    assert not np.signbit(image[image == 0]).any()


@pytest.mark.parametrize(("number", "dtype"), [(256, "uint8"), (65536, "uint16"), (1.5, "uint8")])
def test_sums_that_are_no_such_numbers_are_refused(program: Path, tmp_path: Path, number: float, dtype: str) -> None:
    """Of more events than fit, or of one and a half: the sum is not of such weights."""
    n_neurons = 10  # so few that events of two weights are added up and not counted
    values = np.zeros(n_neurons)
    values[7] = number
    local = np.arange(n_neurons, dtype=np.int32)
    np.save(tmp_path / "local.npy", local)
    np.save(tmp_path / "columns.npy", local)
    np.save(tmp_path / "values.npy", values)
    np.save(tmp_path / "scale.npy", np.ones(1))
    words = [str(tmp_path), str(local.size), "32", "4", "2", "numbers", dtype]
    done = subprocess.run([str(program), *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (65, "")
    assert done.stderr == (
        "the recorder of in_x: has weights that are not those of the events, or numbers that are too small for them"
    )
