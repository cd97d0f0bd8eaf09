"""Two bodies of finite elements are one: to round-off where the solution is in the space, else to their order."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ..mpi import suture
from .variants import ROOT, evaluation, played, variant

LINEAR = [("order = 2\n", "order = 1\n")]
CUBES = [
    (
        "lower = [0.0, 0.0], upper = [1.0, 1.0], cells = [8, 8]",
        "lower = [0.0, 0.0, 0.0], upper = [1.0, 1.0, 1.0], cells = [3, 3, 3]",
    ),
    (
        "lower = [1.0, 0.0], upper = [2.0, 1.0], cells = [5, 5]",
        "lower = [1.0, 0.0, 0.0], upper = [2.0, 1.0, 1.0], cells = [2, 2, 2]",
    ),
]
PARALLEL = [("serial-implicit", "parallel-implicit"), ('order = ["left", "right"]\n', "")]
SHORT = ("end = 1.0", "end = 0.5")
EXACT: dict[str, list[tuple[str, str]]] = {
    "as it stands": [],
    "matching": [("cells = [5, 5]", "cells = [8, 8]")],
    "quadrilaterals": [("cells = [5, 5] }", 'cells = [5, 5], cell = "quadrilateral" }')],
    "robin": [('condition = "flux"', 'condition = "robin"\ncoefficient = 5.0')],
    "parallel": PARALLEL,
    "sdirk2": [('"backward-euler"', '"sdirk2"')],
    "cubes": CUBES,
    "iterative": [("order = 2\n", 'order = 2\nlinear_solver = "iterative"\n')],
}


def finer(n: int) -> list[tuple[str, str]]:
    return [("cells = [8, 8]", f"cells = [{8 * n}, {8 * n}]"), ("cells = [5, 5]", f"cells = [{5 * n}, {5 * n}]")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("partitioned_heat")
    changes = {name: [SHORT, *change] for name, change in EXACT.items()}
    changes |= {f"linear {n}": [SHORT, *LINEAR, *finer(n)] for n in (1, 2, 4)}
    return folder, played([variant("partitioned-heat", folder / name, *change) for name, change in changes.items()])


def result(runs: Any, name: str) -> dict[str, Any]:
    assert runs[1][name]["exit_code"] == 0, runs[1][name]
    assert runs[1][name]["worst"] <= 1e-12
    return evaluation("partitioned-heat").evaluate(runs[0] / name / "RUN")


@pytest.mark.parametrize("name", EXACT)
def test_nothing_but_round_off_and_the_tolerance_is_left(name: str, runs: Any) -> None:
    """Of the solution, of the heat through the cut, and of the heat at sides that share points with it."""
    found = result(runs, name)
    assert found["error"] <= 1e-9
    assert found["crossed"] <= 1e-9
    assert found["entered"] <= 1e-9


def test_linear_elements_are_of_second_order(runs: Any) -> None:
    errors = [result(runs, f"linear {n}")["error"] for n in (1, 2, 4)]
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx(2.0, abs=0.1), errors


def on_ranks(folder: Path, left: int, right: int) -> Path:
    """Linear elements, whose error shows: a difference between numbers of ranks would too."""
    both = ('kind = "heat-conduction"\n', f'kind = "heat-conduction"\nranks = {right}\n')
    return variant("partitioned-heat", folder, SHORT, *LINEAR, ("ranks = 2\n", ""), both, (
        f"[participants.left]\nkind = \"heat-conduction\"\nranks = {right}",
        f"[participants.left]\nkind = \"heat-conduction\"\nranks = {left}",
    ))  # fmt: skip


def test_one_two_and_three_ranks_a_side_give_the_same(tmp_path: Path) -> None:
    sizes = {"one": (1, 1), "two": (2, 2), "three": (3, 3), "unlike": (3, 1)}
    runs = tmp_path, played([on_ranks(tmp_path / name, *ranks) for name, ranks in sizes.items()], 6)
    expected = result(runs, "one")
    assert expected["error"] > 1e-3
    for name in sizes:
        found = result(runs, name)
        for key in ("error", "crossed", "entered"):
            assert found[key] == pytest.approx(expected[key], abs=1e-9), (name, key)


@pytest.fixture(scope="module")
def arcs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("arcs")
    fine = variant("partitioned-heat-curved", folder / "fine", SHORT)
    coarse = variant("partitioned-heat-curved", folder / "coarse", SHORT)
    for side in ("left", "right"):
        shutil.copy(ROOT / "tests" / "cases" / "meshes" / f"arc-{side}-coarse.msh", coarse / f"{side}.msh")
    return folder, played([coarse, fine])


def test_curved_quadratic_elements_along_an_arc_are_of_third_order(arcs: Any) -> None:
    """2.7 from the coarse to the fine mesh, and 2.9 from there to the next; of the heat that crosses 2.0, then 3.2."""
    assert all(run["exit_code"] == 0 and run["worst"] <= 1e-12 for run in arcs[1].values()), arcs[1]
    coarse, fine = (evaluation("partitioned-heat-curved").evaluate(arcs[0] / n / "RUN") for n in ("coarse", "fine"))
    assert np.log2(coarse["error"] / fine["error"]) > 2.4
    assert np.log2(coarse["crossed"] / fine["crossed"]) > 1.7


def test_a_later_start_compiles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers and formulas are data of the compiled forms: once these are there, other values need no new code."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    suture("run", variant("partitioned-heat", tmp_path / "first", SHORT))
    kept = sorted((tmp_path / "fenics").iterdir())
    assert len(kept) > 10
    other = [("conductivity = 1.0", 'conductivity = "2 + x"'), ("cells = [5, 5]", "cells = [3, 7]"), ("-6.8", "1.0")]
    suture("run", variant("partitioned-heat", tmp_path / "second", SHORT, *other))
    assert sorted((tmp_path / "fenics").iterdir()) == kept
