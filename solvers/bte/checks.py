"""What can be said of settings before a run, without MPI: mistakes that types do not see, and the problem's size."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import SolverError
from .interfaces import passing
from .materials import spectrum
from .settings import Between, Contact, FileMesh, FilmMesh, PhononSettings
from .simplices import ON_AXIS, Simplices
from .spectrum import Bands, Modes
from .transmissivity import contact


def cell_count(settings: PhononSettings) -> int | str:
    """Number of cells; of a file nobody counts them here."""
    mesh = settings.mesh
    if isinstance(mesh, FilmMesh):
        return mesh.cells
    if isinstance(mesh, FileMesh):
        return "the file's"
    count = 2 if len(mesh.cells) == 2 else 6
    for n in mesh.cells:
        count *= n
    return count


def check_settings(settings: PhononSettings, mesh: Simplices | None, directory: Path, ranks: int) -> float:
    """Number of unknowns; ``mesh`` is a file's. Raises ``SolverError`` for what does not fit together.

    That are regions, boundaries, materials and ranks.
    """
    if mesh is not None:
        cells, d, regions = len(mesh.cells), mesh.dimension, mesh.regions
        _known("boundaries", settings.boundaries, tuple(mesh.groups))
        check_axis(settings, mesh)
    else:
        layers = settings.mesh.layers if isinstance(settings.mesh, FilmMesh) else {}
        d = len(getattr(settings.mesh, "sides", ())) // 2
        cells, regions = int(cell_count(settings)), tuple(layers) or (("film",) if d == 1 else ("box",))
    check_regions(settings, regions)
    share = settings.ranks.directions * settings.ranks.bands
    if ranks % share:
        raise SolverError(f"'ranks' divides by {share} for directions and bands; the participant has {ranks} ranks")
    if ranks // share > cells:
        raise SolverError(f"'ranks' leaves {ranks // share} for space; the mesh has {cells} cells")
    one = settings.material
    material = spectrum(next(iter(one.values())) if isinstance(one, dict) else one, directory)
    if not isinstance(one, dict):
        _check_contacts(settings, material.speed_capacity)
    directions = _directions(settings, d) if isinstance(material, Bands) else 1
    return float(cells * (d + 1) * directions * len(material.lifetime))


def check_axis(settings: PhononSettings, mesh: Simplices) -> None:
    """Raises ``SolverError`` where an axisymmetric problem has a mesh that is not of triangles, or beyond the axis."""
    if not settings.axisymmetric:
        return
    if mesh.dimension != 2:
        raise SolverError(f"'axisymmetric' with a mesh of {mesh.dimension} dimensions; it must have two")
    nearest, furthest = mesh.points[:, 0].min(), np.abs(mesh.points[:, 0]).max()
    if nearest < -ON_AXIS * furthest:
        raise SolverError(f"'axisymmetric' with a mesh from x = {nearest:g}; no x may be negative")


def check_regions(settings: PhononSettings, regions: tuple[str, ...]) -> None:
    """Raises ``SolverError`` where materials and interfaces name other regions than the mesh has, or not all."""
    if isinstance(settings.material, dict):
        _known("material", settings.material, regions)
        for name in regions:
            if name not in settings.material:
                raise SolverError(f"'material' lacks the region {name!r} of the mesh; it has {', '.join(regions)}")
    for one in settings.interfaces:
        _known("interfaces", one.regions, regions)


def lengths(settings: PhononSettings) -> tuple[float, float] | None:
    """Longest extent and mean division along it; None of a file, which nobody reads here."""
    mesh = settings.mesh
    if isinstance(mesh, FileMesh):
        return None
    if isinstance(mesh, FilmMesh):
        thickness = mesh.upper[0] - mesh.lower[0]
        return thickness, thickness / mesh.cells
    extents = [high - low for low, high in zip(mesh.lower, mesh.upper, strict=True)]
    longest = max(extents)
    return longest, longest / mesh.cells[extents.index(longest)]


def relaxation(settings: PhononSettings, length: float, directory: Path) -> float:
    """Time in which a length relaxes, L² C / (π² k) + L / v, of the slowest material."""
    one = settings.material
    materials = [spectrum(each, directory) for each in (one.values() if isinstance(one, dict) else [one])]
    return max(
        length**2 * m.capacity / (math.pi**2 * _mean(m)) + length * m.capacity / m.speed_capacity for m in materials
    )


def _mean(material: Bands | Modes) -> float:
    """Conductivity, averaged over directions."""
    return material.conductivity if isinstance(material, Bands) else float(np.trace(material.conductivity)) / 3.0


def _check_contacts(settings: PhononSettings, speed_capacity: float) -> None:
    for name, boundary in settings.boundaries.items():
        if isinstance(boundary, Contact) and boundary.resistance is not None:
            contact(f"boundary {name!r}", boundary.resistance, speed_capacity, boundary.slip)


def check_interface(one: Between, settings: PhononSettings, directory: Path) -> None:
    """Raises ``SolverError`` where ``one`` lets more through than its materials allow, or its file does not do."""
    if one.kind == "diffuse-mismatch":
        return
    of = settings.material
    materials = [spectrum(of[region] if isinstance(of, dict) else of, directory) for region in one.regions]
    first, second = materials
    if isinstance(first, Bands) and isinstance(second, Bands):
        bins = 1 + int(max(first.bins.max(), second.bins.max()))
        passing(one, first.emission(bins), second.emission(bins), directory)


def _known(key: str, names: Iterable[str], allowed: tuple[str, ...]) -> None:
    for name in names:
        if name not in allowed:
            raise SolverError(f"'{key}' names {name!r}; the mesh has {', '.join(allowed) or 'none'}")


def _directions(settings: PhononSettings, dimension: int) -> int:
    polar, around = settings.directions.polar, settings.directions.azimuthal
    if dimension == 1:
        return 2 * (polar or 16) * ((around or 4) if any(settings.gradient[1:]) else 1)
    if settings.axisymmetric:
        return (polar or 8) * ((around or 32) + 2)
    return (polar or 4) * (around or 32) * (dimension - 1)
