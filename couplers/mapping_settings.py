"""``mapping`` in the case: how values get from one side's places to the other's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

KernelName = Literal["compact-c0", "compact-c2", "compact-c4", "compact-c6", "thin-plate-spline", "gaussian"]
"""Radial functions: Wendland's in three dimensions, r² log r, and exp(-r²)."""


class _Mapping(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Automatic(_Mapping):
    """What suits both sides best; see the documentation of the mappings."""

    kind: Literal["automatic"] = "automatic"


AUTOMATIC = Automatic()


class NearestNeighbour(_Mapping):
    """The value of the nearest point: first order."""

    kind: Literal["nearest-neighbour"]


class NearestProjection(_Mapping):
    """The linear interpolation at the nearest place of the source's elements: second order."""

    kind: Literal["nearest-projection"]


class RadialBasis(_Mapping):
    """Radial basis functions on overlapping clusters (a partition of unity), with a linear polynomial."""

    kind: Literal["rbf"]
    kernel: KernelName = Field(default="compact-c6", description="The radial function.")
    support_radius: Annotated[float, Field(gt=0.0, strict=True, allow_inf_nan=False)] | None = Field(
        default=None,
        description="Where a compact function ends, or the Gaussian's length, in the case's unit of length; "
        "default: from the spacing of each cluster's points.",
    )
    cluster: Annotated[int, Field(ge=10, le=500, strict=True)] = Field(
        default=50, description="Points that a cluster has, about."
    )


class Intersection(_Mapping):
    """The exact L2 projection: cells that intersect, or finite-element bases integrated against each other."""

    kind: Literal["intersection"]


class Binning(_Mapping):
    """Between particles and cells: means and sums over the particles in a cell."""

    kind: Literal["binning"]


MappingSettings = Annotated[
    Automatic | NearestNeighbour | NearestProjection | RadialBasis | Intersection | Binning,
    Field(discriminator="kind"),
]
"""A table with ``kind``, and what that kind may be told besides."""
