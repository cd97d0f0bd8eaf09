"""Ghost forces: what an energy blended of atoms' and elements' pushes nodes by in a crystal that is uniformly strained.

With the share β of the continuum and g the derivative of an atom's energy by its bond ρ, the atoms at x give

    sum over ρ of (1 - β(x + ρ)) g,

and the elements what their stress, which is the same in all of them, gives with β. Each is zero where β is the same
around; together they are small where it changes slowly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..couplers.cells import Array
from ..solvers.errors import SolverError

if TYPE_CHECKING:
    from .hand_shake import HandShakeSettings
    from .solid_body import CoupledSolid


def ghost_forces(solver: CoupledSolid, settings: HandShakeSettings, slack: float) -> Array:
    """At owned nodes, (owned, dim), under the settings' strain; to be asked of a body that is weighed. Collective.

    Raises ``SolverError`` for a strain along z in a plane.
    """
    from ..solvers.crystal.meshing import cell_volume  # SciPy's geometry, which reading a case need not wait for

    points, d, elastic = solver.space.points[: solver.space.owned], solver.space.components, solver.crystal
    strain = np.array(settings.correction_strain)
    if np.any(strain[d:]) or np.any(strain[:, d:]):
        raise SolverError("'correction_strain' of the 'hand_shake' is along z, where a body in a plane does not strain")
    displacement = np.ascontiguousarray((points @ strain.T)[:, :d]).ravel()
    share = settings.share(settings.distances(points), slack)
    # Beyond the hand-shake what is left of the stress is at surfaces, and no ghost.
    whole, counted = (of(displacement).reshape(-1, d) for of in (elastic.force, elastic.counted_force))
    atoms = np.zeros_like(points)
    for bond, pull in zip(*elastic.crystal.pulls(np.eye(3) + strain), strict=True):
        atoms -= shares_at(points + bond[:3], settings, slack, d)[:, None] * pull
    structure = elastic.crystal.structure
    return share[:, None] * whole - counted + atoms[:, :d] * (cell_volume(structure.cell, d) / structure.volume)


def shares_at(points: Array, settings: HandShakeSettings, slack: float, dimension: int) -> Array:
    """The continuum's share in lattice places, (n,), of which in a plane many lie behind one another."""
    flat = points * (np.arange(3) < dimension)
    return settings.share(settings.distances(flat), slack)


def felt(points: Array, solver: CoupledSolid, settings: HandShakeSettings, slack: float) -> Array:
    """The least share of the continuum among the atoms that those at ``points`` feel, and in these, (n,)."""
    least = shares_at(points, settings, slack, solver.space.components)
    for share in _around(points, solver, settings, slack):
        least = np.minimum(least, share)
    return least


def kept(points: Array, solver: CoupledSolid, settings: HandShakeSettings, slack: float) -> Array:
    """The part of its mass that a node keeps in a bridging domain, (n,): the mean share of the bonds of an atom there.

    A share of the place alone would leave atoms at the end of the hand-shake with far less mass than the energies of
    their neighbours make them stiff.
    """
    own, others, bonds = shares_at(points, settings, slack, solver.space.components), np.zeros(len(points)), 0
    for share in _around(points, solver, settings, slack):
        others, bonds = others + share, bonds + 1
    return 0.5 * (own + others / bonds)


def _around(points: Array, solver: CoupledSolid, settings: HandShakeSettings, slack: float) -> Iterator[Array]:
    """The share of the continuum in the places of the atoms that one at each of ``points`` feels, (n,) one by one."""
    crystal, d = solver.crystal.crystal, solver.space.components
    for bond in crystal.structure.bonds(crystal.potential.cutoff):
        yield shares_at(points + bond[:3], settings, slack, d)
