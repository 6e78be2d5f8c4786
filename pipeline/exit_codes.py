"""How the generated program can end: one table, which Python reads and the program is compiled with."""

from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """Exit code of the generated program."""

    meaning: str
    """What it says, in a sentence."""

    def __new__(cls, value: int, meaning: str) -> Self:
        """Make a member of its number and its meaning."""
        code = int.__new__(cls, value)
        code._value_, code.meaning = value, meaning
        return code

    FINISHED = 0, "All steps were run, and all that was recorded is on disk."
    USAGE = 64, "Its arguments make no sense."
    INPUT = 65, "An input file is missing, damaged, or of another version, or the folder holds a recording already."
    INTERNAL = 70, "A mistake of the program itself."
    MEMORY = 71, "There is not enough memory."
    STORAGE = 74, "A recording cannot be written; all finished chunks are kept."
    NUMERIC = 75, "The membrane potential of a neuron became NaN or infinite."
    STOPPED = 80, "It was asked to stop, by a signal or because who started it is gone; what was recorded is on disk."


def write_header() -> str:
    """Return the C++ header of the table."""
    names = {code: code.name.lower() for code in ExitCode}
    return "\n".join(
        [
            "// How the program can end; written by pipeline/exit_codes.py.",
            "",
            "#ifndef CURRENTS_EXIT_CODES_H",
            "#define CURRENTS_EXIT_CODES_H",
            "",
            "namespace currents {",
            "",
            "enum class ExitCode : int {",
            *(f"    {name} = {code.value}," for code, name in names.items()),
            "};",
            "",
            "struct ExitCodeMeaning {",
            "    ExitCode code;",
            "    const char* name;",
            "    const char* meaning;",
            "};",
            "",
            "constexpr ExitCodeMeaning exit_code_meanings[] = {",
            *(f'    {{ExitCode::{name}, "{name}", "{code.meaning}"}},' for code, name in names.items()),
            "};",
            "",
            "}  // namespace currents",
            "",
            "#endif  // CURRENTS_EXIT_CODES_H",
            "",
        ]
    )
