"""The inner forces of the material that the settings name."""

from __future__ import annotations

from pathlib import Path

from .elasticity import HyperElasticity, InnerForces, LinearElasticity, lame_parameters
from .solid_crystal import CrystalElasticity
from .solid_settings import SolidSettings
from .space import Space


def inner_forces(space: Space, settings: SolidSettings, directory: Path) -> InnerForces:
    """The forces of the settings' material; file names are relative to ``directory``.

    Raises ``SolverError`` where a property makes no sense, or a file cannot be used.
    """
    if settings.crystal is not None:
        return CrystalElasticity(space, settings.crystal.create(directory))
    lame, shear = lame_parameters(space.domain, settings)
    if settings.material == "linear":
        return LinearElasticity(space, lame, shear)
    return HyperElasticity(space, lame, shear, settings.material == "neo-hookean")
