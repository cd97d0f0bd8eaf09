"""Small bodies for the tests of finite elements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from suture.solvers.fem import HeatSettings, heat_conduction

UNIT: dict[str, Any] = {"conductivity": 1.0, "capacity": 1.0, "initial": 0.0, "step": 0.1}


def square(n: int, **more: Any) -> dict[str, Any]:
    """The mesh of a unit square."""
    return {"kind": "box", "lower": [0, 0], "upper": [1, 1], "cells": [n, n], **more}


def given(formula: str | float, *names: str) -> dict[str, Any]:
    """Boundaries that have a given temperature."""
    return {name: {"kind": "temperature", "temperature": formula} for name in names}


SIDES = ("x-lower", "x-upper", "y-lower", "y-upper")


def heat(mesh: dict[str, Any], comm: MPI.Comm = MPI.COMM_SELF, directory: Path = Path(), **settings: Any) -> Any:
    """A solver with unit properties, if no others are named."""
    return heat_conduction(HeatSettings.model_validate({"mesh": mesh} | UNIT | settings), comm, directory)


def rows(body: Any) -> dict[str, float]:
    """What each row has added, over all ranks."""
    return {name: body.domain.comm.allreduce(book["energy"][0]) for name, book in body.rows().items()}


def held(body: Any) -> float:
    """The heat in the body, over all ranks."""
    return body.domain.comm.allreduce(body.inventory()["energy"][0])


def orders(errors: list[float]) -> np.ndarray:
    """Observed orders of convergence, of errors at halved spacings."""
    return np.log2(np.divide(errors[:-1], errors[1:]))
