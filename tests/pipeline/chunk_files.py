"""Chunks written by hand, independently of the C++ writer, and a run whose recording lies in them."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from crc32c import crc32c
from numpy.typing import NDArray

from pipeline.chunk_format import Section, chunk_name
from pipeline.recording_index import (
    Index,
    chunk_binned,
    chunk_input,
    chunk_rates,
    chunk_spikes,
    write_index,
)
from pipeline.run_folder import RunFolder
from tests.pipeline.synthetic_run import NUMBERS, SyntheticRun


def pack_chunk(
    arrays: list[NDArray[Any]], widths: list[int], index: int, first_row: int, last: bool, **fields: int
) -> bytes:
    """Return the file of a chunk: one (n_rows, n_columns) array per section. `fields` replace those of the header."""
    body, crcs, shape = bytearray(64), [], []
    for array, width in zip(arrays, widths, strict=True):
        body += bytes(-len(body) % 64)
        n_rows, n_columns = array.shape
        shape.append((array.itemsize, n_columns, width))
        for start in range(0, n_columns, width):
            tile = np.zeros((n_rows, width), array.dtype)
            part = array[:, start : start + width]
            tile[:, : part.shape[1]] = part
            body += tile.tobytes()
            crcs.append(crc32c(tile.tobytes()))
    body += bytes(-len(body) % 64)
    table = np.array(crcs, "<u4").tobytes()
    values = {
        "version": 1,
        "flags": int(last),
        "index": index,
        "first_row": first_row,
        "n_rows": len(arrays[0]),
        "file_bytes": len(body) + len(table),
        "n_tiles": len(crcs),
        "table_crc": crc32c(table),
        "shape_crc": crc32c(np.array(shape, "<u8").tobytes()),
    } | fields
    head = struct.pack("<8sIIQQQQIII", b"CURCHUNK", *values.values())
    body[:64] = head + struct.pack("<I", crc32c(head))
    return bytes(body + table)


def write_stream(folder: Path, arrays: dict[str, NDArray[Any]], chunk_rows: int, width: int = 4) -> tuple[Section, ...]:
    """Write arrays of (n_rows, n_columns) as a stream that ended, and return its sections."""
    folder.mkdir(parents=True, exist_ok=True)
    widths = [min(width, max(1, array.shape[1])) for array in arrays.values()]
    n_rows = len(next(iter(arrays.values())))
    for index, start in enumerate(range(0, n_rows + 1, chunk_rows)):
        parts = [array[start : start + chunk_rows] for array in arrays.values()]
        data = pack_chunk(parts, widths, index, start, start + chunk_rows > n_rows)
        (folder / chunk_name(index)).write_bytes(data)
    return tuple(
        Section(name, array.dtype, array.shape[1], w) for (name, array), w in zip(arrays.items(), widths, strict=True)
    )


def flip(path: Path, offset: int) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 4
    path.write_bytes(data)


def cut_stream(folder: RunFolder, recorder: str, n_chunks: int) -> None:
    """Leave so many chunks of a stream, and a half-written one, as a killed program does."""
    for path in folder.recorder(recorder).glob("*.cur"):
        if path.name >= chunk_name(n_chunks):
            path.unlink()
    folder.chunk(recorder, n_chunks).with_suffix(".cur.partial").write_bytes(bytes(100))


def put_into_chunks(run: SyntheticRun, chunk_rows: int = 3, version: int = 2) -> SyntheticRun:
    """Rewrite a run's recording in chunks, with the entries that the pipeline makes; some channels become numbers.

    In version 1 of the format, there were none.
    """
    place, recorders = run.folder.recording, dict[str, Any]()
    for name, factors in run.factors.items() if version > 1 else ():
        np.save(run.folder.factors("currents", name), factors)
    old = run.index()["recorders"]
    for name, arrays in (("currents", run.arrays), ("states", run.states)):
        sizes = {variable: array.shape[1] for variable, array in arrays.items()}
        entry = old[name]
        bins = (entry["kind"], entry["steps_per_bin"], entry["n_bins"], entry["dtype"])
        numbers = NUMBERS if name == "currents" and version > 1 else {}
        recorders[name] = chunk_binned(*bins, name, sizes, {"I_lateral": "nA"}, numbers)
        stored = arrays | {variable: run.numbers[variable] for variable in numbers}
        write_padded(place / name, stored, chunk_rows, recorders[name].chunks.tile_columns)
    write_stream(place / "spikes", {"step": run.step[:, None], "neuron": run.neuron[:, None]}, 17)
    recorders["spikes"] = chunk_spikes("spikes")
    counts = np.load(run.folder.counts("rates"))
    write_stream(place / "rates", {"counts": counts}, chunk_rows, counts.shape[1])
    rates = old["rates"]
    recorders["rates"] = chunk_rates("rates", rates["steps_per_bin"], rates["n_bins"], rates["populations"])
    inputs = {}
    for drive in ("noise", "cue"):
        step, source = np.load(run.folder.input_steps(drive)), np.load(run.folder.input_sources(drive))
        write_stream(run.folder.recorded_inputs(drive), {"step": step[:, None], "source": source[:, None]}, 7)
        inputs[drive] = chunk_input(f"inputs/{drive}")
    index = Index(version=version, dt_s=1e-4, n_steps=200, recorders=recorders, inputs=inputs)
    run.folder.recording_index.write_text(write_index(index))
    for path in [*place.rglob("*.bin"), *place.rglob("step.npy"), *place.rglob("counts.npy")]:
        path.unlink()
    return run


def write_padded(folder: Path, arrays: dict[str, NDArray[Any]], chunk_rows: int, width: int) -> None:
    """Write a stream whose tiles are as wide as the program's, whatever the number of columns."""
    n_rows = len(next(iter(arrays.values())))
    for index, start in enumerate(range(0, n_rows + 1, chunk_rows)):
        parts = [array[start : start + chunk_rows] for array in arrays.values()]
        data = pack_chunk(parts, [width] * len(parts), index, start, start + chunk_rows > n_rows)
        (folder / chunk_name(index)).write_bytes(data)
