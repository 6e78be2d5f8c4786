"""What speed is measured against: `hierarchy` as a Brian2 user would write it by hand, on stock `cpp_standalone`.

Nothing here is ours: `PoissonInput`, `Synapses` with `connect(p=0.1)` and a delay, `StateMonitor`, and Brian2's default
compiler flags. Weights are constants in the equations, and a fast pathway jumps v directly unless it is recorded: the
script is as fast as such a script gets. What is recorded is as many variables as `currents` stores, as point samples.

The program is built once into `--build`; a second call with the same options only runs it. It writes its results into
`--results`, which is removed afterwards. Prints one JSON object: seconds of simulation and of the whole program, and
the mean rate.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

RECORDINGS = ("spikes", "currents", "everything")
POINTER = "plain.json"
"""Written last into a finished build: what it was built from, and where its spikes are counted."""

EQUATIONS = """
dv/dt = (-v + lateral) / tau_m : volt (unless refractory)
dlateral/dt = -lateral / tau_s : volt
"""
FAST_SIGNS = {"local": "+", "inhibition": "-", "feedforward": "+", "background": "+"}


@dataclass(frozen=True)
class Options:
    """What the program is built for."""

    recording: str = "spikes"
    """`spikes`; `currents`, of the excitatory neurons every 1 ms; or `everything`, of all neurons at every step."""
    duration_s: float = 1.0
    layers: int = 3
    n_excitatory: int = 3200
    """Per layer."""
    n_inhibitory: int = 800
    """Per layer."""
    seed: int = 1

    @property
    def n_neurons(self) -> int:
        """In all layers."""
        return self.layers * (self.n_excitatory + self.n_inhibitory)


def main() -> None:
    """Build the program unless it is there, run it, and print how long that took."""
    options, build, results = read_arguments()
    if read_pointer(build).get("origin") != describe_origin(options):
        shutil.rmtree(build, ignore_errors=True)
        build_program(options, build)
    print(json.dumps(run_program(options, build, results)))


def describe_origin(options: Options) -> dict[str, Any]:
    """Return what a program depends on: the options and this script."""
    return {"options": asdict(options), "script": hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}


def read_arguments() -> tuple[Options, Path, Path]:
    """Return the options and the folders of the build and of its results from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True, help="folder of the program; what it holds is replaced")
    parser.add_argument("--results", type=Path, help="new folder for the recordings; BUILD/results when not given")
    for field in fields(Options):
        name = f"--{field.name.replace('_', '-')}"
        choices = RECORDINGS if field.name == "recording" else None
        parser.add_argument(name, type=type(field.default), default=field.default, choices=choices, help="%(default)s")
    arguments = vars(parser.parse_args())
    build, results = arguments.pop("build").absolute(), arguments.pop("results")
    if build.exists() and any(build.iterdir()) and not (build / "main.cpp").exists():
        parser.error(f"--build {build} holds something else than such a program")
    if results is not None and results.exists():
        parser.error(f"--results {results} is there already")
    return Options(**arguments), build, build / "results" if results is None else results.absolute()


def read_pointer(build: Path) -> dict[str, Any]:
    """Return what a finished build says of itself."""
    path = build / POINTER
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def collected_channels(recording: str) -> list[str]:
    """Return the fast channels that are recorded; those have a variable, the others jump v directly."""
    return {
        "spikes": [],
        "currents": ["inhibition", "feedforward", "background"],
        "everything": list(FAST_SIGNS),
    }[recording]


def build_program(options: Options, build: Path) -> None:
    """Write, generate and compile the network."""
    import brian2 as b2

    b2.set_device("cpp_standalone", build_on_run=False)
    b2.seed(options.seed)
    collected = collected_channels(options.recording)
    network = b2.Network()
    neurons = make_neurons(options, collected, network)
    excitatory, inhibitory = split_populations(neurons, options)
    connect_layers(neurons, excitatory, inhibitory, options, collected, network)
    spikes = b2.SpikeMonitor(neurons, name="spikes")
    network.add(spikes)
    record_states(excitatory, inhibitory, options, network)
    network.run(options.duration_s * b2.second, namespace=constants())
    b2.device.build(directory=str(build), compile=True, run=False, debug=False)
    counted = b2.device.get_array_filename(spikes.variables["N"])
    content = {"origin": describe_origin(options), "n_spikes": Path(counted).name}
    (build / POINTER).write_text(json.dumps(content), encoding="utf-8")


def constants() -> dict[str, Any]:
    """Return the namespace of the equations."""
    from brian2 import ms, mV

    return {
        "tau_m": 20 * ms,
        "tau_s": 10 * ms,
        "threshold": 20 * mV,
        "w_lateral": 0.2 * mV,
        "w_local": 0.1 * mV,
        "w_inhibition": 1.0 * mV,
        "w_feedforward": 0.05 * mV,
    }


def make_neurons(options: Options, collected: list[str], network: Any) -> Any:
    """Return one group for all layers, layer by layer, excitatory neurons first.

    The fast input that is recorded is collected in a variable during delivery, applied to v after it, and zeroed before
    the next one.
    """
    import brian2 as b2

    neurons = b2.NeuronGroup(
        options.n_neurons,
        EQUATIONS + "".join(f"{channel} : volt\n" for channel in collected),
        threshold="v > threshold",
        reset="v = 10*mV",
        refractory=2 * b2.ms,
        method="exact",
        name="neurons",
    )
    neurons.v = "rand() * 20*mV"
    if collected:
        total = " ".join(f"{FAST_SIGNS[channel]} {channel}" for channel in collected)
        neurons.run_regularly("\n".join(f"{c} = 0*mV" for c in collected), when="before_synapses", name="clear")
        neurons.run_regularly(f"v += {total}", when="after_synapses", name="apply")
    network.add(neurons)
    return neurons


def split_populations(neurons: Any, options: Options) -> tuple[list[Any], list[Any]]:
    """Return the excitatory and the inhibitory population of each layer."""
    size = options.n_excitatory + options.n_inhibitory
    starts = [i_layer * size for i_layer in range(options.layers)]
    excitatory = [neurons[start : start + options.n_excitatory] for start in starts]
    inhibitory = [neurons[start + options.n_excitatory : start + size] for start in starts]
    return excitatory, inhibitory


def connect_layers(
    neurons: Any, excitatory: list[Any], inhibitory: list[Any], options: Options, collected: list[str], network: Any
) -> None:
    """Add pathways and drive: one object per pathway and layer."""
    import brian2 as b2

    size = options.n_excitatory + options.n_inhibitory
    for i_layer in range(options.layers):
        layer = neurons[i_layer * size : (i_layer + 1) * size]
        pathways = [
            ("lateral", excitatory[i_layer], excitatory[i_layer]),
            ("local", excitatory[i_layer], inhibitory[i_layer]),
            ("inhibition", inhibitory[i_layer], layer),
        ]
        if i_layer > 0:
            pathways.append(("feedforward", excitatory[i_layer - 1], layer))
        for channel, source, target in pathways:
            jump = "lateral_post += w_lateral" if channel == "lateral" else fast_jump(channel, collected)
            synapses = b2.Synapses(source, target, on_pre=jump, delay=1.5 * b2.ms, name=f"{channel}_{i_layer + 1}")
            synapses.connect(p=0.1)
            network.add(synapses)
        variable = "background" if "background" in collected else "v"
        rate = (11 if i_layer == 0 else 10) * b2.Hz
        network.add(b2.PoissonInput(layer, variable, N=500, rate=rate, weight=0.2 * b2.mV))


def fast_jump(channel: str, collected: list[str]) -> str:
    """Return what a spike of a fast pathway does."""
    if channel in collected:
        return f"{channel}_post += w_{channel}"
    return f"v_post {FAST_SIGNS[channel]}= w_{channel}"


def record_states(excitatory: list[Any], inhibitory: list[Any], options: Options, network: Any) -> None:
    """Add a monitor per recorded population, of the variables of the channels that reach it."""
    import brian2 as b2

    interval = b2.defaultclock.dt if options.recording == "everything" else 1 * b2.ms
    own = {"E": ["v", "lateral", "inhibition", "background"], "I": ["v", "local", "inhibition", "background"]}
    recorded = {"spikes": {}, "currents": {"E": excitatory}, "everything": {"E": excitatory, "I": inhibitory}}
    for label, populations in recorded[options.recording].items():
        for i_layer, population in enumerate(populations):
            variables = own[label] + (["feedforward"] if i_layer > 0 else [])
            name = f"states_{label}_{i_layer + 1}"
            network.add(b2.StateMonitor(population, variables, record=True, dt=interval, when="end", name=name))


def run_program(options: Options, build: Path, results: Path) -> dict[str, Any]:
    """Run a built program, and return how long it took and how much its network fired."""
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    started = time.monotonic()
    # In its folder: it finds its arrays nowhere else. Its results' path must end with a slash.
    code = subprocess.run([build / "main", "--results_dir", f"{results}/"], cwd=build, check=False).returncode
    wall_s = time.monotonic() - started
    if code != 0:
        raise SystemExit(f"{build / 'main'} ended with {code}")
    simulation_s, completed = (float(word) for word in (results / "last_run_info.txt").read_text().split())
    if completed < 1:
        raise SystemExit(f"{build / 'main'} stopped at {completed:.0%} of its steps")
    n_spikes = int(np.fromfile(results / read_pointer(build)["n_spikes"], dtype=np.int32)[0])
    shutil.rmtree(results)
    return {
        "simulation_s": simulation_s,
        "wall_s": wall_s,
        "rate_hz": n_spikes / options.n_neurons / options.duration_s,
    }


if __name__ == "__main__":
    main()
