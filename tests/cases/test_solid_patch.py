"""Two blocks strained alike, through a seam whose meshes do not match: the patch test of a coupling, for every law."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest

from .variants import played

GRADIENT = ((0.10, 0.25, 0.05), (-0.05, 0.20, 0.10), (0.10, -0.10, 0.05))
AXES = "xyz"
CASE = """
title = "a block cut in two"
units = "lj"
[time]
window = 0.25
end = 0.5
[scheme]
kind = "serial-implicit"
order = ["left", "right"]
convergence = {{ relative = 1e-12 }}
{participants}
[interfaces.cut.sides.left]
boundary = "x-upper"
condition = "displacement"
[interfaces.cut.sides.right]
boundary = "x-lower"
condition = "traction"
"""
PARTICIPANT = """
[participants.{name}]
kind = "solid-mechanics"
ranks = {ranks}
[participants.{name}.solver]
mesh = {{ kind = "box", lower = {lower}, upper = {upper}, cells = {cells} }}
order = {order}
material = "{law}"
young = 2.0
poisson = 0.25
density = 1.0
step = 0.25
time_integration = "quasi-static"
reference = {affine}
[participants.{name}.solver.boundaries]
{boundaries}
"""


def affine(dimension: int) -> list[str]:
    """u = t H x."""
    rows = [row[:dimension] for row in GRADIENT[:dimension]]
    return ["t*(" + " + ".join(f"{h}*{axis}" for h, axis in zip(row, AXES, strict=False)) + ")" for row in rows]


def participant(name: str, law: str, dimension: int, order: int, cells: list[int], ranks: int) -> str:
    u = affine(dimension)
    given = ", ".join(f'{axis} = "{formula}"' for axis, formula in zip(AXES, u, strict=False))
    cut, begin = ("x-upper", 0.0) if name == "left" else ("x-lower", 1.0)
    sides = [f"{axis}-{end}" for axis in AXES[:dimension] for end in ("lower", "upper")]
    boundaries = "\n".join(
        f'{side} = {{ kind = "seam" }}' if side == cut else f'{side} = {{ kind = "displacement", {given} }}'
        for side in sides
    )
    return PARTICIPANT.format(
        name=name, law=law, order=order, cells=cells, affine=u, boundaries=boundaries, ranks=ranks,
        lower=[begin] + [0.0] * (dimension - 1), upper=[begin + 1.0] + [1.0] * (dimension - 1),
    )  # fmt: skip


CASES: dict[str, tuple[str, int, int, tuple[int, int]]] = {
    "linear": ("linear", 2, 1, (1, 1)),
    "st-venant-kirchhoff": ("st-venant-kirchhoff", 2, 2, (1, 1)),
    "neo-hookean": ("neo-hookean", 2, 1, (2, 1)),
    "linear in space": ("linear", 3, 1, (1, 2)),
    "neo-hookean in space": ("neo-hookean", 3, 1, (1, 1)),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("patch")
    for name, (law, dimension, order, ranks) in CASES.items():
        (folder / name).mkdir()
        left = participant("left", law, dimension, order, [3] * dimension, ranks[0])
        right = participant("right", law, dimension, order, [2, *[4] * (dimension - 1)], ranks[1])
        (folder / name / "case.toml").write_text(CASE.format(participants=left + right))
    return folder, played([folder / name for name in CASES], timeout=60.0)


@pytest.mark.parametrize("name", CASES)
def test_a_uniform_strain_passes_the_seam(name: str, runs: Any) -> None:
    """Displacements are exact, though all sides and the seam share their ends; the books balance."""
    folder, found = runs
    assert found[name]["exit_code"] == 0, found[name]
    assert found[name]["worst"] <= 1e-12
    for side in ("left", "right"):
        with h5py.File(folder / name / "RUN" / side / "course.h5") as file:
            assert file["error"][-1] < 1e-10
