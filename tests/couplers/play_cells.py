"""Under mpirun: states and amounts between cells and a mesh by the L2 intersection; prints what arrived as JSON.

mpirun -n 2 python -m mpi4py -m tests.couplers.play_cells
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from mpi4py import MPI
from pydantic import TypeAdapter

from suture.couplers.cells import Array, Cells
from suture.couplers.exchange import Flow, Side, connect
from suture.couplers.integrals import Basis, mass_matrix
from suture.couplers.mapping import measures
from suture.couplers.mapping_settings import MappingSettings
from suture.couplers.mesh import Mesh
from suture.couplers.rendezvous import Discretisation

from . import surfaces
from .test_mapping import averages, grid, random_grid, uniform

SIZES = (8, 16, 32)
MEMBERS = {"a": (0,), "b": (1,)}


def arrived(world: MPI.Intracomm, a: Discretisation, b: Discretisation, kind: str, given: dict[str, Array]) -> Any:
    """What of ``given`` at A, a temperature and an energy (n,), arrives at B; on rank 0."""
    mapping: Any = TypeAdapter(MappingSettings).validate_python({"kind": kind})
    flows = [Flow("seam", "a", "b", ("temperature", "energy"), 0, mapping=mapping)]
    name, own = (("a", a), ("b", b))[world.rank]
    quantities = flows[0].quantities
    sides = [Side(flows[0], dict.fromkeys(quantities, own), dict.fromkeys(quantities, 1.0))]
    (channel,) = connect(world, name, sides, flows, MEMBERS, deadline=60.0)
    if name == "a":
        channel.post({q: values[:, None].copy() for q, values in given.items()})
        got = None
    else:
        got = {q: values[:, 0].tolist() for q, values in channel.collect()[0].items()}
    channel.flush()
    return world.bcast(got, root=1)


def smooth(mesh: Mesh) -> Array:
    """The function whose cell averages ``averages`` gives, at the mesh's points."""
    x, y, _ = mesh.points.T
    return np.exp(x) * np.sin(3 * y + 1)


def loads(mesh: Mesh, values: Array) -> Array:
    """Integrals of the function with these nodal values times each shape function."""
    return mass_matrix(Basis.of(mesh, mesh.dimension))[0] @ values


def norm(mesh: Mesh, values: Array) -> float:
    """In the mean square."""
    return float(np.sqrt(values @ loads(mesh, values)))


def orders(world: MPI.Intracomm) -> dict[str, list[float]]:
    """Errors in the mean square of states, and of densities: in each cell, or of the density with the loads."""
    errors: dict[str, list[float]] = {}
    for n in SIZES:
        cells, mesh = uniform(n), surfaces.square(round(1.3 * n), seed=2, height=0.0)
        exact, size = averages(cells), measures(cells)
        given = {"temperature": smooth(mesh), "energy": loads(mesh, smooth(mesh))}
        got = arrived(world, mesh, cells, "automatic", given)
        for name, values in (("state in cells", got["temperature"]), ("density in cells", got["energy"] / size)):
            errors.setdefault(name, []).append(float(np.sqrt((values - exact) ** 2 @ size)))
        got = arrived(world, cells, mesh, "automatic", {"temperature": exact, "energy": exact * size})
        errors.setdefault("state at points", []).append(norm(mesh, got["temperature"] - smooth(mesh)))
        matrix = mass_matrix(Basis.of(mesh, 2))[0].toarray()
        density = np.linalg.solve(matrix, np.array(got["energy"]))
        errors.setdefault("density at points", []).append(norm(mesh, density - smooth(mesh)))
    return errors


def line(n: int, seed: int) -> Mesh:
    """Points of the segment that ``random_grid`` fills along y."""
    cells = random_grid(np.random.default_rng(seed), (1,), most=2)
    points = cells.lower[:1] * np.ones((n, 1))
    points[:, 1] = np.linspace(0.1, 1.1, n)
    return Mesh(points, {"line": np.column_stack((np.arange(n - 1), np.arange(1, n)))})


def pairs() -> dict[str, tuple[Cells, Mesh]]:
    """Cells and meshes of one region that do not match."""
    lines = [np.array([0.0, 0.17, 0.6, 1.0]), np.array([0.0, 0.31, 0.52, 1.0]), np.zeros(1)]
    turned = surfaces.square(9, 3, height=0.0)
    return {
        "surface": (grid(lines), surfaces.square(9, 3, height=0.0)),
        "surface across y": (
            Cells(*(c[:, [0, 2, 1]] for c in (grid(lines).lower, grid(lines).upper))),
            Mesh(turned.points[:, [0, 2, 1]], turned.elements),
        ),
        "one cell": (uniform(1), surfaces.square(9, 3, height=0.0)),
        "line": (random_grid(np.random.default_rng(4), (1,)), line(12, 4)),
    }


def exact(world: MPI.Intracomm) -> dict[str, Any]:
    """Of a linear state and of constant densities, what arrives on both sides."""
    found: dict[str, Any] = {}
    for name, (cells, mesh) in pairs().items():
        linear = 1.0 + mesh.points @ [2.0, -3.0, 5.0]
        to_cells = {"temperature": linear, "energy": loads(mesh, np.ones(len(mesh)))}
        to_mesh = {"temperature": np.full(len(cells), 3.7), "energy": measures(cells)}
        found[name] = [
            arrived(world, mesh, cells, "automatic", to_cells),
            arrived(world, cells, mesh, "automatic", to_mesh),
            arrived(world, cells, mesh, "intersection", to_mesh),
        ]
    return found


def main() -> None:
    world = MPI.COMM_WORLD
    found = {"orders": orders(world), "exact": exact(world)}
    if world.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
