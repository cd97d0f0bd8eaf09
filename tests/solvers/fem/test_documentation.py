"""The examples on the pages of heat conduction and of solid mechanics run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[3] / "docs"


def example(page: str) -> dict[str, Any]:
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names


def test_the_example_of_heat_conduction_runs() -> None:
    plate = example("heat_conduction.md")["plate"]
    assert plate.time >= 60.0
    assert 299.9 < plate.temperature.min() < plate.temperature.max() < 400.1
    assert plate.rows()["x-lower"]["energy"][0] > 0.0


def test_the_example_of_solid_mechanics_runs() -> None:
    beam = example("solid_mechanics.md")["beam"]
    assert beam.time >= 0.49
    assert beam.displacement.reshape(-1, 2)[:, 1].max() > 0.01 and beam.rows()["x-lower"]["momentum"].any()
