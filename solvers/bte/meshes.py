"""Meshes of the settings: films, boxes, files."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from ..fem.mesh_files import Groups, read
from ..fem.mesh_settings import SIDES, divided
from .settings import BoxMesh, FileMesh, FilmMesh, PhononSettings
from .simplices import Simplices

Array = NDArray[np.float64]


def create(settings: FilmMesh | BoxMesh | FileMesh, directory: Path) -> Simplices:
    """The whole mesh. File names are relative to ``directory``. Raises ``SolverError`` where a file does not do."""
    if isinstance(settings, FilmMesh):
        return _film(settings)
    return _box(settings) if isinstance(settings, BoxMesh) else _file(settings, directory)


def cross_section(settings: PhononSettings) -> float:
    """What amounts per unit of the mesh's own measure are multiplied by: a film's area, or a full turn."""
    mesh = settings.mesh
    if isinstance(mesh, FilmMesh):
        return float(np.prod(np.subtract(mesh.upper, mesh.lower)[1:]))
    return 2.0 * np.pi if settings.axisymmetric else 1.0


def graded(lower: float, upper: float, cells: int, grading: float) -> Array:
    """(cells + 1,) edges, thinner towards both ends."""
    s = np.linspace(-1.0, 1.0, cells + 1)
    if grading > 0.0:
        s = np.tanh(grading * s) / np.tanh(grading)
    edges = 0.5 * (lower + upper) + 0.5 * (upper - lower) * s
    edges[0], edges[-1] = lower, upper
    return edges


def _film(settings: FilmMesh) -> Simplices:
    layers = settings.layers or {"film": (settings.lower[0], settings.upper[0])}
    ends = np.array([settings.lower[0], *(end for _, end in layers.values())])
    bounds = np.round((ends - ends[0]) / (ends[-1] - ends[0]) * settings.cells).astype(int)
    for k in range(len(layers)):
        bounds[k + 1] = max(bounds[k + 1], bounds[k] + 1)
    counts = np.diff(bounds)
    pieces = [graded(a, b, int(n), settings.grading) for (a, b), n in zip(layers.values(), counts, strict=True)]
    points = np.concatenate([pieces[0][:1], *(piece[1:] for piece in pieces)])
    cells = np.stack([np.arange(len(points) - 1), np.arange(1, len(points))], axis=1).astype(np.int32)
    region = np.repeat(np.arange(len(layers)), counts).astype(np.int32)
    ends_of = {name: np.array([[at]], dtype=np.int32) for name, at in zip(SIDES, (0, len(points) - 1), strict=False)}
    return Simplices(points[:, None], cells, region, tuple(layers), ends_of)


def _box(settings: BoxMesh) -> Simplices:
    ends = list(zip(settings.lower, settings.upper, settings.cells, strict=True))
    if settings.expansion:
        edges = [divided(*each, ratio) for each, ratio in zip(ends, settings.expansion, strict=True)]
    else:
        edges = [graded(*each, settings.grading) for each in ends]
    grid = np.stack(np.meshgrid(*edges, indexing="ij"), axis=-1)
    shape = grid.shape[:-1]
    number = np.arange(int(np.prod(shape))).reshape(shape)
    cells = np.concatenate([_kuhn(number, order) for order in permutations(range(len(edges)))]).astype(np.int32)
    groups = {}
    for axis in range(len(edges)):
        for side, at in ((0, 0), (1, shape[axis] - 1)):
            face = np.take(number, at, axis=axis)
            facets = [_kuhn(face, order) for order in permutations(range(face.ndim))]
            groups[SIDES[2 * axis + side]] = np.concatenate(facets).astype(np.int32)
    return Simplices(grid.reshape(-1, len(edges)), cells, np.zeros(len(cells), dtype=np.int32), ("box",), groups)


def _kuhn(number: NDArray[np.int64], order: tuple[int, ...]) -> NDArray[np.int64]:
    """One simplex of every block of a grid of numbered points: its edges follow the axes in the given order."""
    corner = np.zeros(number.ndim, dtype=int)
    vertices = [number[tuple(slice(0, n - 1) for n in number.shape)].ravel()]
    for axis in order:
        corner[axis] = 1
        vertices.append(number[tuple(slice(c, n - 1 + c) for c, n in zip(corner, number.shape, strict=True))].ravel())
    return np.stack(vertices, axis=1)


def _file(settings: FileMesh, directory: Path) -> Simplices:
    path = directory / settings.file
    found = read(path)
    if found.cell not in ("triangle", "tetrahedron") or found.degree > 1:
        kind = f"{found.cell}s" + (" with curved edges" if found.degree > 1 else "")
        raise SolverError(f"{path}: {kind}; phonon transport needs straight triangles or tetrahedra")
    names, region = _regions(found.cells)
    facets = {
        name: found.facets.nodes[found.facets.numbers == n].astype(np.int32) for name, n in found.facets.names.items()
    }
    cells = found.cells.nodes.astype(np.int32)
    return Simplices(settings.scale * found.points, cells, region, names, facets)


def _regions(cells: Groups) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Names of the regions, and each cell's."""
    numbers = np.unique(cells.numbers)
    by_number = {number: name for name, number in cells.names.items()}
    names = tuple(by_number.get(int(number), str(number)) for number in numbers)
    return names, np.searchsorted(numbers, cells.numbers).astype(np.int32)
