"""What is written of a solution: fields for ParaView, and values at places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import engine
from .engine import MPI
from .space import Space

Array = NDArray[np.float64]


class Probes:
    """The values at the nodes that are nearest to given places. All methods are collective."""

    def __init__(self, space: Space, places: Mapping[str, Sequence[float]]) -> None:
        self._space = space
        self._nodes = {name: self._nearest(np.array([*place, 0.0][:3])) for name, place in places.items()}

    def _nearest(self, place: Array) -> int:
        """The owned node of the rank that has the nearest one; -1 on the others."""
        comm = self._space.domain.comm
        distance = np.linalg.norm(self._space.points[: self._space.owned] - place, axis=1)
        own = float(distance.min(initial=np.inf))
        _, rank = comm.allreduce((own, comm.rank), op=MPI.MINLOC)
        return int(np.argmin(distance)) if rank == comm.rank else -1

    def values(self, owned: Array) -> dict[str, Array]:
        """The components at every place, on rank 0 (and zeros elsewhere), from values of the owned dofs, flat."""
        blocks, comm = owned.reshape(-1, self._space.components), self._space.domain.comm
        found: dict[str, Array] = {}
        for name, node in self._nodes.items():
            own = blocks[node] if node >= 0 else np.zeros(self._space.components)
            found[name] = np.zeros_like(own)
            comm.Reduce(np.ascontiguousarray(own), found[name])
        return found


def write_fields(path: Path, space: Space, fields: Mapping[str, Array], time: float) -> None:
    """Write fields, owned values of ``space`` by name, as ``path`` (XDMF with HDF5 beside it). Collective.

    ParaView gets the values at the mesh's own nodes: functions of a higher degree than the mesh's are sampled there.
    """
    mesh = space.domain.mesh
    target = engine.function_space(mesh, "Lagrange", engine.geometry_degree(mesh), space.components)
    with engine.xdmf(space.domain.comm, path) as file:
        file.write_mesh(mesh)
        for name, values in fields.items():
            whole, shown = space.function(name), engine.zeros(target)
            whole.x.array[: len(values)] = values
            whole.x.scatter_forward()
            shown.interpolate(whole)
            shown.name = name
            file.write_function(shown, time)
