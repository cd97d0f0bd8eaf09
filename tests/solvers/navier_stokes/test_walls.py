"""Walls and reservoirs against exact solutions: moving, slipping, isothermal, adiabatic, impermeable, open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from suture.solvers.navier_stokes import NavierStokes

from .flows import GAS, conductor, flow, order, run

# So viscous that sound is overdamped: pressure evens out at the rate c^2/(4/3 nu), about 1.
THICK = GAS | {"viscosity": 1.0, "conductivity": 3.5}


def between(lower: dict[str, Any], upper: dict[str, Any], axis: str = "z") -> dict[str, Any]:
    return {f"{axis}-lower": {"kind": "wall"} | lower, f"{axis}-upper": {"kind": "wall"} | upper}


def column(solver: NavierStokes, axis: str = "z") -> np.ndarray:
    return solver.grid.centres()["xyz".index(axis)].ravel()


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_couette_with_viscous_heating_is_exact(axis: str) -> None:
    """Linear velocity and parabolic temperature, which the scheme represents; work in equals heat out."""
    along = {"x": 1, "y": 2, "z": 0}[axis]
    velocity = [0.0, 0.0, 0.0]
    velocity[along] = 1.0
    walls = between({"velocity": velocity, "temperature": 1.0}, {"temperature": 1.0}, axis)
    solver = flow([8 if a == axis else 1 for a in "xyz"], fluid=THICK, boundaries=walls)
    run(solver, 25.0)
    s = column(solver, axis)
    assert np.abs(solver.velocity[along].ravel() - (1 - s)).max() < 1e-9
    assert np.abs(solver.temperature.ravel() - (1 + 1.0 / (2 * 3.5) * s * (1 - s))).max() < 1e-9
    before = solver.rows()
    solver.advance(0.01)
    gained = {name: {q: row[q] - before[name][q] for q in row} for name, row in solver.rows().items()}
    drive, rest = gained[f"{axis}-lower"], gained[f"{axis}-upper"]
    assert abs(drive["momentum"][along] - 0.01) < 1e-10  # shear stress 1 on area 1
    # The moving wall works 0.01 and takes half of the heat; the resting one takes the other half.
    assert abs(drive["energy"][0] - 0.005) < 1e-10
    assert abs(rest["energy"][0] + 0.005) < 1e-10


def test_slip_length_and_adiabatic_wall() -> None:
    """Slip on both walls; the moving one is adiabatic, so all its work leaves as heat on the other side."""
    slip, stress = 0.25, 1.0 / 1.5
    walls = between({"velocity": [1, 0, 0], "slip_length": slip}, {"temperature": 1.0, "slip_length": slip})
    solver = flow([1, 1, 8], fluid=THICK, boundaries=walls)
    run(solver, 25.0)
    s = column(solver)
    assert np.abs(solver.velocity[0].ravel() - (1 - stress * (s + slip))).max() < 1e-8
    # The heat of friction on the lower wall, stress^2 slip, and that made in the fluid flow to the upper one.
    exact = 1.0 + (stress**2 * slip * (1 - s) + 0.5 * stress**2 * (1 - s**2)) / 3.5
    assert np.abs(solver.temperature.ravel() - exact).max() < 1e-8
    before = solver.rows()
    solver.advance(0.01)
    gained = {name: row["energy"][0] - before[name]["energy"][0] for name, row in solver.rows().items()}
    assert abs(gained["z-lower"] - 0.01 * stress) < 1e-9
    # The isothermal wall keeps the heat of friction on itself: the fluid works on it through the slip velocity.
    assert abs(gained["z-upper"] + gained["z-lower"]) < 1e-9


def test_poiseuille_is_the_exact_parabola(tmp_path: Path) -> None:
    force = 0.02
    walls = between({"temperature": 1.0}, {"temperature": 1.0})
    solver = flow(
        [1, 1, 8], fluid=conductor(tmp_path, 1.0, 2.0), boundaries=walls, body_force=[0, force, 0], initial={
            "density": 1.0, "velocity": [0, 0, 0], "temperature": 1.0}
    )  # fmt: skip
    run(solver, 3.0)
    s = column(solver)
    assert np.abs(solver.velocity[1].ravel() - 0.5 * force * s * (1 - s)).max() < 1e-7 * force
    before = solver.rows()
    solver.advance(0.01)
    gained = {name: row["momentum"][1] - before[name]["momentum"][1] for name, row in solver.rows().items()}
    assert abs(gained["body force"] - 0.01 * force) < 1e-12
    assert abs(sum(gained.values())) < 1e-9 * force


@pytest.mark.parametrize("slip", [0.0, 0.1])
def test_decay_between_walls_is_second_order(slip: float) -> None:
    """cos(k(z - 1/2)) with slip b decays as exp(-nu k^2 t), where 1 = b k tan(k/2); amplitude too small to heat."""
    k = brentq(lambda k: np.cos(k / 2) - slip * k * np.sin(k / 2), 0.1, np.pi + 1e-9)
    errors = []
    for n in (8, 16, 32):
        walls = between({"temperature": 1.0, "slip_length": slip}, {"temperature": 1.0, "slip_length": slip})
        initial = {"density": 1.0, "velocity": [f"1e-6*cos({k!r}*(z-0.5))", 0, 0], "temperature": 1.0}
        solver = flow([1, 1, n], fluid=THICK, boundaries=walls, initial=initial)
        run(solver, 0.1)
        exact = 1e-6 * np.cos(k * (column(solver) - 0.5)) * np.exp(-(k**2) * 0.1)
        errors.append(np.abs(solver.velocity[0].ravel() - exact).max() / 1e-6)
    assert 1.8 < order(errors) < 2.3, errors


@pytest.mark.parametrize("kind", ["isothermal", "adiabatic"])
def test_heat_conduction_between_walls_is_second_order(kind: str, tmp_path: Path) -> None:
    shape, wall = ("sin", {"temperature": 1.0}) if kind == "isothermal" else ("cos", {})
    errors = []
    for n in (8, 16, 32):
        initial = {"density": 1.0, "velocity": [0, 0, 0], "temperature": f"1 + 0.1*{shape}(pi*z)"}
        solver = flow([1, 1, n], fluid=conductor(tmp_path), boundaries=between(wall, wall), initial=initial)
        run(solver, 0.1)
        exact = 1 + 0.1 * getattr(np, shape)(np.pi * column(solver)) * np.exp(-0.5 * np.pi**2 * 0.1)
        errors.append(np.abs(solver.temperature.ravel() - exact).max())
    assert 1.8 < order(errors) < 2.3, errors


@pytest.mark.parametrize("ends", ["closed", "open"])
def test_standing_wave_in_a_pipe_is_second_order(ends: str) -> None:
    """Sound between impermeable walls, or between reservoirs that hold the pressure: half a wave, no dissipation."""
    shape = "cos" if ends == "closed" else "sin"
    end = {"kind": "wall"} if ends == "closed" else {"kind": "reservoir", "pressure": 1.0, "temperature": 1.0}
    speed, errors = np.sqrt(1.4), []
    for n in (16, 32, 64):
        initial = {
            "density": f"1 + 1e-6*{shape}(pi*x)",
            "velocity": [0, 0, 0],
            "temperature": f"(1 + 1.4e-6*{shape}(pi*x))/(1 + 1e-6*{shape}(pi*x))",
        }
        fluid = GAS | {"viscosity": 0.0, "conductivity": 0.0}
        solver = flow([n, 1, 1], fluid=fluid, boundaries={"x-lower": end, "x-upper": end}, initial=initial)
        run(solver, 0.6)
        exact = 1.4e-6 * getattr(np, shape)(np.pi * column(solver, "x")) * np.cos(np.pi * speed * 0.6)
        errors.append(np.abs(solver.pressure.ravel() - 1 - exact).max() / 1.4e-6)
    assert 1.8 < order(errors) < 2.4, errors
    assert errors[-1] < 0.01


def test_reservoir_fills_a_column_to_its_pressure() -> None:
    """Gas streams from the reservoir into a thinner one until the pressures are equal; no mass is lost on the way."""
    ends = {"z-lower": {"kind": "reservoir", "pressure": 1.02, "temperature": 1.0}, "z-upper": {"kind": "wall"}}
    solver = flow([1, 1, 16], fluid=GAS | {"viscosity": 0.5, "conductivity": 1.0}, boundaries=ends)
    start = solver.inventory()
    run(solver, 20.0)
    assert np.abs(solver.pressure - 1.02).max() < 1e-6
    gained = solver.rows()["z-lower"]["mass"][0]
    assert gained > 0.01
    assert abs(solver.inventory()["mass"][0] - start["mass"][0] - gained) < 1e-14
    # Enthalpy 3.5 R T came with every unit of mass, so that the column is warmer than the reservoir.
    assert solver.temperature.mean() >= 1.0
