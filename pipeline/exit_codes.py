"""How the generated program can end: one table, which Python reads and the program is compiled with."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit code of the generated program."""

    FINISHED = 0
    """All steps were run, and all that was recorded is on disk."""
    INTERNAL = 70
    """A mistake of the program itself."""
    USAGE = 64
    """Its arguments make no sense."""
    INPUT = 65
    """An input file is missing, damaged, or of another version."""
    MEMORY = 71
    """There is not enough memory."""
    STORAGE = 74
    """A recording cannot be written; all finished chunks are kept."""
    NUMERIC = 75
    """The membrane potential of a neuron became NaN or infinite."""
    STOPPED = 80
    """It was asked to stop, by a signal or because who started it is gone; what was recorded is on disk."""


def write_header() -> str:
    """Return the C++ header of the table."""
    lines = [f"    {code.name.lower()} = {code.value}," for code in ExitCode]
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
            *lines,
            "};",
            "",
            "}  // namespace currents",
            "",
            "#endif  // CURRENTS_EXIT_CODES_H",
            "",
        ]
    )
