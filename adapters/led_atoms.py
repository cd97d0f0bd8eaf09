"""The atoms' side of an interface with the elastic continuum around them: they follow the elements, and push them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..couplers.cells import Array, total
from ..couplers.kind import Context
from ..couplers.mesh import Mesh
from ..couplers.window import Window
from ..solvers.md.relaxed_atoms import RelaxedAtoms
from ..solvers.md.solid_settings import SolidAtomsSettings
from .course import Course

BLENDING = "force blending"
"""Name of the row."""


class CoupledAtoms(RelaxedAtoms):
    """The atoms with ``course.h5``: time, the energy that counts, of how many atoms, the largest force on free ones."""

    def __init__(self, settings: SolidAtomsSettings, context: Context) -> None:
        super().__init__(settings, context.comm, context.case / settings.script, context.output, context.name)
        self.momentum: Array = np.zeros(3)
        """What the row ``force blending`` brought so far (this rank's share)."""
        self.pushes = 0.0
        """Magnitudes of the momentum that each led atom gave so far, summed up (this rank's share)."""
        self._opening = 0.0
        self._output = context.output
        self._course = Course(context, ["energy", "atoms", "force"])

    def open(self) -> None:
        """Begin to count."""
        self._opening = self.potential()

    def rows(self) -> dict[str, dict[str, Array]]:
        """What the elements' share of the forces brought, or took.

        Its momentum is summed from forces. Its energy is what the energy that counts has gained without an interface
        that would say so.
        """
        return {BLENDING: {"momentum": self.momentum.copy(), "energy": np.array([self.potential() - self._opening])}}

    def gross(self) -> dict[str, Array]:
        """What the round-off of momentum is relative to: the pushes in all directions nearly cancel."""
        return {"momentum": np.full(3, self.pushes)}

    def record(self, time: float) -> None:
        """Keep the course at ``time``, once. Collective."""
        if self._course.lacks(time):
            energy, atoms = self.comm.allreduce(np.array([self.potential(), self.weight.sum()]))
            self._course.record(time, {"energy": energy, "atoms": atoms, "force": self.largest_force()})

    def write(self, window: int, time: float) -> None:
        """Write the atoms at the end of ``window`` as LAMMPS does, for OVITO and ParaView. Collective."""
        path = self._output.resolve() / f"atoms_{window + 1:06d}.dump"
        columns = "id type x y z c_suture_pe modify sort id format float %.17g"
        self.lammps.command(f'write_dump all custom "{path}" {columns}')

    def save(self) -> dict[str, Any]:
        """With what the row brought."""
        kept = {"momentum": self.momentum.copy(), "pushes": self.pushes, "opening": self._opening}
        return super().save() | kept

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        super().restore(state)
        self.momentum, self.pushes = np.array(state["momentum"]), float(state["pushes"])
        self._opening = float(state["opening"])


class LedAtoms:
    """The led atoms, points of no extent: they take the elements' displacement, and give the momentum of their forces.

    Of each, the atom's force counts by 1 - ``blending``, and ``force`` is what of the elements' is replaced by it, at
    the atoms of the basis' first place, each of which must be a node where that is not 0. The energy of an atom
    counts by what of it no element covers.
    """

    def __init__(self, solver: CoupledAtoms) -> None:
        self._solver = solver
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

    def cells(self, quantity: str) -> Mesh:
        """The led atoms in the lattice at rest."""
        return self._mesh

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Relax to the elements' displacement at the start. Collective."""
        self._take(states)
        self._solver.relax()
        self._solver.open()

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """Where the led atoms are to go, and what of the elements' force their own replaces."""
        self._take(values)

    def _take(self, values: Mapping[str, Array]) -> None:
        solver = self._solver
        self._shift = values["shift"]
        solver.displacement[solver.led] = values["displacement"] + self._half * self._shift
        solver.weight[solver.led] = 1.0 - values["covered"][:, 0]
        self._share = values["blending"][:, 0]
        self._replaced = np.where(self._first[:, None], values["force"], 0.0)

    def account(self, dt: float) -> None:
        """The push of one step."""
        solver = self._solver
        pushes = (1.0 - self._share)[:, None] * solver.force[solver.led] - self._replaced
        self._given = pushes * dt
        solver.momentum = solver.momentum + total(self._given)
        solver.pushes += float(np.linalg.norm(self._given, axis=1).sum())

    def send(self, window: Window) -> Mapping[str, Array]:
        """What the elements get at each atom."""
        return {"momentum": self._given}

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

    def spurious(self) -> tuple[Array, Array]:
        """The forces on the free atoms."""
        free = ~self._solver.led
        return self._solver.places[free], self._solver.force[free] * self._solver.depth

    def record(self, window: Window) -> None:
        """Keep the course."""
        self._solver.record(window.end)

    def save(self) -> dict[str, Array]:
        """What was taken and given last."""
        return {"share": self._share.copy(), "replaced": self._replaced.copy(), "given": self._given.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._share, self._replaced = np.array(state["share"]), np.array(state["replaced"])
        self._given = np.array(state["given"])

    def received(self) -> Mapping[str, Array]:
        """States are taken, no amounts."""
        return {}

    def carry(self) -> Mapping[str, Array]:
        """Nothing is held back."""
        return {}
