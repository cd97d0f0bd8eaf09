"""What a user may say about phonon transport."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..expression import Expression, SpaceExpression
from ..fem.body_settings import Positive
from ..fem.mesh_settings import SIDES, Expansion, Table, check_corners
from ..limits import MOST
from .materials import MaterialSettings

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Corner = Annotated[tuple[float, ...], Field(min_length=2, max_length=3)]


class FilmMesh(Table):
    """A film: everything varies along x only; y and z give its cross-section."""

    kind: Literal["film"]
    lower: tuple[float, float, float]
    upper: tuple[float, float, float]
    cells: Annotated[int, Field(ge=1, le=MOST)] = 64
    grading: Annotated[float, Field(ge=0.0, le=5.0)] = 2.0
    """How much thinner the cells are near both surfaces: x ~ tanh(grading s) for s from -1 to 1; 0 divides evenly."""
    layers: dict[str, tuple[float, float]] = Field(default_factory=dict)
    """Regions by name: from where to where along x. Cells are divided among them by thickness."""

    @model_validator(mode="after")
    def _check(self) -> FilmMesh:
        for axis, low, high in zip("xyz", self.lower, self.upper, strict=True):
            if not low < high:
                raise ValueError(f"along {axis} 'lower' is {low} and 'upper' {high}; 'lower' must be less")
        at = self.lower[0]
        for name, (begin, end) in self.layers.items():
            if begin != at or not begin < end:
                raise ValueError(f"layer {name!r} goes from {begin} to {end}; it must begin at {at} and end beyond")
            at = end
        if self.layers and at != self.upper[0]:
            raise ValueError(f"the last layer ends at {at}; it must end at 'upper', {self.upper[0]}")
        if self.cells < len(self.layers):
            raise ValueError(f"{self.cells} cells for {len(self.layers)} layers; at least one each")
        return self

    @property
    def sides(self) -> tuple[str, ...]:
        """The names of its boundaries."""
        return SIDES[:2]


class BoxMesh(Table):
    """A rectangle of triangles or a box of tetrahedra, divided evenly, ``graded`` towards its sides, or expanding."""

    kind: Literal["box"]
    lower: Corner
    upper: Corner
    cells: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=2, max_length=3)]
    """Number of divisions along each axis."""
    grading: Annotated[float, Field(ge=0.0, le=5.0)] = 0.0
    """As of a film, along every axis."""
    expansion: Expansion = ()
    """Length of the last division over that of the first, along each axis; in place of a grading."""

    @model_validator(mode="after")
    def _check(self) -> BoxMesh:
        check_corners(self.lower, self.upper, self.cells, self.expansion)
        if self.grading and self.expansion:
            raise ValueError("both 'grading' and 'expansion' are given; give one of them")
        return self

    @property
    def sides(self) -> tuple[str, ...]:
        """The names of its boundaries."""
        return SIDES[: 2 * len(self.cells)]


class FileMesh(Table):
    """Triangles or tetrahedra from a file that meshio reads; boundaries and regions are its physical groups."""

    kind: Literal["file"]
    file: Path
    """Relative to the case."""
    scale: Positive = 1.0
    """Factor from the file's unit of length to the participant's."""


MeshSettings = Annotated[FilmMesh | BoxMesh | FileMesh, Field(discriminator="kind")]


class Contact(Table):
    """How a boundary is in touch with what is beyond: perfectly, or with a transmissivity or a resistance."""

    transmissivity: Fraction | None = None
    """Part of the arriving phonons that passes, of every frequency; default: all."""
    resistance: Positive | None = None
    """Temperature difference over heat flux, as molecular dynamics measures it between the extrapolated temperatures;
    the slip that transport adds by itself is taken out of it."""
    slip: Annotated[float, Field(gt=0.0, lt=4.0)] = 2.0
    """The part of a resistance, in units of 1 / (C v), that is slip: 2 (Marshak) or 2.13134 (Milne)."""

    @model_validator(mode="after")
    def _one(self) -> Contact:
        if self.transmissivity is not None and self.resistance is not None:
            raise ValueError("both 'transmissivity' and 'resistance' are given; give one of them")
        return self


class Temperature(Contact):
    """A body of given temperature, which absorbs what passes and emits in equilibrium."""

    kind: Literal["temperature"]
    temperature: Expression


class Flux(Contact):
    """A body that is as hot as it must be for a given heat to enter."""

    kind: Literal["flux"]
    flux: Expression
    """Heat that enters, per area and time."""


class Surface(Table):
    """A surface that returns all phonons at their frequency."""

    kind: Literal["surface"]
    specularity: Fraction = 0.0
    """Part that is mirrored; the rest is scattered evenly."""


class Periodic(Table):
    """What leaves here enters at the opposite side, or at the boundary ``to``."""

    kind: Literal["periodic"]
    to: str | None = None
    """Default: the opposite side of a box or a film. Of a mesh file both boundaries name each other."""


class Seam(Contact):
    """The boundary belongs to a partner."""

    kind: Literal["seam"]


Boundary = Annotated[Temperature | Flux | Surface | Periodic | Seam, Field(discriminator="kind")]


class Between(Table):
    """What two regions' common faces do to phonons."""

    regions: tuple[str, str]
    kind: Literal["diffuse-mismatch", "transmissivity", "resistance", "measured"] = "diffuse-mismatch"
    transmissivity: Fraction | None = None
    """From the first to the second, at every frequency; the other way it follows from detailed balance."""
    resistance: Positive | None = None
    """Temperature difference over heat flux between extrapolated temperatures; both sides' slips are taken out."""
    file: Path | None = None
    """With ``measured``: the file of the stage ``measure-conductance``, relative to the case, that has the resistance
    in the participant's units."""

    @model_validator(mode="after")
    def _fits(self) -> Between:
        if self.regions[0] == self.regions[1]:
            raise ValueError(f"'regions' names {self.regions[0]!r} twice; it must be two")
        for kind, key in (("transmissivity",) * 2, ("resistance",) * 2, ("measured", "file")):
            if (self.kind == kind) != (getattr(self, key) is not None):
                raise ValueError(f"{key!r} goes with kind = {kind!r}, and only with it")
        return self


class Directions(Table):
    """How many directions phonons fly in."""

    polar: Annotated[int, Field(ge=1, le=256)] | None = None
    """Angles to the axis, in a half-space; default 16 in a film, 8 of axisymmetric meshes, else 4. The axis is x in a
    film, that of symmetry where there is one, else z."""
    azimuthal: Annotated[int, Field(ge=4, le=1024, multiple_of=4)] | None = None
    """Angles around the axis; default 32, and 4 in a film, where they count only with a gradient along it."""


class Ranks(Table):
    """How the participant's ranks are divided: what is left is for space."""

    directions: Annotated[int, Field(ge=1)] = 1
    bands: Annotated[int, Field(ge=1)] = 1


class PhononSettings(Table):
    """The phonon Boltzmann equation under the relaxation time approximation."""

    mesh: MeshSettings
    material: MaterialSettings | dict[str, MaterialSettings]
    """One for the whole mesh, or one for each of its regions by name."""
    interfaces: tuple[Between, ...] = ()
    """Between regions of different materials; default: diffuse mismatch."""
    boundaries: dict[str, Boundary]
    """By name; every face of the mesh's boundary must belong to one."""
    axisymmetric: bool = False
    """Whether ``x`` is the distance from an axis and ``y`` the height: of triangles. Amounts are those of the whole
    turn; the axis itself is no boundary."""
    directions: Directions = Directions()
    initial: SpaceExpression
    """Temperature at the start, in equilibrium; the equation is linear about it."""
    source: Expression | None = None
    """Heat made per volume and time; booked in the row ``source``."""
    gradient: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """A uniform gradient of temperature, besides what is solved for: of periodic problems."""
    time_integration: Literal["sdirk2", "backward-euler", "steady"] = "sdirk2"
    step: Positive | None = None
    """The longest time step; not of steady states, where every window is one."""
    tolerance: Annotated[float, Field(gt=0.0, lt=1e-2)] = 1e-10
    """Of the iteration, relative to the solution's norm. Energy balances to round-off whatever it is."""
    iteration: Literal["gmres", "source"] = "gmres"
    """``source`` is the plain iteration of old, for comparison."""
    ranks: Ranks = Ranks()
    probes: dict[str, Annotated[tuple[float, ...], Field(min_length=1, max_length=3)]] = Field(default_factory=dict)
    """Places whose temperature is recorded at the windows' ends, by name."""

    @model_validator(mode="after")
    def _check(self) -> PhononSettings:
        if (self.time_integration == "steady") == (self.step is not None):
            raise ValueError("a 'step' goes with every time_integration but 'steady', and only with these")
        if "source" in self.boundaries:
            raise ValueError("a boundary has the name 'source', which is a row of the books")
        if self.axisymmetric:
            self._check_axis()
        if not isinstance(self.mesh, FileMesh):
            on_axis = self.axisymmetric and self.mesh.lower[0] == 0.0
            self._check_sides(self.mesh.sides[1 if on_axis else 0 :])
        kinds = {boundary.kind for boundary in self.boundaries.values()}
        floats = self.time_integration == "steady" and not kinds & {"temperature", "seam"}
        if floats and (self.source is not None or "flux" in kinds):
            raise ValueError(
                "a steady state with a 'source' or 'flux' and no boundary that fixes the temperature; one must be of "
                "kind 'temperature' or 'seam'"
            )
        return self

    def _check_axis(self) -> None:
        if isinstance(self.mesh, FilmMesh) or (isinstance(self.mesh, BoxMesh) and len(self.mesh.cells) != 2):
            raise ValueError("'axisymmetric' with a mesh that is not of triangles; it must be")
        if isinstance(self.mesh, BoxMesh) and self.mesh.lower[0] < 0.0:
            raise ValueError(f"'axisymmetric' with 'lower' at {self.mesh.lower[0]} along x; it must not be negative")
        if any(self.gradient):
            raise ValueError("'axisymmetric' with a 'gradient'; it must have none")
        if any(boundary.kind == "periodic" for boundary in self.boundaries.values()):
            raise ValueError("'axisymmetric' with a boundary of kind 'periodic'; use 'surface' with specularity = 1")

    def _check_sides(self, sides: tuple[str, ...]) -> None:
        missing = [side for side in sides if side not in self.boundaries]
        unknown = [name for name in self.boundaries if name not in sides]
        if missing or unknown:
            found = f"boundaries {', '.join(self.boundaries) or 'none'}"
            raise ValueError(f"{found}; a {self.mesh.kind} must have each of {', '.join(sides)}")
        for lower, upper in zip(SIDES[::2], SIDES[1::2], strict=True):
            if not {lower, upper} <= set(sides):
                continue
            kinds = {self.boundaries[lower].kind, self.boundaries[upper].kind}
            if "periodic" in kinds and len(kinds) > 1:
                raise ValueError(f"of {lower!r} and {upper!r} one is periodic; both must be")
