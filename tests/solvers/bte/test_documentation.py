"""The example on the page of phonon transport runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "phonon_transport.md"


def test_the_example_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    heat = names["film"].rows()["x-lower"]["energy"][0]
    assert heat == pytest.approx(0.55340599333 * 1e6 * 3000.0 / 4.0 * 1e-12, rel=1e-6)
