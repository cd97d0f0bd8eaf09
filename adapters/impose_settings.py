"""``impose`` in the case: how the continuum's state is brought upon the buffer's atoms."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Impose(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Constraint(_Impose):
    """The mean velocity becomes the continuum's; a thermostat acts on what differs from it."""

    kind: Literal["constraint"] = "constraint"


class Relaxation(_Impose):
    """The mean velocity goes a part of the way to the continuum's; the thermostat is that of a constraint."""

    kind: Literal["relaxation"]
    strength: float = Field(
        gt=0.0, lt=1.0, description="Part of the way that the mean velocity goes to the continuum's in a window."
    )


class Maxwellian(_Impose):
    """All velocities are drawn anew, from the Maxwellian of the continuum's velocity and temperature."""

    kind: Literal["maxwellian"]


class Langevin(_Impose):
    """Of a solid: friction and noise in every step, at the continuum's temperature; heat alone is exchanged."""

    kind: Literal["langevin"]
    rate: float = Field(gt=0.0, description="Friction, per time; that at the buffer's end where it grows.")
    power: float = Field(
        0.0, ge=0.0, description="Of the way into the buffer with which the rate grows; 0: it is the same everywhere."
    )


BATH = "bath"
"""Row of what a Langevin bath gave, in the books of the buffer."""

ImposeSettings = Annotated[Constraint | Relaxation | Maxwellian | Langevin, Field(discriminator="kind")]
"""A table with ``kind``, and what that kind must be told besides."""
