"""What is said of a file that cannot be written."""

import errno
from pathlib import Path
from typing import Any

import pytest

from models.errors import SpecError
from pipeline import simulate
from pipeline.build_root import choose_root
from pipeline.errors import StorageError
from pipeline.storage import explain_failed_writes

OUT, ROOT = Path("/some/out"), Path("/some/root")
ELSEWHERE = "choose another folder with"

CASES = {
    "a full disk": (
        OSError(errno.ENOSPC, "No space left on device", "/some/root/scratch/x"),
        "/some/root/scratch/x: cannot be written: the disk is full.\n"
        "  evidence: [Errno 28] No space left on device: '/some/root/scratch/x'\n"
        f"  next: free some space, or {ELSEWHERE} --build-root",
    ),
    "a quota": (
        OSError(errno.EDQUOT, "Disk quota exceeded", "/some/out/x"),
        "/some/out/x: cannot be written: the quota of its disk is used up.\n"
        "  evidence: [Errno 122] Disk quota exceeded: '/some/out/x'\n"
        f"  next: free some space, or {ELSEWHERE} --out",
    ),
    "a limit of size": (
        OSError(errno.EFBIG, "File too large"),
        "/some/out: cannot be written: a file would be larger than the limit of this process.\n"
        "  evidence: [Errno 27] File too large\n"
        "  next: raise the limit with: ulimit -f unlimited",
    ),
    "a read-only disk": (
        OSError(errno.EROFS, "Read-only file system", "/some/root/scratch"),
        "/some/root/scratch: cannot be written to.\n"
        "  evidence: [Errno 30] Read-only file system: '/some/root/scratch'\n"
        f"  next: {ELSEWHERE} --build-root",
    ),
    "a disk that fails": (
        OSError(errno.EIO, "Input/output error", "/some/out/x"),
        "/some/out/x: cannot be read or written: Input/output error.\n"
        "  evidence: [Errno 5] Input/output error: '/some/out/x'",
    ),
    "a disk that fails under a file without a name": (
        OSError(errno.ESTALE, "Stale file handle"),
        "/some/out or /some/root: cannot be read or written: Stale file handle.\n"
        "  evidence: [Errno 116] Stale file handle",
    ),
    "an error that is none of the system's": (
        OSError("100 requested and 0 written"),
        "/some/out or /some/root: cannot be read or written.\n  evidence: 100 requested and 0 written",
    ),
    "a file that takes the place of another": (
        OSError(errno.EBUSY, "Device or resource busy", "/some/out/.x.tmp", None, "/some/out/x"),
        "/some/out/x: cannot be read or written: Device or resource busy.\n"
        "  evidence: [Errno 16] Device or resource busy: '/some/out/.x.tmp' -> '/some/out/x'",
    ),
    "a process that has too many files": (
        OSError(errno.EMFILE, "Too many open files"),
        "currents: cannot go on: Too many open files.\n"
        "  evidence: [Errno 24] Too many open files\n"
        "  next: raise the limit with: ulimit -n 1024",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_whole_message(case: str) -> None:
    """The folder that it concerns, the reason, and the option that chooses another folder."""
    error, message = CASES[case]
    with pytest.raises(StorageError) as caught, explain_failed_writes({OUT: "--out", ROOT: "--build-root"}):
        raise error
    assert str(caught.value) == message


def test_a_folder_that_is_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is refused from Python, too, and nothing is written."""
    bad = f"{tmp_path}/b\udcff"
    told = (
        "is not text in UTF-8, which a run's manifest is (got \""
        f'{tmp_path}/b\\udcff").\n  next: rename it, or choose another folder'
    )
    places: dict[str, dict[str, Any]] = {"out": {"out": bad}, "build_root": {"build_root": bad}}
    for name, arguments in places.items():
        with pytest.raises(SpecError) as caught:
            simulate("hierarchy", **arguments)
        assert str(caught.value).encode("utf-8", "backslashreplace").decode() == f"{name}: {told}"
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv("CURRENTS_BUILD", bad)
    with pytest.raises(SpecError, match="CURRENTS_BUILD: is not text in UTF-8"):
        choose_root(None)


def test_no_folder_is_not_the_folder_that_we_are_in() -> None:
    """An empty text, of a variable that is not set, say."""
    with pytest.raises(SpecError) as caught:
        choose_root("")
    assert str(caught.value) == 'build_root: names no folder (got "").'
