"""What a user may say about a Navier-Stokes run."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..expression import Expression, SpaceExpression
from ..limits import check_count
from .closures import FluidSettings

AXES = "xyz"
Side = Literal["x-lower", "x-upper", "y-lower", "y-upper", "z-lower", "z-upper"]
SIDES: tuple[Side, ...] = get_args(Side)
"""The names of the six sides of the box, ``x-lower`` to ``z-upper``."""

Vector = tuple[float, float, float]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Wall(_Table):
    """An impermeable wall, moving along itself; isothermal where ``temperature`` is given, else adiabatic."""

    kind: Literal["wall"]
    velocity: Vector = (0.0, 0.0, 0.0)
    slip_length: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 0.0
    temperature: Positive | None = None


class Periodic(_Table):
    """The domain repeats; both sides of the axis are periodic."""

    kind: Literal["periodic"]


class Reservoir(_Table):
    """A large body of fluid at rest at the side's far end: it sets the pressure, and what flows in is its fluid.

    The velocity comes from inside. Exactly one of ``pressure`` and ``density`` is given.
    """

    kind: Literal["reservoir"]
    pressure: float | None = None
    density: Positive | None = None
    temperature: Positive

    @model_validator(mode="after")
    def _one_of_two(self) -> Reservoir:
        if (self.pressure is None) == (self.density is None):
            raise ValueError("a reservoir needs exactly one of 'pressure' and 'density'")
        return self


class Seam(_Table):
    """A side that a partner shares: who gives amounts through it, is the flow beyond it, or the body behind a wall."""

    kind: Literal["seam"]


Boundary = Annotated[Wall | Periodic | Reservoir | Seam, Field(discriminator="kind")]


class Initial(_Table):
    """The state at the start: numbers or formulas in ``x``, ``y``, ``z``."""

    density: SpaceExpression
    velocity: tuple[SpaceExpression, SpaceExpression, SpaceExpression]
    temperature: SpaceExpression


class NavierStokesSettings(_Table):
    """A box of fluid on a uniform grid.

    An axis with one cell is inactive: nothing varies along it, and its extent is part of the cross-section, so that
    amounts are those of the three-dimensional box. Lengths, times and so on are in the participant's units.
    """

    lower: Vector
    upper: Vector
    cells: tuple[
        Annotated[int, Field(ge=1)],
        Annotated[int, Field(ge=1)],
        Annotated[int, Field(ge=1)],
    ]
    boundaries: dict[Side, Boundary] = Field(default_factory=dict)
    fluid: FluidSettings
    initial: Initial
    cfl: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    """Fraction of the stability limit of the time integration, acoustic and diffusive together."""
    body_force: tuple[Expression, Expression, Expression] | None = None
    """Acceleration of the fluid, formulas in ``x``, ``y``, ``z``, ``t``."""

    @model_validator(mode="after")
    def _check_grid(self) -> NavierStokesSettings:
        for axis, low, high in zip(AXES, self.lower, self.upper, strict=True):
            if not low < high:
                raise ValueError(f"along {axis} 'lower' is {low} and 'upper' {high}; 'lower' must be less")
        check_count("cells", self.cells)
        if max(self.cells) < 2:
            raise ValueError("'cells' is [1, 1, 1]; at least one axis needs two cells or more")
        return self

    @model_validator(mode="after")
    def _check_boundaries(self) -> NavierStokesSettings:
        for axis, cells in enumerate(self.cells):
            names = SIDES[2 * axis : 2 * axis + 2]
            pair = [self.boundaries.get(name) for name in names]
            for name, boundary in zip(names, pair, strict=True):
                self._check_boundary(name, boundary, axis, cells)
            if cells > 1 and len({boundary.kind == "periodic" for boundary in pair if boundary}) == 2:
                raise ValueError(f"only one of '{names[0]}' and '{names[1]}' is periodic; both must be, or neither")
        return self

    def _check_boundary(
        self, name: str, boundary: Wall | Periodic | Reservoir | Seam | None, axis: int, cells: int
    ) -> None:
        if cells > 1 and boundary is None:
            raise ValueError(f"'boundaries' lacks '{name}'; give it a kind: wall, periodic, reservoir or seam")
        if cells == 1 and boundary is not None and boundary.kind != "periodic":
            raise ValueError(
                f"boundary '{name}' is a {boundary.kind}, but 'cells' has a single cell along {AXES[axis]}: nothing "
                "varies there; leave the boundary out or give that axis two cells or more"
            )
        if boundary is not None and boundary.kind == "wall" and boundary.velocity[axis] != 0.0:
            raise ValueError(
                f"the wall '{name}' has velocity {boundary.velocity[axis]} along its normal {AXES[axis]}; the grid "
                "does not move, so a wall may move along itself only: set that component to 0"
            )

    def active_axes(self) -> tuple[int, ...]:
        """The axes with more than one cell."""
        return tuple(axis for axis in range(3) if self.cells[axis] > 1)

    def spacing(self) -> Vector:
        """Extents of one cell."""
        x, y, z = ((high - low) / n for low, high, n in zip(self.lower, self.upper, self.cells, strict=True))
        return x, y, z
