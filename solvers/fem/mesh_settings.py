"""What a user may say about a mesh."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..expression import SpaceExpression
from ..limits import check_count

Coordinates = Annotated[tuple[float, ...], Field(min_length=2, max_length=3)]
Cells = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2, max_length=3)]

CELLS: dict[int, tuple[str, ...]] = {2: ("triangle", "quadrilateral"), 3: ("tetrahedron", "hexahedron")}
"""Types of cells by the dimension of the box; the first is the default."""
SIDES: tuple[str, ...] = ("x-lower", "x-upper", "y-lower", "y-upper", "z-lower", "z-upper")
"""Boundaries that a box has by itself."""
RIMS: tuple[str, ...] = ("outer", "core", "void")
"""Boundaries that a crystal's mesh has by itself."""
Grades = Annotated[tuple[Annotated[float, Field(gt=0.0, allow_inf_nan=False)], ...], Field(min_length=1)]
Expansion = Annotated[tuple[Annotated[float, Field(gt=0.0, allow_inf_nan=False)], ...], Field(max_length=3)]


def check_corners(
    lower: Sequence[float], upper: Sequence[float], cells: Sequence[int], expansion: Sequence[float]
) -> None:
    """Raises ``ValueError`` for corners and divisions of a box that do not go together."""
    if len({len(lower), len(upper), len(cells)}) > 1:
        raise ValueError("'lower', 'upper' and 'cells' differ in length; they must have two or three numbers each")
    check_count("cells", cells)
    if expansion and len(expansion) != len(cells):
        raise ValueError(f"'expansion' has {len(expansion)} numbers; it must have {len(cells)}, one for each axis")
    for axis, low, high in zip("xyz", lower, upper, strict=False):
        if not low < high:
            raise ValueError(f"along {axis} 'lower' is {low} and 'upper' {high}; 'lower' must be less")


def divided(lower: float, upper: float, cells: int, expansion: float = 1.0) -> NDArray[np.float64]:
    """(cells + 1,) ends of divisions in a geometric row; the last one is ``expansion`` times as long as the first."""
    lengths = np.geomspace(1.0, expansion, cells) if cells > 1 else np.ones(1)
    ends = np.concatenate([[0.0], np.cumsum(lengths)])
    places = lower + (upper - lower) * (ends / ends[-1])
    places[-1] = upper
    return places


class Table(BaseModel):
    """A table whose unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class BoxMesh(Table):
    """A rectangle or a box, divided evenly or in geometric rows; its boundaries are ``x-lower`` to ``z-upper``."""

    kind: Literal["box"]
    lower: Coordinates
    """Corner of the least coordinates: two numbers for a plane problem, three for one in space."""
    upper: Coordinates
    cells: Cells
    """Number of divisions along each axis; a rectangle of triangles has two in each."""
    expansion: Expansion = ()
    """Length of the last division over that of the first, along each axis; default: 1."""
    cell: Literal["triangle", "quadrilateral", "tetrahedron", "hexahedron"] | None = None
    """Type of the cells; default: triangles or tetrahedra."""

    @model_validator(mode="after")
    def _check_box(self) -> BoxMesh:
        check_corners(self.lower, self.upper, self.cells, self.expansion)
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


class CrystalMesh(Table):
    """A mesh around a core of atoms, whose nodes are places of the body's crystal: all of them near the core, fewer
    farther away. Its boundaries are ``outer``, ``core`` and ``void``, as far as there are such.
    """

    kind: Literal["crystal"]
    lower: Coordinates
    """Corner of the least coordinates of a box in which the mesh lies."""
    upper: Coordinates
    core: SpaceExpression
    """Distance from the core, whose atoms move by themselves: no element has a corner where it is not above 0."""
    grades: Grades
    """Distances from the core up to which every lattice point, every second along each primitive vector, every fourth
    … is a node; beyond the last, twice as coarse again."""
    void: SpaceExpression | None = None
    """Below 0 where there is to be no material: there no element has its middle."""

    @model_validator(mode="after")
    def _check_grades(self) -> CrystalMesh:
        check_corners(self.lower, self.upper, [1] * len(self.lower), ())
        if list(self.grades) != sorted(set(self.grades)):
            raise ValueError(f"'grades' are {list(self.grades)}; each must be more than the one before")
        return self

    @property
    def dimension(self) -> int:
        """2 or 3."""
        return len(self.lower)

    @property
    def sides(self) -> tuple[str, ...]:
        """The names of its boundaries."""
        return RIMS


MeshSettings = Annotated[BoxMesh | FileMesh | CrystalMesh, Field(discriminator="kind")]
