"""What every verb has for machines."""

import json
import re
from collections.abc import Sequence
from math import isfinite
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
    """Print anything as JSON; what JSON does not know becomes text, and numbers that it does not know null."""
    print(json.dumps(_make_strict(content), indent=1, ensure_ascii=False, allow_nan=False, default=str))


def _make_strict(content: object) -> object:
    """Return content with None for NaN and infinities, which Python would write and few others read."""
    if isinstance(content, dict):
        return {key: _make_strict(item) for key, item in content.items()}
    if isinstance(content, (list, tuple)):
        return [_make_strict(item) for item in content]
    return None if isinstance(content, float) and not isfinite(content) else content
