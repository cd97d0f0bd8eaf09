"""Properties that differ from place to place: one formula for the body, or one for each region of its mesh."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import SolverError
from ..expression import SpaceExpression
from . import engine
from .body_settings import Material
from .meshes import Domain, coordinates


def property_function(domain: Domain, material: Material, degree: int, name: str, positive: bool = True) -> Any:
    """The property as a polynomial of ``degree`` in each cell, which may jump from cell to cell.

    Raises ``SolverError``, on all ranks alike, for an unknown region, a cell without one, or a value that is not
    positive (unless it need not be) or not finite.
    """
    space = engine.function_space(domain.mesh, "DG", degree)
    made = engine.zeros(space)
    dofs, x = engine.cell_dofs(space), space.tabulate_dof_coordinates()
    made.x.array[:] = np.nan
    for region, formula in _by_region(domain, material, name):
        here = (dofs if region is None else dofs[region]).ravel()
        made.x.array[here] = formula(**coordinates(x[here]))
    values = made.x.array
    bad = np.flatnonzero(~np.isfinite(values) | ((values <= 0.0) if positive else False))
    problem = ""
    if len(bad):
        place = ", ".join(f"{c:g}" for c in x[bad[0]])
        problem = f"{name} is {values[bad[0]]:g} at ({place}); it must be {'positive' if positive else 'finite'}"
        if np.isnan(values[bad[0]]) and not isinstance(material, SpaceExpression):
            problem = f"{name} has no value at ({place}), which is in none of the regions {', '.join(material)}"
    problems = [each for each in domain.comm.allgather(problem) if each]
    if problems:
        raise SolverError(problems[0])
    return made


def _by_region(domain: Domain, material: Material, name: str) -> list[tuple[Any, SpaceExpression]]:
    if isinstance(material, SpaceExpression):
        return [(None, material)]
    for region in material:
        if region not in domain.regions:
            names = ", ".join(domain.regions) or "none"
            raise SolverError(f"{name} names the region {region!r}; the mesh names {names}")
    return [(domain.regions[region], formula) for region, formula in material.items()]
