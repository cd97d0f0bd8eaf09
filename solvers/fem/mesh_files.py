"""Mesh files, read by meshio on one rank: cells, and the physical groups of cells and facets with their names."""

from __future__ import annotations

import contextlib
import io
import signal
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SolverError

Array = NDArray[np.float64]

_CELLS: dict[str, tuple[str, int, int]] = {
    "triangle": ("triangle", 2, 1),
    "triangle6": ("triangle", 2, 2),
    "quad": ("quadrilateral", 2, 1),
    "quad9": ("quadrilateral", 2, 2),
    "tetra": ("tetrahedron", 3, 1),
    "tetra10": ("tetrahedron", 3, 2),
    "hexahedron": ("hexahedron", 3, 1),
    "hexahedron27": ("hexahedron", 3, 2),
}
"""meshio's name of a type: DOLFINx's name, dimension, degree of the geometry."""
_FACETS: dict[str, str] = {
    "triangle": "line",
    "triangle6": "line3",
    "quad": "line",
    "quad9": "line3",
    "tetra": "triangle",
    "tetra10": "triangle6",
    "hexahedron": "quad",
    "hexahedron27": "quad9",
}
_PATIENCE = 10.0
"""Seconds in which a mesh file must be read, beside a second for every so many bytes."""
_SLOWEST = 100_000
_GROUPS = ("gmsh:physical", "medit:ref", "cell_tags", "boundaries", "facet_tags")
"""Names under which formats keep the number of the group that a cell belongs to; the first that is there counts."""


@dataclass(frozen=True)
class Groups:
    """Entities of one dimension that belong to groups."""

    nodes: NDArray[np.int64]
    """(n, nodes an entity), rows of the points, in VTK's order."""
    numbers: NDArray[np.int32]
    """(n,) number of the group of each."""
    names: dict[str, int] = field(default_factory=dict)
    """Numbers of the groups by name; groups without a name are named by their number."""


@dataclass(frozen=True)
class MeshFile:
    """What a file says, on the rank that read it."""

    cell: str
    """Type of the cells, by DOLFINx's name."""
    degree: int
    """1 for straight cells, 2 for curved ones."""
    points: Array
    """(n, dimension of the cells)."""
    cells: Groups
    facets: Groups


def read(path: Path) -> MeshFile:
    """Read a file. Raises ``SolverError`` that says what is wrong with it."""
    found = _meshio(path)
    kind, dimension = _cell_type(path, found)
    name, _, degree = _CELLS[kind]
    points = np.asarray(found.points, dtype=np.float64)
    flat = points.shape[1] == 3 and not np.ptp(points[:, 2])
    if dimension == 2 and points.shape[1] == 3 and not flat:
        raise SolverError(f"{path}: a surface in space; cells of dimension 2 must lie in the plane z = 0")
    points = points[:, :dimension]
    try:
        cells, facets = _groups(found, kind, dimension), _groups(found, _FACETS[kind], dimension - 1)
        return MeshFile(name, degree, *_without_unused(points, cells, facets))
    except (ValueError, IndexError, TypeError, KeyError, OverflowError) as error:
        raise SolverError(f"{path}: its points, cells and groups do not fit together: {error}") from error


def _meshio(path: Path) -> Any:
    try:
        import meshio
    except ImportError as error:
        raise SolverError("reading mesh files needs meshio: pip install meshio") from error
    if not path.is_file():
        raise SolverError(f"{path}: no such file")
    said = io.StringIO()
    try:
        with _time_limit(path), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return meshio.read(path, _format(path))
    except SystemExit as error:  # meshio ends the program where no format fits
        raise SolverError(f"{path}: no mesh that meshio can read") from error
    except Exception as error:  # readers of forty formats raise whatever their parsers do
        raise SolverError(f"{path}: meshio cannot read it: {error or type(error).__name__}") from error


@contextlib.contextmanager
def _time_limit(path: Path) -> Iterator[None]:
    """Interrupt what takes far longer than reading a file does: some readers look for an end that is not there."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals interrupt the main thread alone
        return
    seconds = _PATIENCE + path.stat().st_size / _SLOWEST

    def interrupt(*_: Any) -> None:
        raise TimeoutError(f"it has found no end in {seconds:.0f} s; is the file complete?")

    handler = signal.signal(signal.SIGALRM, interrupt)
    left, every = signal.setitimer(signal.ITIMER_REAL, seconds)
    begin = time.monotonic()
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begin), 1e-3) if left else 0.0, every)


def _format(path: Path) -> str | None:
    """Which of the two formats whose names end in ``.msh`` it is; None of other names, of which meshio knows.

    meshio would try ANSYS' first, whose reader does not end where a bracket is missing: only a file that begins as
    ANSYS' do is read by it.
    """
    if path.suffix.lower() != ".msh":
        return None
    with path.open("rb") as file:
        return "ansys" if file.read(64).lstrip().startswith(b"(") else "gmsh"


def _cell_type(path: Path, found: Any) -> tuple[str, int]:
    """The one type of cells of the highest dimension."""
    kinds = {block.type for block in found.cells if len(block.data)}
    known = {kind: _CELLS[kind][1] for kind in kinds if kind in _CELLS}
    if not known:
        raise SolverError(f"{path}: no cells of a known type: found {', '.join(sorted(kinds)) or 'none'}")
    dimension = max(known.values())
    highest = sorted(kind for kind, value in known.items() if value == dimension)
    others = sorted(kinds - set(known) - {"vertex", "line", "line3"})
    if len(highest) > 1 or others:
        raise SolverError(f"{path}: cells of several types ({', '.join(highest + others)}); a mesh must have one")
    return highest[0], dimension


def _groups(found: Any, kind: str, dimension: int) -> Groups:
    """All entities of a type, with the number of the group of each; 0 without one."""
    key = next((name for name in _GROUPS if name in found.cell_data), None)
    width = {"line": 2, "line3": 3, "triangle6": 6, "quad9": 9}.get(kind, 0)
    nodes, numbers = [np.zeros((0, width), dtype=np.int64)] if width else [], [np.zeros(0, dtype=np.int32)]
    for number, block in enumerate(found.cells):
        if block.type == kind:
            nodes.append(np.asarray(block.data, dtype=np.int64))
            group = found.cell_data[key][number] if key else np.zeros(len(block.data))
            numbers.append(np.asarray(group, dtype=np.int32).reshape(len(block.data)))
    names = {str(name): int(value[0]) for name, value in found.field_data.items() if int(value[1]) == dimension}
    joined = np.concatenate(numbers)
    unnamed = set(np.unique(joined[joined != 0]).tolist()) - set(names.values())
    names |= {str(number): number for number in sorted(unnamed)}
    return Groups(np.concatenate(nodes) if nodes else np.zeros((0, 3), dtype=np.int64), joined, names)


def _without_unused(points: Array, cells: Groups, facets: Groups) -> tuple[Array, Groups, Groups]:
    """Without the points that no cell names, which DOLFINx does not take, and without facets that name such points."""
    used = np.zeros(len(points), dtype=bool)
    used[cells.nodes] = True
    number = np.cumsum(used) - 1
    kept = used[facets.nodes].all(axis=1) if len(facets.nodes) else np.zeros(0, dtype=bool)
    named = Groups(number[facets.nodes[kept]], facets.numbers[kept], facets.names)
    return points[used], Groups(number[cells.nodes], cells.numbers, cells.names), named


def grids(path: Path) -> set[str]:
    """Names of the grids in an XDMF file of DOLFINx's kind; none where it cannot be read, or is of another kind."""
    try:
        root = ET.parse(path).getroot()
    except (OSError, ET.ParseError):
        return set()
    return {grid.get("Name", "") for grid in root.iter("Grid")}
