"""What goes one way over one interface."""

from __future__ import annotations

from dataclasses import dataclass

from .filter_model import FilterSettings
from .mapping_settings import AUTOMATIC, MappingSettings
from .quantities import QUANTITIES


@dataclass(frozen=True)
class Flow:
    """What goes one way over one interface: the quantities, and how late they are used.

    ``lag`` is 0 when the receiver uses in window w what the sender gives in window w, and 1 when it uses what was
    given in window w - 1. What is ``iterated`` is used before it is given: the window is repeated until both agree.
    """

    interface: str
    sender: str
    receiver: str
    quantities: tuple[str, ...]
    lag: int
    iterated: bool = False
    mapping: MappingSettings = AUTOMATIC
    filter: FilterSettings | None = None
    noisy: bool = False
    """Whether what is given is a sample of a random quantity, as particles give it, so that its mean has an error."""

    @property
    def amounts(self) -> tuple[str, ...]:
        """The conserved quantities among them."""
        return tuple(q for q in self.quantities if QUANTITIES[q].kind == "amount")

    @property
    def name(self) -> str:
        """``interface: sender -> receiver``."""
        return f"{self.interface}: {self.sender} -> {self.receiver}"
