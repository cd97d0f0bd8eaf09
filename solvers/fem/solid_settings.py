"""What a user may say about the mechanics of a solid body."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from ..crystal.settings import CrystalSettings
from ..expression import Expression, SpaceExpression
from ..limits import MOST, check_count
from .body_settings import BodySettings, BoundarySettings, Material
from .mesh_settings import BoxMesh, CrystalMesh

BLENDING, CORRECTION, DISSIPATION = "force blending", "ghost-force correction", "numerical dissipation"
CONSTRAINT = "constraint"
"""Names of rows."""

Vector = Annotated[tuple[Expression, ...], Field(min_length=2, max_length=3)]
"""One formula in ``x``, ``y``, ``z``, ``t`` for each direction."""
SpaceVector = Annotated[tuple[SpaceExpression, ...], Field(min_length=2, max_length=3)]
"""One formula in ``x``, ``y``, ``z`` for each direction."""


class Displacement(BoundarySettings):
    """The boundary has a given displacement; directions that are left out are free, as on rollers."""

    kind: Literal["displacement"]
    x: Expression | None = None
    y: Expression | None = None
    z: Expression | None = None

    @property
    def components(self) -> dict[int, Expression]:
        """The given directions, by number."""
        return {number: given for number, given in enumerate((self.x, self.y, self.z)) if given is not None}

    @model_validator(mode="after")
    def _check_components(self) -> Displacement:
        if not self.components:
            raise ValueError("no direction is given; it must be one or more of x, y, z")
        return self


class Traction(BoundarySettings):
    """A force per area of the body at rest acts on the boundary, and keeps its direction as the body moves."""

    kind: Literal["traction"]
    traction: Vector


class Pressure(BoundarySettings):
    """A force per area of the body at rest acts on the boundary, inwards along its normal at rest."""

    kind: Literal["pressure"]
    pressure: Expression


class Seam(BoundarySettings):
    """The boundary belongs to a partner."""

    kind: Literal["seam"]


Boundary = Annotated[Displacement | Traction | Pressure | Seam, Field(discriminator="kind")]


class SolidSettings(BodySettings):
    """A solid body: density d²u/dt² = div P(grad u) + body force, in a plane (plane strain) or in space."""

    rows: ClassVar[tuple[str, ...]] = (
        "body force",
        BLENDING,
        CONSTRAINT,
        CORRECTION,
        "heat",
        "integration",
        "numerical dissipation",
    )
    material: Literal["linear", "st-venant-kirchhoff", "neo-hookean", "cauchy-born"] = "linear"
    """Small strains, one of two laws for large displacements, or a crystal."""
    density: Material
    """Mass per volume of the body at rest."""
    young: Material | None = None
    """Young's modulus; with ``poisson``."""
    poisson: Material | None = None
    """Poisson's ratio; with ``young``."""
    lame: Material | None = None
    """Lamé's first parameter; with ``shear``, in place of ``young`` and ``poisson``."""
    shear: Material | None = None
    """The shear modulus; with ``lame``."""
    crystal: CrystalSettings | None = None
    """Of the material ``cauchy-born``, in place of all these: the crystal and the potential of its atoms."""
    expansion: Material | None = None
    """Coefficient of linear thermal expansion; needs the material ``linear``."""
    reference_temperature: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    """Temperature at which there is no thermal strain; absolute, where heat is exchanged with a partner."""
    temperature: Expression | None = None
    """Temperature of the body, unless a partner gives it; default: the reference."""
    displacement: SpaceVector | None = None
    """At the start; default: none."""
    velocity: SpaceVector | None = None
    """At the start; default: none."""
    body_force: Vector | None = None
    """Force per volume of the body at rest; booked in the row ``body force``."""
    boundaries: dict[str, Boundary] = Field(default_factory=dict)
    """By name; what is on no boundary is free."""
    time_integration: Literal["generalised-alpha", "velocity-verlet", "quasi-static"] = "generalised-alpha"
    """With inertia, both of second order, implicit or explicit with lumped mass; or equilibrium in every step."""
    spectral_radius: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    """Of the generalised-alpha method: what is left after a step of vibrations that the step cannot follow."""
    reference: Vector | None = None
    """A displacement to compare with: the largest difference at the nodes is recorded at the windows' ends."""

    @model_validator(mode="after")
    def _check_elasticity(self) -> SolidSettings:
        given = [key for key in ("young", "poisson", "lame", "shear") if getattr(self, key) is not None]
        if self.material == "cauchy-born" or self.crystal is not None:
            self._check_crystal(given)
        elif given not in (["young", "poisson"], ["lame", "shear"]):
            raise ValueError(
                f"the elasticity is given by {' and '.join(given) or 'nothing'}; "
                "it must be young and poisson, or lame and shear"
            )
        if self.expansion is not None and self.material != "linear":
            raise ValueError(f"thermal expansion of a {self.material} material; 'material' must be 'linear'")
        if self.temperature is not None and self.expansion is None:
            raise ValueError("a temperature without 'expansion' has no effect; give the coefficient or remove it")
        return self

    def _check_crystal(self, moduli: list[str]) -> None:
        if self.crystal is None:
            raise ValueError("the material is cauchy-born and there is no 'crystal'; give its structure and potential")
        if self.material != "cauchy-born":
            raise ValueError(
                f"a crystal of a {self.material} material; 'material' must be 'cauchy-born', or no crystal"
            )
        if moduli:
            raise ValueError(f"a crystal has its elasticity from its potential; remove {' and '.join(moduli)}")
        if self.order != 1:
            raise ValueError(f"'order' is {self.order}; the material 'cauchy-born' needs order = 1")
        if isinstance(self.mesh, BoxMesh) and self.mesh.cell not in (None, "triangle", "tetrahedron"):
            raise ValueError(f"'cell' is '{self.mesh.cell}'; the material 'cauchy-born' needs triangles or tetrahedra")

    @model_validator(mode="after")
    def _check_explicit(self) -> SolidSettings:
        if self.time_integration == "velocity-verlet" and (self.order > 1 or self.expansion is not None):
            found = f"'order' is {self.order}" if self.order > 1 else "there is an 'expansion'"
            raise ValueError(
                f"{found}; time_integration = 'velocity-verlet' is for order = 1 without thermal expansion"
            )
        return self

    @model_validator(mode="after")
    def _check_dimension(self) -> SolidSettings:
        if isinstance(self.mesh, CrystalMesh) and self.crystal is not None:
            extents = np.subtract(self.mesh.upper, self.mesh.lower) / self.crystal.constant
            check_count("mesh", [min(int(extent) + 1, MOST) for extent in np.minimum(extents, MOST)])
        if isinstance(self.mesh, BoxMesh | CrystalMesh):
            problem = self.misfit(self.mesh.dimension)
            if problem:
                raise ValueError(problem)
        return self

    def misfit(self, dimension: int) -> str:
        """What does not fit a mesh of so many dimensions, in words; else an empty text."""
        vectors = {key: getattr(self, key) for key in ("displacement", "velocity", "body_force", "reference")}
        if self.crystal is not None and self.crystal.structure == "triangular" and dimension != 2:
            return "a triangular lattice is plane; the mesh is not"
        for name, boundary in self.boundaries.items():
            if isinstance(boundary, Traction):
                vectors[f"the traction of {name!r}"] = boundary.traction
            if isinstance(boundary, Displacement) and max(boundary.components) >= dimension:
                return f"boundary {name!r} gives a displacement along z; the mesh is plane"
        for name, vector in vectors.items():
            if vector is not None and len(vector) != dimension:
                return f"{name} has {len(vector)} components; the mesh has {dimension} dimensions"
        return ""
