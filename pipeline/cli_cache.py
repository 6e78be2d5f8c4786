"""`currents cache`: what is kept of builds and edges, and how it is removed."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cyclopts import App

from pipeline.cli_json import Flag, Folder, Json, print_json

if TYPE_CHECKING:
    from pipeline.cache import Entry

cache_app = App(name="cache", help="List or remove what is kept of builds and of sampled edges.")

_COLUMNS = ("kind", "fingerprint", "size", "last used", "arch", "networks")


@cache_app.command(name="list")
def list_cache(*, build_root: Folder | None = None, as_json: Json = False) -> None:
    """List builds, object files that they share, and edges, last used first.

    Parameters
    ----------
    build_root
        Root folder of builds and runs.
    """
    from pipeline.cache import list_entries, read_limit

    entries, limit = list_entries(_find_root(build_root))[::-1], read_limit()
    n_bytes = sum(entry.n_bytes for entry in entries)
    if as_json:
        print_json({"bytes": n_bytes, "limit_bytes": limit, "entries": [_describe(entry) for entry in entries]})
        return
    from pipeline.memory import format_bytes

    if entries:
        print(_format(entries))
    print(f"{len(entries)} entries, {format_bytes(n_bytes)} of {format_bytes(limit)} (CURRENTS_CACHE_SIZE)")


@cache_app.command(name="clean")
def clean_cache(
    *,
    all: Flag = False,
    older_than: str | None = None,
    keep: str | None = None,
    dry_run: Flag = False,
    build_root: Folder | None = None,
    as_json: Json = False,
) -> int:
    """Remove builds that failed, what killed processes left, and, if asked to, builds and edges. Runs are not touched.

    What is in use at the moment stays, and is told. Exits 1 if anything stays for another reason.

    Parameters
    ----------
    all
        Everything.
    older_than
        What was not used for so long, such as "30 days".
    keep
        What was used longest ago, until this is left, such as "1 GB".
    dry_run
        Only say what would be removed.
    build_root
        Root folder of builds and runs.
    """
    from pipeline.amounts import parse_age, parse_bytes
    from pipeline.cache import IN_USE
    from pipeline.cache import clean_cache as clean
    from pipeline.memory import format_bytes

    cleaned = clean(
        _find_root(build_root),
        everything=all,
        older_than_s=parse_age(older_than, "--older-than") if older_than is not None else None,
        keep_bytes=parse_bytes(keep, "--keep") if keep is not None else None,
        dry_run=dry_run,
    )
    removed, left = cleaned.removed, cleaned.left
    n_bytes = sum(entry.n_bytes for entry in removed)
    code = 0 if set(left.values()) <= {IN_USE} else 1
    if as_json:
        told = [_describe(entry) | {"reason": reason} for entry, reason in left.items()]
        print_json({"bytes": n_bytes, "dry_run": dry_run, "removed": list(map(_describe, removed)), "left": told})
        return code
    if removed:
        print(_format(removed))
    print(f"{'would remove' if dry_run else 'removed'} {len(removed)} entries, {format_bytes(n_bytes)}")
    for entry, reason in left.items():
        print(f"left: {entry.kind} {entry.fingerprint}, {format_bytes(entry.n_bytes)}: {reason}")
    return code


def _find_root(build_root: Folder | None) -> Any:
    from pipeline.build_root import choose_root

    return choose_root(build_root)


def _describe(entry: "Entry") -> dict[str, object]:
    return {
        "kind": entry.kind,
        "fingerprint": entry.fingerprint,
        "path": str(entry.path),
        "bytes": entry.n_bytes,
        "last_used": _show_time(entry),
        "arch": entry.arch,
        "networks": list(entry.networks),
    }


def _show_time(entry: "Entry") -> str:
    return datetime.fromtimestamp(entry.last_used, UTC).isoformat(timespec="seconds")


def _format(entries: "list[Entry]") -> str:
    """Return entries as a table."""
    from pipeline.memory import format_bytes

    rows = [
        (e.kind, e.fingerprint, format_bytes(e.n_bytes), _show_time(e), e.arch or "–", ", ".join(e.networks) or "–")
        for e in entries
    ]
    widths = [max(len(row[i]) for row in [_COLUMNS, *rows]) for i in range(len(_COLUMNS))]
    lines = ["  ".join(f"{word:{width}}" for word, width in zip(row, widths, strict=True)) for row in [_COLUMNS, *rows]]
    return "\n".join(line.rstrip() for line in lines)
