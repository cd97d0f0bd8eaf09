"""Small flows that several tests start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from suture.solvers.navier_stokes import SIDES, NavierStokes, NavierStokesSettings

GAS: dict[str, Any] = {"kind": "ideal-gas", "gamma": 1.4, "gas_constant": 1.0, "viscosity": 0.02, "conductivity": 0.07}
AT_REST: dict[str, Any] = {"density": 1.0, "velocity": [0, 0, 0], "temperature": 1.0}

# A dense liquid's orders of magnitude, every term of the polynomials and variable transport coefficients.
LIQUID: dict[str, Any] = {
    "kind": "fluid-properties",
    "format": 1,
    "units": "lj",
    "state_point": {"density": 0.84, "temperature": 1.1},
    "equation_of_state": {
        "pressure": {"00": 7.0, "10": 38.0, "01": 7.0, "20": 70.0, "11": 15.0, "02": -0.5},
        "energy": {"00": -3.0, "10": -2.0, "01": 2.5, "20": 3.0, "11": 1.0, "02": -0.1},
        "range": {"density": [0.74, 0.94], "temperature": [0.8, 1.4]},
    },
    "viscosity": {"polynomial": {"00": 2.2, "10": 10.0, "01": -1.0}},
    "bulk_viscosity": {"polynomial": {"00": 1.0, "01": 0.5}},
    "conductivity": {"polynomial": {"00": 7.0, "10": 8.0, "20": 3.0}},
}


def liquid(folder: Path, **changes: Any) -> dict[str, Any]:
    """Write ``LIQUID`` with changed top-level tables into ``folder``; returns the settings of its closure."""
    (folder / "fluid.json").write_text(json.dumps(LIQUID | changes))
    return {"kind": "measured", "file": str(folder / "fluid.json")}


def conductor(folder: Path, viscosity: float = 1.0, conductivity: float = 1.0) -> dict[str, Any]:
    """A fluid whose pressure does not know the temperature: at rest it obeys the heat equation, with c_v = 2."""
    return liquid(
        folder,
        state_point={"density": 1.0, "temperature": 1.0},
        equation_of_state={
            "pressure": {"00": 1.0, "10": 4.0},
            "energy": {"01": 2.0},
            "range": {"density": [0.5, 1.5], "temperature": [0.5, 1.5]},
        },
        viscosity={"polynomial": {"00": viscosity}},
        bulk_viscosity={"polynomial": {}},
        conductivity={"polynomial": {"00": conductivity}},
    )


def flow(cells: list[int], comm: MPI.Comm = MPI.COMM_SELF, **settings: Any) -> NavierStokes:
    """A unit box of gas at rest, periodic where nothing else is said."""
    boundaries = {side: {"kind": "periodic"} for side in SIDES} | settings.pop("boundaries", {})
    active = {side: value for side, value in boundaries.items() if cells["xyz".index(side[0])] > 1}
    given = {"lower": [0, 0, 0], "upper": [1, 1, 1], "cells": cells, "fluid": GAS, "initial": AT_REST}
    return NavierStokes(NavierStokesSettings.model_validate(given | {"boundaries": active} | settings), comm)


def run(solver: NavierStokes, time: float, steps: int | None = None) -> None:
    """Advance to ``time``, in equal steps of the longest stable length or as many as are given."""
    count = steps or int(np.ceil((time - solver.time) / solver.max_dt))
    for _ in range(count):
        solver.advance(time / count)


def own_flux(solver: NavierStokes, side: str) -> np.ndarray:
    """What a partner in the same state would send through a seam: the inviscid flux, (faces, 5), into the domain."""
    values, slopes = solver.layer_states(side, 1)
    axis = "xyz".index(side[0])
    inward = 1.0 if side.endswith("lower") else -1.0
    face = values - slopes * (0.5 * inward * solver.grid.spacing[axis])
    density, velocity, temperature, pressure = face[:, 0], face[:, 1:4], face[:, 4], face[:, 5]
    normal = inward * velocity[:, axis]
    energy = density * (solver.fluid.energy(density, temperature) + 0.5 * np.square(velocity).sum(axis=1))
    flux = np.column_stack([density * normal, (density * normal)[:, None] * velocity, (energy + pressure) * normal])
    flux[:, 1 + axis] += inward * pressure
    return flux


def order(errors: list[float], ratio: float = 2.0) -> float:
    """Order of convergence between the last two of a sequence of errors."""
    return float(np.log(errors[-2] / errors[-1]) / np.log(ratio))
