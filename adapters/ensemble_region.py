"""The members of an ensemble at one interface: the same states for all, and the mean of what leaves them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from mpi4py import MPI
from numpy.typing import ArrayLike

from ..couplers.cells import Array, Cells
from ..couplers.kind import Context
from ..couplers.window import Window
from .coupled_particles import CoupledParticles
from .ensemble_books import MeanBooks, shared, spread
from .interior import WIDTHS, nothing
from .particle_interface import ParticleRegion
from .profiles import ProfileFile

if TYPE_CHECKING:
    from .ensemble import Ensemble

DIFFER = ("density", "velocity", "temperature", "number")
"""Of the profiles: what differs from member to member, and has a standard error."""


class EnsembleRegion:
    """One region a member; the participant's first rank owns the cells.

    The file of profiles has means over the members. Beside ``density``, ``velocity``, ``temperature`` and ``number`` of
    a window stand their standard errors, ``…_error``, from the differences between members; and for what crossed in a
    window ``sent_mass``, ``sent_momentum``, ``sent_energy`` with theirs, and ``members``, their number.
    """

    def __init__(
        self, ensemble: Ensemble, place: int, make: Callable[[CoupledParticles], ParticleRegion], context: Context
    ) -> None:
        """``place``: the number of the participant's interfaces before this one."""
        self._ensemble = ensemble
        self._place = place
        self._make = make
        self.members = {number: make(particles) for number, particles in ensemble.members.items()}
        """This group's, by number."""
        self.books = MeanBooks(
            lambda: [region.buffer_inventory() for region in self.members.values()],
            lambda: [region.buffer_rows() for region in self.members.values()],
            lambda: ensemble.number,
            ensemble.changes,
        )
        self._first = ensemble.comm.rank == 0
        self._leads = ensemble.leaders != MPI.COMM_NULL
        self._file: ProfileFile | None = None
        if self._first:
            one = self._one
            path = context.output / one.profile_name
            self._file = ProfileFile(path, one.axis, one.profiles.edges, context.done)

    @property
    def _one(self) -> ParticleRegion:
        return next(iter(self.members.values()))

    def add(self, number: int) -> None:
        """A new member comes."""
        self.members[number] = self._make(self._ensemble.members[number])

    def cells(self, quantity: str) -> Cells:
        """One member's."""
        return self._one.cells(quantity) if self._first else Cells(np.zeros((0, 3)), np.zeros((0, 3)))

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Let each member settle to the partner's initial states. Collective."""
        known = self._told(states)
        for region in self.members.values():
            region.prepare(known)

    def _told(self, values: Mapping[str, Array]) -> Mapping[str, Array]:
        """The first rank has the cells, so it tells the leaders of the groups."""
        return self._ensemble.leaders.bcast(dict(values)) if self._leads else values

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """Impose the continuum's state on all members. Collective."""
        self._ensemble.begin_window(window)
        known = self._told(values)
        for region in self.members.values():
            region.receive(window, known)

    def account(self, dt: float) -> None:
        """What left each member's interior. Collective."""
        for region in self.members.values():
            region.account(dt)

    def send(self, window: Window) -> dict[str, Array]:
        """What left in the window, as a mean over members, on the first rank's cell. Collective."""
        given = [region.send(window) for region in self.members.values()]
        mean = {quantity: values[:0] for quantity, values in given[0].items()}
        sent = np.zeros((len(given), sum(WIDTHS.values())))
        if self._leads:
            figures = [self._figures(of, region) for of, region in zip(given, self.members.values(), strict=True)]
            means, errors = spread(figures, self._ensemble.leaders)
            if self._first:
                mean = {quantity: means[f"sent_{quantity}"] for quantity in given[0]}
            self._record(window, means, errors)
            sent = np.array([np.concatenate([of[quantity].sum(axis=0) for quantity in WIDTHS]) for of in given])
        self._ensemble.size.add(self._place, sent)
        return mean

    def _figures(self, given: Mapping[str, Array], region: ParticleRegion) -> dict[str, ArrayLike]:
        return {**{f"sent_{quantity}": values for quantity, values in given.items()}, **region.profiles.latest}

    def _record(self, window: Window, means: Mapping[str, Array], errors: Mapping[str, Array]) -> None:
        if self._file:
            known = {f"{n}_error": error for n, error in errors.items() if n in DIFFER or n.startswith("sent_")}
            self._file.append(window.end, **means, **known, members=self._ensemble.number)

    def audit(self) -> dict[str, Array] | None:
        """The mean of what is measured at the members' planes (this rank's share); None without an audit."""
        audits = [audit for region in self.members.values() if (audit := region.audit()) is not None]
        return shared(audits, self._ensemble.number) if self._one.auditing else None

    def received(self) -> dict[str, Array]:
        """States are received, no amounts."""
        return nothing()

    def carry(self) -> dict[str, Array]:
        """Nothing is held back."""
        return nothing()

    def buffer_inventory(self) -> dict[str, Array]:
        """What a member's buffer holds, in the mean (this rank's share). Collective."""
        return self.books.inventory()

    def buffer_rows(self) -> dict[str, dict[str, Array]]:
        """What each device gave to a member's buffer in the mean, and what members that came or went changed it by."""
        return self.books.rows()

    def save(self) -> dict[str, Any]:
        """All members of this group, and what those that came or went have left."""
        members = {str(number): region.save() for number, region in self.members.items()}
        return {"members": members, "books": self.books.save()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave, after the ensemble has. Collective."""
        for number, of in state["members"].items():
            self.members[int(number)].restore(of)
        self.books.restore(state["books"])
