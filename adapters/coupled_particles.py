"""Molecular dynamics as a participant: with the interior that the adapters at its planes share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..couplers.kind import Context
from ..solvers.md.dynamics import MolecularDynamics
from .interior import Interior

if TYPE_CHECKING:
    from .particle_interface import ParticleRegion


class CoupledParticles(MolecularDynamics):
    """Molecular dynamics between one plane or two."""

    @cached_property
    def interior(self) -> Interior:
        """Of all its planes."""
        return Interior(self)

    def couple(
        self, make: Callable[[CoupledParticles, Path | None], ParticleRegion], context: Context
    ) -> ParticleRegion:
        """Its region at one interface, as ``make`` makes it, with a file of profiles."""
        return make(self, context.output)
