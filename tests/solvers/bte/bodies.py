"""Small problems of phonons that several tests use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mpi4py import MPI

from suture.solvers.bte.settings import PhononSettings
from suture.solvers.bte.solver import PhononTransport

# Films between black walls: Kn, Q = flux / (C v dT / 4), slip; by the integral equation, checked by discrete ordinates.
FILMS = [
    (100.0, 0.99027458292, 0.48738707724),
    (10.0, 0.91570287383, 0.42898896903),
    (1.0, 0.55340599333, 0.24185354150),
    (0.1, 0.11674511351, 0.05055212200),
    (0.01, 0.01314653524, 0.00569261675),
]


def gray(path: float, heat_capacity: float = 1.0, velocity: float = 1.0) -> dict[str, Any]:
    return {"kind": "gray", "heat_capacity": heat_capacity, "velocity": velocity, "mean_free_path": path}


def fixed(temperature: float | str, **contact: float) -> dict[str, Any]:
    return {"kind": "temperature", "temperature": temperature, **contact}


def film(path: float = 1.0, cells: int = 64, **changes: Any) -> dict[str, Any]:
    """A film of thickness one from 1 to 0."""
    return {
        "mesh": {"kind": "film", "lower": [0.0, 0.0, 0.0], "upper": [1.0, 1.0, 1.0], "cells": cells},
        "material": gray(path),
        "initial": 0.5,
        "time_integration": "steady",
        "boundaries": {"x-lower": fixed(1.0), "x-upper": fixed(0.0)},
    } | changes


def box(cells: list[int], path: float = 1.0, **changes: Any) -> dict[str, Any]:
    """A unit square or cube, hot at x-lower and cold elsewhere."""
    d = len(cells)
    sides = [f"{axis}-{end}" for axis in "xyz"[:d] for end in ("lower", "upper")]
    return {
        "mesh": {"kind": "box", "lower": [0.0] * d, "upper": [1.0] * d, "cells": cells},
        "material": gray(path),
        "directions": {"polar": 2, "azimuthal": 16},
        "initial": 0.0,
        "time_integration": "steady",
        "boundaries": {side: fixed(1.0 if side == "x-lower" else 0.0) for side in sides},
    } | changes


def solver(settings: dict[str, Any], directory: Path = Path()) -> PhononTransport:
    return PhononTransport(PhononSettings.model_validate(settings), MPI.COMM_SELF, directory)


def solved(settings: dict[str, Any], dt: float = 1.0, steps: int = 1) -> PhononTransport:
    made = solver(settings)
    for _ in range(steps):
        made.advance(dt)
    return made


def rows(made: PhononTransport) -> dict[str, float]:
    return {name: float(book["energy"][0]) for name, book in made.rows().items()}
