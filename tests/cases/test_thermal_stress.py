"""Heat and mechanics of one body on different meshes: thermoelasticity in closed form, and heat that neither loses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .variants import evaluation, played, scaled, variant

CHANGES: dict[str, list[tuple[str, str]]] = {
    "as it stands": [],
    "on one rank": [("ranks = 2\n", "")],
    "on two ranks": [('kind = "solid-mechanics"\n', 'kind = "solid-mechanics"\nranks = 2\n')],
    "matching": [('cells = [8, 2], cell = "quadrilateral"', "cells = [12, 3]")],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("thermal_stress")
    folders = [variant("thermal-stress", folder / name, *change) for name, change in CHANGES.items()]
    for n in (2, 4):
        folders.append(variant("thermal-stress", folder / f"step-{n}"))
        for key in ("window", "step"):
            scaled(folders[-1], key, lambda value, n=n: value / n)
    return folder, played(folders, 4)


def result(runs: Any, name: str) -> dict[str, Any]:
    assert runs[1][name]["exit_code"] == 0, runs[1][name]
    assert runs[1][name]["worst"] <= 1e-12
    return evaluation("thermal-stress").evaluate(runs[0] / name / "RUN")


def test_second_order_in_the_step(runs: Any) -> None:
    """Of the rate of decay, by its own differences: the closed form neglects that temperatures differ by 1 in 300."""
    rates = [result(runs, name)["rate"] for name in ("as it stands", "step-2", "step-4")]
    assert np.log2((rates[0] - rates[1]) / (rates[1] - rates[2])) == pytest.approx(2.0, abs=0.1), rates


def test_straining_slows_the_decay(runs: Any) -> None:
    """By the 22.5 % that it adds to the capacity."""
    found = result(runs, "step-4")
    assert evaluation("thermal-stress").EXTRA == pytest.approx(0.225)
    assert abs(found["rate"]) < 1e-3
    assert abs(found["heat_of_straining"]) < 5e-3
    assert found["displacement"] < 3e-4


@pytest.mark.parametrize("name", ["on one rank", "on two ranks", "matching"])
def test_meshes_and_ranks_hardly_matter(name: str, runs: Any) -> None:
    """Ranks to the tolerance of the iteration; meshes by what the coarser one does not resolve."""
    one, other = result(runs, "as it stands"), result(runs, name)
    for key in ("temperature", "displacement"):
        assert other[key] == pytest.approx(one[key], abs=1e-5 if name == "matching" else 1e-9)
