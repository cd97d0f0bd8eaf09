"""The example on the page of the slab runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).parents[3] / "docs" / "slab.md"


def test_the_example_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    slab = names["slab"]
    assert slab.time >= 600.0
    assert (np.diff(slab.temperature) < 0).all() and 293 < slab.temperature[-1] < 400
