"""The example in the documentation runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[3] / "docs" / "navier_stokes.md"


def test_stand_alone_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(example, str(PAGE), "exec"), names)  # the page is ours
    assert np.allclose(names["flow"].velocity[0].ravel(), 0.1 * (1 - (np.arange(32) + 0.5) / 32), atol=1e-3)
    # The steady stress 0.01 for a time of 10, and U H / 3 more while the flow set in.
    assert names["drag"] == pytest.approx(0.1 + 0.1 / 3, rel=1e-3)
    assert (tmp_path / "output" / "fields.pvd").exists()
