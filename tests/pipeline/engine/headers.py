"""Programs of a few lines that include headers of the engine, compiled by tests: checked, or as engines are built."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
INCLUDES = [f"-I{ROOT / 'pipeline' / 'engine' / 'include'}", f"-I{ROOT / 'models' / 'include'}"]
STRICT = ["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", *INCLUDES]
FLOATS = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
CHECKED = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
"""A read or write outside an array, an overflow, or a leak ends the program with an error."""


def build(folder: Path, source: str, *flags: str) -> Path:
    """Compile a program that includes headers of the engine, warnings being errors."""
    (folder / "program.cpp").write_text(source)
    subprocess.run(["g++", *STRICT, *flags, "program.cpp", "-o", "program"], cwd=folder, check=True)
    return folder / "program"
