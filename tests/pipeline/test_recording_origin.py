"""What a recording says that it was made with, and the checksums of its files."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from crc32c import crc32c

from pipeline.chunks import PartialRecordingWarning
from pipeline.cli import main
from pipeline.errors import RecordingError
from pipeline.recording_origin import read_origin, write_origin
from pipeline.run import load_run
from pipeline.verification import verify
from tests.pipeline.synthetic_run import SyntheticRun, make_run


@pytest.fixture
def made(tmp_path: Path) -> SyntheticRun:
    """Return a run whose recording says what it was made with."""
    run = make_run(tmp_path / "run")
    write_origin(run.folder, seed=7, dt_s=1e-4, n_steps=200)
    return run


def flip(path: Path, i_byte: int, i_bit: int = 0) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[i_byte] ^= 1 << i_bit
    path.write_bytes(content)


def test_what_is_written_is_read(made: SyntheticRun) -> None:
    """Seed, step and length; and a checksum of every file but its own."""
    origin = read_origin(made.folder)
    assert origin is not None
    assert (origin.seed, origin.dt_s, origin.n_steps) == (7, 1e-4, 200)
    paths = {path.relative_to(made.folder.recording).as_posix(): path for path in made.folder.recording.rglob("*.*")}
    assert set(origin.files) == set(paths) - {"origin.json"}
    assert {"recording.json", "currents/v.neurons.npy", "currents/v.bin", "spikes/step.npy"} < set(origin.files)
    assert all(origin.files[name] == (len(data := paths[name].read_bytes()), crc32c(data)) for name in origin.files)
    before = made.folder.recording_origin.read_bytes()
    write_origin(made.folder, seed=7, dt_s=1e-4, n_steps=200)
    assert made.folder.recording_origin.read_bytes() == before


def test_the_recording_is_followed(made: SyntheticRun) -> None:
    """Where no program has left a report, the recording knows its seed, and not the manifest."""
    assert json.loads(made.folder.manifest.read_text())["seed"] == 1
    assert load_run(made.path).manifest["seed"] == 7


def test_recordings_of_earlier_versions(made: SyntheticRun) -> None:
    """One that says nothing is believed, and so is the manifest."""
    made.folder.recording_origin.unlink()
    flip(made.folder.neurons("currents", "lateral"), 128)  # neuron 0 becomes 1, which is there already
    with pytest.raises(RecordingError, match="does not hold neurons"):
        load_run(made.path)
    flip(made.folder.neurons("currents", "lateral"), 128)
    assert load_run(made.path).manifest["seed"] == 1


def test_another_length(made: SyntheticRun) -> None:
    """A recording of another length than it was made for is refused, whatever says so."""
    write_origin(made.folder, seed=7, dt_s=1e-4, n_steps=210)
    with pytest.raises(RecordingError) as caught:
        load_run(made.path)
    place = f"{made.folder.recording_index}: n_steps"
    assert str(caught.value) == f"{place}: is not the length of the run (expected 210; got 200)."
    made.folder.recording_origin.unlink()
    made.change_manifest(n_steps=190)
    with pytest.raises(RecordingError, match=r"is not the length of the run \(expected 190; got 200\)"):
        load_run(made.path)


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("name", ["recording.json", "currents/v.neurons.npy", "states/I_lateral.neurons.npy"])
def test_flipped_bits(made: SyntheticRun, name: str, partial: bool) -> None:
    """Wherever one is, the file is named when the run is opened, and `verify` exits with 1."""
    path = made.folder.recording / name
    for i_byte in (0, 20, path.stat().st_size - 2):
        flip(path, i_byte, 1)
        with pytest.raises(RecordingError) as caught:
            load_run(made.path, partial=partial)
        assert str(caught.value) == f"{path}: is damaged: its checksum is wrong."
        assert main(["verify", str(made.path)]) == 1
        flip(path, i_byte, 1)
    load_run(made.path, partial=partial)


def test_a_file_that_was_cut(made: SyntheticRun) -> None:
    """Its size tells."""
    path = made.folder.neurons("currents", "v")
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(RecordingError) as caught:
        load_run(made.path)
    assert str(caught.value) == f"{path}: is of the wrong size (expected {size} bytes; got {size - 4})."


def test_values_are_verified(made: SyntheticRun) -> None:
    """A value of the reference device's files is not looked at when a run is opened, but by `verify`."""
    path = made.folder.array("states", "I_lateral")
    flip(path, path.stat().st_size - 3)
    with pytest.raises(RecordingError) as caught:
        verify(load_run(made.path))
    assert str(caught.value) == f"{path}: is damaged: its checksum is wrong."


def _cut(content: bytes) -> bytes:
    return content[:-3]


def _another_seed(content: bytes) -> bytes:
    return content.replace(b'"seed": 7', b'"seed": 8')


def _another_checksum(content: bytes) -> bytes:
    return content.replace(b'"checksum": ', b'"checksum": 1')


def _nothing(content: bytes) -> bytes:
    return b"" * len(content)


@pytest.mark.parametrize("spoil", [_cut, _another_seed, _another_checksum, _nothing])
def test_a_damaged_origin(made: SyntheticRun, spoil: Callable[[bytes], bytes]) -> None:
    """What does not have its own checksum is not believed."""
    path = made.folder.recording_origin
    path.write_bytes(spoil(path.read_bytes()))
    message = (
        f"{path}: is damaged: its checksum is wrong.\n"
        f'  next: load what there is with: load_run("{made.path}", partial=True)'
    )
    with pytest.raises(RecordingError) as caught:
        load_run(made.path)
    assert str(caught.value) == message
    with pytest.warns(PartialRecordingWarning) as warned:
        run = load_run(made.path, partial=True)
    assert [str(warning.message) for warning in warned] == [message]
    assert run.manifest["seed"] == 1  # the manifest's own
    assert len(run.currents()) == 200
    with pytest.raises(RecordingError, match=r"origin\.json: is damaged"):
        verify(run)


def test_another_version(made: SyntheticRun) -> None:
    """A file that is whole, and cannot be understood, is an error that says what."""
    path = made.folder.recording_origin
    text = path.read_bytes().rpartition(b', "checksum"')[0].replace(b'"version": 1', b'"version": 2')
    path.write_bytes(text + b', "checksum": %d}\n' % crc32c(text))
    with pytest.raises(RecordingError) as caught:
        load_run(made.path)
    next_ = f'load what there is with: load_run("{made.path}", partial=True)'
    assert str(caught.value) == f'{path}: version: is not one of its choices (expected "1"; got 2).\n  next: {next_}'
