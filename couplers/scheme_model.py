"""``[scheme]``: how the participants take turns in a window, and when an iterated window is done."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .acceleration_settings import AccelerationSettings
from .table import Table

Tolerance = Annotated[float, Field(gt=0.0, lt=1.0, strict=True, allow_inf_nan=False)]
Threshold = Annotated[float, Field(ge=0.0, strict=True, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=1)]


class FieldTolerance(Table):
    """How little one quantity may still change from one iteration to the next."""

    relative: Tolerance | None = Field(default=None, description="Change relative to the field's norm.")
    absolute: Threshold | None = Field(
        default=None, description="Change that is small enough whatever the norm, in the receiver's units."
    )


class Convergence(Table):
    """``[scheme.convergence]``: when an implicit window is done."""

    relative: Tolerance = Field(
        default=1e-6, description="Largest change of a field in an iteration, relative to the field's norm."
    )
    absolute: Threshold = Field(
        default=0.0, description="Change that is small enough whatever the norm, in the receiver's units."
    )
    fields: dict[str, FieldTolerance] = Field(
        default_factory=dict, description="Other tolerances for some quantities, by name."
    )
    max_iterations: Count = Field(default=100, description="Iterations after which a window has not converged.")
    at_maximum: Literal["stop", "continue"] = Field(
        default="stop",
        description="stop: a window that has not converged ends the run; continue: it is reported and the run goes on.",
    )

    def limits(self, quantity: str) -> tuple[float, float]:
        """The relative and the absolute tolerance of a quantity."""
        own = self.fields.get(quantity, FieldTolerance())
        return (
            self.relative if own.relative is None else own.relative,
            self.absolute if own.absolute is None else own.absolute,
        )


class Scheme(Table):
    """``[scheme]``: how the participants take turns in a window."""

    kind: Literal["serial-explicit", "parallel-explicit", "serial-implicit", "parallel-implicit"] = Field(
        default="serial-explicit",
        description="serial: one after the other; parallel: at once. explicit: every window once; in a parallel scheme "
        "amounts then arrive one window late. implicit: a window is repeated until it has converged.",
    )
    order: tuple[str, ...] | None = Field(
        default=None, description="Who goes first in a serial scheme. Default: the order of the participants' tables."
    )
    samples: Count | None = Field(
        default=None,
        description="Exchange the window's course in this many samples: states are interpolated linearly in time, and "
        "amounts fall into the steps in which they crossed. Default: one value a window, held.",
    )
    extrapolation: Literal["automatic", "constant", "linear", "quadratic"] | None = Field(
        default=None,
        description="How a window is foreseen from those before, until its values are known: states in every scheme, "
        "amounts in an implicit one. automatic: by whatever has foreseen best so far. Default: automatic in an "
        "implicit scheme, constant in an explicit one, which has no automatic.",
    )
    convergence: Convergence | None = Field(default=None, description="When an implicit window is done.")
    acceleration: AccelerationSettings | None = Field(
        default=None, description="How an implicit scheme gets from one iteration to the next."
    )

    @property
    def parallel(self) -> bool:
        """Whether all participants advance at once."""
        return self.kind.startswith("parallel")

    @property
    def implicit(self) -> bool:
        """Whether windows are repeated until they have converged."""
        return self.kind.endswith("implicit")
