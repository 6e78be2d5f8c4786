"""The `currents` command: one function per verb, each a thin layer over the Python interface."""

import json
import re
import sys
import traceback
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, CycloptsError, Parameter

from models.errors import CurrentsError, Problem, SpecError
from models.files import list_networks, read_description
from models.quantities import show_value
from pipeline.arguments import Argument
from pipeline.cli_cache import cache_app
from pipeline.cli_json import Flag, Folder, Json, print_json
from pipeline.cli_output import Notices, OutputLostError, guard_output, tell, tell_damage
from pipeline.cli_progress import show_progress
from pipeline.cli_run import describe, plan, simulate
from pipeline.cli_surroundings import explain_surroundings
from pipeline.errors import UnfinishedRunError
from pipeline.places import is_utf8

if TYPE_CHECKING:
    from pipeline.run import Run

EXIT_FAILED, EXIT_USAGE, EXIT_BUG, EXIT_INTERRUPTED = 1, 2, 70, 130

app = App(
    name="currents",
    help="Simulate hierarchies of spiking layers and tabulate every current that reaches every neuron.",
    version=lambda: version("brian2currents"),
    version_flags=["--version"],
)

for verb in (describe, plan, simulate):
    app.command(verb)
app.command(cache_app)


def main(arguments: list[str] | None = None) -> int:
    """Run a verb; return its exit code: 0 only if what it promised happened, 2 for a usage or spec error."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        with guard_output():
            return _run(words)
    except OutputLostError as error:
        if error.problem is not None:
            tell(str(error.problem))
        return EXIT_FAILED


def _run(words: list[str]) -> int:
    try:
        _refuse_undecodable(words)
        result = app(_join_negative(words), exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        return _report(SpecError(Problem("currents", str(error).strip().rstrip(".?"), next="currents --help")), words)
    except CurrentsError as error:
        return _report(error, words)
    except KeyboardInterrupt:
        return _tell_interrupt()
    except OutputLostError:
        raise
    except Exception as error:
        if _is_interrupt(error):
            return _tell_interrupt()
        if (explained := explain_surroundings(error)) is not None:
            return _report(explained, words)
        # Brian2 replaces sys.excepthook by one that blames Brian2.
        tell(traceback.format_exc().rstrip())
        tell("currents: this is a bug in brian2currents; please report it with the lines above.")
        return EXIT_BUG
    return result if isinstance(result, int) else 0


def _tell_interrupt() -> int:
    tell("interrupted")
    return EXIT_INTERRUPTED


def _is_interrupt(error: BaseException | None) -> bool:
    """Return whether an error is what a library has made of an interrupt while it was imported."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _refuse_undecodable(words: list[str]) -> None:
    """Raise `SpecError` for an argument that could not be written into a manifest."""
    for word in words:
        if not is_utf8(word):
            what, remedy = "an argument is not text in UTF-8, which a run's manifest is", "rename the file or folder"
            raise SpecError(Problem("currents", what, got=show_value(word), next=remedy))


def _join_negative(words: list[str]) -> list[str]:
    """Return the words with `--duration "-1 s"` as one, which else would count as an option without a value."""
    joined: list[str] = []
    for word in words:
        if joined and re.match(r"-\.?[0-9]", word) and re.fullmatch(r"--[a-z-]+", joined[-1]):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _report(error: CurrentsError, words: list[str]) -> int:
    problems = [_name_option(problem) for problem in error.problems]
    if "--json" in words:
        described = [{key: text for key, text in vars(p).items() if text is not None} for p in problems]
        print(json.dumps({"error": type(error).__name__, "problems": described}, ensure_ascii=False))
    else:
        tell("\n".join(map(str, problems)))
    return error.exit_code


def _name_option(problem: Problem) -> Problem:
    """Return the problem of an argument as one of the option that it was given by."""
    where = problem.where
    return replace(problem, where=where.option) if isinstance(where, Argument) else problem


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
def tables(
    run: Folder,
    /,
    *,
    to: Folder,
    format: Literal["parquet", "csv"] = "parquet",
    populations: list[str] | None = None,
    neurons: list[int] | None = None,
    channels: list[str] | None = None,
    start: str | None = None,
    stop: str | None = None,
    overwrite: bool = False,
    partial: Flag = False,
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
        What to write; everything when not given. Recorders that have none of these neurons are named as left out.
    start, stop
        Times, such as "100 ms".
    overwrite
        Replace tables that are there.
    partial
        Write what there is of a run that was interrupted or killed, or is under way, or whose recording is damaged.
        Until which model time is said, and noted in manifest.json and columns.json.
    """
    from pipeline.export import export_tables, list_left_out
    from pipeline.part import find_part

    with tell_damage():
        loaded = _open_run(run, partial)
        written = export_tables(
            loaded,
            to,
            format=format,
            populations=populations,
            neurons=neurons,
            channels=channels,
            start=start,
            stop=stop,
            overwrite=overwrite,
        )
        part = find_part(loaded)
    left_out = list_left_out(loaded, populations, neurons)
    if as_json:
        said = {} if part is None else {"partial": part.to_json()}
        print_json({"written": [str(path) for path in written], "left_out": left_out, **said})
        return
    for path in written:
        print(path)
    if part is not None:
        tell(f"partial: recorded {part}")
    for name, reason in left_out.items():
        tell(f"left out: {name} ({reason})")


def _open_run(run: Path, partial: bool) -> "Run":
    """Open a run; where it has not finished, name the option that takes a part of it."""
    from pipeline.run import load_run

    try:
        return load_run(run, partial=partial)
    except UnfinishedRunError as error:
        raise error.advise("take what there is with --partial") if error.has_part else error from None


@app.command
def verify(run: Folder, /, *, partial: Flag = False, as_json: Json = False) -> int:
    """Recompute the recorded currents and v of a run from spikes, drive and edges alone, and compare.

    Spikes are compared at the neurons whose v was recomputed: those that a recorder of currents or states has. Recorded
    rates are compared with the recorded spikes; edges and recorded neurons with the model. What could not be checked,
    such as a current whose source's spikes were not recorded, is listed and counted.

    Exits 1 if anything differs, if none of the recorded currents could be checked, or if no channel that was checked
    held a value other than 0.

    Parameters
    ----------
    run
        A run's folder.
    partial
        Verify what there is of a run that was interrupted or killed, or is under way: each recorder as far as it goes,
        up to the step until which all spikes were recorded. Until which model time is said.
    """
    from pipeline.show import format_report
    from pipeline.verification import verify as verify_run

    with tell_damage(), show_progress(quiet=as_json) as (notify, progress):
        notify("verify")
        report = verify_run(_open_run(run, partial), progress=progress)
    if as_json:
        counts = {"n_rows": len(report.rows), "n_not_checked": report.n_unchecked}
        said = {"passed": report.passed, "failed": list(report.failed), "why_not": report.why_not}
        part = {} if report.part is None else {"partial": report.part.to_json()}
        print_json({**said, **counts, **part, "rows": report.table.to_dict("records")})
    else:
        print(format_report(report))
    return 0 if report.passed else EXIT_FAILED


@app.command
def bench(
    *,
    quick: bool = False,
    growth: bool = False,
    plot: Folder | None = None,
    tiny: Annotated[bool, Parameter(show=False, negative=())] = False,
    build_root: Folder | None = None,
    as_json: Json = False,
) -> int:
    """Measure speed: the reference network by a hand-written Brian2 script and by us in turn, as a table of ratios.

    Also where the engine's time goes, part by part, and how time and memory grow with neurons, synapses, layers and
    recorded neurons. Takes 20 minutes and up to 9 GB of memory, and wants a machine that does nothing else. Exits 1 if
    contenders that must give the same spikes did not.

    Parameters
    ----------
    quick
        Two shorter runs of each contender, without what takes long or gigabytes.
    growth
        The curves of growth, and nothing else: 5 minutes.
    plot
        PNG file for the curves of growth, with their numbers beside it as JSON; bench/growth.png in the build root
        when not given.
    build_root
        Root folder of builds, which are used again.
    """
    from pipeline.bench.bench import run_bench
    from pipeline.bench.plot import save_growth
    from pipeline.bench.show import format_bench
    from pipeline.bench.sizes import FULL, QUICK, TINY
    from pipeline.build_root import choose_root

    notices = Notices(stderr=True, quiet=as_json, highlight=False)
    sizes = TINY if tiny else QUICK if quick and not growth else FULL
    root = choose_root(build_root).path
    results = run_bench(sizes, root, notices.print, only_growth=growth)
    if results["growth"]:
        save_growth(results, plot or root / "bench" / "growth.png")
    if as_json:
        print_json(results)
    else:
        print(format_bench(results))
    return EXIT_FAILED if any(found["same_spikes"] is False for found in results["comparisons"]) else 0
