"""Exact solutions of the equations: finite-amplitude entropy waves, time order, Taylor-Green."""

from __future__ import annotations

import numpy as np
import pytest

from .flows import GAS, flow, order, run

INVISCID = GAS | {"viscosity": 0.0, "conductivity": 0.0}


@pytest.mark.parametrize("axes", ["x", "z", "yz", "xyz"])
def test_entropy_wave_is_second_order(axes: str) -> None:
    """At one pressure and one velocity any density profile is carried along, at any amplitude."""
    phase = "+".join(axes)
    errors = []
    for n in (8, 16, 32):
        initial = {
            "density": f"1 + 0.2*sin(2*pi*({phase}))",
            "velocity": [1.0, 1.0, 1.0],
            "temperature": f"1/(1 + 0.2*sin(2*pi*({phase})))",
        }
        solver = flow([n if axis in axes else 1 for axis in "xyz"], fluid=INVISCID, initial=initial)
        run(solver, 0.1)
        centres = dict(zip("xyz", solver.grid.centres(), strict=True))
        exact = 1 + 0.2 * np.sin(2 * np.pi * sum(centres[axis] - 0.1 for axis in axes))
        errors.append(np.sqrt(np.mean((solver.density - exact) ** 2)))
    assert 1.9 < order(errors) < 2.2, errors


def test_third_order_in_time() -> None:
    initial = {"density": "1+0.1*sin(2*pi*x)", "velocity": ["0.3*cos(2*pi*x)", "sin(2*pi*x)", 0], "temperature": 1.0}
    results = {}
    for steps in (20, 40, 640):
        solver = flow([12, 1, 1], initial=initial, cfl=1.0)
        assert 0.2 / 20 < 0.5 * solver.max_dt
        run(solver, 0.2, steps)
        results[steps] = solver.grid.state.copy()
    errors = [np.abs(results[steps] - results[640]).max() for steps in (20, 40)]
    assert 2.9 < order(errors) < 3.2, errors


def test_taylor_green_decays_as_it_should() -> None:
    """Nearly incompressible (Mach 0.02): kinetic energy falls as exp(-4 nu k^2 t), to second order in the grid."""
    viscosity, time = 0.01, 0.5
    rate = 4 * viscosity * (2 * np.pi) ** 2
    errors = []
    for n in (16, 32):
        u, v = "0.02*sin(2*pi*x)*cos(2*pi*y)", "-0.02*cos(2*pi*x)*sin(2*pi*y)"
        pressure = "1 + 0.0001*(cos(4*pi*x) + cos(4*pi*y))"  # density u^2/4, so that no sound starts
        initial = {"density": pressure, "velocity": [u, v, 0], "temperature": 1.0}
        solver = flow([n, n, 1], fluid=GAS | {"viscosity": viscosity}, initial=initial)
        start = np.sum(solver.density * np.sum(solver.velocity**2, axis=0))
        run(solver, time)
        decay = np.log(start / np.sum(solver.density * np.sum(solver.velocity**2, axis=0))) / time
        errors.append(abs(decay / rate - 1.0))
    assert errors[-1] < 0.005
    assert 1.8 < order(errors) < 2.2, errors


def test_alternating_pressure_is_damped() -> None:
    """Central fluxes do not see pressure that alternates from cell to cell; the third-difference mass flux does.

    Without dissipation its amplitude falls as exp(-2 beta c t / h) with beta = 0.05; no sound comes of it.
    """
    density = "1 + 1e-6*cos(16*pi*(x - 1/32))"
    initial = {"density": density, "velocity": [0, 0, 0], "temperature": f"({density})**0.4"}
    solver = flow([16, 1, 1], fluid=INVISCID, initial=initial)
    run(solver, 0.5)
    expected = 1e-6 * np.exp(-2 * 0.05 * np.sqrt(1.4) * 0.5 * 16)
    assert abs(np.abs(solver.density - 1).max() / expected - 1) < 0.01
    assert np.abs(solver.velocity).max() < 1e-12
