"""Molecular dynamics as a participant: with the interior that the adapters at its planes share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..couplers.cells import Array
from ..couplers.kind import Context
from ..solvers.md.dynamics import MolecularDynamics
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

    def rows(self) -> dict[str, dict[str, Array]]:
        """What walls gave to what is counted, and where buffers take amounts the integrator's error."""
        return super().rows() | (self.driven.rows() if self.driven.regions else {})

    def gross(self) -> dict[str, Array]:
        """What round-off is relative to, where the books do not close by construction."""
        return self.driven.gross() if self.driven.regions else {}

    def couple(
        self, make: Callable[[CoupledParticles, Path | None], ParticleRegion], context: Context
    ) -> ParticleRegion:
        """Its region at one interface, as ``make`` makes it, with a file of profiles."""
        return make(self, context.output)
