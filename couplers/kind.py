"""How a kind of participant (a solver and its adapter) presents itself to the case and the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from .protocols import Adapter, Solver
from .scales import Scales
from .units import UnitSystem

if TYPE_CHECKING:
    # Reading a case must not start MPI, which importing mpi4py.MPI does.
    from mpi4py import MPI


Exchange = tuple[tuple[str, ...], tuple[str, ...]]
"""The quantities that one side of an interface gives, and those that it takes."""


@dataclass(frozen=True)
class Context:
    """What a solver or adapter may know of the run. All settings are already in the participant's own units."""

    comm: MPI.Comm
    """The participant's own communicator."""
    name: str
    """The participant's name."""
    case: Path
    """The case directory, against which the case's file names are resolved."""
    output: Path
    """``RUN/<participant>``: exists, and is the participant's to write in."""
    window: float
    """Length of the coupling window in the participant's time unit; where windows grow, of the first."""
    done: int = 0
    """Windows that are done already: not 0 where a run is resumed, whose files in ``output`` go on."""
    interface: str = ""
    """Of an adapter: the name of its interface."""
    exchange: Exchange = ((), ())
    """Of an adapter: what the case lets its side give and take."""


@dataclass(frozen=True)
class Kind:
    """A solver with its adapter, found by name through the entry-point group ``suture.kinds``.

    ``solver_settings`` and ``interface_settings`` validate the participant's ``[participants.NAME.solver]`` table and
    its ``[interfaces.NAME.sides.PARTICIPANT]`` table. ``check`` runs in ``suture check`` and before a run, without MPI:
    it raises ``CaseError`` for what the settings' types cannot see (files, scripts, grids), and tells what the
    participant's work will be where it can.
    """

    name: str
    solver_settings: type[BaseModel]
    interface_settings: type[BaseModel]
    create_solver: Callable[[Any, Context], Solver]
    create_adapter: Callable[[Solver, Any, Context], Adapter]
    gives: tuple[str, ...]
    """Quantities that the adapter can send."""
    takes: tuple[str, ...]
    """Quantities that the adapter can receive."""
    check: Callable[[CheckRequest], Estimate | None]
    extent: Callable[[Any, Any], tuple[tuple[float, float, float], tuple[float, float, float]] | None]
    """``extent(solver_settings, interface_settings)``: lower and upper corner of the interface as this side sees it,
    in its own length unit; infinite along an axis, or None, where only the running solver knows."""
    rewinds: bool = False
    """Whether ``restore`` and ``advance`` repeat a window identically, which an implicit scheme needs."""
    resumes: bool = False
    """Whether a new solver and adapter can ``restore`` what others have saved, which checkpoints need."""
    equal_windows: bool = False
    """Whether its windows must all be of one length."""
    noisy: bool = False
    """Whether what its adapter gives is noise about a mean, as that of particles is."""
    exchange: Callable[[Any], Exchange] | None = None
    """``exchange(interface_settings)``: which of ``gives`` and ``takes``, where the side's settings decide it."""
    scales: Callable[[CheckRequest], Scales] | None = None
    """The participant's lengths and times, as far as they can be told before a run; for ``suture advise``."""

    def exchange_of(self, interface: Any) -> Exchange:
        """What an adapter with these interface settings gives, and what it takes."""
        return (self.gives, self.takes) if self.exchange is None else self.exchange(interface)


@dataclass(frozen=True)
class Estimate:
    """What a participant's work will be, for ``suture check``."""

    size: str
    """E.g. ``3012 atoms`` or ``12 cells``."""
    steps: float
    """Native steps in one window."""
    seconds: float | None = None
    """Computing time of one window on the participant's ranks, if a fair guess exists."""


@dataclass(frozen=True)
class CheckRequest:
    """One participant of a case, as ``Kind.check`` gets it."""

    participant: str
    case: Path
    """The case directory."""
    solver: Any
    """The validated solver settings."""
    interfaces: dict[str, Any]
    """The validated interface settings of this participant, by interface name."""
    window: float
    """Length of the coupling window in the participant's time unit; where windows grow, of the first."""
    ranks: int
    """Number of MPI ranks of the participant."""
    made: frozenset[Path]
    """Files that the case's stages make before the run; they need not exist yet."""
    report: Callable[..., Exception]
    """``report(table, key, found, allowed, remedy="")`` makes the ``CaseError`` to raise."""
    exchanged: Mapping[str, Exchange] = field(default_factory=dict)
    """What the case lets this participant give and take, by interface name."""
    units: UnitSystem = UnitSystem(system="si")  # noqa: RUF009 - it is frozen
    """The participant's unit system."""
    partners: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    """The participant on the other side of each interface and its solver settings, by interface name."""

    def require_si(self, key: str, found: str) -> None:
        """Refuse a setting ``key`` of the solver that brings SI units of its own into another system."""
        if self.units.system != "si":
            raise self.report(
                f"participants.{self.participant}.solver",
                key,
                f"{found}, which is in SI units, in a participant of units {self.units.system!r}",
                "a participant of units 'si'",
                f'write units = "si" in [participants.{self.participant}], and its other numbers in them',
            )

    def require_exchange(self, interface: str, key: str, gives: tuple[str, ...], takes: tuple[str, ...]) -> None:
        """Refuse a side whose setting ``key`` needs what the case does not exchange, with the error to raise."""
        given, taken = self.exchanged[interface]
        if not set(gives) <= set(given) or not set(takes) <= set(taken):
            value = getattr(self.interfaces[interface], key)
            raise self.report(
                f"interfaces.{interface}.sides.{self.participant}",
                key,
                f"{value!r}, where {self.participant!r} {_in_words(given, taken)}",
                f"with it, that {self.participant!r} {_in_words(gives, takes)}",
                f"choose what the two sides of {interface!r} are to each other, and leave 'exchange' to them",
            )


def _in_words(given: tuple[str, ...], taken: tuple[str, ...]) -> str:
    return f"gives {', '.join(given) or 'nothing'} and takes {', '.join(taken) or 'nothing'}"
