"""Atoms of solids for the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mpi4py import MPI

from suture.solvers.md.relaxed_atoms import RelaxedAtoms
from suture.solvers.md.solid_settings import SolidAtomsSettings

HERE = Path(__file__).parent


def relaxed(script: str, folder: Path, comm: MPI.Comm = MPI.COMM_SELF, **settings: Any) -> RelaxedAtoms:
    of = SolidAtomsSettings.model_validate({"script": script, "free": "free"} | settings)
    return RelaxedAtoms(of, comm, HERE / script, folder)


def ball(folder: Path, comm: MPI.Comm = MPI.COMM_SELF, **settings: Any) -> RelaxedAtoms:
    """Of copper, 767 atoms."""
    return relaxed("in.block", folder, comm, **settings)


def blended(places: np.ndarray, begin: float = 7.6, width: float = 2.0) -> np.ndarray:
    """Weights of atoms, 1 up to a distance from the middle, then falling to 0."""
    return 1.0 - np.clip((np.linalg.norm(places, axis=1) - begin) / width, 0.0, 1.0)


def waved(places: np.ndarray) -> np.ndarray:
    """A displacement that is no uniform strain, up to 0.15."""
    return 0.15 * np.sin(0.3 * places[:, [1, 2, 0]] + 0.1 * places)
