"""What every comparison with a hand-written script needs."""

from collections.abc import Iterator

import brian2
import pytest
from brian2.devices import reset_device, set_device


@pytest.fixture(autouse=True)
def _numpy_target() -> Iterator[None]:
    """Run everything in Python, whatever device and target are in force, and leave these as they were."""
    target, dt = brian2.prefs["codegen.target"], brian2.defaultclock.dt
    set_device("runtime")
    brian2.prefs["codegen.target"] = "numpy"
    try:
        yield
    finally:
        brian2.defaultclock.dt = dt
        brian2.prefs["codegen.target"] = target
        reset_device()
