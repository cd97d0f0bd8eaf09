"""The patch test: a uniform strain must leave every node without force."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .layout import Layout, held_nodes, lay_out
from .schemes import Scheme, scheme, uniform_strain
from .settings import ChainSettings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Patch:
    """What a uniform strain leaves."""

    strain: float
    forces: Array
    """On the nodes, spurious all of them; 0 on those that ends hold, (nodes,)."""
    largest: float
    """The largest magnitude."""
    site: int
    """The number of the site where it is."""


def patch_test(settings: ChainSettings, strain: float = 0.0) -> Patch:
    """Measure the ghost forces of a chain under ``strain``, relative to the lattice of its settings.

    Both ends must be fixed: a free one has forces of its own, those of a surface. Raises ``ValueError`` otherwise.
    """
    free = [end for end, kind in settings.ends.items() if kind == "free"]
    if free:
        raise ValueError(f"the patch test needs fixed ends; 'ends.{free[0]}' is 'free', which has a surface's forces")
    chain = lay_out(settings)
    return ghost_forces(scheme(settings, chain), chain, settings, strain)


def ghost_forces(made: Scheme, chain: Layout, settings: ChainSettings, strain: float) -> Patch:
    """Measure the ghost forces of a scheme that is made already, such as one with another correction."""
    forces = made.force(uniform_strain(chain, strain))
    for held in held_nodes(settings, chain.nodes).values():
        forces[held] = 0.0
    worst = int(np.argmax(np.abs(forces)))
    return Patch(strain, forces, float(abs(forces[worst])), int(chain.nodes[worst]))
