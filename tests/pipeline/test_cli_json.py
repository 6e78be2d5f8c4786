"""JSON for machines, some of which read no more than the standard says."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.cli_json import print_json


def test_numbers_that_json_has_not_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    """NaN and infinities, wherever they are and whatever type they have; other numbers, flags and texts stay."""
    numbers = [float("nan"), float("inf"), -np.inf, np.float64("nan"), 1.5, -0.0, 3, True, None, "Infinity"]
    print_json({"rows": [{"a": number} for number in numbers], "pair": (np.inf, 1), "path": Path("x")})
    read = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert [row["a"] for row in read["rows"]] == [None, None, None, None, 1.5, -0.0, 3, True, None, "Infinity"]
    assert (read["pair"], read["path"]) == ([None, 1], "x")
