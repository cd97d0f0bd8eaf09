"""What the solvers for bodies of any shape have in common in their settings."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from ..expression import SpaceExpression
from .mesh_settings import BoxMesh, Coordinates, CrystalMesh, MeshSettings, Table

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


def _of_a_material(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str | dict | SpaceExpression):
        raise ValueError(f"found {value!r}; allowed is a number, a formula in x, y, z, or a table of these by region")
    return value


Material = Annotated[SpaceExpression | dict[str, SpaceExpression], BeforeValidator(_of_a_material)]
"""A number or a formula in ``x``, ``y``, ``z`` for the whole body, or one for each of the mesh's regions by name."""


class BoundarySettings(Table):
    """One boundary of a body."""

    where: SpaceExpression | None = None
    """A formula in ``x``, ``y``, ``z`` that is zero on it; default: the mesh's own boundary of that name."""


RECORDED = ("time", "error", "kinetic", "strain")
"""What a body's course has besides its probes."""


class BodySettings(Table):
    """What the solvers of this package have in common."""

    mesh: MeshSettings
    order: Annotated[int, Field(ge=1, le=4)] = 1
    """Degree of the finite elements; at an interface 1 or 2."""
    step: Positive
    """The longest time step."""
    linear_solver: Literal["direct", "iterative"] = "direct"
    """A factorisation, kept from step to step, or conjugate gradients with algebraic multigrid for large meshes."""
    probes: dict[str, Coordinates] = Field(default_factory=dict)
    """Places whose values are recorded at the windows' ends, by name; the nearest node is taken."""

    rows: ClassVar[tuple[str, ...]] = ()
    """Rows of the books that are no boundary's, whose names boundaries must not have."""

    @model_validator(mode="after")
    def _check_names(self) -> BodySettings:
        for name in getattr(self, "boundaries", {}):
            if name in self.rows:
                raise ValueError(
                    f"a boundary has the name {name!r}, which is a row of the books; it must not be one of "
                    f"{', '.join(self.rows)}"
                )
        return self

    @model_validator(mode="after")
    def _check_sides(self) -> BodySettings:
        if isinstance(self.mesh, CrystalMesh) and getattr(self, "crystal", None) is None:
            raise ValueError("a mesh of kind 'crystal' in a body without 'crystal', whose places its nodes would be")
        if isinstance(self.mesh, BoxMesh | CrystalMesh):
            for name, boundary in getattr(self, "boundaries", {}).items():
                if boundary.where is None and name not in self.mesh.sides:
                    raise ValueError(
                        f"a {self.mesh.kind} has no boundary {name!r}; it must be "
                        f"{', '.join(self.mesh.sides)}, or have a 'where'"
                    )
        for name, place in self.probes.items():
            if name in RECORDED:
                raise ValueError(f"a probe has the name {name!r}; it must not be one of {', '.join(RECORDED)}")
            if isinstance(self.mesh, BoxMesh | CrystalMesh) and len(place) != self.mesh.dimension:
                raise ValueError(f"probe {name!r} has {len(place)} coordinates; it must have {self.mesh.dimension}")
        return self
