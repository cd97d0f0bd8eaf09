"""Fields for ParaView: every rank writes its cells as a VTK image (.vti), rank 0 the index (.pvti) and times (.pvd)."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .solver import NavierStokes

_HEADER = (
    '<?xml version="1.0"?>\n<VTKFile type="{kind}" version="1.0" byte_order="LittleEndian" header_type="UInt64">\n'
)
_ARRAYS = {"density": 1, "velocity": 3, "temperature": 1, "pressure": 1}


def write(solver: NavierStokes, path: Path, time: float) -> None:
    """Write cell data as ``path``.pvti with one piece per rank, and list it in ``fields.pvd`` beside it.

    Nothing is gathered: PETSc's own VTK viewer would send every value through rank 0, and gives points, not cells.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rank, grid = solver.comm.rank, solver.grid
    extents = solver.comm.gather(_extent(grid.start, grid.owned), root=0)
    _write_piece(solver, path.with_name(f"{path.name}_{rank}.vti"))
    if rank == 0:
        assert extents is not None
        _write_index(solver, path, extents)
        _write_times(path, time)
    solver.comm.Barrier()


def _extent(start: tuple[int, ...], size: tuple[int, ...]) -> str:
    return " ".join(f"{first} {first + count}" for first, count in zip(start, size, strict=True))


def _image(solver: NavierStokes, kind: str, extent: str, more: str = "") -> str:
    origin, spacing = (" ".join(repr(float(x)) for x in v) for v in (solver.grid.lower, solver.grid.spacing))
    return f'<{kind} WholeExtent="{extent}"{more} Origin="{origin}" Spacing="{spacing}">\n'


def _write_piece(solver: NavierStokes, path: Path) -> None:
    extent = _extent(solver.grid.start, solver.grid.owned)
    text = [_HEADER.format(kind="ImageData"), _image(solver, "ImageData", extent), f'<Piece Extent="{extent}">\n']
    text.append("<CellData>\n")
    for name, components in _ARRAYS.items():
        values = getattr(solver, name)
        values = np.moveaxis(values, 0, -1) if components == 3 else values
        raw = np.ascontiguousarray(values, dtype="<f8").tobytes()
        encoded = base64.b64encode(np.uint64(len(raw)).tobytes() + raw).decode("ascii")
        text.append(f'<DataArray {_attributes(name)} format="binary">{encoded}</DataArray>\n')
    text.append("</CellData>\n</Piece>\n</ImageData>\n</VTKFile>\n")
    path.write_text("".join(text), encoding="ascii")


def _attributes(name: str) -> str:
    return f'type="Float64" Name="{name}" NumberOfComponents="{_ARRAYS[name]}"'


def _write_index(solver: NavierStokes, path: Path, extents: list[str]) -> None:
    whole = _extent((0, 0, 0), solver.grid.cells)
    text = [_HEADER.format(kind="PImageData"), _image(solver, "PImageData", whole, ' GhostLevel="0"'), "<PCellData>\n"]
    text += [f"<PDataArray {_attributes(name)}/>\n" for name in _ARRAYS]
    text.append("</PCellData>\n")
    text += [f'<Piece Extent="{extent}" Source="{path.name}_{rank}.vti"/>\n' for rank, extent in enumerate(extents)]
    text.append("</PImageData>\n</VTKFile>\n")
    path.with_name(path.name + ".pvti").write_text("".join(text), encoding="ascii")


def _write_times(path: Path, time: float) -> None:
    """Add ``path`` to ``fields.pvd``; what it lists from ``time`` on belongs to a run that was repeated, and goes."""
    index = path.with_name("fields.pvd")
    listed: list[tuple[float, str]] = []
    if index.exists():
        listed = [(float(x.attrib["timestep"]), x.attrib["file"]) for x in ET.parse(index).iter("DataSet")]
    listed = [(t, file) for t, file in listed if t < time] + [(time, path.name + ".pvti")]
    entries = "".join(f'<DataSet timestep="{t!r}" part="0" file="{file}"/>\n' for t, file in listed)
    text = f'<?xml version="1.0"?>\n<VTKFile type="Collection" version="1.0">\n<Collection>\n{entries}'
    index.write_text(text + "</Collection>\n</VTKFile>\n", encoding="ascii")
