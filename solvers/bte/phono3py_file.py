"""Reads phono3py's ``kappa-m*.hdf5``, and the cell that its points belong to.

https://phonopy.github.io/phono3py/hdf5_howto.html: frequency in THz, group velocity in THz Å, heat capacity in eV/K and
gamma, half the linewidth, in THz, so that tau = 1 / (2 (2 pi gamma)). The conductivity is the sum of C v v tau times
``kappa_unit_conversion``, which has the volume of the primitive cell in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .lattice_dynamics import Phonons

Array = NDArray[np.float64]

_ELECTRONVOLT = 1.602176634e-19
_TERAHERTZ, _ANGSTROM = 1e12, 1e-10
_UNIT = (_TERAHERTZ * _ANGSTROM) ** 2 / _ANGSTROM**3 * _ELECTRONVOLT / _TERAHERTZ / (2.0 * np.pi)
"""``kappa_unit_conversion`` times the volume of the cell in Å³."""
_STILL = 1e-4
"""THz, below which phono3py takes a mode for a translation of the crystal."""
_NEEDED = (
    "mesh",
    "weight",
    "frequency",
    "group_velocity",
    "heat_capacity",
    "gamma",
    "kappa",
    "temperature",
    "kappa_unit_conversion",
)
_LARGEST = 1032
"""Most that compression can make of a byte, by zlib's documentation."""
REMEDY = "install them: pip install 'suture[phonons]'"
"""For a missing phono3py, or the libraries that come with it."""


def read_phono3py(path: Path, temperature: float, isotropic: bool) -> Phonons:
    """The phonons of one temperature, which must be in the file; isotopes count if it has them.

    Raises ``SolverError`` for a file that is none, is not complete, or does not agree with its own conductivity.
    """
    data = _datasets(path)
    at = _temperature(path, data["temperature"], temperature)
    frequency = np.where(np.abs(data["frequency"]) < _STILL, 0.0, data["frequency"])
    gamma = data["gamma"][at] + data.get("gamma_isotope", 0.0)
    volume = _UNIT / float(data["kappa_unit_conversion"]) * _ANGSTROM**3
    share = data["weight"] / data["mesh"].prod()
    phonons = Phonons(
        path,
        2.0 * np.pi * _TERAHERTZ * frequency,
        np.where(frequency > 0.0, share[:, None] * data["heat_capacity"][at] * _ELECTRONVOLT / volume, 0.0),
        _TERAHERTZ * _ANGSTROM * data["group_velocity"],
        4.0 * np.pi * _TERAHERTZ * gamma,
    ).checked()
    name = "kappa_RTA" if "kappa_RTA" in data else "kappa"
    xx, yy, zz, yz, xz, xy = data[name][at]
    phonons.agree(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]), f"'{name}'", isotropic)
    return phonons


def point_group(path: Path) -> Array:
    """Matrices, (n, 3, 3), that turn velocities into those of equal phonons, from a YAML file with the primitive cell.

    They are the rotations of the crystal and, since phonons fly back the way they fly, their opposites. Raises
    ``SolverError`` where there is no cell, or spglib and PyYAML, which come with phono3py, are missing.
    """
    try:
        import spglib
        import yaml
    except ImportError as error:
        raise SolverError(f"'material' {path}: reading it needs spglib and PyYAML ({error}); {REMEDY}") from error
    try:
        content: Any = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        cell = content["primitive_cell"]
        lattice = np.array(cell["lattice"], dtype=float)
        places = np.array([each["coordinates"] for each in cell["points"]], dtype=float)
        kinds = [str(each["symbol"]) for each in cell["points"]]
        _check_cell(lattice, places)  # spglib itself crashes on some cells that are none
    except OSError as error:
        raise SolverError(f"'material' names {path}: no such file") from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise SolverError(
            f"'material' {path}: no cell in it ({type(error).__name__}: {error}); allowed is phono3py's own YAML with "
            "'primitive_cell', of 'lattice' and 'points'"
        ) from error
    crystal: Any = (lattice, places, [sorted(set(kinds)).index(kind) for kind in kinds])
    found: Any = spglib.get_symmetry(crystal)
    if found is None:
        raise SolverError(f"'material' {path}: spglib finds no symmetries of the 'primitive_cell'; is it one?")
    turns = np.unique(np.asarray(found["rotations"]), axis=0)
    turned = lattice.T @ turns @ np.linalg.inv(lattice.T)
    both = np.concatenate([turned, -turned])
    return both[np.unique(np.round(both, 6), axis=0, return_index=True)[1]]


def _check_cell(lattice: Array, places: Array) -> None:
    """Raise ``ValueError`` for what is no cell with atoms in it."""
    if lattice.shape != (3, 3) or not np.isfinite(lattice).all():
        raise ValueError("'lattice' must be three vectors")
    lengths = np.linalg.norm(lattice, axis=1)
    if not (0.0 < lengths.min() and lengths.max() < 1e3) or abs(np.linalg.det(lattice)) < 1e-3 * lengths.prod():
        raise ValueError("'lattice' must be three vectors in Å that are not in one plane")
    if places.ndim != 2 or places.shape[1] != 3 or not (len(places) and (np.abs(places) < 1e3).all()):
        raise ValueError("'points' must have three 'coordinates' each, in vectors of the lattice")


def check_stars(path: Path, images: Array) -> None:
    """Raise ``SolverError`` where the points of ``path`` do not stand for as many as the crystal's symmetries make."""
    data = _datasets(path)
    most = int(data["weight"].max())
    if most > len(images):
        raise SolverError(
            f"'material' {path}: a point stands for {most}, and the cell in 'structure' has {len(images)} symmetries; "
            "it must be the cell that the file was computed for"
        )


def _datasets(path: Path) -> dict[str, Array]:
    """Everything that is needed, of the shapes that belong together."""
    # Here: a case without such a file needs no h5py to be read.
    import h5py

    if not path.is_file():
        raise SolverError(f"'material' names {path}: no such file")
    try:
        with h5py.File(path, "r") as file:  # pyright: ignore[reportAttributeAccessIssue]
            wanted = [*_NEEDED, *(name for name in ("gamma_isotope", "kappa_RTA") if name in file)]
            missing = [name for name in _NEEDED if name not in file]
            most = _LARGEST * path.stat().st_size
            large = [name for name in wanted if name in file and file[name].nbytes > most]
            if large:
                raise ValueError(f"dataset {large[0]!r} would be larger than the file can hold")
            data = {name: np.asarray(file[name], dtype=float) for name in wanted if name in file}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, MemoryError) as error:
        # h5py has an error for every way in which a file's bytes may be wrong.
        raise SolverError(f"'material' {path}: {error}; it must be phono3py's kappa-m*.hdf5") from error
    if missing:
        allowed = f"a file of `--br` or `--lbte` has {', '.join(_NEEDED)}"
        raise SolverError(f"'material' {path}: no dataset {', '.join(map(repr, missing))}; {allowed}")
    _check_shapes(path, data)
    return data


_JUDGED_LATER = ("group_velocity", "gamma", "heat_capacity")
"""Datasets of which what is nan is told mode by mode."""


def _check_shapes(path: Path, data: Mapping[str, Array]) -> None:
    points, branches = data["frequency"].shape if data["frequency"].ndim == 2 else (0, 0)
    times = data["temperature"].size
    shapes = {
        "frequency": (points or "points", branches or "branches"),
        "weight": (points,),
        "mesh": (3,),
        "group_velocity": (points, branches, 3),
        "temperature": (times,),
        "heat_capacity": (times, points, branches),
        "gamma": (times, points, branches),
        "gamma_isotope": (points, branches),
        "kappa": (times, 6),
        "kappa_RTA": (times, 6),
        "kappa_unit_conversion": (),
    }
    for name, allowed in shapes.items():
        if name in data and data[name].shape != allowed:
            raise SolverError(
                f"'material' {path}: dataset '{name}' has the shape {_shown(data[name].shape)}; it must be "
                f"{_shown(allowed)}"
            )
    if data["weight"].sum() != data["mesh"].prod():
        raise SolverError(
            f"'material' {path}: the weights add up to {data['weight'].sum():.0f}; they must to the "
            f"{data['mesh'].prod():.0f} points of 'mesh'"
        )
    for name, values in data.items():
        wrong = np.isinf(values) if name in _JUDGED_LATER else ~np.isfinite(values)
        if name != "kappa_RTA" and wrong.any():
            raise SolverError(f"'material' {path}: dataset '{name}' has values that are not finite")
    if not data["kappa_unit_conversion"] > 0.0:
        found = float(data["kappa_unit_conversion"])
        raise SolverError(f"'material' {path}: dataset 'kappa_unit_conversion' is {found:g}; it must be positive")
    for name in ("gamma", "gamma_isotope"):
        if name in data and (data[name] < 0.0).any():
            raise SolverError(
                f"'material' {path}: dataset '{name}' has {data[name].min():.4g}; half a linewidth must be 0 or above"
            )


def _shown(shape: tuple[object, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ")"


def _temperature(path: Path, found: Array, wanted: float) -> int:
    at = int(np.argmin(np.abs(found - wanted))) if found.size else 0
    if not found.size or abs(found[at] - wanted) > 1e-3:
        some = ", ".join(f"{each:g}" for each in found[:12]) + (", …" if found.size > 12 else "")
        raise SolverError(f"'material' {path}: no temperature {wanted:g}; it has {some or 'none'}")
    return at
