"""How a solver that is not one of ours takes part: it keeps its own loop and calls the participant's verbs in it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .case_model import Case
from .cells import Array, Cells, total
from .errors import CaseError, Mistake, SutureError
from .mesh import Mesh
from .participant import Participant
from .protocols import Amounts
from .quantities import QUANTITIES
from .window import Window
from .world import World


class ForeignSide:
    """One interface as a foreign solver sees it: what arrived, what was booked of it, and what is given."""

    def __init__(self, name: str, amounts: Cells | Mesh | None, states: Cells | Mesh | None) -> None:
        self._name = name
        self._cells = {"amount": amounts, "state": states}
        self._given: dict[str, Array] = {}
        self._booked: dict[str, Array] = {}
        self._carry: dict[str, Array] = {}
        self.arrived: Mapping[str, Array] = {}
        """What came for this window, by quantity: (cells, components); amounts are positive when they come in."""

    def give(self, **values: ArrayLike) -> None:
        """Set what the next ``send`` gives, by quantity; a scalar or (components,) holds for every cell.

        States are given before the first window too. Amounts are what left this solver in the window.
        """
        for quantity, value in values.items():
            if quantity not in QUANTITIES:
                raise SutureError(f"give({quantity}=…): there is no such quantity; known: {', '.join(QUANTITIES)}")
            shape = (len(self.cells(quantity)), QUANTITIES[quantity].components)
            array = np.asarray(value, dtype=float)
            self._given[quantity] = np.broadcast_to(
                array[:, None] if array.shape == shape[:1] != (1,) else array, shape
            )

    def book(self, **amounts: ArrayLike) -> None:
        """Say what the solver took of the amounts that came, as it added them up itself; the rest is carried."""
        for quantity, value in amounts.items():
            shape = (QUANTITIES[quantity].components,)
            self._booked[quantity] = self._booked.get(quantity, np.zeros(shape)) + np.asarray(value, float).reshape(
                shape
            )

    def cells(self, quantity: str) -> Cells | Mesh:
        """The cells or the mesh that was named for amounts or for states."""
        kind = QUANTITIES[quantity].kind
        found = self._cells[kind]
        if found is None:
            raise SutureError(
                f"interface {self._name!r} exchanges {quantity}: name its cells or its mesh, side(…, {kind}s=…)"
            )
        return found

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Keep the partner's initial states in ``arrived``."""
        self.arrived = states

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """Keep what came; what was carried stays owed."""
        self.arrived = values
        self._booked = {}
        for quantity, value in values.items():
            if QUANTITIES[quantity].kind == "amount":
                self._carry[quantity] = self._carry.get(quantity, 0.0) + total(value)

    def account(self, dt: float) -> None:
        """The foreign solver counts by itself."""

    def send(self, window: Window) -> Mapping[str, Array]:
        """What was given; booked amounts leave the carry. Amounts must be given anew in every window."""
        for quantity, value in self._booked.items():
            self._carry[quantity] = self._carry.get(quantity, 0.0) - value
        given = dict(self._given)
        for quantity in given:
            if QUANTITIES[quantity].kind == "amount":
                del self._given[quantity]
        return given

    def save(self) -> Any:
        """What is given and what is carried."""
        return {"given": dict(self._given), "carry": dict(self._carry)}

    def restore(self, state: Any) -> None:
        """Return to what ``save`` gave."""
        self._given, self._carry = dict(state["given"]), dict(state["carry"])

    def received(self) -> Amounts:
        """What was booked in this window."""
        return self._booked

    def carry(self) -> Amounts:
        """What came and was not booked."""
        return self._carry


@dataclass
class ForeignSolver:
    """What the books and an implicit scheme ask of a solver, answered by the user's functions."""

    tell_inventory: Callable[[], Mapping[str, ArrayLike]] = dict
    tell_rows: Callable[[], Mapping[str, Mapping[str, ArrayLike]]] = dict
    tell_state: Callable[[], Any] | None = None
    take_state: Callable[[Any], None] | None = None

    def inventory(self) -> Amounts:
        """This rank's share of what the solver holds."""
        return {q: np.asarray(v, float).reshape(-1) for q, v in self.tell_inventory().items()}

    def rows(self) -> Mapping[str, Amounts]:
        """Cumulative rows of boundaries and sources."""
        return {row: {q: np.asarray(v, float).reshape(-1) for q, v in a.items()} for row, a in self.tell_rows().items()}

    def save(self) -> Any:
        """The solver's state."""
        if self.tell_state is None:
            raise SutureError(
                "the case repeats windows: name the functions that save and restore the "
                "solver's state, rewind(save, restore), before the first window"
            )
        return self.tell_state()

    def restore(self, state: Any) -> None:
        """Return to it."""
        assert self.take_state is not None, "save() has refused"
        self.take_state(state)


class ForeignParticipant(Participant):
    """A participant whose loop is the user's own program: it calls ``receive``, ``send`` and ``close`` itself."""

    def __init__(self, case: Case, world: World, output: Path, resume: Path | None = None) -> None:
        super().__init__(case, world, output, resume)
        self.solver = self._foreign = ForeignSolver()
        self._next = "receive"
        self._converged = False

    @property
    def finished(self) -> bool:
        """Whether the loop has come to the end of the last window."""
        return self.status.doing == "finished"

    def open(self) -> None:
        """Open as the others do, once every interface has its side."""
        for name in self.case.interfaces_of(self.name):
            if name not in self.adapters:
                raise SutureError(f"interface {name!r} has no side: call side({name!r}, ...) before the first window")
        super().open()

    def _cannot_save(self) -> str:
        if self._foreign.tell_state is not None:
            return ""
        return (
            f"participant {self.name!r} has not named the functions that save and restore its state: "
            "rewind(save, restore), before the first window"
        )

    def receive(self, window: Window) -> None:
        """States and amounts in."""
        self._in_turn("receive", then="send")
        super().receive(window)

    def send(self, window: Window) -> None:
        """States and amounts out."""
        self._in_turn("send", then="close")
        super().send(window)

    def close(self, window: Window) -> bool:
        """Whether the window is done, and if so enter it in the books; see ``Participant.close``.

        In an implicit scheme a window that is not done comes again.
        """
        self._in_turn("close", then="receive")
        self._converged = self.judge(window)
        if self._converged:
            super().close(window)
            self.write(window)
        return self._converged

    def windows(self) -> Iterator[Window]:
        """All windows of the case; each must be received, sent and closed.

        In an implicit scheme a window comes again, and the solver's state has been restored, until it has converged.
        """
        for window in super().windows():
            for iteration in itertools.count():
                self.begin(iteration)
                yield window
                self._in_turn("receive", then="receive", say="the next window")
                if self._converged:
                    break

    def _in_turn(self, call: str, then: str, say: str = "") -> None:
        """A call out of turn would leave everybody waiting for a message that never comes."""
        if self._next != call:
            raise SutureError(
                f"{say or call + '()'} came before {self._next}(); "
                "a window is receive(), send() and close(), in this order"
            )
        self._next = then

    def side(
        self,
        interface: str,
        *,
        amounts: Mesh | tuple[ArrayLike, ArrayLike] | None = None,
        states: Mesh | tuple[ArrayLike, ArrayLike] | None = None,
    ) -> ForeignSide:
        """Describe this side of an interface, in own units: where amounts and where states are given and taken.

        Lower and upper corners (n, 3) of this rank's cells, or a ``suture.Mesh`` of points and elements.
        """
        known = self.case.interfaces_of(self.name)
        if interface not in known:
            raise CaseError(
                Mistake(
                    self.case.file, "interfaces", interface, "no such interface of this participant", ", ".join(known)
                )
            )
        self.adapters[interface] = side = ForeignSide(interface, _cells(amounts), _cells(states))
        return side

    def books(
        self,
        inventory: Callable[[], Mapping[str, ArrayLike]],
        rows: Callable[[], Mapping[str, Mapping[str, ArrayLike]]] = dict,
    ) -> None:
        """Name functions that tell this rank's inventory and cumulative rows, so that a leak is seen."""
        self._foreign.tell_inventory, self._foreign.tell_rows = inventory, rows

    def rewind(self, save: Callable[[], Any], restore: Callable[[Any], None]) -> None:
        """Name functions that save and restore the solver's state, which implicit schemes and checkpoints need.

        ``save`` returns a copy, by name, such that after ``restore`` a window repeats identically.
        """
        self._foreign.tell_state, self._foreign.take_state = save, restore


def _cells(places: Mesh | tuple[ArrayLike, ArrayLike] | None) -> Cells | Mesh | None:
    if places is None or isinstance(places, Mesh):
        return places
    return Cells(np.atleast_2d(places[0]), np.atleast_2d(places[1]))
