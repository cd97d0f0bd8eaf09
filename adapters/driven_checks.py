"""What can be said before a run of sides that take amounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..couplers.kind import CheckRequest
from ..solvers.md.trial import ScriptFacts
from .open_checks import table_of

if TYPE_CHECKING:
    from .particle_region import ParticleRegionSettings


def check_driven(request: CheckRequest, name: str, side: ParticleRegionSettings, facts: ScriptFacts) -> None:
    """Refuse what has no meaning beside amounts, and an interior that is too short for the states that are given."""
    if side.takes == "states":
        return
    table = table_of(request, name)
    if side.open is None:
        allowed = "an open end, where atoms come and go with the mass that is given"
        raise request.report(table, "takes", "'amounts', without an open end", allowed, "add 'open = {}'")
    if side.impose.kind != "constraint":
        allowed = "no 'impose', which is for states that are taken"
        raise request.report(table, "impose", f"kind {side.impose.kind!r}, beside takes = 'amounts'", allowed)
    for key in ("relaxation", "fluctuations"):
        if key in side.open.model_fields_set:
            allowed = f"no {key!r}, which is for states that are taken"
            raise request.report(f"{table}.open", key, "it, beside takes = 'amounts'", allowed, "remove it")
    if request.solver.ensemble is not None:
        allowed = "takes = 'states': each member would take the same amounts, and give states of its own"
        raise request.report(table, "takes", "'amounts', where the participant is an ensemble", allowed)
    request.require_exchange(name, "takes", ("velocity", "temperature", "density"), ("mass", "momentum", "energy"))
    _check_length(request, table, side, facts)


def _check_length(request: CheckRequest, table: str, side: ParticleRegionSettings, facts: ScriptFacts) -> None:
    axis, outward = "xyz".index(side.axis), 1.0 if side.beyond == "above" else -1.0
    length = side.slabs * side.thickness
    inner, box = side.at - outward * length, (facts.lower[axis], facts.upper[axis])
    if not box[0] <= inner <= box[1]:
        found = (
            f"{side.slabs} slabs of {side.thickness:g}: cells whose states are given reach from the plane to {inner:g}"
        )
        allowed = f"as long an interior as the buffer, within {box[0]:g} to {box[1]:g}"
        raise request.report(table, "thickness", found, allowed, "fewer or thinner slabs, or another plane")


def check_driven_planes(request: CheckRequest) -> None:
    """Refuse two planes that take unlike: what is counted would end in two ways."""
    takes = {name: side.takes for name, side in request.interfaces.items()}
    if len(set(takes.values())) > 1:
        first, *_, last = takes
        found = f"{takes[last]!r}, where [interfaces.{first}] has {takes[first]!r}"
        allowed = "the same at both planes: where amounts are taken the buffer is counted, and else it is not"
        raise request.report(table_of(request, last), "takes", found, allowed)
