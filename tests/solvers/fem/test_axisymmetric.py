"""Heat conduction about an axis: closed forms of cylinders and shells, books of the whole turn; boxes that expand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import j0, j1, jn_zeros

from suture.solvers.errors import SolverError
from suture.solvers.fem import HeatSettings
from suture.solvers.fem.mesh_settings import divided

from .bodies import given, heat, held, orders, rows, square

ROOT = jn_zeros(0, 1)[0]


def decayed(n: int, order: int) -> float:
    """Largest error of J0(a r) exp(-a² t), the slowest wave of a cylinder whose rim is cold, at t = 0.1."""
    body = heat(square(n), axisymmetric=True, order=order, step=0.1 / 40, boundaries=given(0.0, "x-upper"))
    radius = body.space.points[: body.space.owned, 0]
    body.temperature = j0(ROOT * radius)
    before = held(body)
    assert before == pytest.approx(2.0 * np.pi * j1(ROOT) / ROOT, rel=3.0 * n**-2.0)
    body.advance(0.1)
    assert held(body) - before == pytest.approx(rows(body)["x-upper"], rel=1e-12)
    return float(np.abs(body.temperature - np.exp(-(ROOT**2) * 0.1) * j0(ROOT * radius)).max())


@pytest.mark.parametrize(("order", "sizes"), [(1, (8, 16, 32)), (2, (2, 4, 8))])
def test_a_wave_in_a_cylinder_decays(order: int, sizes: tuple[int, ...]) -> None:
    """One more than the elements'; on the axis itself linear ones are of the order h² log(1/h)."""
    errors = [decayed(n, order) for n in sizes]
    assert orders(errors)[-1] > order + 1 - 0.35, errors


def test_a_shell_conducts_as_the_logarithm_says() -> None:
    """From 1 to 0 between the radii 1 and 2, half high: 2 pi k h / ln 2; and heat that convection takes, in series."""
    mesh = {"kind": "box", "lower": [1.0, 0.0], "upper": [2.0, 0.5], "cells": [32, 2]}
    walls = given(1.0, "x-lower") | {"x-upper": {"kind": "convection", "coefficient": 3.0, "temperature": 0.0}}
    body = heat(mesh, axisymmetric=True, order=2, step=1e3, boundaries=walls)
    for _ in range(3):
        body.advance(1e3)
    before = rows(body)
    body.advance(1.0)
    area = 2.0 * np.pi * 0.5
    exact = 1.0 / (np.log(2.0) / area + 1.0 / (3.0 * 2.0 * area))
    assert rows(body)["x-lower"] - before["x-lower"] == pytest.approx(exact, rel=1e-6)
    assert rows(body)["x-upper"] - before["x-upper"] == pytest.approx(-exact, rel=1e-6)


def test_flux_source_and_radiation_count_the_whole_turn() -> None:
    walls: dict[str, Any] = {"y-upper": {"kind": "flux", "flux": "3*x"}}
    walls["y-lower"] = {"kind": "radiation", "coefficient": 1e-3, "temperature": 2.0}
    body = heat(square(4), axisymmetric=True, source="2", boundaries=walls, initial=2.0, step=1e-6)
    body.advance(1e-6)
    assert rows(body)["y-upper"] == pytest.approx(2.0 * np.pi * 1e-6)
    assert rows(body)["source"] == pytest.approx(2.0 * np.pi * 1e-6)
    body.temperature[:] = 0.0
    before = rows(body)["y-lower"]
    body.advance(1e-9)
    assert rows(body)["y-lower"] - before == pytest.approx(np.pi * 16e-3 * 1e-9, rel=1e-4)


def test_a_seam_gives_the_heat_of_the_whole_turn() -> None:
    body = heat(square(4), axisymmetric=True, boundaries={"y-upper": {"kind": "seam"}}, step=0.1)
    body.condition("y-upper", "temperature")
    seam = body.seam("y-upper")
    seam.set_temperature(np.ones(len(seam.dofs)), 0.1)
    body.advance(0.1)
    assert float(seam.crossed.sum()) == pytest.approx(held(body), rel=1e-12) and held(body) > 0.5


def test_an_average_weighs_each_ring_by_its_length() -> None:
    averages = {"even": {"boundary": "y-upper"}, "beam": {"boundary": "y-upper", "weight": "exp(-2*x**2/0.04)"}}
    walls = {"y-upper": {"kind": "flux", "flux": 0.0}}
    body = heat(square(64), axisymmetric=True, initial="x**2", boundaries=walls, averages=averages)
    assert body.average("even") == pytest.approx(0.5, rel=1e-3)
    assert body.average("beam") == pytest.approx(0.02, rel=0.02)  # the mean of r² in a beam of radius w is w²/2


@pytest.mark.parametrize("ratio", [5.0, 0.1])
def test_divisions_expand_in_a_geometric_row(ratio: float) -> None:
    ends = divided(-1.0, 3.0, 7, ratio)
    lengths = np.diff(ends)
    assert (ends[0], ends[-1]) == (-1.0, 3.0) and lengths[-1] / lengths[0] == pytest.approx(ratio)
    assert lengths[1:] / lengths[:-1] == pytest.approx(ratio ** (1 / 6))
    body = heat({"kind": "box", "lower": [-1, 0], "upper": [3, 1], "cells": [7, 2], "expansion": [ratio, 1]})
    assert np.unique(np.round(body.space.points[:, 0], 12)) == pytest.approx(ends)


AXIS = {"axisymmetric": True}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"mesh": square(2, expansion=[2.0])}, "'expansion' has 1 numbers; it must have 2, one for each axis"),
    (AXIS | {"mesh": square(2, lower=[-1, 0])}, "2 dimensions from x = -1.0; it must have two, and no negative x"),
    (AXIS | {"boundaries": given(1.0, "x-lower")}, "'x-lower' on the axis of an 'axisymmetric' body; the axis must"),
    ({"averages": {"a": {"boundary": "y-upper"}}}, "average 'a' is of 'y-upper'; it must be of a boundary: none"),
    (
        {"averages": {"time": {"boundary": "x-upper"}}, "boundaries": given(1.0, "x-upper")},
        "an average has the name 'time', which a probe or the course has already",
    ),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], message: str) -> None:
    unit = {"mesh": square(2), "conductivity": 1.0, "capacity": 1.0, "initial": 0.0, "step": 0.1}
    with pytest.raises(ValidationError, match=message):
        HeatSettings.model_validate(unit | changes)


def test_a_file_beyond_the_axis_is_refused(tmp_path: Path) -> None:
    import meshio

    points = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    meshio.Mesh(points, [("triangle", np.array([[0, 1, 2]]))]).write(tmp_path / "one.vtu")
    with pytest.raises(SolverError, match="'axisymmetric' with a mesh of 2 dimensions from x = -1; it must have two"):
        heat({"kind": "file", "file": "one.vtu"}, directory=tmp_path, axisymmetric=True)
