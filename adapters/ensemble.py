"""An ensemble: members of one particle participant, alike but for their random numbers, whose mean the partners see."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mpi4py import MPI

from ..couplers.cells import Array
from ..couplers.kind import Context
from ..couplers.window import Window
from ..solvers.errors import SolverError
from ..solvers.md.settings import MolecularDynamicsSettings
from ..solvers.md.trial import EQUILIBRATION
from .coupled_particles import CoupledParticles
from .ensemble_books import MeanBooks
from .ensemble_region import EnsembleRegion
from .ensemble_size import EnsembleSize

if TYPE_CHECKING:
    from .particle_interface import ParticleRegion

log = logging.getLogger("suture")


class Ensemble:
    """The ranks are divided into groups; each group runs its share of the members in turn, window by window.

    The member number k has the script's variable ``seed`` plus k, and a folder of its own. Inventory and rows are means
    over all members (this rank's share), so the books of the mean close as those of each member do. Members come and go
    between windows, the same number in each group: a new one is a clone of another with random numbers of its own, and
    the newest go first. All methods are collective over the participant's communicator.
    """

    def __init__(self, settings: MolecularDynamicsSettings, context: Context) -> None:
        ensemble = settings.ensemble
        assert ensemble is not None, "without one there is one member"
        self._settings = settings
        self._context = context
        self._groups = ensemble.groups
        self.comm = context.comm.Dup()
        self._group = self.comm.rank // (self.comm.size // self._groups)
        self.group_comm = self.comm.Split(self._group)
        self.leaders = self.comm.Split(MPI.UNDEFINED if self.group_comm.rank else 0)
        """The first ranks of the groups; ``MPI.COMM_NULL`` on others."""
        self.number = ensemble.members
        """Of all members."""
        self._next = self.number
        """Number of the next member that comes."""
        self.changes = ensemble.most is not None
        self.size = EnsembleSize(ensemble, self.comm, self.leaders)
        self.regions: list[EnsembleRegion] = []
        self.members = {k: self._create(k, {}) for k in range(self._group, self.number, self._groups)}
        """This group's, by number."""
        self._books = MeanBooks(
            lambda: [particles.inventory() for particles in self.members.values()],
            lambda: [particles.rows() for particles in self.members.values()],
            lambda: self.number,
            self.changes,
        )

    def _create(self, number: int, changed: Mapping[str, int]) -> CoupledParticles:
        """Run the script for one member of this group."""
        variables = self._settings.variables
        variables = {**variables, "seed": int(float(variables.get("seed", 1))) + number, **changed}
        folder = self._context.output / f"member-{number:03d}"
        if self.group_comm.rank == 0:
            folder.mkdir(exist_ok=True)
        self.group_comm.Barrier()
        settings = self._settings.model_copy(update={"variables": variables})
        script, name = self._context.case / settings.script, f"{self._context.name}, member {number}"
        return CoupledParticles(settings, self.group_comm, script, folder, self._context.window, name)

    def couple(
        self, make: Callable[[CoupledParticles, Path | None], ParticleRegion], context: Context
    ) -> EnsembleRegion:
        """All members at one interface; ``make`` makes one's region."""
        region = EnsembleRegion(self, len(self.regions), lambda particles: make(particles, None), context)
        self.regions.append(region)
        return region

    @property
    def max_dt(self) -> float:
        """The window."""
        return self._context.window

    def advance(self, dt: float) -> None:
        """Run one window of each of this group's members."""
        for particles in self.members.values():
            particles.advance(dt)

    def inventory(self) -> dict[str, Array]:
        """Of a member's interior, in the mean."""
        return self._books.inventory()

    def rows(self) -> dict[str, dict[str, Array]]:
        """What each wall gave in the mean, and what members that came or went have changed the mean by."""
        return self._books.rows()

    def begin_window(self, window: Window) -> None:
        """Let members come or go, if it is time."""
        verdict = self.size.judge(self.number)
        if verdict is None or verdict.members == self.number:
            return
        if self.comm.rank == 0:
            log.info(
                "window %d: %d members become %d: the standard error of the %s in a window is %.3g, %g is wanted",
                window.index,
                self.number,
                verdict.members,
                verdict.quantity,
                verdict.error,
                verdict.wanted,
            )
        self.resize(verdict.members)

    def resize(self, number: int) -> None:
        """Let members come, as clones, or go, until there are ``number``: as many in each group. Between windows.

        Raises
        ------
        SolverError
            The script makes another box, or other atoms, without its equilibration.
        """
        each = (number - self.number) // self._groups
        assert -len(self.members) < each <= len(self.members), "each member is cloned once, and one stays"
        with ExitStack() as stack:
            for books in (self._books, *(region.books for region in self.regions)):
                stack.enter_context(books.continued())
            if each > 0:
                for k, parent in enumerate(list(self.members)[:each]):
                    self._clone(self._next + self._group + k * self._groups, parent)
                self._next += number - self.number
            for gone in list(self.members)[each:] if each < 0 else []:
                self._remove(gone)
            self.number = number
        self.size.begin_anew(cloned=each > 0)

    def _clone(self, number: int, parent: int) -> None:
        self._add(number)
        self.members[number].restore(self.members[parent].save())
        for region in self.regions:
            region.members[number].restore(region.members[parent].save())

    def _add(self, number: int) -> None:
        """A member that is to be restored, without its equilibration."""
        particles = self._create(number, {EQUILIBRATION: 0})
        like = next(iter(self.members.values()))
        if not np.allclose(particles.lammps.box, like.lammps.box):
            raise SolverError(
                f"the box of {self._settings.script} is another one without its equilibration, so no member can be "
                "cloned: give the box at the script's beginning, or a fixed number of members"
            )
        self.members[number] = particles
        for region in self.regions:
            region.add(number)

    def _remove(self, number: int) -> None:
        for region in self.regions:
            del region.members[number]
        particles = self.members.pop(number)
        particles.close()
        particles.comm.Free()

    def save(self) -> dict[str, Any]:
        """All members of this group, and what those that came or went have left."""
        members = {str(number): particles.save() for number, particles in self.members.items()}
        counts = {"number": self.number, "next": self._next}
        return {"members": members, "books": self._books.save(), "size": self.size.save(), **counts}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave, with the members of then; before the first window."""
        saved = {int(number): of for number, of in state["members"].items()}
        for number in sorted(saved.keys() - self.members.keys()):
            self._add(number)
        for number in sorted(self.members.keys() - saved.keys()):
            self._remove(number)
        self.members = {number: self.members[number] for number in saved}
        for number, of in saved.items():
            self.members[number].restore(of)
        self.number, self._next = int(state["number"]), int(state["next"])
        self._books.restore(state["books"])
        self.size.restore(state["size"])

    def close(self) -> None:
        """Free what LAMMPS holds."""
        for particles in self.members.values():
            particles.close()
