"""Computes what a chain hands on: force constants, the phonons that follow from them, and the bulk's conductivity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import engine
from .settings import ForceConstantsSettings, PhononPropertiesSettings, modes_file, second_order, third_order

Array = NDArray[np.float64]
Report = Callable[[str], None]


def compute_force_constants(
    settings: ForceConstantsSettings, output: str, directory: Path, report: Report
) -> dict[str, Any]:
    """Make the files of force constants beside ``output``, and return its content (docs/chains.md).

    File names are relative to ``directory``. Raises ``SolverError`` for files that do not fit.
    """
    found = engine.force_constants(
        directory / settings.displacements,
        directory / settings.forces,
        directory / second_order(output),
        directory / third_order(output),
    )
    report(
        f"force constants from {found['supercells']:.0f} supercells of {found['atoms']:.0f} atoms; sums that are zero "
        f"in a crystal were off by {found['drift_2']:.1e} and {found['drift_3']:.1e} of the largest"
    )
    return {
        "kind": "force-constants",
        "format": 1,
        "units": {"second_order": "eV/angstrom^2", "third_order": "eV/angstrom^3"},
        "files": {"second_order": second_order(output), "third_order": third_order(output)},
        "supercells": found["supercells"],
        "atoms": found["atoms"],
        "drift": {"second_order": found["drift_2"], "third_order": found["drift_3"]},
        "provenance": {"phono3py": engine.version()},
    }


def compute_phonons(settings: PhononPropertiesSettings, output: str, directory: Path, report: Report) -> dict[str, Any]:
    """Make phono3py's file of the phonons beside ``output``, and return its content (docs/chains.md).

    Raises ``SolverError`` as ``compute_force_constants``.
    """
    crystal = engine.Crystal(
        directory / settings.displacements,
        directory / second_order(settings.force_constants),
        directory / third_order(settings.force_constants),
    )

    def tensor(mesh: Sequence[int], full: bool = False, keep: Path | None = None) -> Array:
        found = crystal.conductivity(mesh, settings.temperatures, settings.isotopes, full, keep)
        middle = _mean(found)
        how = "the full solution" if full else "relaxation times"
        report(f"{' x '.join(map(str, mesh))} points, {how}: {', '.join(f'{k:.5g}' for k in middle)} W/(m K)")
        return found

    own = tensor(settings.mesh, keep=directory / modes_file(output))
    finer = tensor(settings.finer_mesh) if settings.finer_mesh else None
    full = tensor(settings.mesh, full=True) if settings.full_solution else None
    return {
        "kind": "phonon-properties",
        "format": 1,
        "units": "si",
        "file": modes_file(output),
        "mesh": list(settings.mesh),
        "temperature": list(settings.temperatures),
        "conductivity": _mean(own).tolist(),
        "anisotropy": float(np.abs(own / _mean(own)[:, None, None] - np.eye(3)).max()),
        "finer_mesh": list(settings.finer_mesh) if settings.finer_mesh else None,
        "conductivity_finer": None if finer is None else _mean(finer).tolist(),
        "conductivity_full": None if full is None else _mean(full).tolist(),
        "provenance": {"phono3py": engine.version()},
    }


def _mean(tensors: Array) -> Array:
    """Over directions."""
    return np.trace(tensors, axis1=1, axis2=2) / 3.0
