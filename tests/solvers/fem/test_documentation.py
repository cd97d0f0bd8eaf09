"""The example on the page of heat conduction runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "heat_conduction.md"


def test_the_example_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    plate = names["plate"]
    assert plate.time >= 60.0
    assert 299.9 < plate.temperature.min() < plate.temperature.max() < 400.1
    assert plate.rows()["x-lower"]["energy"][0] > 0.0
