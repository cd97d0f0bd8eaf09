"""What users get wrong, and what the solver says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpi4py import MPI
from pydantic import ValidationError

from suture.solvers.navier_stokes import SIDES, NavierStokes, NavierStokesSettings, SolverError
from suture.solvers.navier_stokes.closures import create_fluid
from suture.solvers.navier_stokes.estimate import initial_problem, longest_step

from .flows import AT_REST, GAS, flow, liquid, run

WALL = {"kind": "wall"}


def settings(**changes: Any) -> NavierStokesSettings:
    boundaries = {"z-lower": WALL, "z-upper": WALL}
    given = {"lower": [0, 0, 0], "upper": [1, 1, 1], "cells": [1, 1, 4], "fluid": GAS, "initial": AT_REST}
    return NavierStokesSettings.model_validate(given | {"boundaries": boundaries} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cells": [1, 1, 1]}, "at least one axis needs two cells"),
        ({"cells": [1, 1, 0]}, "greater than or equal to 1"),
        ({"upper": [1, 1, 0]}, "along z 'lower' is 0.0 and 'upper' 0.0; 'lower' must be less"),
        ({"boundaries": {"z-lower": WALL}}, "'boundaries' lacks 'z-upper'"),
        ({"boundaries": {"z-lower": WALL, "z-upper": {"kind": "periodic"}}}, "only one of 'z-lower' and 'z-upper'"),
        ({"boundaries": {"z-lower": WALL, "z-upper": WALL, "x-lower": WALL}}, "single cell along x"),
        ({"boundaries": {"z-lower": WALL, "z-upper": WALL | {"velocity": [0, 0, 1]}}}, "along its normal z"),
        ({"boundaries": {"z-lower": WALL, "z-upper": {"kind": "wal"}}}, "'wall', 'periodic', 'reservoir', 'seam'"),
        ({"boundaries": {"z-lower": WALL, "z-upper": {"kind": "reservoir", "temperature": 1}}}, "exactly one of"),
        ({"boundaries": {"w-lower": WALL}}, "x-lower"),
        ({"initial": AT_REST | {"density": "1 + q"}}, "unknown name 'q'"),
        ({"initial": AT_REST | {"density": "1 + t"}}, "unknown name 't'"),
        ({"cfl": -1}, "greater than 0"),
        ({"clf": 0.5}, "clf"),
    ],
)
def test_mistakes_in_the_settings(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**changes)
    assert message in str(caught.value)


def test_settings_survive_a_round_trip() -> None:
    written = settings(initial=AT_REST | {"density": "1 + 0.1*z"}, body_force=[0, "sin(t)", 0]).model_dump(mode="json")
    assert json.loads(json.dumps(written))["initial"]["density"] == "1 + 0.1*z"
    assert NavierStokesSettings.model_validate(written).initial.density.source == "1 + 0.1*z"
    assert "anyOf" in json.dumps(NavierStokesSettings.model_json_schema())


def test_initial_state_outside_the_fluid_names_the_cell(tmp_path: Path) -> None:
    fluid = liquid(tmp_path)
    initial = {"density": "0.84 - 0.3*z", "velocity": [0, 0, 0], "temperature": 1.1}
    with pytest.raises(
        SolverError, match=r"density is 0\.63 in the cell at \(0\.5, 0\.5, 0\.7\).*between 0\.64 and 1\.04"
    ):
        flow([1, 1, 5], fluid=fluid, initial=initial)
    given = settings(fluid=fluid, initial=initial, cells=[1, 1, 5])
    problem = initial_problem(given, create_fluid(given.fluid, tmp_path))
    assert problem == ("density", "0.63 in the cell at (0.5, 0.5, 0.7)", "between 0.64 and 1.04")


def test_an_unresolved_flow_says_so() -> None:
    shock = {"density": 1.0, "velocity": [0, 0, "6*sin(2*pi*z)"], "temperature": 1.0}
    solver = flow([1, 1, 32], fluid=GAS | {"viscosity": 0, "conductivity": 0}, initial=shock)
    with pytest.raises(SolverError, match="the flow at time .* in the cell at .*unresolved"):
        run(solver, 10.0, 2000)


def test_a_seam_flux_needs_a_seam() -> None:
    solver = flow([1, 1, 4], boundaries={"z-lower": WALL, "z-upper": WALL})
    with pytest.raises(SolverError, match="side 'z-lower' has no seam"):
        solver.set_seam_flux("z-lower", np.zeros((1, 5)))
    with pytest.raises(SolverError, match="unknown side 'bottom'"):
        solver.seam_cells("bottom")


def test_a_reservoir_beyond_the_fluid(tmp_path: Path) -> None:
    ends = {"z-lower": {"kind": "reservoir", "pressure": -500.0, "temperature": 1.1}, "z-upper": WALL}
    with pytest.raises(SolverError, match="reservoir 'z-lower': no density between"):
        flow([1, 1, 4], fluid=liquid(tmp_path), boundaries=ends, initial=AT_REST | {"density": 0.84})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"viscosity": {}}, "viscosity.polynomial"),
        ({"format": 2}, "format"),
        ({"conductivity": {"polynomial": {"00": -1.0}}}, "must not be negative"),
        ({"viscosity": {"polynomial": {"30": 1.0}}}, "30"),
    ],
)
def test_mistakes_in_a_fluid_file(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    given = settings(fluid=liquid(tmp_path, **changes))
    with pytest.raises(SolverError) as caught:
        create_fluid(given.fluid, tmp_path)
    assert message in str(caught.value)
    assert "fluid.json" in str(caught.value)


def test_a_fluid_file_that_is_not_there(tmp_path: Path) -> None:
    given = settings(fluid={"kind": "measured", "file": "absent.json"})
    with pytest.raises(SolverError, match=r"absent\.json: No such file.*run the stage that measures it"):
        create_fluid(given.fluid, tmp_path)


def test_temperature_is_the_inverse_of_energy(tmp_path: Path) -> None:
    for fluid in (
        create_fluid(settings().fluid, tmp_path),
        create_fluid(settings(fluid=liquid(tmp_path)).fluid, tmp_path),
    ):
        density, temperature = np.meshgrid(np.linspace(0.7, 1.0, 7), np.linspace(0.6, 1.6, 7))
        energy = fluid.energy(density, temperature)
        assert np.abs(fluid.temperature(density, energy) / temperature - 1).max() < 1e-13
        step = 1e-6
        slope = (fluid.energy(density, temperature + step) - fluid.energy(density, temperature - step)) / (2 * step)
        assert np.abs(fluid.heat_capacity(density, temperature) / slope - 1).max() < 1e-8


def test_estimated_step_is_the_solver_s(tmp_path: Path) -> None:
    given = settings(fluid=liquid(tmp_path), initial={"density": 0.84, "velocity": [0, 0, "0.1"], "temperature": 1.1})
    solver = NavierStokes(given, MPI.COMM_SELF)
    assert abs(longest_step(given, solver.fluid) / solver.max_dt - 1) < 1e-12
    assert set(given.boundaries) < set(SIDES)


def test_steps_stay_stable_at_the_full_limit(tmp_path: Path) -> None:
    """A liquid between walls, disturbed cell by cell, calms down with steps at the whole stability limit."""
    walls = {"z-lower": WALL | {"temperature": 1.1}, "z-upper": WALL | {"temperature": 1.1}}
    solver = flow(
        [1, 1, 12],
        upper=[12, 12, 36],
        fluid=liquid(tmp_path),
        cfl=1.0,
        boundaries=walls,
        initial={"density": 0.84, "velocity": ["0.1*cos(pi*z/3)", 0, "0.1*cos(pi*z/3)"], "temperature": 1.1},
    )
    run(solver, 300 * solver.max_dt)
    assert np.abs(solver.velocity[0]).max() < 0.01
    assert np.abs(solver.velocity[2]).max() < 0.02
