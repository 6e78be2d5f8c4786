"""Tables as files: what is written, how, and when it is refused."""

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from models.errors import SpecError
from models.tables import current_columns
from pipeline import export
from pipeline.cli import main
from pipeline.errors import ExistingFileError, OutputError, RunFolderError, StorageError
from pipeline.export import export_tables, list_left_out
from pipeline.run import Run, load_run
from pipeline.verification import verify
from tests.pipeline.synthetic_run import CHANNELS, make_run

TABLES = ["spikes", "currents", "states", "rates", "inputs"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run that no test changes."""
    return load_run(make_run(tmp_path_factory.mktemp("export") / "run").path)


def _tables(run: Run) -> dict[str, pd.DataFrame]:
    return {
        "spikes": run.spikes(),
        "currents": run.currents(),
        "states": run.states(),
        "rates": run.rates("2 ms", recorder="rates"),
        "inputs": run.inputs(),
    }


@pytest.mark.parametrize("part_mb", [64.0, 0.002], ids=["whole", "in parts"])
def test_parquet_reads_back(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_mb: float) -> None:
    """Parquet gives back every table as it is: types, categories, units, bits."""
    monkeypatch.setattr(export, "_PART_MB", part_mb)
    files = export_tables(run, tmp_path / "out")
    assert files == [tmp_path / "out" / f"{name}.parquet" for name in TABLES]
    for path, (_, table) in zip(files, _tables(run).items(), strict=True):
        back = pd.read_parquet(path)
        pd.testing.assert_frame_equal(back, table)
        assert back.attrs == table.attrs
    groups = pq.ParquetFile(tmp_path / "out" / "currents.parquet").num_row_groups
    assert groups == (1 if part_mb > 1 else 5)


def test_csv_reads_back(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CSV gives back every number: its text is the shortest that reads as the same float."""
    monkeypatch.setattr(export, "_PART_MB", 0.002)
    for path, (_, table) in zip(export_tables(run, tmp_path / "out", "csv"), _tables(run).items(), strict=True):
        # Numbers are read by Python: not every version of pandas reads a float to its last bit.
        back = pd.read_csv(path, dtype=str, keep_default_na=False).replace("", "nan").astype(dict(table.dtypes))
        pd.testing.assert_frame_equal(back, table)
        assert path.read_text().splitlines()[0] == ",".join(table.columns)


def test_parquet_encodings(run: Run, tmp_path: Path) -> None:
    """Values are split by bytes and compressed by zstd; a field says its unit and meaning."""
    export_tables(run, tmp_path)
    file = pq.ParquetFile(tmp_path / "currents.parquet")
    group = file.metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert "BYTE_STREAM_SPLIT" in columns["total"].encodings
    assert "RLE_DICTIONARY" in columns["neuron"].encodings
    assert file.schema_arrow.field("v").metadata[b"unit"] == b"V"
    assert file.schema_arrow.field("time").metadata == {b"unit": b"s", b"meaning": b"end of the bin"}


def test_beside_the_tables(run: Run, tmp_path: Path) -> None:
    """The run's manifest and a description of every column lie beside the tables, and nothing else."""
    export_tables(run, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [f"{name}.parquet" for name in TABLES] + ["columns.json", "manifest.json"]
    )
    assert (tmp_path / "manifest.json").read_bytes() == run.folder.manifest.read_bytes()
    described = json.loads((tmp_path / "columns.json").read_text())
    assert (described["version"], described["run"]) == (1, str(run.path))
    assert list(described["tables"]) == TABLES
    currents = described["tables"]["currents"]
    assert currents["file"] == "currents.parquet"
    assert currents["columns"] == {
        name: {"dtype": c.dtype, "unit": c.unit, "meaning": c.meaning} for name, c in current_columns(CHANNELS).items()
    }


def test_exported_tables_are_no_run(run: Run, tmp_path: Path) -> None:
    """Whoever takes them for the run is told so, and where the run was, if that is known."""
    export_tables(run, tmp_path)
    said = f"{tmp_path}: is a folder of exported tables, not a run."
    for columns, advice in (
        (None, f"\n  next: name the run's folder, which was {run.path}"),
        ('{"version": 1}', ""),
        ("[", ""),
    ):
        if columns is not None:
            (tmp_path / "columns.json").write_text(columns)
        for load in (load_run, verify):
            with pytest.raises(RunFolderError) as caught:
                load(tmp_path)
            assert str(caught.value) == said + advice


def test_selection(run: Run, tmp_path: Path) -> None:
    """Selections hold in every table that they concern."""
    selection: dict[str, Any] = {"populations": ["L1E"], "start": "4 ms", "stop": "10 ms"}
    export_tables(run, tmp_path, channels=["input"], **selection)
    currents = pd.read_parquet(tmp_path / "currents.parquet")
    pd.testing.assert_frame_equal(currents, run.currents(channels=["input"], **selection))
    spikes = pd.read_parquet(tmp_path / "spikes.parquet")
    pd.testing.assert_frame_equal(spikes, run.spikes(**selection))
    rates = pd.read_parquet(tmp_path / "rates.parquet")
    pd.testing.assert_frame_equal(rates, run.rates("2 ms", **selection))
    assert min(len(currents), len(spikes), len(rates)) > 2


def test_recorders_without_the_selection_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recorder that holds nothing of what is asked for gives no file, and is named; of a part, it gives that."""
    made = make_run(tmp_path / "run")
    recorders = made.index()["recorders"]
    arrays = {"v": recorders["currents"]["arrays"]["v"]}
    np.save(made.folder.neurons("currents", "v"), np.array([0, 1], np.int32))
    np.zeros(42, np.float32).tofile(made.folder.array("currents", "v"))
    arrays["v"]["offset_bytes"] = 8
    made.change_index(recorders={**recorders, "currents": recorders["currents"] | {"arrays": arrays}})
    run = load_run(made.path)
    names = [path.stem for path in export_tables(run, tmp_path / "I", populations="I")]
    assert names == ["spikes", "states", "rates", "inputs"]
    why = "it recorded none of the selected neurons, but 2 of 3 in L1E"
    assert list_left_out(run, populations="I") == list_left_out(run, neurons=[2]) == {"currents": why}
    assert list_left_out(run) == list_left_out(run, neurons=[1, 2]) == {}
    assert main(["tables", str(run.path), "--to", str(tmp_path / "verb"), "--neurons", "2"]) == 0
    said = capsys.readouterr()
    assert f"left out: currents ({why})\n" in said.err
    assert "currents.parquet" not in said.out
    assert main(["tables", str(run.path), "--to", str(tmp_path / "json"), "--neurons", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["left_out"] == {"currents": why}
    export_tables(run, tmp_path / "both", neurons=[1, 2])
    assert set(pd.read_parquet(tmp_path / "both" / "currents.parquet")["neuron"]) == {1}
    assert set(pd.read_parquet(tmp_path / "both" / "spikes.parquet")["neuron"]) == {1, 2}


def test_existing_files_are_kept(run: Run, tmp_path: Path) -> None:
    """Files are replaced only when that is asked for; else nothing is written."""
    (tmp_path / "currents.parquet").write_text("precious")
    with pytest.raises(ExistingFileError) as caught:
        export_tables(run, tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: holds files that would be replaced (got currents.parquet).\n"
        "  next: choose another folder, or allow it with --overwrite (overwrite=True)"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["currents.parquet"]
    assert (tmp_path / "currents.parquet").read_text() == "precious"
    export_tables(run, tmp_path, overwrite=True)
    assert len(pd.read_parquet(tmp_path / "currents.parquet")) == 200


def test_run_itself_is_not_written_to(run: Run) -> None:
    """The run's own folder is refused, and any within it."""
    with pytest.raises(SpecError) as caught:
        export_tables(run, run.path, overwrite=True)
    assert str(caught.value) == f"{run.path}: is the run itself (expected another folder)."
    with pytest.raises(SpecError) as caught:
        export_tables(run, run.path / "some" / "tables")
    assert str(caught.value) == (
        f"{run.path}/some/tables: is in the folder of the run, which holds nothing else.\n"
        f"  next: name a folder beside it, such as --to {run.path}-tables"
    )
    assert not (run.path / "some").exists()


def test_folder_cannot_be_made(run: Run, tmp_path: Path) -> None:
    """A folder that cannot be made is one error."""
    (tmp_path / "file").touch()
    with pytest.raises(OutputError) as caught:
        export_tables(run, tmp_path / "file" / "out")
    (problem,) = caught.value.problems
    assert (problem.where, problem.what) == (str(tmp_path / "file" / "out"), "cannot be written to")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "parket"}, 'format: names a format that does not exist (expected "parquet"; got "parket").'),
        (
            {"channels": ["inputs"]},
            'channels: names a recorded channel that does not exist (expected "input"; got "inputs").',
        ),
        ({"neurons": [99]}, "neurons: names one that does not exist (expected 0 to 9; got 99)."),
    ],
    ids=["format", "channel", "neuron"],
)
def test_refused(run: Run, tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    """A wrong argument is refused before anything is written."""
    with pytest.raises(SpecError) as caught:
        export_tables(run, tmp_path / "out", **arguments)
    assert str(caught.value) == message
    assert not (tmp_path / "out").exists()


def test_a_folder_in_the_place_of_a_table_is_kept(run: Run, tmp_path: Path) -> None:
    """Whatever was asked for; nothing is written."""
    (tmp_path / "spikes.parquet").mkdir()
    with pytest.raises(ExistingFileError) as caught:
        export_tables(run, tmp_path, overwrite=True)
    assert str(caught.value) == f"{tmp_path}/spikes.parquet: is a folder, in the place of a table.\n  next: move it"
    assert [path.name for path in tmp_path.iterdir()] == ["spikes.parquet"]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("n_renames", range(7))
def test_a_disk_that_fails_while_files_take_their_places(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_renames: int, *, overwrite: bool
) -> None:
    """Whichever of them fails, those that were there are there again, and nothing else is."""
    folder = tmp_path / "tables"
    before = {f"{name}.parquet": name for name in TABLES[:2]} | {"manifest.json": "old"} if overwrite else {}
    for name, content in before.items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    left = iter([True] * n_renames)
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if target.name[0] != "." and path.name.endswith(".partial") and not next(left, False):
            raise OSError(5, "Input/output error", str(path), None, str(target))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(StorageError, match="cannot be read or written"):
        export_tables(run, folder, overwrite=overwrite)
    assert folder.exists() == overwrite
    assert {path.name: path.read_text() for path in tmp_path.glob("tables/*")} == before


def _check_nothing_is_left(run: Run, folder: Path, reason: str, evidence: str, remedy: str, **options: Any) -> None:
    with pytest.raises(StorageError) as caught:
        export_tables(run, folder, **options)
    assert str(caught.value) == f"{folder}: cannot be written: {reason}.\n  evidence: {evidence}\n  next: {remedy}"
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_a_full_disk_has_no_part_of_the_tables(run: Run, tiny_disk: Callable[[int], Path], format: str) -> None:
    """The error names the disk that is full; the tables that fitted are gone, too, and so is the folder."""
    disk = tiny_disk(40)
    remedy = "free some space, or choose another folder with --to"
    evidence = "[Errno 28] No space left on device"
    _check_nothing_is_left(run, disk / "tables", "the disk is full", evidence, remedy, format=format)
    assert not list(disk.iterdir())


def test_a_limit_of_size_leaves_the_old_tables(run: Run, tmp_path: Path) -> None:
    """A table that is larger than a file may be: those that were to be replaced are as they were."""
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "spikes.parquet").write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        reason, remedy = (
            "a file would be larger than the limit of this process",
            "raise the limit with: ulimit -f unlimited",
        )
        _check_nothing_is_left(run, folder, reason, "[Errno 27] File too large", remedy, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in folder.iterdir()] == ["spikes.parquet"]
    assert (folder / "spikes.parquet").read_text() == "old"
