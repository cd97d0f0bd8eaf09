"""The examples on the page of atoms in solids run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "atoms_in_solids.md"


def example(number: int) -> dict[str, Any]:
    codes = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(codes[number], names)
    return names


def test_the_chain_runs() -> None:
    names = example(0)
    motion = names["motion"]
    assert motion.time >= 40.0
    assert set(motion.rows()) == {"lower end", "upper end", "force blending"}
    assert names["patch"].largest < 3e-12


def test_the_crystal_is_silicon() -> None:
    names = example(1)
    assert names["states"].energy.shape == (1000,)
    assert abs(160.2177 * names["silicon"].elastic_constants().c11 - 151.42) < 0.05
