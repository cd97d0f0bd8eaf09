"""Where the atoms and the nodes of a chain are, and which share of each site is continuum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from . import cauchy_born
from .blending import blend
from .potentials import Harmonic, LennardJones
from .settings import ENDS, ChainSettings, End, MotionSettings

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Nodes among the sites of a uniform lattice; every site whose share is less than 1 is a node."""

    potential: LennardJones | Harmonic
    spacing: float
    """Of the uniform lattice where all displacements are 0."""
    nodes: Numbers
    """Numbers of the sites that are atoms or nodes, in order, (nodes,)."""
    share: Array
    """Of the continuum in each site, 0 to 1, (sites,)."""

    @cached_property
    def interpolation(self) -> csr_matrix:
        """Displacements of all sites from those of the nodes, linear in between, (sites, nodes)."""
        return interpolation(self.nodes, np.arange(len(self.share)))

    @cached_property
    def lengths(self) -> Numbers:
        """Spacings in each element between two nodes, (nodes - 1,)."""
        return np.diff(self.nodes)

    def masses(self, atom: float) -> Array:
        """Lumped, (nodes,): each site gives its mass to the nodes that carry it; their sum is that of all sites."""
        return atom * np.asarray(self.interpolation.sum(axis=0)).ravel()


def interpolation(nodes: Numbers, places: Numbers) -> csr_matrix:
    """Linear between ``nodes``, for ``places`` inside of them, (places, nodes). A place on a node takes it alone."""
    left = np.clip(np.searchsorted(nodes, places, side="right") - 1, 0, len(nodes) - 2)
    part = (places - nodes[left]) / (nodes[left + 1] - nodes[left])
    rows = np.concatenate([np.arange(len(places))] * 2)
    entries = (np.concatenate([1.0 - part, part]), (rows, np.concatenate([left, left + 1])))
    matrix = csr_matrix(coo_matrix(entries, shape=(len(places), len(nodes))))
    matrix.eliminate_zeros()
    return matrix


def lay_out(settings: ChainSettings) -> Layout:
    """Unit spacings in the core and the hand-shake, ``element`` spacings beyond."""
    sites = np.arange(settings.sites)
    first, last = settings.core or (0, settings.sites - 1)
    outside = np.maximum(np.maximum(first - sites, sites - last), 0)
    share = blend(settings.blending, outside / settings.handshake)
    low, high = max(first - settings.handshake, 0), min(last + settings.handshake, settings.sites - 1)
    below, above = np.arange(low, -1, -settings.element), np.arange(high, settings.sites, settings.element)
    nodes = np.unique(np.concatenate([below, np.arange(low, high + 1), above, [0, settings.sites - 1]]))
    return Layout(settings.potential, lattice_spacing(settings), nodes, share)


def lattice_spacing(settings: MotionSettings) -> float:
    """Of the uniform lattice where all displacements are 0."""
    return cauchy_born.equilibrium_spacing(settings.potential) * (1.0 + settings.strain)


def held_nodes(settings: MotionSettings, nodes: Numbers) -> dict[End, Numbers]:
    """Which nodes each fixed end holds: those that are nearer to it than the potential reaches."""
    reach = settings.potential.reach
    near = {"lower": nodes < nodes[0] + reach, "upper": nodes > nodes[-1] - reach}
    return {end: np.nonzero(near[end])[0] for end in ENDS if settings.ends.get(end, "fixed") == "fixed"}
