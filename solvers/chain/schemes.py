"""The ways to join atoms and elements, and what each of them conserves.

| scheme | energy | momentum | operator | uniform strain without force |
|---|---|---|---|---|
| atoms | yes | yes | symmetric | yes |
| energy-based | yes | yes | symmetric | no: ± φ₂'/2 on four sites |
| quasi-nonlocal | yes | yes | symmetric | yes |
| energy-blended | yes | yes | symmetric | no: falls with the width |
| ghost-force-corrected | with its dead load's | yes | symmetric | at its reference strain |
| force-based, force-blended | no | no | not symmetric | yes |

An energy conserved means that the forces are its gradient; momentum, that they sum to zero on any displacement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, eye

from .layout import Layout, lay_out
from .links import LinkSum
from .settings import ChainSettings, SchemeName
from .weights import bonds, elements, nonlocal_weights, site_weights, whole_weights

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scheme:
    """Forces on the nodes, and the energy that is counted."""

    counted: LinkSum
    """Its energy is the inventory's."""
    acting: LinkSum
    """Its forces move the nodes: those of ``counted``, but in a force-based scheme."""
    symmetric: bool
    """Whether the stiffness is."""
    row: str = ""
    """The name under which ``extra`` is booked; none where there is none."""
    dead_load: Array | float = 0.0
    """Forces on the nodes that do not change, (nodes,)."""

    def energy(self, displacement: Array) -> float:
        """The counted energy, above that of the uniform lattice."""
        return self.counted.energy(displacement)

    def force(self, displacement: Array) -> Array:
        """On the nodes, (nodes,)."""
        return self.acting.force(displacement) + self.dead_load

    def extra(self, displacement: Array) -> Array:
        """What the forces have beside the gradient of the counted energy, (nodes,)."""
        return self.force(displacement) - self.counted.force(displacement)

    def stiffness(self, displacement: Array) -> csr_matrix:
        """Minus the derivative of the force, (nodes, nodes)."""
        return self.acting.stiffness(displacement)

    def corrected(self, displacement: Array) -> Scheme:
        """The same scheme with a dead load that takes away its forces at ``displacement``, a uniform strain."""
        return replace(self, row="ghost-force correction", dead_load=-self.acting.force(displacement))


def atoms(chain: Layout) -> Scheme:
    """Atoms everywhere: the reference of all others. Conserves energy and momentum."""
    everything = bonds(chain, whole_weights(len(chain.share), 1.0))
    return Scheme(everything, everything, symmetric=True)


def energy_blended(chain: Layout) -> Scheme:
    """Site energies of atoms and of continuum, weighted by the share; over one spacing it is the energy-based scheme.

    Conserves energy and momentum; symmetric. A uniform strain has the ghost forces
    φ₂' (α_{i+2} - 2 α_{i+1} + 2 α_{i-1} - α_{i-2}) / 2 with α = 1 - share, about φ₂' α''' (BQCE: Van Koten & Luskin
    2011; over one spacing QCE: Tadmor, Ortiz & Phillips 1996).
    """
    weights = site_weights(chain.share)
    shared = LinkSum(bonds(chain, weights).parts + elements(chain, weights).parts)
    return Scheme(shared, shared, symmetric=True)


def quasi_nonlocal(chain: Layout) -> Scheme:
    """Bonds that leave the atoms are replaced by the continuum's energy of the spacings that they span.

    Conserves energy and momentum; symmetric; no ghost forces (QNL: Shimokawa et al. 2004; E, Lu & Yang 2006). In one
    dimension it is the exact energy-based scheme; in three there is none for second neighbours and beyond in general.
    """
    weights = nonlocal_weights(chain.share)
    shared = LinkSum(bonds(chain, weights).parts + elements(chain, weights).parts)
    return Scheme(shared, shared, symmetric=True)


def force_blended(chain: Layout) -> Scheme:
    """Forces of atoms alone and of elements alone, weighted by the share of the node that they act on.

    No ghost forces, but neither energy nor momentum is conserved, and the stiffness is not symmetric (BQCF: Lu & Ming
    2013; Li, Luskin, Ortner & Shapeev 2014). Over one spacing it is the sharp force-based scheme: atoms feel pad atoms,
    which the elements carry, and the elements' first nodes are atoms (QCF; CADD without dislocations: Shilkrot, Miller
    & Curtin 2004). The counted energy is the blended one; what the forces do beyond its gradient is the row
    ``force blending``.
    """
    sites = len(chain.share)
    at_nodes = chain.share[chain.nodes]
    rows = (1.0 - at_nodes, (chain.nodes, np.arange(len(chain.nodes))))
    to_nodes = csr_matrix(rows, shape=(sites, len(chain.nodes)))
    atomistic = bonds(chain, whole_weights(sites, 1.0), to_nodes)
    elastic = elements(chain, whole_weights(sites, 0.0), csr_matrix(diags(at_nodes) @ eye(len(chain.nodes))))
    acting = LinkSum(atomistic.parts + elastic.parts)
    return Scheme(energy_blended(chain).counted, acting, symmetric=False, row="force blending")


def scheme(settings: ChainSettings, chain: Layout | None = None) -> Scheme:
    """The scheme of the settings, on its layout.

    ``ghost-force-corrected`` is the energy-blended scheme with a dead load that takes away its ghost forces at
    ``correction_strain`` (BGFC: Ortner & Zhang 2016). Momentum is conserved, and so is the energy with that of the
    load, which is booked in the row ``ghost-force correction``; symmetric. Away from its strain the correction leaves
    the change of the ghost forces.
    """
    chain = chain or lay_out(settings)
    made = SCHEMES[settings.scheme](chain)
    if settings.scheme == "ghost-force-corrected":
        return made.corrected(uniform_strain(chain, settings.correction_strain))
    return made


def uniform_strain(chain: Layout, strain: float) -> Array:
    """Displacements of the nodes that strain the lattice alike everywhere, (nodes,); 0 at the first node."""
    return strain * chain.spacing * chain.nodes


SCHEMES: dict[SchemeName, Callable[[Layout], Scheme]] = {
    "atoms": atoms,
    "energy-based": energy_blended,
    "quasi-nonlocal": quasi_nonlocal,
    "energy-blended": energy_blended,
    "ghost-force-corrected": energy_blended,
    "force-based": force_blended,
    "force-blended": force_blended,
}
