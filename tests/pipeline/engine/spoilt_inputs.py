"""Ways to spoil a program's inputs, and what it says of each."""

from collections.abc import Callable

import numpy as np

from pipeline.run_folder import RunFolder

type Spoil = Callable[[RunFolder], None]


def rewrite(before: str, after: str) -> Spoil:
    """Return what replaces the first line of `program.txt` that begins with some words."""

    def spoil(folder: RunFolder) -> None:
        lines = folder.program_inputs.read_text().splitlines()
        (i_line, *_) = (i for i, line in enumerate(lines) if line.startswith(before))
        lines[i_line : i_line + 1] = after.splitlines()
        folder.program_inputs.write_text("\n".join(lines) + "\n")

    return spoil


def cut(name: str, n_bytes: int) -> Spoil:
    """Return what leaves the first bytes of a file; of `n_bytes` below 0, all but so many."""

    def spoil(folder: RunFolder) -> None:
        content = (folder.path / name).read_bytes()
        (folder.path / name).write_bytes(content[:n_bytes])

    return spoil


def change(name: str, index: int, value: int) -> Spoil:
    """Return what sets one value of an array."""

    def spoil(folder: RunFolder) -> None:
        array = np.load(folder.path / name)
        array[index] = value
        np.save(folder.path / name, array)

    return spoil


def shape(name: str, n_values: int) -> Spoil:
    """Return what makes the header of an array claim so many values."""

    def spoil(folder: RunFolder) -> None:
        content = (folder.path / name).read_bytes()
        header = content[:128].replace(
            b"'shape': (25,), }" + b" " * 18, f"'shape': ({n_values},), }}".ljust(35).encode()
        )
        assert len(header) == 128 != header.count(content[:128])
        (folder.path / name).write_bytes(header + content[128:])

    return spoil


def remove(name: str) -> Spoil:
    """Return what removes a file."""
    return lambda folder: (folder.path / name).unlink()


TXT = "inputs/program.txt"
NEURONS, MAP = "inputs/neurons_lif.neurons.npy", "inputs/record.rates.neurons_lif.npy"
LOCAL = "inputs/record.currents.v.neurons_lif.local.npy"
TARGET, ROW = "edges/slow/target.npy", "edges/slow/row.npy"
INHIBITION = (
    "part 2 neurons_lif in_inhibition - "
    "record.currents.inhibition.neurons_lif.local.npy record.currents.inhibition.neurons_lif.columns.npy"
)
WHOLE = "has something else in place of a whole number"
SPOILT: dict[str, tuple[Spoil, str]] = {
    "another file": (rewrite("currents ", "Currents 1"), f"{TXT}: does not describe a run"),
    "another version": (rewrite("currents ", "currents 1"), f"{TXT}:1: is of another version (expected 4; got 1)"),
    "no version": (rewrite("currents ", "currents"), f"{TXT}: does not describe a run"),
    "no time": (rewrite("time ", "tame 0x1p-13 100"), f"{TXT}:2: does not give the time"),
    "no seed": (rewrite("seed ", "sead 1"), f"{TXT}:3: does not give the seed"),
    "no steps": (rewrite("time ", "time 0x1p-13 0"), f"{TXT}:2: {WHOLE} (expected at least 1, at most {2**53}; got 0)"),
    "no time passes": (rewrite("time ", "time -0x1p-13 10"), f"{TXT}:2: has a step that does not take time"),
    "half a bin": (
        rewrite("time ", "time 0x1p-13 1005"),
        "has bins that do not divide the run (expected ; got 10 steps)",
    ),
    "unknown word": (rewrite("injected ", "ejected 1"), "begins with an unknown word (expected ; got ejected)"),
    "a line too late": (rewrite("injected ", "file x 1 1"), "comes too late (expected ; got file)"),
    "surplus word": (rewrite("number ", "number neurons_lif v_rest 1 2"), "has words too many (expected ; got 2)"),
    "unknown group": (
        rewrite("number ", "number neurons v 1"),
        "names an unknown group of neurons (expected ; got neurons)",
    ),
    "unknown variable": (
        rewrite("number ", "number neurons_lif w 1"),
        "names an unknown variable of neurons_lif (expected ; got w)",
    ),
    "no number": (
        rewrite("number ", "number neurons_lif v nan"),
        "has something else in place of a number (expected ; got nan)",
    ),
    "no group": (rewrite("group ", "number neurons_lif v 0"), f"{TXT}: says nothing of the group neurons_lif"),
    "no value": (
        rewrite("number neurons_lif tau_m", ""),
        f"{TXT}: does not give values to all variables of neurons_lif",
    ),
    "two values": (
        rewrite("number neurons_lif tau_m", "number neurons_lif tau_m 1\nnumber neurons_lif tau_m 1"),
        "sets a variable that has been set (expected ; got tau_m)",
    ),
    "range beyond the group": (
        rewrite("injected ", "injected neurons_lif injected_bias 0 26 1 bias.0.values.npy"),
        "has a range of neurons beyond the group (expected 25; got 26)",
    ),
    "no such file": (
        rewrite("injected ", "injected neurons_lif injected_bias 20 25 1 nothing.npy"),
        "uses a file that is not listed (expected ; got nothing.npy)",
    ),
    "a file for two": (
        rewrite("injected ", "injected neurons_lif injected_bias 20 25 1 neurons_lif.neurons.npy"),
        "uses a file that another line uses (expected ; got neurons_lif.neurons.npy)",
    ),
    "numbers of three bytes": (
        rewrite("section ", "section 25 3"),
        "has neither values of 4 or 8 bytes nor numbers of 1 or 2",
    ),
    "numbers of a state": (rewrite("section ", "section 25 1"), "has numbers of what does not arrive"),
    "numbers too small for a bin": (
        rewrite("recorder ", "recorder currents 1000 16384 25 6"),
        "has numbers that are too small for the events of a bin (expected 255 at most; got 5000)",
    ),
    "numbers without weights": (rewrite("part 2 ", INHIBITION), "ends too early"),
    "weights of other neurons": (
        rewrite("part 2 ", f"{INHIBITION} record.currents.background.neurons_lif.weights.npy"),
        "record.currents.background.neurons_lif.weights.npy: is of the wrong length (expected 20; got 25)",
    ),
    "weights below 0": (
        change("inputs/record.currents.inhibition.neurons_lif.weights.npy", 3, -1),
        "record.currents.inhibition.neurons_lif.weights.npy: has a weight that is none",
    ),
    "an event on what arrives": (
        rewrite("events ", "events 1\nevent 5 neurons_lif in_pulses 0 0x1p-8"),
        "sets what arrives in a step (expected ; got in_pulses)",
    ),
    "a file for nothing": (rewrite("injected ", ""), f"{TXT}: lists a file that no line uses"),
    "a drive without edges": (
        rewrite("projection pulses", "projection neurons_lif neurons_lif 1 in_pulses -"),
        "edges/pulses/row.npy: has the wrong length (expected 26; got 11)",
    ),
    "edges too few": (
        rewrite("projection pulses", "projection pulses neurons_lif 2 in_pulses -"),
        "comes before all edges of the projection before it (expected ; got 1 are missing)",
    ),
    "too many sources": (
        rewrite("shared ", f"shared pulses {2**31 - 1} shared_poisson/pulses {2**63 - 1} pulses.thresholds.npy"),
        f"edges/pulses/row.npy: has the wrong length (expected {2**31}; got 11)",
    ),
    "values that end": (
        rewrite("injected ", "injected neurons_lif injected_bias 20 25 999 bias.0.values.npy"),
        "inputs/bias.0.values.npy: ends before the run does (expected values for 100 ms; got values for 99.9 ms)",
    ),
    "empty array": (cut(NEURONS, 0), f"{NEURONS}: is not a .npy file"),
    "cut off array": (cut(NEURONS, -1), f"{NEURONS}: is shorter than its header says"),
    "huge array": (shape(NEURONS, 2**60), f"{NEURONS}: is shorter than its header says"),
    "negative neuron": (change(NEURONS, 3, -1), "has groups that do not have each neuron once"),
    "neuron in two places": (change(NEURONS, 3, 9), "has groups that do not have each neuron once"),
    "neuron in the wrong place": (change(LOCAL, 3, 9), "has a list that is not ascending from 0 to less than 25"),
    "record of a neuron beyond": (change(LOCAL, 24, 25), "has a list that is not ascending from 0 to less than 25"),
    "maps too many": (
        rewrite("map ", "map neurons_lif record.spikes.neurons_lif.npy\nmap neurons_lif record.rates.neurons_lif.npy"),
        "is not of the next group",
    ),
    "no map": (rewrite("map ", ""), "comes before all of the record before it is described"),
    "unknown population": (change(MAP, 3, 2), f"{MAP}: "),
    "number below any": (change(MAP, 3, -2), f"{MAP}: "),
    "outside of the recording": (rewrite("spikes ", "spikes ../edges 100"), "names no file or folder of the recording"),
    "two in one folder": (
        rewrite("rates ", "rates spikes 10 2 100"),
        "records into a folder that another line records",
    ),
    "huge chunks": (rewrite("spikes ", f"spikes spikes {2**62}"), "has chunks that are too large"),
    "edge to no neuron": (change(TARGET, 5, 25), f"{TARGET}: "),
    "edge below any neuron": (change(TARGET, 5, -1), f"{TARGET}: "),
    "edges beyond the file": (change(ROW, -1, 10**12), "edges/slow/"),
    "rows that go back": (change(ROW, 5, -3), "edges/slow/"),
    "negative delay": (change("edges/slow/delay.npy", 0, -1), "edges/slow/delay.npy: "),
    "endless delay": (change("edges/slow/delay.npy", 0, 2**31 - 1), "has a delay that is too long"),
}
"""What makes no sense though all checksums are right."""
DAMAGED: dict[str, tuple[Spoil, str]] = {
    "no description": (remove(TXT), f"{TXT}: cannot be opened: No such file or directory"),
    "empty description": (
        cut(TXT, 0),
        f"{TXT}: does not describe a run (expected a first line `currents VERSION NETWORK`; got )",
    ),
    "cut off description": (cut(TXT, -5), f"{TXT}: is cut off (expected a last line `end CHECKSUM`; got )"),
    "changed description": (rewrite("seed ", "seed 12"), f"{TXT}: has been changed after it was written"),
    "missing array": (remove(NEURONS), f"{NEURONS}: cannot be opened: No such file or directory"),
    "cut off array": (cut(NEURONS, -1), f"{NEURONS}: is of another size than it was written"),
    "changed array": (change(NEURONS, 3, 4), f"{NEURONS}: has been changed after it was written"),
    "missing edges": (remove(TARGET), f"{TARGET}: cannot be opened: No such file or directory"),
    "changed edges": (change(TARGET, 5, 24), f"{TARGET}: has been changed after it was written"),
}
"""What is not as it was written."""
