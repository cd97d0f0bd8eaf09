"""The finite elements' side of an interface with the atoms of a solid: they follow the elements, and push them.

Elements and atoms overlap. At each node the continuum has a share β, 0 at the core and 1 beyond the hand-shake: of the
force at a node, β times the elements' own counts and 1 - β times that of the atoms there (force-based where β jumps
from 0 to 1, force-blended where it grows over a width). Or energies are blended: the elements' counts by β, an atom's
by 1 - β, and all forces are the gradient of that one energy.

In motion the elements leave 1 - β of their inner force out, and take 1 - β of the atoms'. The books have all that left
the atoms, momentum and energy, as received; the row ``force blending`` is what of it, and of the inner force, the
elements do not feel. Where atoms and elements agree, its parts cancel: what is left of it is what the scheme, which has
neither an energy nor a third law, does not conserve.

In a bridging domain mass is shared like energy: in the hand-shake atoms and nodes both move by themselves, and
multipliers between their velocities are the momentum that the nodes take besides.

At rest the elements keep their own balance, with the load ℓ = (1 - β) (f_atoms - f_elements), which the atoms' side
forms of the atoms' force and of ``force``, (1 - β) f_elements. Then β f_elements + (1 - β) f_atoms = 0 at each node.
Atoms without inertia have no momentum to lose: what ℓ brings is the row ``force blending`` of theirs.

Where energies are blended, ℓ is all of the atoms' force less what of the elements' own is of no energy that counts:
internal to them, it sums to zero and is no work. Momentum is conserved, and the energy with that of a dead load.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from mpi4py import MPI
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..couplers.cells import Array
from ..couplers.mesh import Mesh
from ..couplers.window import Window
from ..solvers.chain.blending import blend
from ..solvers.errors import SolverError
from ..solvers.expression import SpaceExpression
from ..solvers.fem.solid_settings import BLENDING, CONSTRAINT, DISSIPATION
from .bodies import as_mesh
from .ghost_forces import felt, ghost_forces, kept
from .takes_momentum import TakesMomentum

if TYPE_CHECKING:
    from .solid_body import CoupledSolid

_Row = tuple[float, float, float]
_NO_ROW: _Row = (0.0, 0.0, 0.0)

_SLACK = 1e-9
"""Of the mesh's size: nodes that are this far outside of the core are at its rim."""
_ROUND_OFF = 1e-6
"""Of the lattice's vectors, and of the volume between them."""


class HandShakeSettings(BaseModel):
    """Where the core of the atoms ends, and how the continuum takes over."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)

    distance: SpaceExpression
    """Formula of the distance from the core; where it is not above 0, atoms alone count."""
    width: float = Field(0.0, ge=0.0, allow_inf_nan=False)
    """Distance at which the continuum alone counts; 0: from the core on."""
    blending: Literal["linear", "cubic", "quintic", "cosine"] = "cubic"
    """How its share grows in between."""
    scheme: Literal["force-blended", "energy-blended", "ghost-force-corrected", "bridging-domain"] = "force-blended"
    """Whether forces are shared or energies are; ``ghost-force-corrected`` takes ghost forces away by a dead load, and
    in a ``bridging-domain`` atoms and nodes move by themselves, and multipliers bring their velocities together."""
    correction_strain: tuple[_Row, _Row, _Row] = (_NO_ROW, _NO_ROW, _NO_ROW)
    """Of ``ghost-force-corrected``: the displacement gradient, relative to the lattice, at which the load is right."""

    @model_validator(mode="after")
    def _check_correction(self) -> HandShakeSettings:
        if np.any(self.correction_strain) and self.scheme != "ghost-force-corrected":
            raise ValueError(
                f"'correction_strain' is of the scheme 'ghost-force-corrected'; 'scheme' is {self.scheme!r}"
            )
        return self

    def distances(self, points: Array) -> Array:
        """Of ``points`` (n, 3) from the core, (n,)."""
        x, y, z = points.T
        return np.array(np.broadcast_to(np.asarray(self.distance(x=x, y=y, z=z), dtype=float), (len(points),)))

    def share(self, distance: Array, slack: float) -> Array:
        """Of the continuum at distances from the core, (n,). Up to ``slack`` outside of the core is at its rim."""
        if not self.width:
            return np.where(distance > slack, 1.0, 0.0)
        return np.where(distance > slack, blend(self.blending, distance / self.width), 0.0)


class SolidHandShake:
    """All nodes of a body, which the atoms of a core push, and whose displacement they follow.

    Gives displacement, velocity, the basis' shift, what of the atoms' force is replaced by the elements', what part of
    each atom is covered by elements, the weight of its energy in the forces, and ``force``; takes momentum and energy.
    What came and did not enter is the carry.
    """

    def __init__(self, solver: CoupledSolid, name: str, settings: HandShakeSettings, energy: bool) -> None:
        self._solver, self._energy = solver, energy
        self._seam = solver.open_region(name)
        if not energy:
            solver.book_work(name)
        self._mesh = as_mesh(solver.space.volume_trace())
        points = solver.space.points[: solver.space.owned]
        self._distance = settings.distances(points)
        self._share = settings.share(self._distance, _SLACK * solver.domain.size)
        self._require_atoms_at_the_rim()
        self._require_all_places(settings)
        self._covered = solver.covered()
        self._still = solver.settings.time_integration == "quasi-static"
        self._by_energy = settings.scheme != "force-blended"
        if not self._still:
            solver.bring_mass(1.0 - self._covered)
        if self._by_energy:
            self._blend_energy(settings)
        elif not self._still:
            solver.share(self._share)
        self._replaces: Array = np.zeros_like(self._share) if self._by_energy else self._share
        """What of the atoms' force the elements' own is in place of, (n,)."""
        self._bridges = settings.scheme == "bridging-domain"
        self._blending = self._replaces
        """That, or in a bridging domain the part of their mass that the nodes keep, (n,)."""
        if self._bridges:
            self._blending = solver.leave_mass(kept(points, solver, settings, _SLACK * solver.domain.size))
        self._window = np.inf
        self._momentum = TakesMomentum(len(points), self._energy)

    def _blend_energy(self, settings: HandShakeSettings) -> None:
        solver = self._solver
        slack = _SLACK * solver.domain.size
        solver.weigh(self._seam.name, settings.share(settings.distances(solver.space.points), slack))
        self._covered = self._share
        if settings.scheme == "ghost-force-corrected":
            solver.correct(-ghost_forces(solver, settings, slack).ravel())

    def _require_atoms_at_the_rim(self) -> None:
        """Elements are missing around nodes at the rim of the core: their force must be that of atoms alone."""
        solver = self._solver
        rim = solver.space.on_facets(solver.domain.boundaries.get("core", np.zeros(0, dtype=np.int32)))
        farthest = np.max(self._distance[rim][self._share[rim] > 0.0], initial=-np.inf)
        worst = solver.domain.comm.allreduce(farthest, op=MPI.MAX)
        if worst > -np.inf:
            raise SolverError(
                f"interface {self._seam.name!r}: the continuum has a share in nodes at the rim of the mesh's core, "
                f"where elements are missing, up to a 'distance' of {worst:.4g} in 'hand_shake'; it must not be above "
                "0 there: subtract more from the formula"
            )

    def _require_all_places(self, settings: HandShakeSettings) -> None:
        """The forces of atoms go to nodes: where they count, all places of the lattice must be nodes, and no others."""
        from ..solvers.crystal.meshing import plane_cell  # SciPy's geometry, which reading a case need not wait for

        crystal, d = self._solver.settings.crystal, self.dimension
        assert crystal, "checked with the case"
        cell = plane_cell(crystal.lattice)[0] if d == 2 else crystal.lattice
        points = self._mesh.points
        counts = self._least_share(points, settings) < 1.0
        elements = np.concatenate([*self._mesh.elements.values()])
        corners = points[elements[counts[elements].any(axis=1)], :d]
        sizes = np.abs(np.linalg.det((corners[:, 1:] - corners[:, :1]) @ np.linalg.inv(cell)))
        steps = points[counts, :d] @ np.linalg.inv(cell)
        found = [sizes.max(initial=0.0), np.abs(steps - np.round(steps)).max(initial=0.0)]
        size, off = (self._solver.domain.comm.allreduce(each, op=MPI.MAX) for each in found)
        if size > 1.0 + _ROUND_OFF or off > _ROUND_OFF:
            what = (
                f"elements are up to {size:.3g} times as large as the lattice's, with atoms in them that are no nodes"
                if size > 1.0 + _ROUND_OFF
                else f"nodes are up to {off:.3g} of the lattice's vectors away from its places"
            )
            raise SolverError(
                f"interface {self._seam.name!r}: where atoms count in 'hand_shake', {what}; take a mesh of kind "
                "'crystal' whose first of 'grades' is beyond the hand-shake"
                + (", by the reach of the potential at least" if settings.scheme != "force-blended" else "")
            )

    def _least_share(self, points: Array, settings: HandShakeSettings) -> Array:
        """Of the continuum in places at which atoms push: where energies are blended, all that feel one that counts."""
        slack = _SLACK * self._solver.domain.size
        if settings.scheme == "force-blended":
            return settings.share(settings.distances(points), slack)
        return felt(points, self._solver, settings, slack)

    def cells(self, quantity: str) -> Mesh:
        """The nodes, and the cells between them."""
        return self._mesh

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Nothing is taken at the start."""

    def initial_amounts(self, window: Window) -> Mapping[str, Array]:
        """What holds a body at rest, where atoms count, as it starts: until the atoms say what they give."""
        return {"momentum": -self._replaced() * window.dt} if self._still else {}

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """Momentum, and what is owed, enters evenly."""
        self._momentum.receive(values)
        counts = np.ones_like(self._share) if self._still else 1.0 - self._replaces
        self._seam.force = counts[:, None] * self._momentum.due[:, : self._solver.space.components] / window.dt
        self._window = window.dt

    def account(self, dt: float) -> None:
        """Add what entered in the step; of what moves, what the elements do not feel is a row."""
        impulse, work = self._in_space(self._seam.impulse), self._seam.work
        if not self._still:
            unfelt = self._replaces[:, None] * self._momentum.due * (dt / self._window)
            came = self._momentum.work_due * (dt / self._window) if self._energy else work
            # Of one energy nothing is unfelt; its work differs as led atoms go where nodes were foreseen, and by what
            # multipliers take.
            row = CONSTRAINT if self._bridges else DISSIPATION if self._by_energy else BLENDING
            self._solver.book(row, -unfelt, float((work - came).sum()))
            impulse, work = impulse + unfelt, came
        self._momentum.enter(impulse, work)

    def send(self, window: Window) -> Mapping[str, Array]:
        """The body at the nodes, and the part of its inner force in place of which the atoms' counts."""
        # What moves leaves out by itself what the atoms take over.
        replaced = self._replaced() if self._still else np.zeros((len(self._share), 3))
        weight = 1.0 - self._share if self._by_energy else np.ones_like(self._share)
        return {
            "displacement": self._blocks(self._solver.displacement),
            "velocity": self._blocks(self._solver.velocity),
            "shift": self._solver.shift(),
            "blending": self._blending[:, None],
            "covered": self._covered[:, None],
            "weight": weight[:, None],
            "force": replaced,
        }

    def _replaced(self) -> Array:
        """What of the elements' own force is not theirs to give, (n, 3). Collective."""
        inner = self._solver.inner_force()
        if self._by_energy:
            return self._blocks(inner - self._solver.counted_force())
        return (1.0 - self._share)[:, None] * self._blocks(inner)

    @property
    def dimension(self) -> int:
        """Of the mesh."""
        return self._solver.space.components

    def deform(self, gradient: Array) -> None:
        """Strain the body. Collective."""
        points = self._solver.space.points[: self._solver.space.owned]
        self._momentum = TakesMomentum(len(self._share), self._energy)
        moved = points @ (gradient - np.eye(3)).T
        self._solver.displacement[:] = moved[:, : self._solver.space.components].ravel()
        self._solver.velocity[:] = 0.0

    def spurious(self) -> tuple[Array, Array]:
        """What is left at the nodes whose displacement nobody gives, and which are at no free surface. Collective."""
        dofs = self._solver.space.components
        solver = self._solver
        own = solver.counted_force() if self._by_energy and not self._still else solver.inner_force()
        counts = np.ones_like(self._share) if self._still or self._by_energy else self._share
        left = counts[:, None] * own.reshape(-1, dofs) + self._seam.force + solver.dead_load.reshape(-1, dofs)
        left.ravel()[self._solver.fixed_dofs] = 0.0
        domain = self._solver.domain
        surface = np.setdiff1d(domain.exterior, domain.boundaries.get("core", domain.exterior[:0]))
        left[self._solver.space.on_facets(surface.astype(np.int32))] = 0.0
        return self._solver.space.points[: self._solver.space.owned], self._in_space(left)

    def record(self, window: Window) -> None:
        """Keep the course."""
        self._solver.record(window.end)

    def save(self) -> dict[str, Array]:
        """What came, and what entered."""
        return self._momentum.save()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._momentum.restore(state)

    def received(self) -> Mapping[str, Array]:
        """What the loads that the body's balance used sum to, and their work."""
        return self._momentum.received()

    def carry(self) -> Mapping[str, Array]:
        """What came and did not enter."""
        return self._momentum.carry()

    def _blocks(self, values: Array) -> Array:
        return self._in_space(values.reshape(-1, self._solver.space.components))

    def _in_space(self, values: Array) -> Array:
        return np.pad(values, ((0, 0), (0, 3 - values.shape[1])))
