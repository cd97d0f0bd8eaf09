"""Molecular dynamics as a participant: with the interior that the adapters at its planes share."""

from __future__ import annotations

from functools import cached_property

from ..solvers.md.dynamics import MolecularDynamics
from .interior import Interior


class CoupledParticles(MolecularDynamics):
    """Molecular dynamics between one plane or two."""

    @cached_property
    def interior(self) -> Interior:
        """Of all its planes."""
        return Interior(self)
