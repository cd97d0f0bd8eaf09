"""How the next iterate of an implicit window is made of the ones before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from .acceleration_settings import AccelerationSettings
from .cells import Array
from .field_weights import FieldWeights
from .global_sums import Total, products, sums_of
from .quasi_newton import InverseLeastSquares, MultiVectorJacobian


class Acceleration(Protocol):
    """Solves x = H(x) window by window, from pairs x, x~ = H(x); every rank holds a piece of both.

    Pieces have one dimension and may be empty. All methods are collective, and every rank comes to the same decisions,
    since they rest on sums over all ranks alone. That x~ is finite is for the caller to see to.
    """

    def begin(self) -> None:
        """A window begins."""
        ...

    def update(self, x: Array, x_tilde: Array) -> Array:
        """The next iterate, this rank's piece."""
        ...

    def accept(self, x: Array, x_tilde: Array) -> None:
        """The window is done, this is its last pair: keep what later windows can use."""
        ...

    def save(self) -> dict[str, Any]:
        """What was learnt, between two windows: arrays and numbers by name, this rank's pieces."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave on this rank."""
        ...


def create_acceleration(settings: AccelerationSettings, fields: Mapping[str, slice], total: Total) -> Acceleration:
    """The acceleration that the settings ask for.

    ``fields`` are the parts of this rank's piece, the same names in the same order on every rank; ``total`` sums an
    array of any shape over all ranks and gives every rank the same bits.
    """
    if settings.kind == "iqn-ils":
        return InverseLeastSquares(settings, fields, total)
    if settings.kind == "iqn-imvj":
        return MultiVectorJacobian(settings, fields, total)
    if settings.kind == "aitken":
        assert settings.relaxation is not None, "filled in by the settings"
        return Aitken(settings.relaxation, fields, total)
    return ConstantRelaxation(1.0 if settings.relaxation is None else settings.relaxation)


class ConstantRelaxation:
    """x + omega (x~ - x) with a fixed omega; with 1, the fixed-point iteration itself."""

    def __init__(self, relaxation: float) -> None:
        self._relaxation = relaxation

    def begin(self) -> None:
        """A window begins: nothing to do."""

    def update(self, x: Array, x_tilde: Array) -> Array:
        """The relaxed iterate."""
        return x_tilde.copy() if self._relaxation == 1.0 else x + self._relaxation * (x_tilde - x)

    def accept(self, x: Array, x_tilde: Array) -> None:
        """The window is done: nothing to keep."""

    def save(self) -> dict[str, Any]:
        """Nothing is learnt."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to return to."""


class Aitken:
    """Relaxation by Aitken's delta-squared (Irons and Tuck 1969; Küttler and Wall 2008).

    omega <- -omega (dr . r_old) / (dr . dr), one number for all fields, in the norm of ``FieldWeights``. A window
    starts with the omega that the one before ended with, or the initial one where that is smaller.
    """

    def __init__(self, relaxation: float, fields: Mapping[str, slice], total: Total) -> None:
        self._initial = self._omega = relaxation
        self._fields = list(fields.values())
        self._weights = FieldWeights(len(fields))
        self._total = total
        self._residual: Array | None = None

    def begin(self) -> None:
        """A window begins."""
        self._residual = None

    def update(self, x: Array, x_tilde: Array) -> Array:
        """The relaxed iterate. Calls ``total`` once."""
        residual = x_tilde - x
        old, self._residual = self._residual, residual
        change = residual if old is None else residual - old
        pairs = ((residual, residual), (x_tilde, x_tilde), (change, residual if old is None else old), (change, change))
        squares, values, overlaps, changes = sums_of(self._total, [products(self._fields, a, b) for a, b in pairs])
        weights = self._weights.update(squares, values) ** 2
        if old is None:
            self._omega = float(np.copysign(min(abs(self._omega), self._initial), self._omega))
        elif weights @ changes > 0.0:
            # An omega of zero would stay zero.
            self._omega = float(-self._omega * (weights @ overlaps) / (weights @ changes)) or self._initial
        return x + self._omega * residual

    def accept(self, x: Array, x_tilde: Array) -> None:
        """The window is done: its omega is kept."""
        self._weights.end_window()

    def save(self) -> dict[str, Any]:
        """The omega, and the weights of the fields."""
        return {"omega": self._omega, **self._weights.save()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to what ``save`` gave."""
        self._omega = float(state["omega"])
        self._weights.restore(state)
