"""A run that is on disk, and its tables."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from models.errors import CurrentsError, Problem
from models.expand import Expanded, expand_network
from models.spec import NetworkSpec
from models.spec_errors import translate_errors
from models.steps import format_time
from pipeline import summary, tabulate
from pipeline.chunks import warn_of
from pipeline.errors import RecordingError, RunFolderError, UnfinishedRunError
from pipeline.manifest_check import check_manifest
from pipeline.program_report import follow_program, read_report
from pipeline.recording import Recording, open_recording, recorded_seconds
from pipeline.recording_origin import Origin, read_origin
from pipeline.run_folder import COLUMNS_FILE, RunFolder
from pipeline.selection import Names, Neurons
from pipeline.time_axis import Time

FORMAT = 1
"""Of the run folder."""


@dataclass(frozen=True, eq=False)
class Run:
    """One run: its manifest, its model, and its tables, which are read when asked for.

    Selections are the same in every table: `populations` are names (`L1E`) or labels (`E`: one per layer), `neurons`
    global indices, `start` and `stop` seconds or text such as `"10 ms"`, `recorder` the name of a `[record.<name>]`.
    """

    folder: RunFolder
    manifest: dict[str, Any]
    """What the run was made of and how it ended: `manifest.json`, and what the program says in `program.json`."""
    recording: Recording

    def __repr__(self) -> str:
        return f"<Run {self.path}: {self.manifest.get('network')}, {format_time(recorded_seconds(self.recording))}>"

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.folder.path

    @property
    def network(self) -> Expanded:
        """The network that ran, expanded to populations and channels."""
        return self.recording.network

    @property
    def spec(self) -> NetworkSpec:
        """The network that ran, settings applied."""
        return self.network.spec

    def spikes(
        self,
        populations: Names = None,
        neurons: Neurons = None,
        start: Time | None = None,
        stop: Time | None = None,
        recorder: str | None = None,
    ) -> pd.DataFrame:
        """Return the recorded spikes (`tabulate.tabulate_spikes`)."""
        return tabulate.tabulate_spikes(
            self.recording, populations=populations, neurons=neurons, start=start, stop=stop, recorder=recorder
        )

    def currents(
        self,
        populations: Names = None,
        neurons: Neurons = None,
        channels: Names = None,
        start: Time | None = None,
        stop: Time | None = None,
        recorder: str | None = None,
    ) -> pd.DataFrame:
        """Return every recorded current by bin and neuron (`tabulate.tabulate_currents`)."""
        return tabulate.tabulate_currents(
            self.recording,
            populations=populations,
            neurons=neurons,
            channels=channels,
            start=start,
            stop=stop,
            recorder=recorder,
        )

    def iter_currents(
        self,
        populations: Names = None,
        neurons: Neurons = None,
        channels: Names = None,
        start: Time | None = None,
        stop: Time | None = None,
        recorder: str | None = None,
        memory_mb: float = tabulate.DEFAULT_PART_MB,
    ) -> Iterator[pd.DataFrame]:
        """Return the frame of `currents` in parts of at most `memory_mb` each (`tabulate.iterate_currents`)."""
        return tabulate.iterate_currents(
            self.recording,
            populations=populations,
            neurons=neurons,
            channels=channels,
            start=start,
            stop=stop,
            recorder=recorder,
            memory_mb=memory_mb,
        )

    def states(
        self,
        populations: Names = None,
        neurons: Neurons = None,
        variables: Names = None,
        start: Time | None = None,
        stop: Time | None = None,
        recorder: str | None = None,
    ) -> pd.DataFrame:
        """Return recorded state variables by bin and neuron (`tabulate.tabulate_states`)."""
        return tabulate.tabulate_states(
            self.recording,
            populations=populations,
            neurons=neurons,
            variables=variables,
            start=start,
            stop=stop,
            recorder=recorder,
        )

    def inputs(self, drives: Names = None, start: Time | None = None, stop: Time | None = None) -> pd.DataFrame:
        """Return the spikes of drives' sources (`tabulate.tabulate_inputs`)."""
        return tabulate.tabulate_inputs(self.recording, drives=drives, start=start, stop=stop)

    def rates(
        self,
        bin: Time = "10 ms",
        populations: Names = None,
        start: Time | None = None,
        stop: Time | None = None,
        recorder: str | None = None,
    ) -> pd.DataFrame:
        """Return the rate of each population in bins (`tabulate.tabulate_rates`)."""
        return tabulate.tabulate_rates(
            self.recording, bin, populations=populations, start=start, stop=stop, recorder=recorder
        )

    def connectivity(self, pathway: str) -> pd.DataFrame:
        """Return the edges of a pathway, or of a drive with sources (`tabulate.tabulate_connectivity`)."""
        return tabulate.tabulate_connectivity(self.folder, self.network, pathway)

    def summary(self) -> pd.DataFrame:
        """Return one row per population: how it fired, and what it received (`summary.summarize_recording`)."""
        return summary.summarize_recording(self.recording)


def load_run(path: str | Path, *, partial: bool = False) -> Run:
    """Open a run; its tables are read later, when asked for.

    Parameters
    ----------
    path : str or Path
        The run's folder.
    partial : bool
        Take what there is of a run that did not finish, or whose recording is damaged.

    Raises
    ------
    RunFolderError
        If the folder is not a run, or one of another format version.
    UnfinishedRunError
        If the run did not finish and `partial` is false.
    RecordingError
        If what it recorded is missing, damaged or of another version.
    """
    folder = RunFolder(Path(path).resolve())
    own = read_manifest(folder)
    report, origin = read_report(folder), _read_origin(folder, partial)
    manifest = follow_program(own, report, origin)
    network = _read_network(folder, manifest)
    if manifest["status"] != "finished" and not partial:
        raise _unfinished(folder, manifest, network)
    n_steps = manifest.get("n_steps")
    _check_origin(folder, manifest, origin)
    return Run(folder, manifest, open_recording(folder, network, n_steps=n_steps, origin=origin, partial=partial))


def _read_origin(folder: RunFolder, partial: bool) -> Origin | None:
    """Return what a recording was made with; None where it does not say, or, of a part, where that is damaged."""
    try:
        return read_origin(folder)
    except RecordingError as error:
        if not partial:
            raise
        warn_of(error)
        return None


def _check_origin(folder: RunFolder, manifest: dict[str, Any], origin: Origin | None) -> None:
    """Raise `RecordingError` where a recording was made with another seed than its program says."""
    if origin is not None and origin.seed != manifest["seed"]:
        place, what = f"{folder.recording_origin}: seed", "is not that of the program's own report"
        raise RecordingError(Problem(place, what, str(manifest["seed"]), str(origin.seed)))


def read_manifest(folder: RunFolder) -> dict[str, Any]:
    """Return a run's manifest; raise `RunFolderError` when there is none, or one of another version."""
    place, expected = str(folder.path), "the folder of a run, which has manifest.json at its top"
    try:
        if not folder.path.is_dir():
            what = "is a file" if folder.path.exists() else "does not exist"
            raise RunFolderError(Problem(place, what, expected))
        if (folder.path / COLUMNS_FILE).is_file() and not folder.recording.exists():
            next_ = _find_exported(folder)
            raise RunFolderError(Problem(place, "is a folder of exported tables, not a run", next=next_))
        manifest = json.loads(folder.manifest.read_text(encoding="utf-8"))
    except RunFolderError:
        raise
    except FileNotFoundError:
        raise RunFolderError(Problem(place, "is not a run: it has no manifest", expected)) from None
    except OSError as error:
        raise RunFolderError(Problem(place, "cannot be read", expected, evidence=str(error))) from None
    except (ValueError, RecursionError) as error:
        raise RunFolderError(Problem(str(folder.manifest), "cannot be read as JSON", evidence=str(error))) from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        got = f"format {manifest.get('format')}" if isinstance(manifest, dict) else "no table"
        next_ = "load it with the version of this package that wrote it"
        problem = Problem(str(folder.manifest), "is of another format version", f"format {FORMAT}", got, next=next_)
        raise RunFolderError(problem)
    if problems := check_manifest(manifest):
        raise RunFolderError(*(problem.within(str(folder.manifest)) for problem in problems))
    return manifest


def _find_exported(folder: RunFolder) -> str | None:
    """Return advice to name the run that tables are of, where what lies beside them says where it was."""
    with suppress(OSError, ValueError, RecursionError, KeyError, TypeError):
        return f"name the run's folder, which was {json.loads((folder.path / COLUMNS_FILE).read_bytes())['run']}"
    return None


def _read_network(folder: RunFolder, manifest: dict[str, Any]) -> Expanded:
    place = f"{folder.manifest}: spec"
    try:
        spec = NetworkSpec.model_validate(manifest["spec"]).with_origin(folder.path, tuple(manifest.get("notes", ())))
        return expand_network(spec, has_run=True)
    except ValidationError as error:
        problems = translate_errors(error.errors())
    except CurrentsError as error:
        problems = list(error.problems)
    raise RunFolderError(*(problem.within(place) for problem in problems))


def _unfinished(folder: RunFolder, manifest: dict[str, Any], network: Expanded) -> UnfinishedRunError:
    """Return the error that says how far a run got."""
    status = manifest["status"]
    duration = format_time(manifest["duration_s"]) if "duration_s" in manifest else "an unknown duration"
    try:
        recorded_s = recorded_seconds(open_recording(folder, network, partial=True))
        recorded, has_part = format_time(recorded_s), recorded_s > 0
    except RecordingError:
        recorded, has_part = "nothing", False
    said = '"running", though its process has died,' if status == "died" else f'"{status}"'
    got = f"status {said} with {recorded} of {duration} recorded"
    evidence = manifest.get("error")
    problem = Problem(str(folder.path), "has not finished", 'status "finished"', got, evidence=evidence)
    error = UnfinishedRunError(problem, has_part=has_part, is_running=status == "running")
    take = f'load what there is with: load_run("{folder.path}", partial=True)'
    return error.advise(take if has_part else "run it again")
