"""Small solid bodies for the tests of finite elements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from suture.solvers.fem import SolidSettings, solid_mechanics

UNIT: dict[str, Any] = {"young": 100.0, "poisson": 0.3, "density": 1.0, "step": 0.05}
LAWS = ("linear", "st-venant-kirchhoff", "neo-hookean")
CLAMPED: dict[str, Any] = {"x-lower": {"kind": "displacement", "x": 0.0, "y": 0.0}}


def beam(nx: int = 8, ny: int = 4, **more: Any) -> dict[str, Any]:
    """The mesh of a rectangle, 2 by 1."""
    return {"kind": "box", "lower": [0, 0], "upper": [2, 1], "cells": [nx, ny], **more}


def solid(mesh: dict[str, Any], comm: MPI.Comm = MPI.COMM_SELF, directory: Path = Path(), **settings: Any) -> Any:
    """A solver with simple properties, if no others are named."""
    if "lame" in settings:
        settings = {"young": None, "poisson": None} | settings
    return solid_mechanics(SolidSettings.model_validate({"mesh": mesh} | UNIT | settings), comm, directory)


MIXED: dict[str, Any] = {
    "x-lower": {"kind": "displacement", "x": 0.0, "y": 0.0},
    "x-upper": {"kind": "traction", "traction": ["y", "2*t"]},
    "y-upper": {"kind": "displacement", "y": "0.01*sin(3*t)"},
    "y-lower": {"kind": "pressure", "pressure": "0.5 + x"},
}
"""Every kind of boundary; two of them share a corner, of which one has both directions."""


def mixed(law: str, comm: MPI.Comm = MPI.COMM_SELF, **more: Any) -> Any:
    """A body with every kind of boundary and load, that moves from the start."""
    settings: dict[str, Any] = {"velocity": [0, "0.2*x"], "body_force": ["0.3*x", "sin(t)"], "boundaries": MIXED}
    return solid(beam(), comm, material=law, **(settings | more))


def rows(body: Any) -> dict[str, np.ndarray]:
    """What each row has added, momentum (3,) and energy, over all ranks."""
    return {
        name: body.domain.comm.allreduce(np.append(book["momentum"], book["energy"]))
        for name, book in body.rows().items()
    }


def held(body: Any) -> np.ndarray:
    """Momentum (3,) and energy of the body, over all ranks."""
    book = body.inventory()
    return body.domain.comm.allreduce(np.append(book["momentum"], book["energy"]))


def imbalance(body: Any, windows: int = 5, length: float = 0.12) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """What the rows do not explain of momentum and energy, what flowed, and the rows."""
    before = held(body)
    for _ in range(windows):
        body.advance(length)
    brought = rows(body)
    through = np.abs(list(brought.values())).sum(axis=0)
    return held(body) - before - sum(brought.values()), through, brought


def at(body: Any, *place: float) -> np.ndarray:
    """The displacement of the node at a place."""
    points = body.space.points[: body.space.owned, : len(place)]
    return body.displacement.reshape(-1, len(place))[np.argmin(np.linalg.norm(points - place, axis=1))]
