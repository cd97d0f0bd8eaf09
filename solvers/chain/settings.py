"""What a user may say about a chain of atoms and elements."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..limits import MOST
from .blending import Blending
from .potentials import Positive, Potential

SchemeName = Literal[
    "atoms",
    "force-based",
    "energy-based",
    "quasi-nonlocal",
    "energy-blended",
    "force-blended",
    "ghost-force-corrected",
]
End = Literal["lower", "upper"]
ENDS: tuple[End, End] = ("lower", "upper")
_BLENDED = ("energy-blended", "force-blended", "ghost-force-corrected")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Stadium(_Table):
    """A damping band: the rate is 0 at ``begin`` and grows to ``rate`` at ``end``, and nothing is damped outside."""

    begin: float
    """A place on the chain, in sites; less or greater than ``end``, so that a band may grow either way."""
    end: float
    rate: Positive
    """Velocity / time / velocity at ``end``."""
    power: Positive = 1.0
    """Of the distance from ``begin``."""

    @model_validator(mode="after")
    def _check_length(self) -> Stadium:
        if self.begin == self.end:
            raise ValueError(f"the stadium's 'begin' and 'end' are both {self.begin:g}; they must differ")
        return self


class MotionSettings(_Table):
    """What every chain has."""

    potential: Potential
    mass: Positive = 1.0
    """Of an atom."""
    strain: Annotated[float, Field(gt=-0.1, lt=0.1)] = 0.0
    """Of the uniform lattice where all displacements are 0, relative to the spacing without stress."""
    ends: dict[End, Literal["fixed", "free"]] = Field(default_factory=dict[End, Literal["fixed", "free"]])
    """``fixed`` unless said otherwise. A fixed end holds all nodes that neighbours beyond it would reach."""
    stadium: tuple[Stadium, ...] = ()
    """Damping bands; where some overlap, their rates add up."""
    step: Positive
    """The longest time step."""


class ChainSettings(MotionSettings):
    """``sites`` places of the lattice: atoms in ``core``, elements beyond, and the scheme between them."""

    sites: Annotated[int, Field(ge=3, le=MOST)]
    scheme: SchemeName
    core: tuple[int, int] | None = None
    """Numbers of the first and the last site that are atoms alone, counted from 0; none with the scheme ``atoms``."""
    width: Annotated[int, Field(ge=1)] | None = None
    """Spacings over which a blended scheme goes from atoms to elements; the others go over one."""
    blending: Blending = "cubic"
    element: Annotated[int, Field(ge=1)] = 1
    """Spacings in an element beyond the hand-shake; the last one before an end is shorter where it must be."""
    correction_strain: Annotated[float, Field(gt=-0.1, lt=0.1)] = 0.0
    """``ghost-force-corrected``: where the spurious forces are taken from, relative to the lattice of ``strain``."""

    @property
    def handshake(self) -> int:
        """Spacings from the core's last site to the first that is element alone."""
        return self.width or 1

    @model_validator(mode="after")
    def _check_scheme(self) -> ChainSettings:
        blended = self.scheme in _BLENDED
        if blended and self.width is None:
            raise ValueError(f"scheme '{self.scheme}' needs a 'width', the spacings that it blends over")
        if not blended and self.width is not None:
            raise ValueError(f"scheme '{self.scheme}' takes no 'width'; only {', '.join(_BLENDED)} do")
        if not blended and "blending" in self.model_fields_set:
            raise ValueError(f"scheme '{self.scheme}' takes no 'blending'; only {', '.join(_BLENDED)} do")
        if self.correction_strain and self.scheme != "ghost-force-corrected":
            raise ValueError(f"scheme '{self.scheme}' has no 'correction_strain'; only 'ghost-force-corrected' has")
        if self.scheme == "atoms" and (self.core is not None or self.element > 1):
            raise ValueError("scheme 'atoms' takes neither 'core' nor 'element'; it has atoms everywhere")
        if self.scheme != "atoms" and self.core is None:
            raise ValueError(f"scheme '{self.scheme}' needs a 'core', the first and the last site that are atoms alone")
        return self

    @model_validator(mode="after")
    def _check_sites(self) -> ChainSettings:
        held = 2 * self.potential.reach
        if self.sites <= held:
            raise ValueError(f"'sites' is {self.sites}; it must be more than {held}, which fixed ends hold")
        return self

    @model_validator(mode="after")
    def _check_core(self) -> ChainSettings:
        if self.core is None:
            return self
        first, last = self.core
        if not 0 <= first < last < self.sites:
            raise ValueError(f"'core' is [{first}, {last}]; it must be two sites, in order, of 0 to {self.sites - 1}")
        for end, room in (("lower", first), ("upper", self.sites - 1 - last)):
            if 0 < room < self.handshake:
                raise ValueError(
                    f"'core' is [{first}, {last}]: beyond it are {room} spacings at the {end} end; "
                    f"the hand-shake needs {self.handshake}, or none where the core goes to the end"
                )
        return self


class BridgingSettings(MotionSettings):
    """Atoms at the lower end and elements at the upper one, which share their energy where they overlap."""

    atoms: Annotated[int, Field(ge=4, le=MOST)]
    """Sites from 0 to the end of the overlap, where atoms have no weight left: the last of them is no atom."""
    overlap: Annotated[int, Field(ge=2)]
    """Spacings; a whole number of elements."""
    element: Annotated[int, Field(ge=1, le=MOST)]
    """Spacings in an element."""
    elements: Annotated[int, Field(ge=2, le=MOST)]
    constraint: Literal["consistent", "row-summed"]
    """The matrix of the Lagrange multipliers."""

    @model_validator(mode="after")
    def _check_overlap(self) -> BridgingSettings:
        if self.overlap % self.element:
            raise ValueError(f"'overlap' is {self.overlap}; it must be a multiple of 'element', {self.element}")
        if not self.overlap < self.atoms - 1:
            raise ValueError(f"'overlap' is {self.overlap}; it must be less than 'atoms' - 1, {self.atoms - 1}")
        if not self.overlap < self.element * self.elements:
            length = self.element * self.elements
            raise ValueError(f"'overlap' is {self.overlap}; it must be less than the length of all elements, {length}")
        return self
