"""A run on the reference device: Brian2's stock `cpp_standalone`, with stock objects and monitors."""

from typing import Any

from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

from models.assembly.reference import assemble_reference
from pipeline.cache import note_use
from pipeline.collect import collect_recording
from pipeline.compile import compile_sources
from pipeline.emit import activate_device, emit_sources
from pipeline.job import Job, Notify, save_edges
from pipeline.links import choose_runnable
from pipeline.manifest import describe_build, save_manifest
from pipeline.program import Progress, run_binary
from pipeline.recording_origin import write_origin
from pipeline.scratch import make_scratch


def run_reference(job: Job, manifest: dict[str, Any], notify: Notify, progress: Progress | None) -> dict[str, Any]:
    """Emit, compile, run and collect on Brian2's stock device; return what the manifest gains."""
    with make_scratch(job.root) as scratch:
        notify("assemble")
        with activate_device(CPPStandaloneDevice()) as device:
            assembly = assemble_reference(job.spec, n_steps=job.n_steps, seed=job.seed)
            notify("emit")
            tree = emit_sources(assembly, device, job.compiler, scratch)
        notify("compile")
        binary = compile_sources(tree, job.compiler, job.root, program=job.folder.program)
        note_use(binary.path.parent, job.spec.network.name, job.compiler.arch)
        manifest |= describe_build(binary, job.compiler)
        manifest["edges"] = {name: table.n_edges for name, table in assembly.edges.items()}
        # Whoever kills us leaves at least this.
        save_manifest(job.folder, manifest)
        notify("run")
        finished = run_binary(choose_runnable(job.folder.program, binary.path), scratch, job.folder.log, progress)
        notify("collect")
        save_edges(job.folder, assembly.edges)
        collect_recording(assembly, tree, scratch / "results", job.folder)
        write_origin(job.folder, seed=job.seed, dt_s=job.spec.network.dt.value, n_steps=job.n_steps)
    return {
        "exit_code": 0,
        "wall_s": finished.wall_s,
        "simulation_s": finished.simulation_s,
    }
