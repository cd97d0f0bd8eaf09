"""A pulse in a bar that is cut in two: nothing is reflected but what theory says, and energy and work are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .variants import evaluation, played, variant

COARSE = [
    ("cells = [50, 2]", "cells = [25, 1]"),
    ("cells = [48, 3]", "cells = [24, 2]"),
    ("window = 0.05", "window = 0.1"),
    ("step = 0.05", "step = 0.1"),
]
STIFF = [("cells = [24, 2] }\norder = 2\nyoung = 1.0", "cells = [24, 2] }\norder = 2\nyoung = 4.0")]
EXCHANGED = [
    ('condition = "traction"', 'condition = "other"'),
    ('condition = "displacement"', 'condition = "traction"'),
    ('condition = "other"', 'condition = "displacement"'),
    ('order = ["left", "right"]', 'order = ["right", "left"]'),
]
RANKS = [('kind = "solid-mechanics"\n[participants.right', 'kind = "solid-mechanics"\nranks = 2\n[participants.right')]
OFTEN = [("window = 0.1", "window = 0.3"), ('order = ["left"', 'samples = 3\norder = ["left"')]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("bar")
    changes = {"equal": [], "stiff": STIFF, "exchanged": EXCHANGED, "ranks": RANKS, "samples": OFTEN}
    return folder, played([variant("bar", folder / name, *COARSE, *change) for name, change in changes.items()])


def result(runs: Any, name: str) -> dict[str, Any]:
    assert runs[1][name]["exit_code"] == 0, runs[1][name]
    assert runs[1][name]["worst"] <= 1e-12
    return evaluation("bar").evaluate(runs[0] / name / "RUN")


@pytest.mark.parametrize("name", ["equal", "exchanged", "samples"])
def test_a_seam_of_equal_bars_reflects_nothing(name: str, runs: Any) -> None:
    found = result(runs, name)
    assert abs(found["reflected"]) < 1e-3
    assert found["transmission_error"] < 3e-3
    assert found["energy_drift"] < 1e-9
    assert found["work_apart"] < 1e-12


def test_a_change_of_impedance_reflects_what_theory_says(runs: Any) -> None:
    """(Z1 - Z2) / (Z1 + Z2) of the displacement comes back, here -1/3, within 1 %."""
    found = result(runs, "stiff")
    assert found["reflected"] == pytest.approx(-1 / 3, rel=0.01)
    assert found["transmission_error"] < 2e-3
    assert found["energy_drift"] < 1e-9
    assert found["work_apart"] < 1e-12


def test_on_more_ranks(runs: Any) -> None:
    one, two = result(runs, "equal"), result(runs, "ranks")
    for key in ("reflected", "transmission_error"):
        assert two[key] == pytest.approx(one[key], abs=1e-9)
