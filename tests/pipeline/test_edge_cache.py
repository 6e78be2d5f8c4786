"""Edges that were sampled before are linked, never another network's, and never damaged ones."""

import errno
import fcntl
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import load_network
from models.expand import expand_network
from models.sample import EdgeTable, sample_edges
from pipeline import edge_cache
from pipeline.build_root import BuildRoot
from pipeline.edge_cache import obtain_edges
from pipeline.run_folder import RunFolder

SMALL: dict[str, object] = {f"layers.population.{name}.size": size for name, size in (("E", 40), ("I", 10))}
PARTS = ("row", "target", "weight", "delay")


@pytest.fixture(autouse=True)
def small_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep edges however few they are."""
    monkeypatch.setattr(edge_cache, "_MIN_EDGES", 0)


@pytest.fixture
def root(tmp_path: Path) -> BuildRoot:
    """Return a new build root."""
    return BuildRoot(tmp_path / "root")


class Obtain:
    """Obtains edges into one run's folder after another."""

    def __init__(self, root: BuildRoot, folder: Path) -> None:
        self.root, self.folder, self.n_runs = root, folder, 0

    def __call__(self, settings: dict[str, object] | None = None, model: str | Path = "hierarchy") -> RunFolder:
        """Return a run's folder with the edges of a model, which are those that are sampled."""
        expanded = expand_network(load_network(model, (SMALL if model == "hierarchy" else {}) | (settings or {})))
        self.n_runs += 1
        run = RunFolder(self.folder / f"{self.n_runs}")
        tables = obtain_edges(self.root, expanded, run)
        expected = sample_edges(expanded)
        assert list(tables) == list(expected)
        for name, table in expected.items():
            _check(tables[name], table, run)
        return run

    def is_linked(self, run: RunFolder, pathway: str = "inhibition", part: str = "target") -> bool:
        """Return whether a run's file has another name in the cache, and in another run's folder."""
        path: Path = getattr(run.edge_files(pathway), part)
        return path.stat().st_nlink > 2


def _check(table: EdgeTable, expected: EdgeTable, run: RunFolder) -> None:
    for part in PARTS:
        right = getattr(expected, part)
        for got in (getattr(table, part), np.load(getattr(run.edge_files(table.name), part))):
            assert got.dtype == right.dtype
            np.testing.assert_array_equal(got, right)


@pytest.fixture
def obtain(root: BuildRoot, tmp_path: Path) -> Obtain:
    """Return what obtains edges."""
    return Obtain(root, tmp_path / "runs")


def test_equal_edges_are_one_file(obtain: Obtain, root: BuildRoot) -> None:
    """Once in the cache, and in both runs' folders; nobody may write to it."""
    first, second = obtain(), obtain()
    for name in ("lateral", "local", "inhibition", "feedforward"):
        for part in ("row", "target"):
            files = [getattr(run.edge_files(name), part) for run in (first, second)]
            assert files[0].samefile(files[1])
            assert files[0].stat().st_mode & 0o222 == 0
    assert len(list(root.edges.iterdir())) == 4


LINKED: dict[str, dict[str, object]] = {
    "weight": {"pathway.inhibition.weight": "2 mV"},
    "delay": {"pathway.inhibition.delay": "0.7 ms"},
    "step": {"network.dt": "0.05 ms"},
    "tau": {"pathway.lateral.tau": "9 ms"},
    "rate": {"drive.background.rate": "9 Hz"},
}
SAMPLED: dict[str, dict[str, object]] = {
    "seed": {"network.seed": 2},
    "probability": {"pathway.inhibition.connect.probability": 0.2},
    "rule": {"pathway.inhibition.connect": {"in_degree": 3}},
    "size": {"layers.population.I.size": 11},
    "layers": {"layers.count": 2},
    "place": {"layers.population.E.size": 41},
    "autapses": {"pathway.inhibition.autapses": False},
    "weights": {"pathway.inhibition.weight": {"uniform": ["0 mV", "2 mV"]}},
    "weight of a layer": {"pathway.inhibition.layer.2.weight": "3 mV"},
    "delays": {"pathway.inhibition.delay": {"uniform": ["1 ms", "2 ms"]}},
}


@pytest.mark.parametrize("what", LINKED)
def test_a_value_that_all_edges_share_samples_nothing(obtain: Obtain, what: str) -> None:
    """The edges are linked, and the value is the new one."""
    obtain()
    assert obtain.is_linked(obtain(LINKED[what]))


@pytest.mark.parametrize("what", SAMPLED)
def test_whatever_shapes_edges_samples_them(obtain: Obtain, what: str) -> None:
    """They are others, and are found when they are asked for again."""
    obtain()
    assert not obtain.is_linked(obtain(SAMPLED[what]))
    assert obtain.is_linked(obtain(SAMPLED[what]))


def test_sampled_delays_belong_to_their_step(obtain: Obtain) -> None:
    """They are rounded to it."""
    delays: dict[str, object] = {"pathway.inhibition.delay": {"uniform": ["1 ms", "2 ms"]}}
    obtain(delays)
    assert not obtain.is_linked(obtain(delays | {"network.dt": "0.05 ms"}))


def test_distributed_weights_are_kept_too(obtain: Obtain) -> None:
    """A value per edge is part of the entry."""
    weights: dict[str, object] = {"pathway.inhibition.weight": {"normal": ["1 mV", "0.2 mV"]}}
    obtain(weights)
    assert obtain.is_linked(obtain(weights), part="weight")


def test_edges_from_files_belong_to_their_contents(obtain: Obtain, networks: Path, tmp_path: Path) -> None:
    """Every connection rule; another list of pairs under the same name is another entry."""
    for path in networks.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    obtain(model=tmp_path / "rules.toml")
    assert obtain.is_linked(obtain(model=tmp_path / "rules.toml"), "pairs")
    lines = (tmp_path / "pairs.csv").read_text().splitlines()
    (tmp_path / "pairs.csv").write_text("\n".join([lines[0].replace("3", "2"), *lines[1:]]) + "\n")
    assert not obtain.is_linked(obtain(model=tmp_path / "rules.toml"), "pairs")


def test_a_damaged_entry_is_made_again(obtain: Obtain, root: BuildRoot) -> None:
    """Somebody has written to a file that runs share: the next run samples its own, and the entry is sound again."""
    obtain()
    for entry in root.edges.iterdir():
        path = entry / "target.npy"
        path.chmod(0o644)
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    assert not obtain.is_linked(obtain())
    assert obtain.is_linked(obtain())


@pytest.mark.parametrize("name", ["entry.json", "row.npy"])
def test_an_incomplete_entry_is_made_again(obtain: Obtain, root: BuildRoot, name: str) -> None:
    """As if it had not been there."""
    obtain()
    for entry in root.edges.iterdir():
        (entry / name).unlink()
    assert not obtain.is_linked(obtain())
    assert obtain.is_linked(obtain())


def test_an_entry_in_another_s_place_is_made_again(obtain: Obtain, root: BuildRoot) -> None:
    """An entry knows what it was sampled from."""
    obtain()
    for entry in root.edges.iterdir():
        content = json.loads((entry / "entry.json").read_text())
        (entry / "entry.json").write_text(json.dumps(content | {"key": "0123456789abcdef"}))
    assert not obtain.is_linked(obtain())
    assert obtain.is_linked(obtain())


def test_without_hard_links_files_are_copied(obtain: Obtain, monkeypatch: pytest.MonkeyPatch) -> None:
    """To another file system, say; the same edges all the same."""

    def refuse(self: Path, source: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    obtain()
    run = obtain()
    assert run.edge_files("inhibition").target.stat().st_nlink == 1
    assert not list(run.path.rglob("*.tmp"))


def test_what_would_fill_the_cache_is_not_kept(
    obtain: Obtain, root: BuildRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries of more than half of the limit, of which nothing else would be left."""
    monkeypatch.setenv("CURRENTS_CACHE_SIZE", "2 kB")
    obtain()
    assert not root.edges.exists()


def test_few_edges_are_not_kept(obtain: Obtain, root: BuildRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are sampled as fast."""
    monkeypatch.undo()
    obtain()
    assert not root.edges.exists()


def test_a_root_that_cannot_be_written_to_keeps_nothing(tmp_path: Path) -> None:
    """The run has its edges all the same."""
    (tmp_path / "file").touch()
    run = Obtain(BuildRoot(tmp_path / "file"), tmp_path / "runs")()
    assert run.edge_files("inhibition").target.is_file()


def test_entries_change_under_their_lock_alone(
    obtain: Obtain, root: BuildRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody links files while an entry gets its name, or while one that is damaged is removed."""
    changes: list[str] = []
    rename, rmtree = Path.rename, shutil.rmtree

    def check(what: str, path: Path) -> None:
        if path.parent == root.edges:
            with pytest.raises(BlockingIOError), (root.scratch / "edges.lock").open() as other:
                fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
            changes.append(what)

    def renaming(self: Path, target: Path) -> Path:
        check("made", target)
        return rename(self, target)

    def removing(path: Path, ignore_errors: bool = False) -> None:
        check("removed", Path(path))
        rmtree(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(Path, "rename", renaming)
    monkeypatch.setattr("pipeline.edge_cache.shutil.rmtree", removing)
    obtain()
    assert changes == ["made"] * 4
    for entry in root.edges.iterdir():
        (entry / "row.npy").unlink()
    obtain()
    assert changes[4:] == ["removed", "made"] * 4


def test_an_entry_that_was_made_anew_is_not_removed(
    obtain: Obtain, root: BuildRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two processes that have found the same damage, the second leaves what the first has made."""
    obtain()
    sound, asked = edge_cache._is_sound, list[bool]()

    def not_at_first(wanted: Any) -> bool:
        asked.append(len(asked) % 2 == 1 and sound(wanted))
        return asked[-1]

    monkeypatch.setattr(edge_cache, "_is_sound", not_at_first)
    obtain()
    assert asked == [False, True] * 4
    monkeypatch.undo()
    assert len(list(root.edges.iterdir())) == 4
