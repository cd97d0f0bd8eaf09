"""The bulk's conductivity over temperature, from computed phonons, and what it may be off by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from ..conductivity_file import ConductivityCurve
from ..errors import SolverError
from .settings import BulkConductivitySettings, Mesh, Temperatures

Array = NDArray[np.float64]
ISOTROPIC = 1e-3
"""Difference from the mean over directions, relative, below which one number is enough."""


class PhononsFile(BaseModel):
    """What ``phonon-properties`` leaves."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["phonon-properties"]
    format: Literal[1]
    units: Literal["si"]
    file: str
    mesh: Mesh
    temperature: Temperatures
    conductivity: list[float]
    """The mean over directions, of relaxation times."""
    anisotropy: float
    """The largest difference from the mean, relative."""
    finer_mesh: Mesh | None
    conductivity_finer: list[float] | None
    conductivity_full: list[float] | None
    provenance: dict[str, Any]


def bulk_conductivity(settings: BulkConductivitySettings, directory: Path) -> dict[str, Any]:
    """The content of a conductivity file (docs/chains.md). File names are relative to ``directory``.

    Nothing here is statistical. Each uncertainty is the size of a difference that was computed: ``mesh``, to the
    infinitely fine one, on a line through both meshes over one over their points along an edge (Esfarjani, Chen and
    Stokes, Phys. Rev. B 84 (2011) 085204); ``relaxation_times``, to the full solution; ``interpolation``, to the curve
    without that temperature. ``total`` is the root of the sum of their squares. Raises ``SolverError`` where the
    phonons' file does not do.
    """
    phonons = _read(directory / settings.phonons)
    k, temperature = np.array(phonons.conductivity), np.array(phonons.temperature)
    parts: dict[str, Array | None] = {
        "mesh": _mesh_error(phonons, k),
        "relaxation_times": None if phonons.conductivity_full is None else np.abs(phonons.conductivity_full - k),
        "interpolation": _interpolation_error(temperature, k),
    }
    known = [part for part in parts.values() if part is not None]
    parts["total"] = np.sqrt(np.sum(np.square(known), axis=0)) if known else None
    return {
        "kind": "conductivity",
        "format": 1,
        "units": "si",
        "temperature": temperature.tolist(),
        "conductivity": k.tolist(),
        "uncertainty": {name: None if part is None else part.tolist() for name, part in parts.items()},
    }


def _read(path: Path) -> PhononsFile:
    try:
        phonons = PhononsFile.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SolverError(f"'phonons' {path}: no such file") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise SolverError(f"'phonons' {path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise SolverError(f"'phonons' {path}: {error}; it must be JSON") from error
    if len(phonons.temperature) < 2:
        raise SolverError(f"'phonons' {path}: one temperature; a curve needs two or more")
    if phonons.anisotropy > ISOTROPIC:
        raise SolverError(
            f"'phonons' {path}: the conductivity differs from its mean by {phonons.anisotropy:.1e} with direction; one "
            "number is for isotropic crystals, where it must be below 0.1 %"
        )
    return phonons


def _mesh_error(phonons: PhononsFile, k: Array) -> Array | None:
    if phonons.finer_mesh is None or phonons.conductivity_finer is None:
        return None
    coarse, fine = (float(np.prod(mesh)) ** (-1.0 / 3.0) for mesh in (phonons.mesh, phonons.finer_mesh))
    return np.abs(np.array(phonons.conductivity_finer) - k) * coarse / (coarse - fine)


def _interpolation_error(temperature: Array, k: Array) -> Array | None:
    """What the curve through all others misses each value by; at both ends, what it misses their neighbours by."""
    inner = range(1, len(k) - 1)
    if not inner:
        return None
    missed = [
        abs(float(ConductivityCurve(np.delete(temperature, i), np.delete(k, i)).value(temperature[i]) - k[i]))
        for i in inner
    ]
    return np.array([missed[0], *missed, missed[-1]])
