"""A run on the engine: inputs and edges into the run's folder, the program beside them, and what it records."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.assembly import Assembly, GroupVariables, assemble_network
from models.expand import Expanded, expand_network
from models.groups import GroupPlan, plan_groups
from pipeline.cache import note_use
from pipeline.compile import Binary, compile_sources, find_binary
from pipeline.edge_cache import obtain_edges
from pipeline.engine.counted import find_counted
from pipeline.engine.inputs import write_inputs
from pipeline.engine.recorders import plan_recording, prepare_recording
from pipeline.engine.supervise import run_program
from pipeline.job import Job, Notify
from pipeline.links import choose_runnable
from pipeline.manifest import describe_build, save_manifest
from pipeline.program import Progress
from pipeline.scratch import make_scratch
from pipeline.storage import refuse_read_only
from pipeline.structure import Structure, key_structure, load_structure, save_structure

if TYPE_CHECKING:
    from pipeline.engine.emit import EmittedProgram


def run_engine(job: Job, manifest: dict[str, Any], notify: Notify, progress: Progress | None) -> dict[str, Any]:
    """Make sure that there is a program, and run it on the engine; return what the manifest gains."""
    notify("assemble")
    expanded = expand_network(job.spec)
    plans = plan_groups(expanded, job.seed, "engine")
    with _find_program(job, plans, notify) as program:
        assembly = _prepare_folder(job, expanded, plans, program.variables)
        binary = program.binary or _build(job, program, notify)
    note_use(binary.path.parent, job.spec.network.name, job.compiler.arch)
    manifest |= describe_build(binary, job.compiler)
    manifest["edges"] = {name: table.n_edges for name, table in assembly.edges.items()}
    manifest["threads"] = job.n_threads
    # Whoever kills us leaves at least this.
    save_manifest(job.folder, manifest)
    notify("run")
    finished = run_program(choose_runnable(job.folder.program, binary.path), job.folder, progress, job.n_threads)
    return {
        "exit_code": 0,
        "wall_s": finished.wall_s,
        "simulation_s": finished.simulation_s,
        "start_s": finished.start_s,
        "peak_memory_bytes": finished.peak_memory_bytes,
    }


@dataclass(frozen=True)
class _Program:
    """The program of a network: a binary that was found, or sources that are to be compiled."""

    key: str
    """Of its structure."""
    variables: dict[str, GroupVariables]
    binary: Binary | None
    emitted: "EmittedProgram | None"


@contextmanager
def _find_program(job: Job, plans: tuple[GroupPlan, ...], notify: Notify) -> Iterator[_Program]:
    """Link the binary of a structure that is known into the run's folder; emit the sources of any other."""
    key = key_structure(plans, job.compiler)
    structure = load_structure(job.root, key)
    binary = find_binary(job.root, structure.fingerprint, job.folder.program) if structure is not None else None
    if structure is not None and binary is not None:
        yield _Program(key, structure.variables, binary, None)
        return
    refuse_read_only(job.root)
    # Brian2 is imported here, late: it takes seconds.
    from pipeline.engine.emit import emit_program

    with make_scratch(job.root) as scratch:
        notify("emit")
        emitted = emit_program(plans, job.spec.network.dt.value, job.compiler, scratch)
        yield _Program(key, emitted.variables, None, emitted)


def _build(job: Job, program: _Program, notify: Notify) -> Binary:
    assert program.emitted is not None
    notify("compile")
    binary = compile_sources(program.emitted.tree, job.compiler, job.root, program=job.folder.program)
    save_structure(job.root, program.key, Structure(binary.fingerprint, program.variables))
    return binary


def _prepare_folder(
    job: Job, expanded: Expanded, plans: tuple[GroupPlan, ...], variables: dict[str, GroupVariables]
) -> Assembly:
    """Write into the run's folder everything that the program reads."""
    edges = obtain_edges(job.root, expanded, job.folder)
    assembly = assemble_network(expanded, plans, variables, edges, seed=job.seed, n_steps=job.n_steps)
    counted = find_counted(assembly.expanded, assembly.n_steps)
    index = plan_recording(assembly, counted)
    prepare_recording(assembly, counted, index, job.folder)
    write_inputs(assembly, index, job.folder)
    return assembly
