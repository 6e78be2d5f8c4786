"""`currents describe`, `plan` and `simulate`: the verbs that take a model."""

import os
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from models.errors import Problem, SpecError
from models.files import load_network
from pipeline.cli_json import Flag, Folder, Json, Whole, print_json
from pipeline.cli_output import tell
from pipeline.cli_progress import show_progress

type Settings = Annotated[
    list[str] | None, Parameter(name="--set", help="PATH=VALUE, any number of times.", negative=())
]


@Parameter(name="*")
@dataclass(frozen=True)
class RunOptions:
    """What a run is made of, besides its model.

    Parameters
    ----------
    duration
        Model time, such as "10 s"; the model's own when not given.
    seed
        Of initial values and drive; the model's own when not given.
    device
        What runs the network.
    record_interval
        Interval of every recorder of currents, such as "1 ms".
    threads
        Threads of the engine. The results are the same bits with any number.
    arch
        Machine to compile for. The results are the same bits on any.
    build_root
        Root folder of builds and runs.
    """

    duration: str | None = None
    seed: Whole | None = None
    set: Settings = None
    device: Literal["engine", "reference"] = "engine"
    record_interval: str | None = None
    threads: Whole = 1
    arch: Literal["native", "x86-64-v3", "x86-64-v2"] = "native"
    build_root: Folder | None = None

    def to_arguments(self) -> dict[str, Any]:
        """Return them as the Python interface takes them."""
        return {**{k: v for k, v in vars(self).items() if k != "set"}, "settings": read_settings(self.set)}


_DEFAULTS = RunOptions()


def describe(model: str, /, *, set: Settings = None, as_json: Json = False) -> None:
    """Show a model as tables: populations, neurons, pathways, drive, recording.

    Parameters
    ----------
    model
        A shipped network's name or a model file.
    """
    from models.describe import describe_network, format_tables, tables_to_json

    tables = describe_network(load_network(model, read_settings(set)))
    if as_json:
        print_json(tables_to_json(tables))
    else:
        print(format_tables(tables))


def plan(model: str, /, *, options: RunOptions = _DEFAULTS, as_json: Json = False) -> None:
    """Predict memory, disk and time that a run will take, from the model and some seconds of simulating it.

    Parameters
    ----------
    model
        A shipped network's name or a model file.
    """
    from pipeline.planning.plan import plan_run
    from pipeline.planning.show import format_plan

    arguments = options.to_arguments()
    with show_progress(quiet=as_json) as (notify, progress):
        planned = plan_run(model, **arguments, notify=notify, progress=progress)
    if as_json:
        print_json(planned.to_json())
    else:
        print(format_plan(planned))


def simulate(
    model: str,
    /,
    *,
    options: RunOptions = _DEFAULTS,
    out: Folder | None = None,
    force: Flag = False,
    as_json: Json = False,
) -> None:
    """Build and run a model, and show a summary; a finished run with the same numbers is found, not computed.

    Parameters
    ----------
    model
        A shipped network's name or a model file.
    out
        The run's folder: new, or empty, or that of the same finished run.
    force
        Compute a run that was found, too.
    """
    from pipeline.simulation import simulate as simulate_network

    arguments = options.to_arguments()
    if not as_json:
        _warn_of_threads(options.threads)
    stages: list[str] = []
    with show_progress(quiet=as_json, stages=stages) as (notify, progress):
        run = simulate_network(model, **arguments, out=out, force=force, notify=notify, progress=progress)
    found = stages[-1:] == ["found"]
    summary = _summarize(run, found)
    if as_json:
        rows = summary.to_dict("records")
        print_json({"path": str(run.path), "found": found, "manifest": run.manifest, "summary": rows})
        return
    if found:
        # Who started it may have been killed before it could note when it had finished.
        when = f"finished on {run.manifest['finished']}" if "finished" in run.manifest else "finished"
        print(f"found: {when} (--force recomputes)")
    for note in run.spec.notes:
        print(f"note: {note}")
    _print_summary(run, summary)


def _warn_of_threads(n_threads: int) -> None:
    n_processors = os.process_cpu_count() or 1
    if n_threads > n_processors:
        tell(f"note: --threads {n_threads}: more than the {n_processors} processors that there are make a run slower")


def _summarize(run: Any, found: bool) -> Any:
    from pipeline.errors import RecordingError
    from pipeline.found import advise_force

    try:
        return run.summary()
    except RecordingError as error:
        raise advise_force(error) if found else error from None


def _print_summary(run: Any, summary: Any) -> None:
    from pipeline.show import format_summary

    print(format_summary(summary))
    silent = list(summary.loc[summary["silent_fraction"] == 1, "population"])
    if silent:
        print(f"warning: never fired: {', '.join(silent)}")
    print(f"\nsimulated {run.manifest['duration_s']:g} s of model time{_tell_time(run.manifest)}")
    print(f"run: {run.path}")
    print(f"next: currents verify {run.path}\n      currents tables {run.path} --to tables")


def _tell_time(manifest: dict[str, Any]) -> str:
    """Return how long a run took, where that is known: whoever started it may have been killed."""
    if "simulation_s" not in manifest:
        return ""
    per_second = manifest["simulation_s"] / manifest["duration_s"]
    return f" in {manifest['simulation_s']:.1f} s ({per_second:.2f} s per second)"


def read_settings(texts: list[str] | None) -> dict[str, object]:
    """Return the values of `--set` by their path; raise `SpecError` where there is none."""
    settings: dict[str, object] = {}
    for text in texts or []:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise SpecError(
                Problem(f"--set {text}", "has no value", 'PATH=VALUE, such as drive.background.rate="12 Hz"')
            )
        settings[path.strip()] = value.strip()
    return settings
