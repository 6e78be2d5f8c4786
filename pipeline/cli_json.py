"""What every verb has for machines."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token


def _read_whole(_type: Any, tokens: Sequence[Token]) -> int:
    text = tokens[0].value
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ValueError(f'"{text}" is no whole number')
    return int(text)


def _read_path(_type: Any, tokens: Sequence[Token]) -> Path:
    if not tokens[0].value:
        raise ValueError('"" is no path')  # of a variable that is not set, say: not the folder that we are in
    return Path(tokens[0].value)


type Flag = Annotated[bool, Parameter(negative=())]
"""An option that is there or not, without a `--no-` of its own."""
type Whole = Annotated[int, Parameter(converter=_read_whole)]
"""A whole number; what would have to be rounded is refused."""
type Folder = Annotated[Path, Parameter(converter=_read_path)]
"""A path."""
type Json = Annotated[bool, Parameter(name="--json", help="Print JSON, for machines.", negative=())]


def print_json(content: object) -> None:
    """Print anything as JSON; what JSON does not know becomes text."""
    print(json.dumps(content, indent=1, ensure_ascii=False, default=str))


def list_rows(table: Any) -> list[dict[str, object]]:
    """Return the rows of a frame for JSON, which has no NaN."""
    return [{key: _none_for_nan(value) for key, value in row.items()} for row in table.to_dict("records")]


def _none_for_nan(value: object) -> object:
    return None if value != value else value  # NaN differs from itself
