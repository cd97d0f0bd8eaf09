"""What the loop asks of a solver and of an adapter. Any object with these methods takes part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from .cells import Array, Cells
from .mesh import Mesh
from .window import Window

Amounts = Mapping[str, Array]
"""Values by quantity name; a scalar quantity has shape (1,), a vector (3,), unless a shape is stated."""

Rows = Mapping[str, Amounts]
"""Named rows of a book, e.g. ``{"wall": {"momentum": (3,), "energy": (1,)}}``: what the named thing *added*."""


class Books(Protocol):
    """What the ledger asks of a solver. Collective over the participant's communicator; each rank gives its share."""

    def inventory(self) -> Amounts:
        """What the solver holds of each quantity at the present time (this rank's share; extensive)."""
        ...

    def rows(self) -> Rows:
        """Total added by each named boundary or source since the start of the run (this rank's share, cumulative).

        The keys must be the same on every rank and in every window, from the first call on.
        """
        ...


@runtime_checkable
class GivesGross(Protocol):
    """A solver whose inventories and rows are sums of parts that cancel, such as the momentum of a vibrating body."""

    def gross(self) -> Amounts:
        """The sum of the parts' magnitudes (this rank's share): what the round-off of the books is relative to.

        Of what is held now, and of what rows and interfaces have added since the start of the run.
        """
        ...


State = Mapping[str, Any]
"""What ``save`` gives: numbers, texts, arrays, and mappings of these by name, so that it can be written to a file."""


@runtime_checkable
class Rewinds(Protocol):
    """A solver, or an adapter with a memory of its own, that can return to where a window began."""

    def save(self) -> State:
        """The present state, such that ``restore`` and going on repeat a window identically; not changed later on."""
        ...

    def restore(self, state: State) -> None:
        """Return to a state from ``save``."""
        ...


class Solver(Books, Rewinds, Protocol):
    """Advances one description of the physics; knows no partner.

    Every method is collective over the participant's communicator. Values are this rank's share in the participant's
    own units; the ledger sums the shares.
    """

    @property
    def max_dt(self) -> float:
        """The longest time that one ``advance`` may cover from the present state."""
        ...

    def advance(self, dt: float) -> None:
        """Advance by ``dt``, in as many native steps as it takes."""
        ...


class Adapter(Protocol):
    """One solver at one interface."""

    def cells(self, quantity: str) -> Cells | Mesh:
        """This rank's share of the discretisation on which ``quantity`` is given or taken."""
        ...

    def prepare(self, states: Mapping[str, Array]) -> None:
        """Once, before the opening inventory: settle to the partner's initial states (on ``cells(quantity)``)."""
        ...

    def receive(self, window: Window, values: Mapping[str, Array]) -> None:
        """Take what arrived for this window, each (cells or owned points, components), on ``cells(quantity)``.

        Where the case exchanges samples of the window, this comes before every step, and ``window`` is that step: its
        amounts are those that fall into the step, its states those at the step's end. So do ``send`` and ``received``
        then come after every step. In an implicit scheme a window comes again, from its beginning.

        Amounts are positive when they leave the sender, that is when they enter this participant.
        """
        ...

    def account(self, dt: float) -> None:
        """After each ``advance(dt)``: what crossed in this step joins the window's amounts."""
        ...

    def send(self, window: Window) -> Mapping[str, Array]:
        """What this side gives at the window's end: its states, and the amounts that left it in the window.

        Each has shape (cells or owned points, components); amounts are positive when they leave this participant.
        """
        ...

    def received(self) -> Amounts:
        """Amounts taken since ``receive`` as the solver's own faces or loads sum to (this rank's share; no echo)."""
        ...

    def carry(self) -> Amounts:
        """Amounts received but not yet booked at the window's end (this rank's share)."""
        ...


@runtime_checkable
class Records(Protocol):
    """An adapter that keeps a record of the windows."""

    def record(self, window: Window) -> None:
        """Once for every window, when it is done."""
        ...


@runtime_checkable
class KeepsCourse(Protocol):
    """A solver that keeps a record of its own, asked by its adapters or, where it has none, by the loop."""

    def record(self, time: float) -> None:
        """Once for every window, when it is done; ``time`` is its end."""
        ...


@runtime_checkable
class Opens(Protocol):
    """An adapter that can estimate the amounts of a first window, where they are needed before a partner gives them."""

    def initial_amounts(self, window: Window) -> Mapping[str, Array]:
        """Physical opening amounts (p A dt, not 0) on ``cells(quantity)``, positive when they enter."""
        ...


@runtime_checkable
class TakesElsewhere(Protocol):
    """An adapter that takes a quantity elsewhere than where it would give it."""

    def taken_cells(self, quantity: str) -> Cells | Mesh:
        """This rank's share of the discretisation on which ``quantity`` is taken."""
        ...


@runtime_checkable
class Audited(Protocol):
    """An adapter that now and then measures the amounts it sends a second, independent way."""

    def audit(self) -> Amounts | None:
        """The independently measured amounts that left in this window (this rank's share); None without an audit.

        None or not None alike on every rank.
        """
        ...


@runtime_checkable
class Writes(Protocol):
    """A solver that writes its fields for ParaView."""

    def write(self, window: int, time: float) -> None:
        """Write the fields at ``time``, the end of window ``window``, into the participant's output folder."""
        ...


@runtime_checkable
class KeepsBuffer(Protocol):
    """An adapter with a region of its own beyond the interface that the participant's inventory does not count."""

    def buffer_inventory(self) -> Amounts:
        """What the buffer holds (this rank's share; extensive)."""
        ...

    def buffer_rows(self) -> Rows:
        """Total that each device of the buffer added since the start (this rank's share, cumulative)."""
        ...


@runtime_checkable
class Deforms(Protocol):
    """An adapter of a solid, whose description a uniform strain must leave without forces: the patch test."""

    @property
    def dimension(self) -> int:
        """2 of a body in a plane, which is not strained along z, else 3."""
        ...

    def deform(self, gradient: Array) -> None:
        """Put all of this side, (3, 3) from the body at rest, where a uniform deformation takes it. Collective."""
        ...

    def spurious(self) -> tuple[Array, Array]:
        """Places at rest, (n, 3), and the forces there that should be zero, (n, 3): this rank's share."""
        ...
