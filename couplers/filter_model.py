"""``filter`` in the case: how noise is taken out of what one side gives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Windows = Annotated[int, Field(strict=True, ge=2)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class _Filter(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class MovingWindow(_Filter):
    """The mean of the last windows."""

    kind: Literal["moving-window"]
    windows: Windows = Field(description="Windows that the mean is taken over.")


class Gaussian(_Filter):
    """The mean of the past with weights that fall off like half a bell."""

    kind: Literal["gaussian"]
    width: Positive = Field(description="Standard deviation of the bell, in windows; it is cut off at four of them.")


class Pod(_Filter):
    """Proper orthogonal decomposition of the last windows: what all cells do together is kept."""

    kind: Literal["pod"]
    windows: Windows = Field(description="Windows that are decomposed.")
    modes: Annotated[int, Field(strict=True, ge=1)] | Literal["automatic"] = Field(
        default="automatic", description="Modes that are kept; automatic: those that stand out of the noise."
    )


class Kalman(_Filter):
    """A Kalman filter of each component of each cell, for a signal that walks at random under white noise."""

    kind: Literal["kalman"]
    drift: Positive | None = Field(
        default=None,
        description="Standard deviation of the signal's change in a window, relative to that of the noise. "
        "Default: measured during the run.",
    )


FilterSettings = Annotated[MovingWindow | Gaussian | Pod | Kalman, Field(discriminator="kind")]
"""A table with ``kind``, and what that kind must be told besides."""
