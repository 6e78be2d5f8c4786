"""The calibration: the model itself, run for a short time, and what is measured of it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.groups import Device
from models.spec import CurrentsRecord, NetworkSpec, RatesRecord, StatesRecord
from models.steps import count_steps, format_time, step_time
from pipeline.compiler import Arch
from pipeline.job import Notify
from pipeline.planning.stages import StageClock
from pipeline.planning.streams import PlannedStream, list_streams
from pipeline.program import Progress
from pipeline.recording_index import read_index
from pipeline.run import Run
from pipeline.simulation import simulate

_WARM_UP_S = 0.1
"""Model time in which a network is not yet as it will be: it is left out of rates, of spikes and of time."""
_CALIBRATION_S = 2.0
"""Wall time of the steps that are measured."""
_REFERENCE_S = 0.3
"""Model time on the reference device, whose program may have to be compiled for each duration."""


_MOST_WARMING = 2.0
"""How many times as long as the mean one a step may take, or as short, in a network that has warmed up."""
_LATE = 0.5
"""What is written is late when its end is this much of the steps' time behind them."""


@dataclass(frozen=True)
class StepTime:
    """Wall time of some steps."""

    n_steps: int
    simulation_s: float
    end_s: float
    """From the last step to the end of the program: until all is on the disk."""


@dataclass(frozen=True)
class Request:
    """What shall be planned for."""

    spec: NetworkSpec
    seed: int
    n_steps: int
    device: Device
    arch: Arch
    root: Path
    n_threads: int = 1

    @property
    def dt_s(self) -> float:
        """The step in seconds."""
        return self.spec.network.dt.value

    def whole_bins(self, n_steps: float) -> int:
        """Return the smallest number of steps that is not below `n_steps` and fits all bins; the run's at most."""
        binned = (CurrentsRecord, StatesRecord, RatesRecord)
        records = [record for record in self.spec.record.values() if isinstance(record, binned)]
        unit = math.lcm(*(count_steps(record.interval.value, self.dt_s) for record in records))
        return min(self.n_steps, math.ceil(n_steps / unit) * unit)


@dataclass(frozen=True)
class Calibration:
    """What a short run has shown."""

    n_steps: int
    start_s: float
    """Wall time of the program before its first step."""
    steps_s: float
    """Wall time of the program from there to its end, what was written included."""
    s_per_step: float
    """Of a network that has warmed up."""
    prepare_s: float
    """Wall time before the program, without compiling."""
    compile_s: float | None
    """None where nothing was compiled."""
    peak_memory_bytes: int | None
    n_edges: int
    fixed_bytes: dict[str, int]
    """Files that do not grow with the model time, by the name at the top of the run's folder."""
    streams: tuple[PlannedStream, ...]
    events: dict[str, tuple[int, float]]
    """Of each stream of spikes: how many there were, and how many more per step in the warmed-up network."""
    frame_row_bytes: dict[str, tuple[int, int]]
    """Of each recorder of currents: rows of its table per bin, and bytes per row."""

    def count_rows(self, stream: PlannedStream, n_steps: int) -> int:
        """Return how many rows a stream will have after some steps."""
        if stream.steps_per_row is not None:
            return n_steps // stream.steps_per_row
        n_events, per_step = self.events[stream.name]
        return n_events + round(per_step * (n_steps - self.n_steps))


def calibrate(request: Request, scratch: Path, notify: Notify, progress: Progress | None = None) -> Calibration:
    """Run the model for a short time, twice on the engine: until it is warm, and as long again as tells its speed.

    Parameters
    ----------
    request : Request
    scratch : Path
        Folder for the runs.
    notify, progress : callable
        As for `simulate`.
    """
    stages = StageClock()

    def both(stage: str) -> None:
        stages(stage)
        notify(stage)

    n_warm = request.whole_bins(_WARM_UP_S / request.dt_s)
    if request.device == "reference":
        n_steps = request.whole_bins(_REFERENCE_S / request.dt_s)
        run = _run(request, n_steps, scratch / "run", both, progress)
        per_step = run.manifest["simulation_s"] / n_steps
        return _describe(run, per_step, n_warm, stages)
    warm = _run(request, n_warm, scratch / "warm", both, progress)
    compiled_s = stages.seconds("compile") if warm.manifest["build"]["compiled"] else None
    warm_time = _read_time(warm)
    n_steps = request.whole_bins(n_warm * (1 + max(1.0, _CALIBRATION_S / warm_time.simulation_s)))
    if n_steps == n_warm:
        return _describe(warm, warm_time.simulation_s / n_warm, 0, stages)
    stages = StageClock()
    run = _run(request, n_steps, scratch / "run", both, progress)
    return _describe(run, measure_step(warm_time, _read_time(run)), n_warm, stages, compiled_s)


def measure_step(warm: StepTime, whole: StepTime) -> float:
    """Return the wall time of one more step, seconds, from a short run and a longer one that begins with it."""
    n_more = whole.n_steps - warm.n_steps
    mean_s = whole.simulation_s / whole.n_steps
    # What else the machine does may make either run slower; the warm-up alone changes less than this.
    step_s = min(max((whole.simulation_s - warm.simulation_s) / n_more, mean_s / _MOST_WARMING), mean_s * _MOST_WARMING)
    if whole.end_s > _LATE * whole.simulation_s:
        # The disk does not keep up, and decides.
        more_s = whole.simulation_s + whole.end_s - warm.simulation_s - warm.end_s
        return max(step_s, more_s / n_more)
    return step_s


def _run(request: Request, n_steps: int, out: Path, notify: Notify, progress: Progress | None) -> Run:
    return simulate(
        request.spec,
        duration=format_time(step_time(n_steps, request.dt_s)),
        seed=request.seed,
        device=request.device,
        threads=request.n_threads,
        out=out,
        arch=request.arch,
        build_root=request.root,
        notify=notify,
        progress=progress,
    )


def _read_time(run: Run) -> StepTime:
    manifest = run.manifest
    end_s = manifest["wall_s"] - manifest.get("start_s", 0.0) - manifest["simulation_s"]
    return StepTime(manifest["n_steps"], manifest["simulation_s"], end_s)


def _describe(
    run: Run, per_step: float, n_warm: int, stages: StageClock, compiled_s: float | None = None
) -> Calibration:
    manifest: dict[str, Any] = run.manifest
    if manifest["build"]["compiled"]:
        compiled_s = stages.seconds("compile")
    streams = tuple(list_streams(read_index(run.folder.recording_index), run.folder.recording))
    return Calibration(
        n_steps=manifest["n_steps"],
        start_s=manifest.get("start_s", 0.0),
        steps_s=_read_time(run).simulation_s + _read_time(run).end_s,
        s_per_step=per_step,
        prepare_s=stages.seconds("assemble", "emit"),
        compile_s=compiled_s,
        peak_memory_bytes=manifest.get("peak_memory_bytes"),
        n_edges=sum(manifest["edges"].values()),
        fixed_bytes=_measure_fixed(run),
        streams=streams,
        events=dict(_count_events(run, n_warm)),
        frame_row_bytes=_measure_frames(run),
    )


def _measure_fixed(run: Run) -> dict[str, int]:
    """Return the sizes of what is not recorded; of the recording, of what says what it is."""
    sizes: dict[str, int] = {}
    for path in run.path.rglob("*"):
        place = path.relative_to(run.path).parts[0]
        if path.is_file() and not (place == "recording" and _grows(path)):
            sizes[place] = sizes.get(place, 0) + path.stat().st_size
    return sizes


def _grows(path: Path) -> bool:
    return path.suffix != ".json" and not path.name.endswith(".neurons.npy")


def _count_events(run: Run, n_warm: int) -> list[tuple[str, tuple[int, float]]]:
    """Return, of each stream of spikes, their number and how many there were per step after the warm-up."""
    inputs = {f"inputs/{drive}": item.step for drive, item in run.recording.inputs.items()}
    steps = {name: trains.step for name, trains in run.recording.spikes.items()} | inputs
    n_steps = run.manifest["n_steps"]
    n_first = n_warm if n_warm < n_steps else 0
    after = {name: step.size - int(np.searchsorted(step, n_first)) for name, step in steps.items()}
    return [(name, (int(step.size), after[name] / (n_steps - n_first))) for name, step in steps.items()]


def _measure_frames(run: Run) -> dict[str, tuple[int, int]]:
    from pipeline.tabulate import plan_currents

    tables = {name: plan_currents(run.recording, recorder=name) for name in run.recording.readers_of("currents")}
    return {name: (int(table.neurons.size), table.row_bytes) for name, table in tables.items()}
