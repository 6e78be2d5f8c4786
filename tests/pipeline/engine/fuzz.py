"""Damage to a run's inputs, by chance but the same every time: files, lines of `program.txt`, arrays, arguments."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.run_folder import RunFolder
from tests.pipeline.engine.programs import seal

type Rng = np.random.Generator
type Damage = Callable[[RunFolder, Rng], None]

NUMBERS = (
    *("0", "-1", "1", "2", "3", "7", "255", "256", "65536", "4294967295", "4294967296", "2147483647", "2147483648"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "99999999999999999999", "1000000007"),
    *("nan", "inf", "-inf", "1e308", "-1e308", "0x1p-1074", "0x1.fffffffffffffp+1023", "1e999", "0.5", "-0.0"),
    *("", "-", "x", "0x", "1.5.2", "../x", "/etc/passwd", "..", ".", "a/b", "//", "\x01", "é", "\udcff"),
)
"""What a word of a line may become."""
WORDS = (
    *(
        "--run-dir",
        "--inputs",
        "--seed",
        "--duration",
        "--threads",
        "--progress-fd",
        "--help",
        "--version",
        "--x",
        "-h",
    ),
    *("", "-1", "0", "1", "2", "7", "99", "10 s", "20 ms", "20ms", "1e400 s", "1e-400 s", "0.1 ms", "5 ms", "3 h", "x"),
    *(
        "9223372036854775807",
        "9223372036854775808",
        "{run}",
        "{run}/inputs",
        "/",
        "/dev/null",
        "/proc/self/fd",
        "\udcff",
    ),
)
"""What arguments consist of; `{run}` is the run's folder."""


@dataclass(frozen=True)
class Case:
    """One run with something wrong, or perhaps not."""

    name: str
    damage: Damage
    must_be_noticed: bool
    """Whether the program may end with 0 only if it records what an undamaged run does."""


def copy_linked(source: RunFolder, path: Path) -> RunFolder:
    """Copy a run's inputs and edges, as links but for the description: what is changed must be written anew."""
    for name in ("inputs", "edges"):
        shutil.copytree(source.path / name, path / name, copy_function=os.link)
    copied = RunFolder(path)
    replace_file(copied.program_inputs, source.program_inputs.read_bytes())
    return copied


def replace_file(path: Path, content: bytes) -> None:
    """Write a file anew, not through a link."""
    path.unlink()
    path.write_bytes(content)


def choose_file(folder: RunFolder, rng: Rng, ending: str = "") -> Path:
    """Return one of the inputs; half of the time the description, unless it has another ending."""
    files = sorted(path for top in (folder.inputs, folder.edges) for path in top.rglob(f"*{ending}") if path.is_file())
    return folder.program_inputs if ending == "" and rng.random() < 0.3 else files[rng.integers(len(files))]


def flip_bits(content: bytes, rng: Rng) -> bytes:
    """Return the content with one to eight bits changed."""
    changed = bytearray(content or b"\0")
    for _ in range(rng.integers(1, 9)):
        changed[rng.integers(len(changed))] ^= 1 << rng.integers(8)
    return bytes(changed)


def damage_file(folder: RunFolder, rng: Rng) -> None:
    """Flip bits in a file, cut it, lengthen it, empty it, remove it, or put another one or a folder in its place."""
    path = choose_file(folder, rng)
    content = path.read_bytes()
    match rng.integers(8):
        case 0 | 1 | 2:
            replace_file(path, flip_bits(content, rng))
        case 3:
            replace_file(path, content[: rng.integers(len(content))])
        case 4:
            replace_file(path, content + rng.bytes(int(rng.integers(1, 200))))
        case 5:
            path.unlink()
        case 6:
            replace_file(path, choose_file(folder, rng, ".npy").read_bytes())
        case _:
            path.unlink()
            path.mkdir()


def damage_array(folder: RunFolder, rng: Rng) -> None:
    """Change values of an array, or its header, or swap it for another one; the checksums fit."""
    path = choose_file(folder, rng, ".npy")
    content = path.read_bytes()
    match rng.integers(5):
        case 0:
            replace_file(path, flip_bits(content, rng))
        case 1:
            replace_file(path, content[:128] + flip_bits(content[128:], rng))
        case 2:
            replace_file(path, content[:10] + flip_bits(content[10:128], rng) + content[128:])
        case 3:
            values = np.load(path)
            places = rng.integers(max(1, values.size), size=min(3, values.size))
            values.flat[places] = extreme(values, rng)
            path.unlink()
            np.save(path, values)
        case _:
            replace_file(path, choose_file(folder, rng, ".npy").read_bytes())
    seal(folder)


def extreme(values: np.ndarray, rng: Rng) -> float | int:
    """Return the smallest or the largest number of a type, NaN, infinity, or -1."""
    if values.dtype.kind == "f":
        return float(rng.choice([np.nan, np.inf, -np.inf, 1e300, -1.0, 1e-310]))
    limits = np.iinfo(values.dtype)
    return int(limits.max if rng.random() < 0.5 else limits.min)


def edit_lines(folder: RunFolder, edit: Callable[[list[str], int], None], rng: Rng) -> None:
    """Edit `program.txt` at a line that is chosen evenly among the kinds of lines; the checksums fit."""
    text = folder.program_inputs.read_text(encoding="utf-8", errors="surrogateescape")
    lines = text.splitlines()[:-1]
    kinds = sorted({line.split()[0] for line in lines})
    kind = kinds[rng.integers(len(kinds))]
    places = [i for i, line in enumerate(lines) if line.split()[0] == kind]
    edit(lines, int(places[rng.integers(len(places))]))
    text = "".join(f"{line}\n" for line in lines) + "end 0\n"
    replace_file(folder.program_inputs, text.encode(errors="surrogateescape"))
    seal(folder)


def break_lines(folder: RunFolder, rng: Rng) -> None:
    """Remove a line, say it twice, or leave out words or add some."""

    def edit(lines: list[str], at: int) -> None:
        words = lines[at].split()
        match rng.integers(4):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at + 1, lines[at])
            case 2:
                words.insert(rng.integers(len(words) + 1), words[rng.integers(len(words))])
                lines[at] = " ".join(words)
            case _:
                del words[rng.integers(len(words)) :]
                lines[at] = " ".join(words)

    edit_lines(folder, edit, rng)


def change_words(folder: RunFolder, rng: Rng) -> None:
    """Put something else in place of a word, or a line elsewhere."""

    def edit(lines: list[str], at: int) -> None:
        words = lines[at].split()
        match rng.integers(4):
            case 0 | 1:
                words[rng.integers(len(words))] = str(rng.choice(NUMBERS))
                lines[at] = " ".join(words)
            case 2:
                other = lines[rng.integers(len(lines))].split()
                words[rng.integers(len(words))] = other[rng.integers(len(other))]
                lines[at] = " ".join(words)
            case _:
                lines.insert(rng.integers(len(lines)), lines.pop(at))

    edit_lines(folder, edit, rng)


def make_cases() -> list[Case]:
    """Return all cases of damaged inputs."""
    kinds: list[tuple[str, int, Damage, bool]] = [
        ("file", 160, damage_file, True),
        ("array", 140, damage_array, False),
        ("broken", 140, break_lines, True),
        ("changed", 160, change_words, False),
    ]
    return [Case(f"{name}-{i:03}", damage, must) for name, n, damage, must in kinds for i in range(n)]


def make_arguments(rng: Rng, run: Path) -> list[str]:
    """Return some arguments, most of which make no sense together."""
    words = [str(word).replace("{run}", str(run)) for word in rng.choice(WORDS, rng.integers(0, 7))]
    return ["--run-dir", str(run), *words] if rng.random() < 0.7 else words
