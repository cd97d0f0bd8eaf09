"""What can be said before a run of the sides of a solid, which exchange heat alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..couplers.kind import CheckRequest
from .impose_settings import BATH
from .open_checks import table_of

if TYPE_CHECKING:
    from .particle_region import ParticleRegionSettings


def check_solid(request: CheckRequest, name: str, side: ParticleRegionSettings) -> None:
    """Refuse what moves or feeds the outer end of a solid's buffer, and an exchange of more than heat."""
    table = table_of(request, name)
    if not side.solid:
        if side.counts == "all":
            allowed = "'interior', or impose.kind 'langevin': with 'all' it is a bath's heat that is given"
            raise request.report(table, "counts", f"'all', beside impose.kind {side.impose.kind!r}", allowed)
        return
    if side.counts == "all" and request.solver.ensemble is not None:
        allowed = "'interior': of members the heat that passes a plane is given"
        raise request.report(table, "counts", "'all', where the participant is an ensemble", allowed)
    found = {"piston": repr(side.piston), "open": "an open end"}
    for key in ("piston", "open"):
        if getattr(side, key) is not None:
            allowed = "neither 'piston' nor 'open': a solid's end is held by atoms that the script does not move"
            raise request.report(table, key, f"{found[key]}, beside impose.kind 'langevin'", allowed, "remove it")
    if BATH in request.solver.walls:
        place, allowed = f"participants.{request.participant}.solver.walls", "another name: it is the bath's row"
        raise request.report(place, BATH, f"a wall named '{BATH}'", allowed)
    request.require_exchange(name, "impose", ("energy",), ("temperature",))


def check_solid_planes(request: CheckRequest) -> None:
    """Refuse two planes of which one is a solid's and the other a fluid's, or that count unlike."""
    kinds = {name: side.impose.kind for name, side in request.interfaces.items()}
    if len({side.solid for side in request.interfaces.values()}) > 1:
        first, *_, last = kinds
        found = f"kind {kinds[last]!r}, where [interfaces.{first}] has {kinds[first]!r}"
        allowed = "'langevin' at both planes, or at none: what is a solid at one is no fluid at the other"
        raise request.report(table_of(request, last), "impose", found, allowed)
    counts = {name: side.counts for name, side in request.interfaces.items()}
    if len(set(counts.values())) > 1:
        first, *_, last = counts
        found = f"{counts[last]!r}, where [interfaces.{first}] has {counts[first]!r}"
        raise request.report(table_of(request, last), "counts", found, "the same at both planes")
