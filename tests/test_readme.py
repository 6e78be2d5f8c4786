"""The README holds: its commands and snippets run, its output is what comes out, its files exist."""

import os
import re
import subprocess
import sys
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

import pytest

from tests.markdown import README, ROOT, read_blocks, read_links, read_prose

_FILE_NAME = re.compile(r"`([\w./-]+\.(?:md|toml|py|csv|json|npy|parquet))`")


@pytest.fixture
def environment(build_root: Path) -> dict[str, str]:
    """Return the environment of a reader who has activated `.venv`."""
    scripts = str(Path(sys.executable).parent)
    path = os.pathsep.join([scripts, os.environ["PATH"]])
    return {**os.environ, "PATH": path, "CURRENTS_BUILD": str(build_root)}


def _run(words: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _check_command(words: list[str], shown: str | None, folder: Path, environment: dict[str, str]) -> None:
    """Run a command: it succeeds, or shows the error that the page shows."""
    result = _run(words, folder, environment)
    output = result.stdout if result.returncode == 0 else result.stderr
    assert result.returncode in ((0,) if shown is None else (0, 2)), result.stderr
    assert shown is None or OutputChecker().check_output(shown, output, ELLIPSIS), output


@pytest.mark.compiled
@pytest.mark.xdist_group("readme")
def test_commands_and_snippets_run_in_order(tmp_path: Path, environment: dict[str, str]) -> None:
    """Whoever does what the README says, from top to bottom, sees what it shows."""
    n_done = {"file": 0, "command": 0, "python": 0}
    for block in read_blocks(README):
        if block.file is not None:
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
            n_done["file"] += 1
        elif block.language == "python" and not block.is_long:
            result = _run([sys.executable, "-c", block.text], tmp_path, environment)
            assert result.returncode == 0, result.stderr
            n_done["python"] += 1
        elif block.language in ("sh", "console") and not block.is_long:
            for words, shown in block.commands():
                _check_command(words, shown, tmp_path, environment)
                n_done["command"] += 1
    assert min(n_done.values()) >= 1
    assert n_done["command"] >= 3


def test_long_commands_exist(tmp_path: Path, environment: dict[str, str]) -> None:
    """What is too long to be run is at least a target of the Makefile or a verb."""
    long_commands = [words for block in read_blocks(README, "sh") if block.is_long for words, _ in block.commands()]
    assert len(long_commands) >= 2
    for words in long_commands:
        tool, name = words[:2]
        asked = ["make", "--dry-run", name] if tool == "make" else [tool, name, "--help"]
        result = _run(asked, ROOT if tool == "make" else tmp_path, environment)
        assert result.returncode == 0, result.stderr


def test_long_snippets_compile() -> None:
    """Python that is too long to be run is Python."""
    snippets = [block for block in read_blocks(README, "python") if block.is_long]
    assert snippets
    for block in snippets:
        compile(block.text, str(README), "exec")


def test_mentioned_files_exist() -> None:
    """Every file that the README names is in the tree, or is one that it tells the reader to make."""
    made = {block.file for block in read_blocks(README)}
    names = [*_FILE_NAME.findall(read_prose(README)), *(link.partition("#")[0] for link in read_links(README))]
    assert len(names) >= 8
    assert [name for name in names if name not in made and not (ROOT / name).exists()] == []


def test_every_verb_is_listed() -> None:
    """The verbs of the README are the verbs of the command."""
    from pipeline.cli import app

    listed = set(re.findall(r"^\| `currents (\w+)", read_prose(README), re.M))
    assert listed == {name for name in app if not name.startswith("-")}
