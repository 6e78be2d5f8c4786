"""What every verb has for machines."""

import json
from typing import Annotated

from cyclopts import Parameter

type Json = Annotated[bool, Parameter(name="--json", help="Print JSON, for machines.", negative=())]


def print_json(content: object) -> None:
    """Print anything as JSON; what JSON does not know becomes text."""
    print(json.dumps(content, indent=1, ensure_ascii=False, default=str))
