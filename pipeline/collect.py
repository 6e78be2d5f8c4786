"""What the reference program leaves, as a recording: stock monitors' files in the run folder's own layout."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.assembly.objects import BinnedArray, BinnedRecorder, ReferenceAssembly
from models.errors import InternalError, Problem
from models.spec import RatesRecord, SpikesRecord
from models.steps import count_steps
from pipeline.atomic import write_atomically
from pipeline.emit import ReferenceTree
from pipeline.run_folder import RunFolder
from pipeline.storage import refuse_full_disk

_ROWS_AT_A_TIME = 1024


def collect_recording(assembly: ReferenceAssembly, tree: ReferenceTree, results: Path, folder: RunFolder) -> None:
    """Move what the program recorded into the run folder.

    A monitor that samples at the start of each bin has seen the state before the first bin and lacks the last one; so
    its first row is skipped, and a last row is made of the program's final state.

    Parameters
    ----------
    assembly : ReferenceAssembly
    tree : ReferenceTree
    results : Path
        Folder that the program wrote its arrays to.
    folder : RunFolder
    """
    _Collector(assembly, tree, results, folder).collect()


class _Collector:
    def __init__(self, assembly: ReferenceAssembly, tree: ReferenceTree, results: Path, folder: RunFolder) -> None:
        self.assembly, self.tree, self.results, self.folder = assembly, tree, results, folder
        self.spec = assembly.expanded.spec
        self.dt_s = self.spec.network.dt.value

    def collect(self) -> None:
        """Write everything; `recording.json`, which makes it readable, comes last."""
        self.folder.recording.mkdir(parents=True, exist_ok=True)
        recorders: dict[str, Any] = {r.name: self._collect_recorder(r) for r in self.assembly.recorders}
        step, neuron = self._collect_spikes()
        for name, record in self.spec.record.items():
            if isinstance(record, SpikesRecord):
                recorders[name] = self._save_spikes(name, record, step, neuron)
            elif isinstance(record, RatesRecord):
                recorders[name] = self._save_rates(name, record, step, neuron)
        index = {
            "version": 1,
            "dt_s": self.dt_s,
            "n_steps": self.assembly.n_steps,
            "recorders": {name: recorders[name] for name in self.spec.record},
            "inputs": dict(self._save_inputs()),
        }
        write_atomically(self.folder.recording_index, json.dumps(index, indent=1))

    def _file(self, owner: str, variable: str) -> Path:
        return self.results / self.tree.results[owner, variable]

    def _load[T: np.generic](self, owner: str, variable: str, dtype: type[T], size: int) -> NDArray[T]:
        path = self._file(owner, variable)
        _check_size(path, size * np.dtype(dtype).itemsize)
        return np.fromfile(path, dtype)

    def _collect_recorder(self, recorder: BinnedRecorder) -> dict[str, Any]:
        grouped: dict[str, list[BinnedArray]] = {}
        for array in recorder.arrays:
            if array.local.size:
                grouped.setdefault(array.variable, []).append(array)
        (self.folder.recording / recorder.name).mkdir(exist_ok=True)
        return {
            "kind": recorder.kind,
            "steps_per_bin": recorder.steps_per_bin,
            "n_bins": self.assembly.n_steps // recorder.steps_per_bin,
            "dtype": recorder.dtype,
            "arrays": {name: self._collect_array(recorder, name, arrays) for name, arrays in grouped.items()},
        }

    def _collect_array(self, recorder: BinnedRecorder, name: str, arrays: list[BinnedArray]) -> dict[str, Any]:
        path = self.folder.recording / recorder.name / f"{name}.bin"
        neurons = np.concatenate([array.neurons for array in arrays])
        order = np.argsort(neurons)
        self._check_sizes(recorder, arrays)
        if len(arrays) == 1:
            shutil.move(self._file(arrays[0].monitor, arrays[0].monitored), path)
        else:
            self._merge(recorder, arrays, order, path)
        final = np.concatenate([self._final_row(array) for array in arrays])[order].astype(recorder.dtype)
        with path.open("ab") as file:
            final.tofile(file)
        np.save(path.with_suffix(".neurons.npy"), neurons[order])
        return {
            "layout": "raw",
            "file": f"{recorder.name}/{name}.bin",
            "offset_bytes": final.nbytes,
            "neurons": f"{recorder.name}/{name}.neurons.npy",
        }

    def _check_sizes(self, recorder: BinnedRecorder, arrays: list[BinnedArray]) -> None:
        n_bins = self.assembly.n_steps // recorder.steps_per_bin
        for array in arrays:
            expected = n_bins * array.local.size * np.dtype(recorder.dtype).itemsize
            _check_size(self._file(array.monitor, array.monitored), expected)

    def _merge(self, recorder: BinnedRecorder, arrays: list[BinnedArray], order: NDArray[np.intp], path: Path) -> None:
        """Write the columns of several groups' monitors as one array, by neuron."""
        maps = [
            np.memmap(self._file(array.monitor, array.monitored), recorder.dtype, "r").reshape(-1, array.local.size)
            for array in arrays
        ]
        with path.open("wb") as file:
            for start in range(0, len(maps[0]), _ROWS_AT_A_TIME):
                rows = np.concatenate([part[start : start + _ROWS_AT_A_TIME] for part in maps], axis=1)
                np.ascontiguousarray(rows[:, order]).tofile(file)

    def _final_row(self, array: BinnedArray) -> NDArray[np.float64]:
        n_neurons = next(plan.n_neurons for plan in self.assembly.plans if plan.name == array.group)
        values = self._load(array.group, array.final, np.float64, n_neurons)[array.local]
        if array.scale is None:
            return values
        # + 0: as in the program, so that no input is 0 and not -0.
        return values * (array.scale if array.scale.size == 1 else array.scale[array.local]) + 0.0

    def _collect_spikes(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the spikes of all neurons, sorted by step, then neuron."""
        parts = [self._read_spikes(self.assembly.spike_monitors[plan.name]) for plan in self.assembly.plans]
        step = np.concatenate([part[0] for part in parts])
        neuron = np.concatenate([p.neurons[part[1]] for p, part in zip(self.assembly.plans, parts, strict=True)])
        order = np.lexsort((neuron, step))
        return step[order], neuron[order]

    def _read_spikes(self, monitor: str) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        n_spikes = int(self._load(monitor, "N", np.int32, 1)[0])
        times = self._load(monitor, "t", np.float64, n_spikes)
        return np.rint(times / self.dt_s).astype(np.int64), self._load(monitor, "i", np.int32, n_spikes)

    def _of_populations(self, names: list[str] | None, neuron: NDArray[np.int32]) -> NDArray[np.bool_]:
        chosen = np.zeros(self.assembly.expanded.n_neurons, bool)
        for population in self.assembly.expanded.select_populations(names):
            chosen[population.start : population.stop] = True
        return chosen[neuron]

    def _save_spikes(
        self, name: str, record: SpikesRecord, step: NDArray[np.int64], neuron: NDArray[np.int32]
    ) -> dict[str, Any]:
        kept = self._of_populations(record.population, neuron)
        (self.folder.recording / name).mkdir(exist_ok=True)
        np.save(self.folder.recording / name / "step.npy", step[kept])
        np.save(self.folder.recording / name / "neuron.npy", neuron[kept])
        return {"kind": "spikes", "step": f"{name}/step.npy", "neuron": f"{name}/neuron.npy"}

    def _save_rates(
        self, name: str, record: RatesRecord, step: NDArray[np.int64], neuron: NDArray[np.int32]
    ) -> dict[str, Any]:
        steps_per_bin = count_steps(record.interval.value, self.dt_s)
        n_bins = self.assembly.n_steps // steps_per_bin
        populations = self.assembly.expanded.select_populations(record.population)
        counts = np.zeros((n_bins, len(populations)), np.int64)
        for i_population, population in enumerate(populations):
            inside = (neuron >= population.start) & (neuron < population.stop)
            counts[:, i_population] = np.bincount(step[inside] // steps_per_bin, minlength=n_bins)
        (self.folder.recording / name).mkdir(exist_ok=True)
        np.save(self.folder.recording / name / "counts.npy", counts)
        names = [population.name for population in populations]
        return {
            "kind": "rates",
            "steps_per_bin": steps_per_bin,
            "n_bins": n_bins,
            "populations": names,
            "counts": f"{name}/counts.npy",
        }

    def _save_inputs(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Save the spikes of every drive's sources."""
        for group in self.assembly.expanded.source_groups:
            step, source = self._read_spikes(self.assembly.spike_monitors[group.drive])
            order = np.lexsort((source, step))
            place = self.folder.recording / "inputs" / group.drive
            place.mkdir(parents=True, exist_ok=True)
            np.save(place / "step.npy", step[order])
            np.save(place / "source.npy", source[order])
            yield group.drive, {"step": f"inputs/{group.drive}/step.npy", "source": f"inputs/{group.drive}/source.npy"}


def _check_size(path: Path, expected: int) -> None:
    """Refuse a file that is not as long as it should be."""
    size = path.stat().st_size if path.is_file() else None
    if size == expected:
        return
    got = "no file" if size is None else f"{size} bytes"
    refuse_full_disk(path.parent)
    raise InternalError(Problem(str(path), "is not what the program should have written", f"{expected} bytes", got))
