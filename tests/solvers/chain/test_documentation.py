"""The example on the page of atoms in solids runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[3] / "docs" / "atoms_in_solids.md"


def test_the_example_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    motion = names["motion"]
    assert motion.time >= 40.0
    assert set(motion.rows()) == {"lower end", "upper end", "force blending"}
    assert names["patch"].largest < 3e-12
