"""The plate that is pulled: its books close as it begins, and to its end in the long run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ..mpi import suture
from .variants import evaluation, variant


def test_it_begins(tmp_path: Path) -> None:
    """The first fiftieth: the books close, and the notch is where it was made."""
    folder = variant(
        "crack-dynamic", tmp_path / "case", ("end = 50.0", "end = 1.0"), ("fields_every = 500", "fields_every = 25")
    )
    done = suture("run", folder, timeout=250.0)
    assert "the books balance" in done.stdout
    found = evaluation("crack-dynamic").evaluate(folder / "RUN")
    assert found["tip_before"] == pytest.approx(0.5, abs=0.3)
    assert found["work"] > 0.0 and found["blending_of_work"] < 0.02


def test_the_tip_is_found() -> None:
    """Of a lattice without three rows of a half."""
    a, row = 1.116153318153336, 1.116153318153336 * 0.75**0.5
    places = np.array([[a * i + 0.5 * a * (j % 2), row * j, 0.0] for i in range(-12, 36) for j in range(-14, 15)])
    places = places[(np.abs(places[:, 1]) > 1.2) | (places[:, 0] > 0.0)]
    assert evaluation("crack-dynamic").tip(places) == pytest.approx(0.5, abs=0.6)


@pytest.mark.long
def test_it_breaks(tmp_path: Path) -> None:
    folder = variant("crack-dynamic", tmp_path / "case")
    assert suture("verify", folder, timeout=1500.0).returncode == 0
