"""What the engine's program says of inputs that make no sense, or are not as they were written."""

import pytest

from pipeline.engine.supervise import run_program
from pipeline.errors import ProgramError
from pipeline.exit_codes import ExitCode
from tests.pipeline.engine.programs import Prepared, seal
from tests.pipeline.engine.spoilt_inputs import DAMAGED, SPOILT


def check_refused(prepared: Prepared, message: str) -> None:
    """Check for exit 65, what is wrong and where, nothing recorded, and the same as an error in Python."""
    ended = prepared.run()
    assert (ended.code, ended.last["exit_code"], ended.last["end"]) == (65, 65, "input"), ended
    where, what, expected, got = (ended.last[key] for key in ("where", "what", "expected", "got"))
    told = f"{where}: {what}" + (f" (expected {expected}; got {got})" if expected or got else "")
    assert message in told
    assert where.startswith(f"{prepared.folder.path}/")
    assert not list(prepared.folder.recording.rglob("*.cur"))
    assert not prepared.folder.program_report.exists()
    with pytest.raises(ProgramError) as caught:
        run_program(prepared.binary, prepared.folder)
    (problem,) = caught.value.problems
    assert (problem.where, problem.what) == (where, what)
    assert str(problem.expected or "") == expected


@pytest.mark.compiled
@pytest.mark.parametrize("how", SPOILT)
def test_inputs_that_make_no_sense_are_refused(prepared: Prepared, how: str) -> None:
    """Whatever the checksums say: lines that are missing, twice there, out of order or out of range."""
    prepared.shorten(1000)
    spoil, message = SPOILT[how]
    spoil(prepared.folder)
    seal(prepared.folder)
    check_refused(prepared, message)


@pytest.mark.compiled
@pytest.mark.parametrize("how", DAMAGED)
def test_inputs_that_were_changed_are_refused(prepared: Prepared, how: str) -> None:
    """Even where what is there now would make sense."""
    prepared.shorten(1000)
    spoil, message = DAMAGED[how]
    spoil(prepared.folder)
    check_refused(prepared, message)


@pytest.mark.compiled
def test_a_folder_that_has_been_recorded_into_is_left_alone(prepared: Prepared) -> None:
    """A second run in the same folder does not overwrite what the first recorded, nor chunks that are left of one."""
    prepared.shorten(1000)
    assert prepared.run().code == 0
    before = {path: path.read_bytes() for path in prepared.folder.recording.rglob("*.cur")}
    assert len(before) == 4
    for left in ("program.json", "recording/currents/chunk-00000000.cur"):
        ended = prepared.run()
        assert (ended.code, ended.last["end"]) == (ExitCode.INPUT, "input")
        assert (ended.last["what"], ended.last["got"]) == ("holds a recording already", left)
        prepared.folder.program_report.unlink(missing_ok=True)
    assert {path: path.read_bytes() for path in prepared.folder.recording.rglob("*.cur")} == before
