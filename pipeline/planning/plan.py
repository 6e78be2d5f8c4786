"""`plan_run`: memory, disk and time of a run, before it runs."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, SupportsIndex

from models.drives import read_series
from models.errors import Problem
from models.expand import expand_network
from models.files import load_network
from models.groups import Device
from models.spec import NetworkSpec
from models.steps import step_time
from pipeline.arguments import read_value
from pipeline.build_root import choose_root
from pipeline.compiler import Arch
from pipeline.errors import StorageError
from pipeline.job import Notify
from pipeline.memory import format_bytes, free_bytes
from pipeline.planning.calibration import Calibration, Request, calibrate
from pipeline.planning.streams import MOST_BUFFERS, PlannedStream
from pipeline.program import Progress
from pipeline.scratch import make_scratch
from pipeline.signals import interrupt_on_signals
from pipeline.simulation import Amount, check_seed, check_threads, resolve_steps, set_interval
from pipeline.storage import explain_failed_writes, free_space

_REFERENCE_EDGE_BYTES = 40
"""Of a Brian2 synapse and of all else that its program holds: measured on `hierarchy`."""


@dataclass(frozen=True)
class Part:
    """Part of a quantity."""

    what: str
    amount: float
    """Bytes, or seconds."""


@dataclass(frozen=True)
class Plan:
    """What a run will take."""

    network: str
    device: Device
    duration_s: float
    disk: tuple[Part, ...]
    memory: tuple[Part, ...]
    """Of the program, at its peak."""
    memory_most_bytes: float
    """Where the disk is late: as many chunks as the program may hold."""
    time: tuple[Part, ...]
    """Of the program."""
    prepare_s: float
    """Before the program: edges are sampled and written."""
    frames: tuple[Part, ...]
    """Memory of each recorder of currents as one table."""
    compile_s: float | None
    """What compiling took, if it had to be done; it will not be done again."""
    calibration_s: float
    """Model time that was simulated to find this out."""
    free_disk_bytes: int
    free_memory_bytes: int | None

    @property
    def disk_bytes(self) -> float:
        """The run's folder."""
        return total(self.disk)

    @property
    def memory_bytes(self) -> float:
        """Peak memory of the program."""
        return total(self.memory)

    @property
    def time_s(self) -> float:
        """Wall time of the program."""
        return total(self.time)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What will not fit."""
        return tuple(self._warn())

    def _warn(self) -> Iterator[str]:
        if self.disk_bytes > self.free_disk_bytes:
            yield f"disk: {format_bytes(self.disk_bytes)} are needed, {format_bytes(self.free_disk_bytes)} are free"
        if self.free_memory_bytes is None:
            return
        free = format_bytes(self.free_memory_bytes)
        if self.memory_bytes > self.free_memory_bytes:
            yield f"memory: {format_bytes(self.memory_bytes)} are needed, {free} are free"
        for frame in self.frames:
            if frame.amount > self.free_memory_bytes:
                yield f"{frame.what}: {format_bytes(frame.amount)} as one table, {free} are free; take it in parts"

    def to_json(self) -> dict[str, Any]:
        """Return all of it in bytes and seconds."""
        totals = {"disk_bytes": self.disk_bytes, "memory_bytes": self.memory_bytes, "time_s": self.time_s}
        return totals | asdict(self) | {"warnings": list(self.warnings)}


def plan_run(
    model: str | Path | NetworkSpec,
    *,
    duration: Amount | None = None,
    seed: SupportsIndex | None = None,
    settings: Mapping[str, object] | None = None,
    device: Device = "engine",
    record_interval: Amount | None = None,
    threads: SupportsIndex = 1,
    arch: Arch = "native",
    build_root: str | Path | None = None,
    notify: Notify | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Predict what `simulate` with the same arguments will take, from the model and a short run of it.

    Raises
    ------
    SpecError
        As `simulate`; before anything is run.
    OutputError
        If the build root cannot be written to.
    CompileError, ProgramError, StorageError
        If the short run fails.
    """
    root = choose_root(build_root)
    text = read_value(duration)
    spec = set_interval(load_network(model, read_value(settings or {})), read_value(record_interval), text)
    n_threads = check_threads(threads, device)
    request = Request(spec, check_seed(seed, spec), resolve_steps(spec, text), device, arch, root.path, n_threads)
    _check_series(request)
    explained = explain_failed_writes({root.path: "--build-root"})
    with interrupt_on_signals(), explained, _advising(), make_scratch(root) as scratch:
        found = calibrate(request, scratch, notify or (lambda stage: None), progress)
        free_disk = shutil.disk_usage(scratch).free
    return _predict(request, found, free_disk)


@contextmanager
def _advising() -> Iterator[None]:
    """Say of a full disk which option of this command chooses another: nobody will look for the short run itself."""
    try:
        yield
    except StorageError as error:
        raise StorageError(*map(_advise, error.problems)) from None


def _advise(problem: Problem) -> Problem:
    is_full = free_space("--out") in (problem.next or "")
    return replace(problem, next=free_space("--build-root")) if is_full else problem


def _check_series(request: Request) -> None:
    """Raise `SpecError` where values end before the run does: the calibration is too short to notice."""
    expanded, (dt_s, n_steps) = expand_network(request.spec), (request.dt_s, request.n_steps)
    values = [(item.rate, f"drive.{item.drive}.rate") for item in expanded.poisson_inputs]
    values += [(item.rate, f"drive.{item.drive}.rate") for item in expanded.source_groups if item.rate is not None]
    values += [(item.value, f"drive.{item.drive}.value") for item in expanded.injected_currents]
    for series, place in values:
        read_series(series, dt_s, n_steps, request.spec.folder, place)


def _predict(request: Request, found: Calibration, free_disk: int) -> Plan:
    n_steps, reference = request.n_steps, request.device == "reference"
    rows = {stream.name: found.count_rows(stream, n_steps) for stream in found.streams}
    memory = _reference_memory(found, rows) if reference else _engine_memory(found, rows)
    return Plan(
        network=request.spec.network.name,
        device=request.device,
        duration_s=step_time(n_steps, request.dt_s),
        disk=tuple(_list_disk(found, rows)),
        memory=tuple(memory),
        memory_most_bytes=total(memory) if reference else total(_engine_memory(found, rows, MOST_BUFFERS)),
        time=(
            Part("loading", found.start_s),
            Part("steps and recording", found.steps_s + found.s_per_step * (n_steps - found.n_steps)),
        ),
        prepare_s=found.prepare_s,
        frames=tuple(
            Part(f"table of {name}", n_steps // _steps_per_bin(found, name) * n_neurons * n_bytes)
            for name, (n_neurons, n_bytes) in found.frame_row_bytes.items()
        ),
        compile_s=found.compile_s,
        calibration_s=step_time(found.n_steps, request.dt_s),
        free_disk_bytes=free_disk,
        free_memory_bytes=free_bytes(),
    )


def total(parts: Iterable[Part]) -> float:
    """Return the sum of all parts."""
    return sum(part.amount for part in parts)


def _steps_per_bin(found: Calibration, name: str) -> int:
    return next(stream.steps_per_row or 1 for stream in found.streams if stream.name == name)


def _list_disk(found: Calibration, rows: dict[str, int]) -> Iterator[Part]:
    for stream in found.streams:
        yield Part(stream.name, stream.disk_bytes(rows[stream.name]))
    yield Part("edges", found.fixed_bytes.get("edges", 0))
    yield Part("all else", sum(size for name, size in found.fixed_bytes.items() if name != "edges"))


def _engine_memory(found: Calibration, rows: dict[str, int], n_buffers: int | None = None) -> list[Part]:
    """Return chunks by recorder, and what the calibration has used beside them."""
    held = {stream.name: _buffer_bytes(stream, found.count_rows(stream, found.n_steps)) for stream in found.streams}
    will = [Part(f"chunks of {s.name}", _buffer_bytes(s, rows[s.name], n_buffers)) for s in found.streams]
    base = max(0, (found.peak_memory_bytes or 0) - sum(held.values()))
    return [Part("program, edges and state", base), *will]


def _buffer_bytes(stream: PlannedStream, n_rows: int, n_buffers: int | None = None) -> int:
    return stream.buffer_bytes(n_rows) if n_buffers is None else stream.buffer_bytes(n_rows, n_buffers)


def _reference_memory(found: Calibration, rows: dict[str, int]) -> list[Part]:
    """Return all recordings, which Brian2 holds until the end, and the edges."""
    held = [Part(f"recording of {s.name}", rows[s.name] * s.value_bytes) for s in found.streams]
    return [*held, Part("edges and program", found.n_edges * _REFERENCE_EDGE_BYTES)]
