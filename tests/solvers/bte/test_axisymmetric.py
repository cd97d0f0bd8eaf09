"""Phonons about an axis: what planes, discs and waves around it know in closed form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import meshio
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import j0

from suture.solvers.bte.checks import check_settings
from suture.solvers.bte.meshes import create
from suture.solvers.bte.settings import PhononSettings
from suture.solvers.bte.turning import about_axis, turned
from suture.solvers.errors import SolverError

from .bodies import fixed, gray, rows, solved, solver
from .test_bodies import GRATINGS

MIRROR = {"kind": "surface", "specularity": 1.0}


def cylinder(cells: list[int], path: float = 1.0, height: float = 1.0, **changes: Any) -> dict[str, Any]:
    """Of radius one, hot below, cold elsewhere."""
    return {
        "axisymmetric": True,
        "mesh": {"kind": "box", "lower": [0.0, 0.0], "upper": [1.0, height], "cells": cells},
        "material": gray(path),
        "initial": 0.0,
        "time_integration": "steady",
        "boundaries": {"x-upper": fixed(0.0), "y-lower": fixed(1.0), "y-upper": fixed(0.0)},
    } | changes


def test_an_even_temperature_stays_and_nothing_flows() -> None:
    walls = {"x-upper": fixed(1.0), "y-lower": fixed(1.0, transmissivity=0.3), "y-upper": {"kind": "surface"}}
    made = solved(cylinder([6, 5], initial="0.5 + 0.1*x", boundaries=walls, tolerance=1e-14))
    assert np.abs(made.temperature - 1.0).max() < 1e-12
    assert all(abs(heat) < 1e-13 for heat in rows(made).values())


def test_directions_turn_without_a_constant_noticing() -> None:
    quadrature, turning = turned(about_axis(3, 8))
    heights = quadrature.directions[:, 1]
    assert len(heights) == 2 * 3 * (4 + 1) and quadrature.weights.sum() == pytest.approx(4.0 * np.pi)
    removal, gain, tau = turning.coefficients.T
    moves = ~turning.starts
    # d(zeta)/d(omega) = xi: what turning takes out of a direction is what flying apart thins.
    assert removal[moves] - gain[moves] == pytest.approx(-quadrature.directions[moves, 0])
    assert (tau[moves] > 0.0).all() and (tau[moves] < 1.0).all()


@pytest.mark.parametrize(("eta", "exact"), GRATINGS)
def test_a_wave_around_the_axis_decays_as_a_plane_one(eta: float, exact: tuple[float, ...]) -> None:
    """J0(eta r) is plane waves in all directions, which decay alike. The rim is out of the axis' reach until t = 2."""
    walls = {"x-upper": fixed(0.0), "y-lower": MIRROR, "y-upper": MIRROR}
    mesh = {"kind": "box", "lower": [0.0, 0.0], "upper": [2.5, 0.2], "cells": [30, 1]}
    settings = cylinder([], mesh=mesh, boundaries=walls, step=0.05, directions={"polar": 6, "azimuthal": 32})
    made = solver(settings | {"time_integration": "sdirk2"})
    radius = made.corners[:, :, 0]
    made.temperature = j0(eta * radius)
    made._energy, made._state = made.temperature.copy(), made._equilibrium(made.temperature)
    found = []
    for steps in (1, 1, 2):
        for _ in range(steps):
            made.advance(0.5)
        found.append(made.temperature[radius == 0.0].mean())
    assert found == pytest.approx(exact, abs=5e-3 if eta > 1.0 else 2e-4)


def crossing(cells: int, around: int, height: float) -> float:
    """Heat from the lower disc to the upper one, of what the lower emits, where nothing scatters."""
    directions = {"polar": 12, "azimuthal": around}
    found = rows(solved(cylinder([cells, cells], 1e9, height, directions=directions, tolerance=1e-12)))
    return -4.0 * found["y-upper"] / np.pi


@pytest.mark.parametrize("height", [1.0, 0.4])
def test_discs_see_each_other_as_their_view_factor_says(height: float) -> None:
    s = 2.0 + height**2
    exact = 0.5 * (s - np.sqrt(s**2 - 4.0))
    errors = [abs(crossing(cells, around, height) - exact) for cells, around in ((8, 16), (16, 32), (32, 64))]
    assert errors[2] < 0.01 * exact and errors[2] < 0.5 * errors[0], errors


@pytest.mark.parametrize("path", [0.05, 0.01])
def test_a_heated_cylinder_is_as_hot_as_diffusion_and_slip_say(path: float) -> None:
    walls = {"x-upper": fixed(0.0), "y-lower": MIRROR, "y-upper": MIRROR}
    made = solved(cylinder([40, 2], path, 0.1, boundaries=walls, source="1"))
    hottest = made.temperature[made.corners[:, :, 0] == 0.0].mean()
    conductivity = path / 3.0
    # At the rim half the radius flows; 2.13134 is Milne's slip, and its curvature adds a term of the second order.
    assert hottest == pytest.approx(0.25 / conductivity + 0.5 * 2.13134, rel=4.0 * path**2 + 2e-4)
    assert rows(made)["x-upper"] == pytest.approx(-0.1 * np.pi, rel=1e-12)
    assert rows(made)["source"] == pytest.approx(0.1 * np.pi, rel=1e-12)


def test_a_wide_disc_is_a_film() -> None:
    """Far from the rim, the flux that the upper half of the table's Q gives; Kn = 1."""
    mesh = {"kind": "box", "lower": [0.0, 0.0], "upper": [12.0, 1.0], "cells": [24, 16]}
    directions = {"polar": 8, "azimuthal": 16}
    walls = {"x-upper": {"kind": "surface"}, "y-lower": fixed(1.0), "y-upper": fixed(0.0)}
    made = solved(cylinder([], mesh=mesh, boundaries=walls, directions=directions, initial=0.5))
    assert made.solution is not None
    on_axis = made.corners[:, :, 0] == 0.0
    assert 4.0 * made.solution.flux[1][on_axis].mean() == pytest.approx(0.55340599333, abs=1e-3)
    flows = rows(made)
    assert abs(flows["y-lower"] + flows["y-upper"]) < 1e-12 * flows["y-lower"]


def test_what_a_transient_stores_is_what_entered() -> None:
    walls = {"x-upper": fixed("1+t", transmissivity=0.5), "y-lower": {"kind": "surface", "specularity": 0.5}}
    walls |= {"y-upper": {"kind": "flux", "flux": "x"}}
    changes = {"boundaries": walls, "step": 0.05, "time_integration": "sdirk2", "source": "x*t", "tolerance": 1e-6}
    made = solver(cylinder([6, 5], 0.3, initial="0.1*x", **changes))
    before = float(made.inventory()["energy"][0])
    for _ in range(4):
        made.advance(0.1)
    stored = float(made.inventory()["energy"][0]) - before
    assert stored == pytest.approx(sum(rows(made).values()), abs=1e-14 * float(made.gross()["energy"][0]))
    assert rows(made)["y-upper"] == pytest.approx(0.4 * 2.0 * np.pi / 3.0, rel=1e-12)  # the integral of 2 pi r r


@pytest.mark.parametrize("path", [10.0, 0.1, 0.01])
def test_sweeps_do_not_grow_with_the_mesh(path: float) -> None:
    taken = [
        solved(cylinder([n, n], path, directions={"polar": 4, "azimuthal": 16}, tolerance=1e-8)).iterations
        for n in (6, 12, 24)
    ]
    assert max(taken) <= 15, taken


BOX: dict[str, Any] = {"kind": "box", "lower": [0.0, 0.0], "upper": [1.0, 1.0], "cells": [2, 2]}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"mesh": BOX | {"lower": [-1.0, 0.0]}}, "-1.0 along x; it must not be"),
    ({"gradient": [0.0, 1.0, 0.0]}, "'axisymmetric' with a 'gradient'; it must have none"),
    ({"mesh": BOX | {"lower": [0.0] * 3, "upper": [1.0] * 3, "cells": [1] * 3}}, "not of triangles; it must be"),
    ({"boundaries": {"y-lower": {"kind": "periodic"}}}, "kind 'periodic'; use 'surface'"),
    ({"boundaries": dict.fromkeys(("x-lower", "x-upper", "y-lower", "y-upper"), MIRROR)}, "must have each of x-upper"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_what_no_axis_allows_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        solver(cylinder([2, 2]) | changes)


FILES: list[tuple[np.ndarray, str, str]] = [
    (np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), "triangle", "with a mesh from x = -1; no x may be negative"),
    (np.eye(4)[:, :3], "tetra", "'axisymmetric' with a mesh of 3 dimensions; it must have two"),
]


@pytest.mark.parametrize(("points", "cell", "message"), FILES)
def test_files_that_no_axis_allows_are_refused(points: np.ndarray, cell: str, message: str, tmp_path: Path) -> None:
    meshio.Mesh(points, [(cell, np.arange(len(points))[None])]).write(tmp_path / "one.vtu")
    settings = cylinder([], mesh={"kind": "file", "file": "one.vtu"}, boundaries={})
    with pytest.raises(SolverError, match=message):
        solver(settings, tmp_path)
    read = create(PhononSettings.model_validate(settings).mesh, tmp_path)
    with pytest.raises(SolverError, match=message):
        check_settings(PhononSettings.model_validate(settings), read, tmp_path, 1)


def test_a_mirror_around_the_axis_is_refused() -> None:
    walls = {"x-upper": MIRROR, "y-lower": fixed(1.0), "y-upper": fixed(0.0)}
    with pytest.raises(SolverError, match=r"'x-upper' mirrors phonons but is not at right angles to an axis"):
        solver(cylinder([2, 2], boundaries=walls))


def test_too_few_directions_are_refused() -> None:
    with pytest.raises(SolverError, match="too few 'directions' for this axisymmetric mesh; more 'polar' help"):
        solver(cylinder([2, 2], directions={"polar": 2, "azimuthal": 16}))


def test_resolved_modes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "modes.txt").write_text("0.5 1 0 0 1\n0.5 -1 0 0 1\n", encoding="utf-8")
    with pytest.raises(SolverError, match="resolved modes on an axisymmetric mesh; use bands"):
        solver(cylinder([2, 2], material={"kind": "modes", "file": "modes.txt"}), tmp_path)
