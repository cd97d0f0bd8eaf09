"""Reads what ShengBTE leaves in its folder, https://bitbucket.org/sousaw/shengbte: files of numbers named ``BTE.*``.

Frequencies are in rad/ps, velocities in km/s, rates in 1/ps, reciprocal lattice vectors in 1/nm. ``BTE.omega`` has a
line for each irreducible point; velocities and rates have all points of the first branch, then of the second, ...
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .lattice_dynamics import Phonons, einstein

Array = NDArray[np.float64]
Rates = Literal["final", "relaxation-time"]

_PICO, _NANO = 1e-12, 1e-9
_KILO = 1e3
_SLOW = 1e-6
"""Speed over the highest below which ShengBTE's final rates, a quotient of two things that vanish, say nothing."""
_RATES: dict[Rates, tuple[str, int]] = {"final": ("BTE.w_final", -1), "relaxation-time": ("BTE.w", 0)}
"""The file of each, and the line of ``BTE.kappa_tensor`` that belongs to it: the last iteration, or none."""
_AGREES = 1e-3

OPPOSITE = np.array([np.eye(3), -np.eye(3)])
"""Phonons fly back the way they fly."""


def read_shengbte(folder: Path, temperature: float, rates: Rates, whole: bool) -> Phonons:
    """The phonons at one temperature: at irreducible points, or with ``whole`` at all, so that none stands for others.

    Without ``whole`` the conductivity must be isotropic. Raises ``SolverError`` for files that are missing, or do not
    agree with one another.
    """
    omega = _table(folder / "BTE.omega", None)
    points, branches = omega.shape
    inside = folder / f"T{temperature:.0f}K"
    if not inside.is_dir():
        found = ", ".join(sorted(path.name for path in folder.glob("T*K"))) or "none"
        raise SolverError(
            f"'material' {folder}: no folder {inside.name} for the temperature {temperature:g}; it has {found}"
        )
    of, stars = _stars(folder, points)
    velocity = _branches(_KILO * _table(folder / "BTE.v", 3), points, branches, folder / "BTE.v")
    name, line = _RATES[rates]
    rate = _rates(inside / name, omega) / _PICO
    speed = np.linalg.norm(velocity, axis=2)
    still = (speed <= _SLOW * speed.max()) & ~(np.isfinite(rate) & (rate > 0.0))
    velocity[still], rate[still] = 0.0, 0.0
    frequency = omega / _PICO
    capacity = einstein(frequency, temperature) / (_volume(folder) * stars.sum())
    phonons = Phonons(folder, frequency, stars[:, None] * capacity, velocity, rate).checked()
    _check_capacity(inside / "BTE.cv", phonons)
    kappa = _table(inside / "BTE.kappa_tensor", None)
    if kappa.shape[1] < 10:
        raise SolverError(f"'material' {inside / 'BTE.kappa_tensor'}: lines of {kappa.shape[1]} numbers; it must be 10")
    phonons.agree(kappa[line, 1:10].reshape(3, 3), f"{inside.name}/BTE.kappa_tensor", not whole)
    return _spread(folder, phonons, of, stars) if whole else phonons


def _spread(folder: Path, phonons: Phonons, of: NDArray[np.int64], stars: Array) -> Phonons:
    """Every point with a velocity of its own."""
    path = folder / "BTE.v_full"
    velocity = _branches(_KILO * _table(path, 3), len(of), phonons.frequency.shape[1], path)
    velocity[~phonons.carries[of]] = 0.0
    capacity = (phonons.heat_capacity / stars[:, None])[of]
    return Phonons(folder, phonons.frequency[of], capacity, velocity, phonons.rate[of]).checked()


def _volume(folder: Path) -> float:
    path = folder / "BTE.ReciprocalLatticeVectors"
    vectors = _table(path, 3)
    if len(vectors) != 3 or not abs(np.linalg.det(vectors)) > 0.0:
        raise SolverError(f"'material' {path}: {len(vectors)} lines; it must have three independent vectors")
    return float((2.0 * np.pi) ** 3 / abs(np.linalg.det(vectors))) * _NANO**3


def _stars(folder: Path, points: int) -> tuple[NDArray[np.int64], Array]:
    """The irreducible point, from 0, of every point, and how many points each stands for."""
    path = folder / "BTE.qpoints_full"
    table = _table(path, 5)
    of = table[:, 1].astype(np.int64) - 1
    # Older versions name the irreducible points by their place among all.
    names = np.unique(of)
    of = np.searchsorted(names, of)
    if len(names) != points:
        raise SolverError(
            f"'material' {path}: {len(names)} irreducible points; BTE.omega has {points}, and they must be as many"
        )
    return of, np.bincount(of, minlength=points).astype(float)


def _rates(path: Path, omega: Array) -> Array:
    """Rates, (points, branches); the frequencies beside them must be those of ``BTE.omega``."""
    points, branches = omega.shape
    table = _branches(_table(path, 2), points, branches, path)
    if not np.allclose(table[:, :, 0], omega, rtol=1e-6, atol=1e-6 * omega.max()):
        raise SolverError(f"'material' {path}: its frequencies are not those of BTE.omega; they must be of one run")
    return table[:, :, 1]


def _check_capacity(path: Path, phonons: Phonons) -> None:
    written = float(_table(path, 1)[0, 0])
    ours = float(phonons.heat_capacity.sum())
    if not abs(ours - written) <= _AGREES * written:
        raise SolverError(
            f"'material' {path}: the modes hold {ours:.6g} J/(m³ K), and it says {written:.6g}; "
            "they must agree to 0.1 %"
        )


def _branches(table: Array, points: int, branches: int, path: Path) -> Array:
    """(points, branches, columns) of a table whose lines go through all points of one branch after the other."""
    if len(table) != points * branches:
        raise SolverError(
            f"'material' {path}: {len(table)} lines; they must be {points * branches}, for {points} points and "
            f"{branches} branches"
        )
    return np.moveaxis(table.reshape(branches, points, -1), 0, 1).copy()


def _table(path: Path, columns: int | None) -> Array:
    try:
        if path.exists() and not path.is_file():  # of a pipe or a device there may be no end
            raise OSError("no file")
        table = np.loadtxt(path, ndmin=2)
    except OSError as error:
        raise SolverError(f"'material' names {path}: no such file; ShengBTE writes it") from error
    except ValueError as error:
        raise SolverError(f"'material' {path}: {error}; it must be a table of numbers") from error
    if not table.size or (columns is not None and table.shape[1] != columns):
        allowed = "numbers" if columns is None else f"lines of {columns}"
        raise SolverError(f"'material' {path}: {len(table)} lines of {table.shape[1]} numbers; it must have {allowed}")
    return table
