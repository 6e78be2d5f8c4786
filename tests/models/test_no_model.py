"""Files that are no models, and names that are no files."""

from pathlib import Path

import pytest

from models import CurrentsError, SpecError, load_network
from tests.models.bad_input.small_model import refuse

TEXTS = {
    "empty": ("", "small: is empty.\n  next: see a shipped network for an example: currents list"),
    "not TOML": (
        "network: {dt: 0.1}",
        "small: is not a TOML file.\n  evidence: Expected '=' after a key in a key/value pair (at line 1, column 8)",
    ),
    "key twice": (
        '[network]\nname = "a"\nname = "b"\n',
        "small: is not a TOML file.\n  evidence: Cannot overwrite a value (at line 3, column 11)",
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_that_is_no_model(name: str) -> None:
    """What cannot be read at all is said with the place where reading failed."""
    text, message = TEXTS[name]
    assert str(refuse(text, Path())) == message


@pytest.mark.parametrize("text", ["x = " + "[" * 100_000, "x = " + "1" * 5000], ids=["deep", "long"])
def test_text_that_overwhelms_the_reader_is_refused(text: str) -> None:
    """Absurd nesting and numbers of thousands of digits are errors like any other."""
    assert str(refuse(text, Path())).startswith("small: is not a TOML file.\n  evidence: ")


def _refuse_file(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load_network(path)
    return str(caught.value)


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    """Latin-1 is named as what it is: not UTF-8."""
    path = tmp_path / "latin.toml"
    path.write_bytes('[network]\nname = "a" # é\n'.encode("latin-1"))
    assert _refuse_file(path) == (
        f"{path}: is not text in UTF-8, which TOML is.\n"
        "  evidence: 'utf-8' codec can't decode byte 0xe9 in position 23: invalid continuation byte\n"
        "  next: save it in UTF-8"
    )


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    """A recording given for a model is refused before it is read."""
    path = tmp_path / "large.toml"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    assert _refuse_file(path) == (
        f"{path}: is too large for a model file (expected at most 64 MiB; got 100 MiB).\n"
        "  next: put long lists of numbers into .npy files"
    )


def test_a_folder_for_a_file(tmp_path: Path) -> None:
    """A folder is said to be one."""
    assert _refuse_file(tmp_path) == (
        f"{tmp_path}: is a folder, not a model file.\n  next: list the networks with: currents list"
    )


def test_a_name_that_is_no_network() -> None:
    """A name that is nearly a shipped one is answered with that."""
    with pytest.raises(SpecError) as caught:
        load_network("hierachy")
    assert str(caught.value) == (
        'hierachy: is neither a shipped network nor a file (expected "hierarchy").\n'
        "  next: list the networks with: currents list"
    )


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"], ids=["long", "nul"])
def test_a_name_that_no_file_can_have(name: str) -> None:
    """What the operating system refuses as a name is no file, and no crash."""
    with pytest.raises(CurrentsError, match="is neither a shipped network nor a file"):
        load_network(name)
