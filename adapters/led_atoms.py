"""The atoms' side of an interface with the elastic continuum around them: they follow the elements, and push them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..couplers.mesh import Mesh
from ..couplers.window import Window
from .solid_atoms import CoupledMovingAtoms, CoupledRelaxedAtoms

_AHEAD = 1.0 / 3.0
"""Of the last window's acceleration, times the window squared, in what the led atoms foresee of the elements' path.

They set out from where they last foresaw, so that a node, the force on which is theirs, gains in each window by
1/8 - 3/4 of this, times (omega dt)^4: with 0 it is shaken to pieces, with 1/2 it is damped most. 1/3 is stable up to
omega dt = 1, and hardly damps what the elements carry.
"""

_WHOLE = 1.0 - 1e-12
"""Weights that are 1 but for the mapping's round-off."""


class LedAtoms:
    """The led atoms, points of no extent: they take the elements' displacement, and give momentum and work.

    At rest ``force`` is what of the elements' is replaced by the atoms', at those of the basis' first place, each of
    which must be a node where that is not 0. The energy of an atom counts by what of it no element covers; where the
    elements' scheme blends energies, by its ``weight``, and forces are the gradient of that. Where ``blending`` then is
    not 0, it is the part of the mass that the elements keep: in a bridging domain these atoms have the rest.
    """

    def __init__(self, solver: CoupledRelaxedAtoms | CoupledMovingAtoms) -> None:
        self._solver = solver
        self._moves = isinstance(solver, CoupledMovingAtoms)
        points = solver.places[solver.led].copy()
        if solver.settings.plane:
            points[:, 2] = 0.0
        self._mesh = Mesh(points)
        self._first = ~solver.second[solver.led]
        self._half = np.where(self._first, -0.5, 0.5)[:, None]
        self._shift: Array = np.zeros((len(points), 3))
        self._share: Array = np.ones(len(points))
        self._replaced: Array = np.zeros((len(points), 3))
        self._given: Array = np.zeros((len(points), 3))
        self._work: Array = np.zeros(len(points))
        self._velocity: Array = np.zeros((len(points), 3))
        """Of the elements when the last window began."""
        self._told = False
        """Whether the elements have said by what weights energies count, which stay."""

    def cells(self, quantity: str) -> Mesh:
        """The led atoms in the lattice at rest."""
        return self._mesh

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Put the led atoms where the elements are; at rest the others relax to that. Collective."""
        self._take(states, 0.0)
        if self._moves:
            self._velocity = states["velocity"].copy()
        self._solver.open()

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """Where the led atoms are to go, and what of the elements' force their own replaces.

        Where there is motion, elements are not as far as the window's end yet: led atoms go on as these do.
        """
        self._take(values, window.dt if self._moves else 0.0)

    def _take(self, values: Mapping[str, Array], ahead: float) -> None:
        solver = self._solver
        self._shift = values["shift"]
        moved = values["displacement"]
        if ahead:
            velocity = values["velocity"]
            moved = moved + ahead * (velocity + _AHEAD * (velocity - self._velocity))
            self._velocity = velocity.copy()
        solver.displacement[solver.led] = moved + self._half * self._shift
        self._weigh(values["weight"][:, 0], 1.0 - values["covered"][:, 0])
        self._share = values["blending"][:, 0]
        if isinstance(solver, CoupledMovingAtoms) and solver.weighed:
            self._tie(solver, values["displacement"], values["velocity"], start=not ahead)
        self._replaced = np.where(self._first[:, None], values["force"], 0.0)

    def _weigh(self, felt: Array, counted: Array) -> None:
        """Let energies count; where the elements say that less than all is felt, forces are those of what counts."""
        solver = self._solver
        if not self._told and solver.comm.allreduce(bool((felt < _WHOLE).any()), op=MPI.LOR):
            weights = np.ones(len(solver.led))
            weights[solver.led] = np.where(felt < _WHOLE, felt, 1.0)
            solver.weigh(weights)
        self._told = True
        if not solver.weighed:
            solver.weight[solver.led] = counted

    def _tie(self, solver: CoupledMovingAtoms, displacement: Array, velocity: Array, start: bool) -> None:
        """Where the elements keep a part of the mass, let the atoms have the rest; then bring both together."""
        at, moving = np.zeros_like(solver.places), np.zeros_like(solver.places)
        at[solver.led], moving[solver.led] = displacement, velocity
        if start and solver.comm.allreduce(bool(self._share.any()), op=MPI.LOR):
            rest = np.zeros(len(solver.led))
            rest[solver.led] = np.where(self._share < _WHOLE, 1.0 - self._share, 0.0)
            solver.tie(rest)
            solver.start(moving)
        elif solver.ties:
            solver.pull(at, moving)

    def account(self, dt: float) -> None:
        """The push of one step, and its work. Collective."""
        self._given, self._work = self._solver.push(self._share, self._replaced, dt)

    def send(self, window: Window) -> Mapping[str, Array]:
        """What the elements get at each atom."""
        return {"momentum": self._given, "energy": self._work[:, None]}

    @property
    def dimension(self) -> int:
        """Of the continuum."""
        return 2 if self._solver.settings.plane else 3

    def deform(self, gradient: Array) -> None:
        """Strain the free atoms; the led ones go where the elements, strained before, take them. Collective.

        The basis is shifted as the elements say on the average.
        """
        solver = self._solver
        count, *total_shift = solver.comm.allreduce(np.append(len(self._shift), self._shift.sum(axis=0)))
        half = np.where(solver.second, 0.5, -0.5)[:, None] * (np.array(total_shift) / count)
        strained = solver.places @ (gradient - np.eye(3)).T + half
        solver.displacement = np.where(solver.led[:, None], solver.displacement, strained)
        solver.lead(solver.displacement, np.ones_like(solver.led))
        solver.feel()
        solver.mean_force = solver.force

    def spurious(self) -> tuple[Array, Array]:
        """The forces on the free atoms."""
        free = ~self._solver.led
        return self._solver.places[free], self._solver.force[free] * self._solver.depth

    def record(self, window: Window) -> None:
        """Keep the course."""
        self._solver.record(window.end)

    def save(self) -> dict[str, Array]:
        """What was taken and given last."""
        return {
            "share": self._share.copy(),
            "replaced": self._replaced.copy(),
            "given": self._given.copy(),
            "work": self._work.copy(),
            "velocity": self._velocity.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._share, self._replaced = np.array(state["share"]), np.array(state["replaced"])
        self._given, self._work = np.array(state["given"]), np.array(state["work"])
        self._velocity = np.array(state["velocity"])

    def received(self) -> Mapping[str, Array]:
        """States are taken, no amounts."""
        return {}

    def carry(self) -> Mapping[str, Array]:
        """Nothing is held back."""
        return {}
