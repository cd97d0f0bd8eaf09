"""Files of lattice dynamics of a crystal whose conductivity is known in closed form.

Simple cubic, a cell of edge A, 3 x 3 x 3 points and three branches; every phonon but those at the centre of the zone
flies along its own wave vector at one speed and lives as long as any other. The bulk then has k = C v² tau / 3.
"""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path
from typing import Any

import h5py
import numpy as np

A = 3e-10
SPEED, LIFETIME = 4000.0, 25e-12
FREQUENCY = 2.0 * np.pi * 5e12
TEMPERATURE = 300.0
IRREDUCIBLE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]) / 3.0
STARS = np.array([1, 6, 12, 8])

_X = 1.054571817e-34 * FREQUENCY / (1.380649e-23 * TEMPERATURE)
CAPACITY = 1.380649e-23 * _X**2 * np.exp(_X) / np.expm1(_X) ** 2
"""Of a mode, J/K."""
CONDUCTIVITY = 3 * 26 / 27 * CAPACITY / A**3 * SPEED**2 * LIFETIME / 3.0
HEAT = 3 * 26 / 27 * CAPACITY / A**3

CELL = f"""primitive_cell:
  lattice: [[{A * 1e10}, 0, 0], [0, {A * 1e10}, 0], [0, 0, {A * 1e10}]]
  points: [{{symbol: Po, coordinates: [0, 0, 0]}}]
"""


def velocities(points: np.ndarray) -> np.ndarray:
    """(points, 3) m/s along the wave vectors."""
    length = np.linalg.norm(points, axis=1)[:, None]
    return SPEED * points / np.where(length > 0.0, length, 1.0)


def phono3py_datasets() -> dict[str, Any]:
    """What phono3py would write, in its units: THz, Å, eV."""
    moving = np.repeat(np.any(IRREDUCIBLE > 0, axis=1)[:, None], 3, axis=1)
    gamma = np.where(moving, 1.0 / (4.0 * np.pi * LIFETIME) * 1e-12, 0.0)
    return {
        "mesh": np.array([3, 3, 3]),
        "weight": STARS,
        "qpoint": IRREDUCIBLE,
        "temperature": np.array([200.0, TEMPERATURE]),
        "frequency": np.where(moving, FREQUENCY / (2.0 * np.pi) * 1e-12, 0.0),
        "group_velocity": np.repeat(velocities(IRREDUCIBLE)[:, None] * 1e-2, 3, axis=1),
        "heat_capacity": np.where(moving, CAPACITY / 1.602176634e-19, 0.0) * np.array([0.9, 1.0])[:, None, None],
        "gamma": np.stack([gamma, gamma]),
        "kappa": np.array([[0.9], [1.0]]) * CONDUCTIVITY * np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]),
        "kappa_unit_conversion": 1.602176634e3 / (2.0 * np.pi) / (A * 1e10) ** 3,
    }


def write_phono3py(folder: Path, **changed: Any) -> Path:
    """``kappa.hdf5`` and ``cell.yaml``; a dataset that is changed to None is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "kappa.hdf5", "w") as file:
        for name, values in (phono3py_datasets() | changed).items():
            if values is not None:
                file[name] = values
    (folder / "cell.yaml").write_text(CELL)
    return folder


def write_shengbte(folder: Path) -> Path:
    """What ShengBTE would leave in its folder, in its units: rad/ps, km/s, 1/ps, 1/nm."""
    inside = folder / "T300K"
    inside.mkdir(parents=True)
    steps = np.array(list(product(range(3), repeat=3)))
    whole = np.where(steps == 2, -1, steps) / 3.0
    of = [int(np.flatnonzero((IRREDUCIBLE == np.sort(np.abs(q))[::-1]).all(axis=1))[0]) for q in whole]
    moving = np.repeat(np.any(IRREDUCIBLE > 0, axis=1)[:, None], 3, axis=1)
    omega = np.where(moving, FREQUENCY * 1e-12, 0.0)
    rate = np.where(moving, 1e-12 / LIFETIME, 0.0)
    np.savetxt(folder / "BTE.omega", omega)
    np.savetxt(folder / "BTE.v", np.tile(velocities(IRREDUCIBLE) * 1e-3, (3, 1)))
    np.savetxt(folder / "BTE.v_full", np.tile(velocities(whole) * 1e-3, (3, 1)))
    np.savetxt(folder / "BTE.qpoints_full", np.column_stack([np.arange(1, 28), np.add(of, 1), steps / 3.0]))
    np.savetxt(folder / "BTE.ReciprocalLatticeVectors", 2.0 * np.pi / (A * 1e9) * np.eye(3), footer="nm-1")
    np.savetxt(inside / "BTE.w", np.column_stack([omega.T.ravel(), rate.T.ravel()]))
    # The final rates are a quotient that is 0 / 0 at the centre of the zone.
    np.savetxt(
        inside / "BTE.w_final", np.column_stack([omega.T.ravel(), np.where(moving, 0.8 * rate, np.nan).T.ravel()])
    )
    np.savetxt(inside / "BTE.cv", [HEAT])
    unit = np.eye(3).ravel() * CONDUCTIVITY
    np.savetxt(inside / "BTE.kappa_tensor", [[0, *unit], [1, *(1.25 * unit)]])
    return folder


def turns() -> list[np.ndarray]:
    """The 48 symmetries of a cube, written down by hand."""
    return [
        np.diag(signs) @ np.eye(3)[list(order)]
        for order in permutations(range(3))
        for signs in product((1, -1), repeat=3)
    ]
