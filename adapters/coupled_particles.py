"""Molecular dynamics as a participant: with the interior that the adapters at its planes share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..couplers.cells import Array
from ..couplers.kind import Context
from ..solvers.md.dynamics import MolecularDynamics
from .bath_region import BathedParticles
from .driven_particles import DrivenParticles
from .interior import Interior

if TYPE_CHECKING:
    from .particle_interface import ParticleRegion


class CoupledParticles(MolecularDynamics):
    """Molecular dynamics between one plane or two."""

    @cached_property
    def interior(self) -> Interior:
        """Of all its planes."""
        return Interior(self)

    @cached_property
    def driven(self) -> DrivenParticles:
        """What its planes share where they take amounts."""
        return DrivenParticles(self)

    @cached_property
    def bathed(self) -> BathedParticles:
        """What its bands share where they give what their baths take."""
        return BathedParticles(self)

    def rows(self) -> dict[str, dict[str, Array]]:
        """What walls gave to what is counted, and where all is counted the integrator's error."""
        whole = next((one for one in (self.driven, self.bathed) if one.regions), None)
        return super().rows() | (whole.rows() if whole else {})

    def gross(self) -> dict[str, Array]:
        """What round-off is relative to, where the books do not close by construction."""
        return self.driven.gross() if self.driven.regions else {}

    def couple(
        self, make: Callable[[CoupledParticles, Path | None], ParticleRegion], context: Context
    ) -> ParticleRegion:
        """Its region at one interface, as ``make`` makes it, with a file of profiles."""
        return make(self, context.output)
