"""Fields of phonon transport in files for ParaView, and the vertices nearest to given places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import meshio
import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError
from .solver import PhononTransport

Array = NDArray[np.float64]

_CELLS = {1: "line", 2: "triangle", 3: "tetra"}


def write_fields(solver: PhononTransport, directory: Path, name: str, fields: Mapping[str, Array]) -> None:
    """Write fields at the cells' own vertices, (own cells, d + 1) or (own cells, d + 1, 3), which may jump.

    Every slab writes a file ``name_RANK.vtu``, rank 0 also ``name.pvtu``, which names them. Collective.
    """
    part = solver.problem.part
    if part.group.rank == 0:
        count, corners, d = solver.corners.shape
        points = np.zeros((count * corners, 3))
        points[:, :d] = solver.corners.reshape(-1, d)
        cells = np.arange(count * corners).reshape(count, corners)
        data = {
            key: np.ascontiguousarray(value).reshape(count * corners, -1).squeeze() for key, value in fields.items()
        }
        meshio.Mesh(points, [(_CELLS[d], cells)], point_data=dict(data)).write(
            directory / f"{name}_{part.comm.rank}.vtu"
        )
    if part.comm.rank == 0:
        pieces = [rank for rank in range(0, part.comm.size, part.group.size)]
        (directory / f"{name}.pvtu").write_text(_together(name, pieces, fields), encoding="utf-8")


def _together(name: str, pieces: Sequence[int], fields: Mapping[str, Array]) -> str:
    arrays = "".join(
        f'<PDataArray type="Float64" Name="{key}" NumberOfComponents="{value.shape[2] if value.ndim > 2 else 1}"/>'
        for key, value in fields.items()
    )
    sources = "".join(f'<Piece Source="{name}_{rank}.vtu"/>' for rank in pieces)
    points = '<PPoints><PDataArray type="Float64" NumberOfComponents="3"/></PPoints>'
    grid = f'<PUnstructuredGrid GhostLevel="0"><PPointData>{arrays}</PPointData>{points}{sources}</PUnstructuredGrid>'
    return f'<?xml version="1.0"?><VTKFile type="PUnstructuredGrid" version="0.1">{grid}</VTKFile>\n'


def nearest_vertices(
    solver: PhononTransport, probes: Mapping[str, Sequence[float]]
) -> dict[str, tuple[int, tuple[int, int]]]:
    """By name of a probe, the rank that has the nearest vertex and its cell and number there. Collective.

    Raises ``SolverError`` where a probe has another number of coordinates than the mesh.
    """
    out = {}
    d = solver.corners.shape[2]
    for name, place in probes.items():
        if len(place) != d:
            raise SolverError(f"probe {name!r} has {len(place)} coordinates; the mesh has {d}")
        distance = np.linalg.norm(solver.corners - np.array(place), axis=2)
        least = solver.comm.allgather(float(distance.min()))
        cell, vertex = np.unravel_index(int(distance.argmin()), distance.shape)
        out[name] = int(np.argmin(least)), (int(cell), int(vertex))
    return out
