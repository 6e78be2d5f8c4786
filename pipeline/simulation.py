"""From a model to a finished run: every stage in turn."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

from models.checks import check_duration
from models.errors import Problem, SpecError
from models.files import load_network, to_toml
from models.groups import Device
from models.quantities import SECOND, Quantity, QuantityError, parse_quantity
from models.spec import CurrentsRecord, NetworkSpec
from models.steps import count_steps
from pipeline.arguments import Argument, read_value, read_whole
from pipeline.atomic import write_atomically
from pipeline.build_root import BuildRoot, choose_root
from pipeline.cache import read_limit
from pipeline.claim import Claim, claim_folder, take_turn
from pipeline.compiler import Arch, find_compiler
from pipeline.errors import RecordingError, RunInterrupted
from pipeline.fingerprint import fingerprint_run
from pipeline.input_files import copy_input_files
from pipeline.job import Job, Notify, explain_storage
from pipeline.manifest import describe_run, now, save_manifest
from pipeline.manifest_check import MAX_SEED
from pipeline.places import check_place
from pipeline.program import Progress
from pipeline.run_folder import RunFolder
from pipeline.signals import interrupt_on_signals

if TYPE_CHECKING:
    from brian2 import Quantity as BrianQuantity

    from pipeline.run import Run

type Amount = str | BrianQuantity
"""Text such as `"10 s"`, or a quantity of Brian2's."""

MOST_THREADS = 1024
"""What the engine's program takes."""


def simulate(
    model: str | Path | NetworkSpec,
    *,
    duration: Amount | None = None,
    seed: SupportsIndex | None = None,
    settings: Mapping[str, object] | None = None,
    device: Device = "engine",
    record_interval: Amount | None = None,
    threads: SupportsIndex = 1,
    out: str | Path | None = None,
    force: bool = False,
    arch: Arch = "native",
    build_root: str | Path | None = None,
    notify: Notify | None = None,
    progress: Progress | None = None,
) -> "Run":
    """Build and run a network, or find the finished run of equal numbers; one that is under way is waited for.

    Parameters
    ----------
    model : str, Path or NetworkSpec
        A shipped network's name, a model file, or a spec.
    duration : str or Quantity, optional
        Model time, such as `"10 s"` or Brian2's `10*second`; the model's own when not given.
    seed : int, optional
        Fixes initial values and drive; the model's `network.seed` when not given.
    settings : mapping, optional
        Values by their path in the model, such as `{"drive.background.rate": "12 Hz"}`, not as tables within tables;
        quantities of Brian2's and NumPy arrays, too.
    device : {"engine", "reference"}
        Our own device, or Brian2's stock `cpp_standalone`, which holds every recording in memory.
    record_interval : str or Quantity, optional
        The interval of every recorder of currents, such as `"1 ms"`.
    threads : int
        Threads of the engine. The results are the same bits with any number.
    out : path, optional
        The run's folder: new or empty, or that of the equal finished run; one under the build root when not given.
    force : bool
        Compute a run that was found, too: in a new folder, or in the place of the equal run that `out` holds, which
        stays until the new one has finished.
    arch : {"native", "x86-64-v3", "x86-64-v2"}
        Machine that the program is compiled for. The results are the same bits on any.
    build_root : path, optional
        Root of builds and runs (`pipeline.build_root.default_root`).
    notify, progress : callable, optional
        Called as stages begin (`found`, and nothing else, for a run that was found; `wait` before that, or before all
        others, where another process computes the same run), and with the completed fraction of the run.

    Returns
    -------
    Run

    Raises
    ------
    SpecError
        If the model, a setting or an argument is wrong, or there is no compiler. Nothing was written.
    OutputError
        If `out` or the build root cannot be written to. Nothing was written.
    RecordingError
        If `out` holds the equal run, and what it recorded is damaged; with `force` it is computed again.
    CompileError, ProgramError, StorageError
        If a later stage fails; the run's manifest says `failed`, where it can be written.
    RunInterrupted
        On SIGINT, SIGTERM or SIGHUP; the manifest says `interrupted`.
    """
    root = choose_root(build_root)
    settings, duration_text = read_value(settings or {}), read_value(duration)
    spec = set_interval(load_network(model, settings), read_value(record_interval), duration_text)
    n_steps = resolve_steps(spec, duration_text)
    run_seed, place = check_seed(seed, spec), check_place(Argument("out"), out) if out is not None else None
    n_threads = check_threads(threads, device)
    read_limit()
    fingerprint = fingerprint_run(spec, seed=run_seed, n_steps=n_steps, device=device)
    notify = notify or (lambda stage: None)

    def explain(path: Path) -> Problem | None:
        from pipeline.found import Wanted, explain_taken

        return explain_taken(path, Wanted(fingerprint, run_seed, n_steps))

    def compute(*, replace: bool) -> "Run":
        compiler = find_compiler(arch)
        name = model.network.name if isinstance(model, NetworkSpec) else str(model)
        claim = claim_folder(root, spec.network.name, place, replace=replace, explain=explain)
        job = Job(spec, name, settings, run_seed, n_steps, device, n_threads, compiler, root, claim.folder, fingerprint)
        return _compute(job, claim, notify, progress)

    try:
        same = _find_same(root, fingerprint, run_seed, n_steps, place)
    except RecordingError:
        if not force:
            raise
        return compute(replace=True)
    if force or (same is None and place is not None):
        return compute(replace=same is not None)
    with nullcontext() if same is not None else take_turn(root, fingerprint, lambda: notify("wait")):
        # Another process may have finished it by now.
        same = same or _find_same(root, fingerprint, run_seed, n_steps, place)
        if same is None:
            return compute(replace=False)
    notify("found")
    return same


def _compute(job: Job, claim: Claim, notify: Notify, progress: Progress | None) -> "Run":
    """Run a job in a folder that was claimed for it."""
    try:
        with interrupt_on_signals():
            _run_job(job, notify, progress)
    except SpecError as error:
        # A wrong spec that only Brian2 could find: as if nothing had been asked.
        claim.release()
        raise SpecError(*(problem.within(job.model) for problem in error.problems)) from None
    except BaseException:
        claim.keep()
        raise
    return _open_finished(job, claim)


def _find_same(root: BuildRoot, fingerprint: str, seed: int, n_steps: int, out: Path | None) -> "Run | None":
    """Return the finished run of a fingerprint: the one in `out`, where that is given, else wherever it is.

    Raise `RecordingError` where `out` holds it, and it is damaged.
    """
    try:
        if not (root.run_index / fingerprint if out is None else RunFolder(out).manifest).is_file():
            return None
    except OSError:  # what is wrong with it is found when it is claimed
        return None
    # Imported late: only what reads tables needs pandas, and a run that is new should not wait for it.
    from pipeline.found import Wanted, find_run, open_same

    wanted = Wanted(fingerprint, seed, n_steps)
    return find_run(root, wanted) if out is None else open_same(out, wanted)


def _open_finished(job: Job, claim: Claim) -> "Run":
    from pipeline.found import remember_run
    from pipeline.run import load_run

    with explain_storage(job):
        path = claim.settle()
    remember_run(job.root, job.fingerprint, RunFolder(path))
    return load_run(path)


def set_interval(spec: NetworkSpec, interval: str | None, duration: str | None) -> NetworkSpec:
    """Return the spec with one interval, which must fit the duration asked for, for all recorders of currents."""
    if interval is None:
        return spec
    names = [name for name, record in spec.record.items() if isinstance(record, CurrentsRecord)]
    if not names:
        raise SpecError(Problem(Argument("record_interval"), "reaches nothing: the model records no currents"))
    settings = {f"record.{name}.interval": interval for name in names}
    return load_network(spec, settings if duration is None else settings | {"network.duration": duration})


def resolve_steps(spec: NetworkSpec, duration: str | None) -> int:
    """Return the steps of a duration, or of the model's own; raise `SpecError` when it does not fit the model."""
    quantity: Quantity = spec.network.duration
    if duration is not None:
        try:
            quantity = parse_quantity(duration, SECOND)
        except QuantityError as error:
            raise SpecError(Problem(Argument("duration"), error.what, error.expected, error.got)) from None
        if problems := check_duration(spec, quantity, Argument("duration")):
            raise SpecError(*problems)
    return count_steps(quantity.value, spec.network.dt.value)


def check_seed(seed: SupportsIndex | None, spec: NetworkSpec) -> int:
    """Return the run's seed, the network's when none is given; raise `SpecError` when it is none, or out of range."""
    if seed is None:
        return spec.network.seed
    number = read_whole("seed", seed)
    if not 0 <= number <= MAX_SEED:
        raise SpecError(Problem(Argument("seed"), "is out of range", f"0 to {MAX_SEED}", str(number)))
    return number


def check_threads(threads: SupportsIndex, device: Device) -> int:
    """Return the number of threads; raise `SpecError` when it is none, or the device cannot have so many."""
    number = read_whole("threads", threads)
    most = MOST_THREADS if device == "engine" else 1
    if not 1 <= number <= most:
        expected = f"1 to {most}" if device == "engine" else "1: the reference device has one thread"
        raise SpecError(Problem(Argument("threads"), "is out of range", expected, str(number)))
    return number


def _run_job(job: Job, notify: Notify, progress: Progress | None) -> None:
    manifest: dict[str, Any] = {}
    with _record_outcome(job, manifest), explain_storage(job):
        named = copy_input_files(job.spec, job.folder)
        manifest |= describe_run(
            named,
            model=job.model,
            settings=job.settings,
            seed=job.seed,
            n_steps=job.n_steps,
            device=job.device,
            fingerprint=job.fingerprint,
        )
        save_manifest(job.folder, manifest)
        write_atomically(job.folder.model, to_toml(named))
        manifest |= _run_on_device(job, manifest, notify, progress)


@contextmanager
def _record_outcome(job: Job, manifest: dict[str, Any]) -> Iterator[None]:
    """Write into the manifest how the run ended, whatever happens.

    Raises
    ------
    StorageError
        If it cannot be written that a run has finished.
    """
    outcome: dict[str, Any] = {"status": "failed"}

    def save() -> None:
        if manifest:
            save_manifest(job.folder, manifest | outcome | {"finished": now()})

    try:
        with _describe_end(job, outcome):
            yield
    except BaseException:
        # On a disk that is full the first manifest stays: what is being raised matters more.
        with suppress(OSError):
            save()
        raise
    with explain_storage(job):
        save()


@contextmanager
def _describe_end(job: Job, outcome: dict[str, Any]) -> Iterator[None]:
    """Note how a run ends."""
    try:
        yield
    except KeyboardInterrupt:
        outcome["status"] = "interrupted"
        raise RunInterrupted(Problem(str(job.folder.path), "was interrupted")) from None
    except RunInterrupted:
        outcome["status"] = "interrupted"
        raise
    except Exception as error:
        outcome["error"] = str(error) or type(error).__name__
        raise
    outcome["status"] = "finished"


def _run_on_device(job: Job, manifest: dict[str, Any], notify: Notify, progress: Progress | None) -> dict[str, Any]:
    """Run a job on its device; return what the manifest gains."""
    # Imported late: bad input should not wait for what it does not reach, and the reference device imports Brian2.
    if job.device == "reference":
        from pipeline.reference import run_reference

        return run_reference(job, manifest, notify, progress)
    from pipeline.engine.run import run_engine

    return run_engine(job, manifest, notify, progress)
