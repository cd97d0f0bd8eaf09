"""The conserved quantities and the states that participants exchange, and the physical dimension of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dimension = str
"""A product of powers of pint's base dimensions, e.g. ``[mass] * [length] / [time]``."""

NUMBER: Dimension = "[length] / [length]"
"""Of a plain number: pint has no word for it that it would read."""


@dataclass(frozen=True)
class Quantity:
    """One thing that is exchanged.

    ``amount`` quantities are extensive and conserved: what crosses an interface in one window, integrated over time
    and over each interface cell. ``state`` quantities are intensive fields.
    """

    name: str
    kind: Literal["amount", "state"]
    components: int
    dimension: Dimension

    @property
    def component_names(self) -> tuple[str, ...]:
        """``("mass",)`` for a scalar, ``("momentum_x", "momentum_y", "momentum_z")`` for a vector."""
        if self.components == 1:
            return (self.name,)
        return tuple(f"{self.name}_{axis}" for axis in "xyz"[: self.components])


_ALL = (
    Quantity("mass", "amount", 1, "[mass]"),
    Quantity("momentum", "amount", 3, "[mass] * [length] / [time]"),
    Quantity("energy", "amount", 1, "[mass] * [length]**2 / [time]**2"),
    Quantity("density", "state", 1, "[mass] / [length]**3"),
    Quantity("velocity", "state", 3, "[length] / [time]"),
    Quantity("temperature", "state", 1, "[temperature]"),
    Quantity("pressure", "state", 1, "[mass] / [length] / [time]**2"),
    Quantity("displacement", "state", 3, "[length]"),
    Quantity("shift", "state", 3, "[length]"),
    Quantity("force", "state", 3, "[mass] * [length] / [time]**2"),
    Quantity("blending", "state", 1, NUMBER),
    Quantity("covered", "state", 1, NUMBER),
    Quantity("weight", "state", 1, NUMBER),
)

QUANTITIES: dict[str, Quantity] = {q.name: q for q in _ALL}
AMOUNTS: tuple[str, ...] = tuple(q.name for q in _ALL if q.kind == "amount")
STATES: tuple[str, ...] = tuple(q.name for q in _ALL if q.kind == "state")
