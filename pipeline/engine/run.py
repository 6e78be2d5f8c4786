"""A run on the engine: inputs and edges into the run's folder, the program beside them, and what it records."""

from typing import Any

from models.assembly import assemble_network
from pipeline.compile import compile_sources
from pipeline.emit import activate_device
from pipeline.engine.device import EngineDevice
from pipeline.engine.emit import emit_program
from pipeline.engine.inputs import write_inputs
from pipeline.engine.recorders import plan_recording, prepare_recording
from pipeline.engine.supervise import run_program
from pipeline.job import Job, Notify, explain_storage, save_edges
from pipeline.manifest import describe_build
from pipeline.program import Progress
from pipeline.scratch import make_scratch


def run_engine(job: Job, manifest: dict[str, Any], notify: Notify, progress: Progress | None) -> dict[str, Any]:
    """Emit, compile and run on the engine; return what the manifest gains."""
    with make_scratch(job.root) as scratch, explain_storage(job):
        notify("assemble")
        with activate_device(EngineDevice()) as device:
            assembly = assemble_network(job.spec, n_steps=job.n_steps, seed=job.seed, device="engine")
            notify("emit")
            tree = emit_program(assembly, device, job.compiler, scratch)
        save_edges(job.folder, assembly.edges)
        index = plan_recording(assembly)
        prepare_recording(assembly, index, job.folder)
        write_inputs(assembly, index, job.folder)
        notify("compile")
        binary = compile_sources(tree, job.compiler, job.root)
    manifest |= describe_build(binary, job.compiler)
    manifest["edges"] = {name: table.n_edges for name, table in assembly.edges.items()}
    notify("run")
    finished = run_program(binary.path, job.folder, progress)
    return {
        "exit_code": 0,
        "wall_s": finished.wall_s,
        "simulation_s": finished.simulation_s,
        "start_s": finished.start_s,
        "peak_memory_bytes": finished.peak_memory_bytes,
    }
