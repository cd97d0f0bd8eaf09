"""What can be said before a run of open ends, and of a participant that has two planes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..couplers.kind import CheckRequest
from ..solvers.md.trial import ScriptFacts

if TYPE_CHECKING:
    from .particle_region import ParticleRegionSettings


def table_of(request: CheckRequest, interface: str) -> str:
    """The case's table of this participant's side."""
    return f"interfaces.{interface}.sides.{request.participant}"


def check_planes(request: CheckRequest, facts: ScriptFacts) -> None:
    """Refuse planes that do not end one interior together."""
    if len(request.interfaces) < 2:
        return
    names = list(request.interfaces)
    first, second = (request.interfaces[name] for name in names[:2])
    place = table_of(request, names[-1])
    if len(names) > 2:
        allowed = "one plane, or two that end the interior below and above"
        raise request.report(place, "at", f"a plane number {len(names)}", allowed)
    if first.axis != second.axis:
        raise request.report(place, "axis", f"'{second.axis}'", f"'{first.axis}', as in [interfaces.{names[0]}]")
    if first.beyond == second.beyond:
        other = "below" if first.beyond == "above" else "above"
        found = f"'{second.beyond}', as in [interfaces.{names[0]}]"
        raise request.report(place, "beyond", found, f"'{other}': the interior lies between two planes")
    _check_distance(request, names, facts)
    for name in names:
        if request.interfaces[name].open is None and not request.interfaces[name].solid:
            raise request.report(
                table_of(request, name),
                "open",
                "no open end, where the participant has two planes",
                "an open end at both: what passes one of two planes is told by its buffer's balance",
                "add 'open = {}'",
            )


def _check_distance(request: CheckRequest, names: list[str], facts: ScriptFacts) -> None:
    below, above = sorted((request.interfaces[name] for name in names), key=lambda side: side.beyond, reverse=True)
    if above.at - below.at <= facts.cutoff:
        raise request.report(
            table_of(request, names[-1]),
            "at",
            f"an interior from {below.at:g} to {above.at:g}",
            f"one longer than the reach of the pair forces, {facts.cutoff:g}: the buffer 'above' begins at its end",
        )


def check_closing(request: CheckRequest, name: str, side: ParticleRegionSettings) -> None:
    """Refuse an outer end that is closed in two ways, or in one that is not known there."""
    table = table_of(request, name)
    if side.piston is not None and side.open is not None:
        raise request.report(table, "piston", f"'{side.piston}', beside an open end", "a piston or 'open', not both")
    if side.piston is not None and side.beyond == "below":
        allowed = "beyond = 'above' with a piston, or an open end"
        raise request.report(table, "beyond", f"'below', with the piston '{side.piston}'", allowed, "use 'open = {}'")


def check_impose(request: CheckRequest, name: str, side: ParticleRegionSettings) -> None:
    """Refuse fluctuations of what fluctuates by itself."""
    if side.impose.kind == "maxwellian" and side.open is not None and side.open.fluctuations:
        raise request.report(
            f"{table_of(request, name)}.open",
            "fluctuations",
            "true, beside impose.kind 'maxwellian'",
            "false: velocities that are drawn one by one have the right fluctuation in the mean of a slab already",
            "remove it",
        )


def check_open_end(request: CheckRequest, name: str, side: ParticleRegionSettings, facts: ScriptFacts) -> None:
    """Refuse an open end whose partner, buffer, box or walls do not do."""
    if side.open is None:
        return
    table, axis = table_of(request, name), "xyz".index(side.axis)
    if side.takes == "states" and name in request.exchanged and "density" not in request.exchanged[name][1]:
        taken = ", ".join(request.exchanged[name][1]) or "nothing"
        raise request.report(
            table,
            "open",
            f"an open end, where {request.participant!r} takes {taken}",
            "a partner that gives the density beside velocity and temperature",
            "add 'density' to the states of its exchange, or close the end by a piston",
        )
    outward = 1.0 if side.beyond == "above" else -1.0
    length = side.slabs * side.thickness
    if length <= 2.0 * facts.cutoff:
        raise request.report(
            table,
            "thickness",
            f"a buffer of {length:g}",
            f"an open buffer longer than {2.0 * facts.cutoff:g}: no atom comes or goes as near to the plane as pairs "
            f"reach, {facts.cutoff:g}, and the part beyond must be as long",
        )
    end, box = side.at + outward * length, (facts.lower[axis], facts.upper[axis])
    if not box[0] < end < box[1]:
        raise request.report(
            table,
            "thickness",
            f"an open end at {end:g}, where the box ends",
            "a box longer than the buffer, since the end moves with the fluid within a window",
            f"make the box of {request.solver.script} a little longer than {box[0]:g} to {box[1]:g}",
        )
    _check_walls(request, table, side, facts)


def _check_walls(request: CheckRequest, table: str, side: Any, facts: ScriptFacts) -> None:
    axis, outward = "xyz".index(side.axis), side.beyond == "above"
    for wall, settings in request.solver.walls.items():
        lowest, highest = (corner[axis] for corner in facts.spans[settings.group])
        gap = side.at - highest if outward else lowest - side.at
        if gap < facts.cutoff:
            raise request.report(
                table,
                "at",
                f"{side.at:g}, {max(gap, 0.0):g} from the wall '{wall}', which reaches from {lowest:g} to {highest:g}",
                f"walls at least as far inside as pairs reach, {facts.cutoff:g}: pairs of fluid and wall count in the "
                "interior",
            )
