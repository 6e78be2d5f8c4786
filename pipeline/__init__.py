"""The pipeline: emit, compile, run, load, and what comes after.

>>> from pipeline import simulate, verify
>>> run = simulate("hierarchy", duration="2 s", seed=1, settings={"drive.background.rate": "12 Hz"})
>>> frame = run.currents(populations=["L1E"])
>>> verify(run).passed
True
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.planning.plan import Plan, plan_run
    from pipeline.run import Run, load_run
    from pipeline.simulation import simulate
    from pipeline.verification import verify

__all__ = ["Plan", "Run", "load_run", "plan_run", "simulate", "verify"]

_HOMES = {
    "Plan": "pipeline.planning.plan",
    "Run": "pipeline.run",
    "load_run": "pipeline.run",
    "plan_run": "pipeline.planning.plan",
    "simulate": "pipeline.simulation",
    "verify": "pipeline.verification",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that the command line does not wait for what it does not need."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
