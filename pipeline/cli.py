"""The `currents` command: one function per verb, each a thin layer over the Python interface."""

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from models.errors import CurrentsError, Problem, SpecError
from models.files import list_networks, load_network, read_description
from pipeline.cli_cache import cache_app
from pipeline.cli_json import Json, print_json

EXIT_FAILED, EXIT_USAGE, EXIT_BUG, EXIT_INTERRUPTED = 1, 2, 70, 130

_MEASURED = ("run", "verify")
"""Stages that tell how far they are."""

app = App(
    name="currents",
    help="Simulate hierarchies of spiking layers and tabulate every current that reaches every neuron.",
    version=lambda: version("brian2currents"),
    version_flags=["--version"],
)

app.command(cache_app)


def main(arguments: list[str] | None = None) -> int:
    """Run a verb; return its exit code: 0 only if what it promised happened, 2 for a usage or spec error."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        result = app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        return _report(SpecError(Problem("currents", str(error).strip().rstrip(".?"), next="currents --help")), words)
    except CurrentsError as error:
        return _report(error, words)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (`| head`) has left; there is nobody to tell.
        sys.stderr.close()
        return EXIT_FAILED
    except Exception:
        # Brian2 replaces sys.excepthook by one that blames Brian2.
        traceback.print_exc()
        print("currents: this is a bug in brian2currents; please report it with the lines above.", file=sys.stderr)
        return EXIT_BUG
    return result if isinstance(result, int) else 0


def _report(error: CurrentsError, words: list[str]) -> int:
    if "--json" in words:
        problems = [{key: text for key, text in vars(p).items() if text is not None} for p in error.problems]
        print(json.dumps({"error": type(error).__name__, "problems": problems}, ensure_ascii=False))
    else:
        print(error, file=sys.stderr)
    return error.exit_code


@app.command(name="list")
def list_verb(*, as_json: Json = False) -> None:
    """List the shipped networks, one line each."""
    described = {name: read_description(path) for name, path in list_networks().items()}
    if as_json:
        print_json(described)
        return
    width = max(map(len, described), default=0)
    for name, description in described.items():
        print(f"{name:{width}}  {description}")


@app.command
def describe(
    model: str,
    /,
    *,
    set: Annotated[
        list[str] | None, Parameter(name="--set", help="PATH=VALUE, any number of times.", negative=())
    ] = None,
    as_json: Json = False,
) -> None:
    """Show a model as tables: populations, neurons, pathways, drive, recording.

    Parameters
    ----------
    model
        A shipped network's name or a model file.
    """
    from models.describe import describe_network, format_tables, tables_to_json

    spec = load_network(model, _read_settings(set))
    tables = describe_network(spec)
    if as_json:
        print_json(tables_to_json(tables))
    else:
        print(format_tables(tables))


@app.command
def plan(
    model: str,
    /,
    *,
    duration: str | None = None,
    seed: int | None = None,
    set: Annotated[
        list[str] | None, Parameter(name="--set", help="PATH=VALUE, any number of times.", negative=())
    ] = None,
    device: Literal["engine", "reference"] = "engine",
    record_interval: str | None = None,
    arch: Literal["native", "x86-64-v3", "x86-64-v2"] = "native",
    build_root: Path | None = None,
    as_json: Json = False,
) -> None:
    """Predict memory, disk and time that a run will take, from the model and some seconds of simulating it.

    Parameters
    ----------
    model
        A shipped network's name or a model file.
    duration
        Model time, such as "1 h".
    seed
        Of initial values and drive; the model's own when not given.
    device
        What will run the network.
    record_interval
        Interval of every recorder of currents, such as "1 ms".
    arch
        Machine to compile for.
    build_root
        Root folder of builds and runs, whose disk the run will be on.
    """
    from pipeline.planning.plan import plan_run
    from pipeline.planning.show import format_plan

    settings = _read_settings(set)
    with _show_progress(quiet=as_json) as (notify, progress):
        planned = plan_run(
            model,
            duration=duration,
            seed=seed,
            settings=settings,
            device=device,
            record_interval=record_interval,
            arch=arch,
            build_root=build_root,
            notify=notify,
            progress=progress,
        )
    if as_json:
        print_json(planned.to_json())
    else:
        print(format_plan(planned))


@app.command
def simulate(
    model: str,
    /,
    *,
    duration: str | None = None,
    seed: int | None = None,
    set: Annotated[
        list[str] | None, Parameter(name="--set", help="PATH=VALUE, any number of times.", negative=())
    ] = None,
    device: Literal["engine", "reference"] = "engine",
    record_interval: str | None = None,
    out: Path | None = None,
    force: Annotated[bool, Parameter(negative=())] = False,
    arch: Literal["native", "x86-64-v3", "x86-64-v2"] = "native",
    build_root: Path | None = None,
    as_json: Json = False,
) -> None:
    """Build and run a model, and show a summary; a finished run with the same numbers is found, not computed.

    Parameters
    ----------
    model
        A shipped network's name or a model file.
    duration
        Model time, such as "10 s".
    seed
        Of initial values and drive; the model's own when not given.
    device
        What runs the network.
    record_interval
        Interval of every recorder of currents, such as "1 ms".
    out
        The run's folder: new, or empty, or that of the same finished run.
    force
        Compute a run that was found, too.
    arch
        Machine to compile for.
    build_root
        Root folder of builds and runs.
    """
    from pipeline.simulation import simulate as simulate_network

    settings = _read_settings(set)
    stages: list[str] = []
    with _show_progress(quiet=as_json, stages=stages) as (notify, progress):
        run = simulate_network(
            model,
            duration=duration,
            seed=seed,
            settings=settings,
            device=device,
            record_interval=record_interval,
            out=out,
            force=force,
            arch=arch,
            build_root=build_root,
            notify=notify,
            progress=progress,
        )
    summary, found = run.summary(), stages == ["found"]
    if as_json:
        print_json({"path": str(run.path), "found": found, "manifest": run.manifest, "summary": _list_rows(summary)})
        return
    if found:
        print(f"found: finished on {run.manifest['finished']} (--force recomputes)")
    for note in run.spec.notes:
        print(f"note: {note}")
    _print_summary(run, summary)


def _print_summary(run: Any, summary: Any) -> None:
    from pipeline.show import format_summary

    print(format_summary(summary))
    silent = list(summary.loc[summary["silent_fraction"] == 1, "population"])
    if silent:
        print(f"warning: never fired: {', '.join(silent)}")
    manifest = run.manifest
    per_second = manifest["simulation_s"] / manifest["duration_s"]
    took = f"{manifest['simulation_s']:.1f} s ({per_second:.2f} s per second)"
    print(f"\nsimulated {manifest['duration_s']:g} s of model time in {took}")
    print(f"run: {run.path}")
    print(f"next: currents verify {run.path}\n      currents tables {run.path} --to tables")


@contextmanager
def _show_progress(
    *, quiet: bool, stages: list[str] | None = None
) -> Iterator[tuple[Callable[[str], None], Callable[[float], None]]]:
    """Show stages and a bar with the time left, on stderr; plain lines where that is no terminal.

    Names of stages are added to `stages` as they begin. A run that was found is no stage to show.
    """
    console = Console(stderr=True, quiet=quiet)
    with _show_bars(console) if console.is_terminal else nullcontext(_plain_progress(console)) as (show, progress):

        def notify(stage: str) -> None:
            if stages is not None:
                stages.append(stage)
            if stage != "found":
                show(stage)

        yield notify, progress


@contextmanager
def _show_bars(console: Console) -> Iterator[tuple[Callable[[str], None], Callable[[float], None]]]:
    columns = (TextColumn("{task.description:10}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=console) as bars:
        task: list[Any] = []

        def notify(stage: str) -> None:
            if task:
                bars.update(task[-1], total=1.0, completed=1.0)
            task.append(bars.add_task(stage, total=1.0 if stage in _MEASURED else None))

        def progress(completed: float) -> None:
            bars.update(task[-1], completed=completed)

        yield notify, progress
        if task:
            bars.update(task[-1], total=1.0, completed=1.0)


def _plain_progress(console: Console) -> tuple[Callable[[str], None], Callable[[float], None]]:
    shown = [0]

    def notify(stage: str) -> None:
        console.print(f"{stage} …")

    def progress(completed: float) -> None:
        tenth = int(completed * 10)
        if tenth > shown[0]:
            shown[0] = tenth
            console.print(f"  {tenth * 10} %")

    return notify, progress


def _read_settings(texts: list[str] | None) -> dict[str, object]:
    settings: dict[str, object] = {}
    for text in texts or []:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise SpecError(
                Problem(f"--set {text}", "has no value", 'PATH=VALUE, such as drive.background.rate="12 Hz"')
            )
        settings[path.strip()] = value.strip()
    return settings


@app.command
def tables(
    run: Path,
    /,
    *,
    to: Path,
    format: Literal["parquet", "csv"] = "parquet",
    populations: list[str] | None = None,
    neurons: list[int] | None = None,
    channels: list[str] | None = None,
    start: str | None = None,
    stop: str | None = None,
    overwrite: bool = False,
    as_json: Json = False,
) -> None:
    """Write a run's tables.

    Parameters
    ----------
    run
        A run's folder.
    to
        Folder for the tables.
    format
        Parquet, or CSV.
    populations, neurons, channels
        What to write; everything when not given.
    start, stop
        Times, such as "100 ms".
    overwrite
        Replace tables that are there.
    """
    from pipeline.export import export_tables
    from pipeline.run import load_run

    written = export_tables(
        load_run(run),
        to,
        format=format,
        populations=populations,
        neurons=neurons,
        channels=channels,
        start=start,
        stop=stop,
        overwrite=overwrite,
    )
    if as_json:
        print_json({"written": [str(path) for path in written]})
    else:
        for path in written:
            print(path)


@app.command
def verify(run: Path, /, *, as_json: Json = False) -> int:
    """Recompute every recorded current, v and spike of a run from spikes, drive and edges alone.

    Exits 1 if anything differs, or if no channel held a value other than 0.

    Parameters
    ----------
    run
        A run's folder.
    """
    from pipeline.show import format_report
    from pipeline.verification import verify as verify_run

    with _show_progress(quiet=as_json) as (notify, progress):
        notify("verify")
        report = verify_run(run, progress=progress)
    if as_json:
        print_json({"passed": report.passed, "failed": list(report.failed), "rows": _list_rows(report.table)})
    else:
        print(format_report(report))
    return 0 if report.passed else EXIT_FAILED


@app.command
def bench(
    *,
    quick: bool = False,
    tiny: Annotated[bool, Parameter(show=False, negative=())] = False,
    build_root: Path | None = None,
    as_json: Json = False,
) -> int:
    """Measure speed: the reference network by a hand-written Brian2 script and by us in turn, as a table of ratios.

    Takes a quarter of an hour and up to 9 GB of memory, and wants a machine that does nothing else. Exits 1 if
    contenders that must give the same spikes did not.

    Parameters
    ----------
    quick
        Two shorter runs of each contender, without what takes long or gigabytes.
    build_root
        Root folder of builds, which are used again.
    """
    from pipeline.bench.bench import run_bench
    from pipeline.bench.show import format_bench
    from pipeline.bench.sizes import FULL, QUICK, TINY
    from pipeline.build_root import default_root

    notices = Console(stderr=True, quiet=as_json, highlight=False)
    sizes = TINY if tiny else QUICK if quick else FULL
    results = run_bench(sizes, build_root or default_root(), notices.print)
    if as_json:
        print_json(results)
    else:
        print(format_bench(results))
    return EXIT_FAILED if any(found["same_spikes"] is False for found in results["comparisons"]) else 0


def _list_rows(table: Any) -> list[dict[str, object]]:
    """Return the rows of a frame for JSON, which has no NaN."""
    return [{key: _none_for_nan(value) for key, value in row.items()} for row in table.to_dict("records")]


def _none_for_nan(value: object) -> object:
    return None if value != value else value  # NaN differs from itself
