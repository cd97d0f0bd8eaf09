"""What a user may say about a mesh."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Coordinates = Annotated[tuple[float, ...], Field(min_length=2, max_length=3)]
Cells = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2, max_length=3)]

CELLS: dict[int, tuple[str, ...]] = {2: ("triangle", "quadrilateral"), 3: ("tetrahedron", "hexahedron")}
"""Types of cells by the dimension of the box; the first is the default."""
SIDES: tuple[str, ...] = ("x-lower", "x-upper", "y-lower", "y-upper", "z-lower", "z-upper")
"""Boundaries that a box has by itself."""


class Table(BaseModel):
    """A table whose unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BoxMesh(Table):
    """A rectangle or a box, divided evenly; its boundaries are named ``x-lower`` to ``z-upper``."""

    kind: Literal["box"]
    lower: Coordinates
    """Corner of the least coordinates: two numbers for a plane problem, three for one in space."""
    upper: Coordinates
    cells: Cells
    """Number of divisions along each axis; a rectangle of triangles has two in each."""
    cell: Literal["triangle", "quadrilateral", "tetrahedron", "hexahedron"] | None = None
    """Type of the cells; default: triangles or tetrahedra."""

    @model_validator(mode="after")
    def _check_box(self) -> BoxMesh:
        sizes = {len(self.lower), len(self.upper), len(self.cells)}
        if len(sizes) > 1:
            raise ValueError("'lower', 'upper' and 'cells' differ in length; they must have two or three numbers each")
        for axis, low, high in zip("xyz", self.lower, self.upper, strict=False):
            if not low < high:
                raise ValueError(f"along {axis} 'lower' is {low} and 'upper' {high}; 'lower' must be less")
        if self.cell is not None and self.cell not in CELLS[self.dimension]:
            found = f"'cell' is '{self.cell}' in {self.dimension} dimensions"
            raise ValueError(f"{found}; it must be {' or '.join(CELLS[self.dimension])}")
        return self

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return len(self.cells)

    @property
    def sides(self) -> tuple[str, ...]:
        """The names of its boundaries."""
        return SIDES[: 2 * self.dimension]


class FileMesh(Table):
    """A mesh from a file: gmsh's, XDMF as DOLFINx or meshio writes it, or any other that meshio reads.

    Boundaries are named as the file's physical groups of facets, regions as those of cells; groups without a name by
    their number.
    """

    kind: Literal["file"]
    file: Path
    """Relative to the case."""
    scale: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 1.0
    """Factor from the file's unit of length to the participant's."""
    grid: str = "mesh"
    """Of XDMF files that DOLFINx wrote: the name of the mesh."""
    facet_tags: str | None = None
    """Of XDMF files that DOLFINx wrote: the name of the tags of facets."""
    cell_tags: str | None = None
    """Of XDMF files that DOLFINx wrote: the name of the tags of cells."""


MeshSettings = Annotated[BoxMesh | FileMesh, Field(discriminator="kind")]
