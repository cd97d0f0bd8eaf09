"""What a case must make sense of beyond the types of its keys: names, order, windows, exchanges, geometry, units."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from .case_mistakes import Place, Review, listed, shown, suggestion
from .case_model import Case, Direction, Interface
from .kind import Kind
from .quantities import AMOUNTS, QUANTITIES, STATES
from .units import UnitSystem, factor

Corners = tuple[tuple[float, float, float], tuple[float, float, float]]

# Names of participants are names of folders in RUN/, beside these.
_RESERVED = ("checkpoints", "fields", "report")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_MOST_WINDOWS = 10**9
_SAME = 1e-9
"""Lengths and times that differ by less than this, relatively, are the same number written twice."""


def check_case(case: Case, kinds: Mapping[str, Kind], review: Review) -> None:
    """Note every mistake that the loaded case shows by itself, before files are opened and MPI starts."""
    _check_names(case, review)
    _check_time(case, kinds, review)
    _check_clocks(case, review)
    _check_scheme(case, kinds, review)
    _check_checkpoints(case, kinds, review)
    _check_stages(case, review)
    _check_units(case, review)
    for name, interface in case.interfaces.items():
        if _check_sides(case, name, interface, review):
            _check_exchange(case, name, interface, kinds, review)
            _check_filters(case, name, interface, review)
            _check_extents(case, name, interface, kinds, review)
    _check_everyone_meets(case, review)


def _check_names(case: Case, review: Review) -> None:
    groups = {"participants": case.participants, "interfaces": case.interfaces, "stages": case.stages}
    for table, group in groups.items():
        for name in group:
            if not _NAME.fullmatch(name):
                allowed = "a letter, then letters, digits, - and _ (it names files)"
                review.add((table, name), f"the name {shown(name)}", allowed, "rename it everywhere in the case")
            elif table == "participants" and name.lower() in _RESERVED:
                allowed = f"any name but {listed(_RESERVED)}: a run writes folders of these names"
                review.add((table, name), f"the name {shown(name)}", allowed, "rename it everywhere in the case")


def _check_time(case: Case, kinds: Mapping[str, Kind], review: Review) -> None:
    ratio = case.time.end / case.time.window
    if ratio > _MOST_WINDOWS:
        found = f"{case.time.end:.12g}, which is {ratio:.3g} windows of {case.time.window:.12g}"
        review.add(("time", "end"), found, f"at most {_MOST_WINDOWS} windows", "end earlier, or choose a longer window")
        return
    if case.time.growth > 1.0:
        _check_growth(case, kinds, review)
        return
    if abs(ratio - round(ratio)) <= _SAME * ratio and round(ratio) >= 1:
        return
    nearest = sorted({max(1, math.floor(ratio)), math.ceil(ratio)})
    ends = " or ".join(f"{count * case.time.window:.12g}" for count in nearest)
    review.add(
        ("time", "end"),
        f"{case.time.end:.12g}, which is {ratio:.12g} windows of {case.time.window:.12g}",
        "a whole number of windows",
        f"set end to {ends}, or change the window",
    )


def _check_growth(case: Case, kinds: Mapping[str, Kind], review: Review) -> None:
    if case.time.end < case.time.window:
        found = f"{case.time.end:.12g}, before the first window of {case.time.window:.12g} has ended"
        review.add(("time", "end"), found, "at least one window", "set it to a later time, or choose a shorter window")
    for name, kind in kinds.items():
        if kind.equal_windows:
            found = f'{case.time.growth:g} with participant {name!r} of kind "{kind.name}", whose windows are all alike'
            review.add(("time", "growth"), found, "1, or participants whose windows may differ", "remove it")


def _check_clocks(case: Case, review: Review) -> None:
    """The case's time must be that of somebody: else windows and the end would be nobody's."""
    clocks = case.clocks
    if 1.0 in clocks.values():
        return
    nearest = min(clocks.values(), key=lambda clock: abs(math.log(clock)))
    found = ", ".join(f"{clock:g} of {name!r}" for name, clock in clocks.items())
    allowed = "1 of at least one participant, whose time is the case's"
    remedy = f"divide every clock by {nearest:.12g}, and multiply `window` and `end` in [time] by it"
    review.add(("participants", next(iter(clocks)), "clock"), found, allowed, remedy)


def _check_scheme(case: Case, kinds: Mapping[str, Kind], review: Review) -> None:
    _check_order(case, review)
    if not case.scheme.implicit:
        if case.scheme.extrapolation == "automatic":
            remedy = "choose one of the others, or an implicit scheme"
            review.add(("scheme", "extrapolation"), shown("automatic"), "constant, linear, quadratic", remedy)
        for key in ("convergence", "acceleration"):
            if getattr(case.scheme, key) is not None:
                found = f'a table, but "{case.scheme.kind}" does not iterate'
                remedy = "remove it, or use serial-implicit or parallel-implicit"
                review.add(("scheme", key), found, "nothing in an explicit scheme", remedy)
        return
    for name, kind in kinds.items():
        if not kind.rewinds:
            review.add(
                ("scheme", "kind"),
                f'"{case.scheme.kind}" with participant {name!r} of kind "{kind.name}", which cannot repeat a window',
                "an explicit scheme, or participants that can return to where a window began",
                'use "serial-explicit" or "parallel-explicit"',
            )
    assert case.scheme.convergence, "filled in when the case is loaded"
    exchanged = {q for interface in case.interfaces.values() for d in interface.directions for q in d.quantities}
    for quantity in case.scheme.convergence.fields:
        if quantity not in exchanged:
            remedy = suggestion(quantity, exchanged) or "remove it"
            review.add(
                ("scheme", "convergence", "fields", quantity), shown(quantity), listed(sorted(exchanged)), remedy
            )


def _check_order(case: Case, review: Review) -> None:
    order, names = case.scheme.order, list(case.participants)
    if order is None:
        return
    place: Place = ("scheme", "order")
    if case.scheme.parallel:
        review.add(place, shown(order), "no order in a parallel scheme", "remove it, or use a serial scheme")
    elif sorted(order) != sorted(names):
        strangers = [name for name in order if name not in names]
        remedy = suggestion(strangers[0], names) if strangers else "name every participant once"
        review.add(place, shown(order), f"each of {listed(names)} once", remedy or "name every participant once")


def _check_checkpoints(case: Case, kinds: Mapping[str, Kind], review: Review) -> None:
    for name, kind in kinds.items():
        for key in ("checkpoint_every", "checkpoint_interval"):
            asked = getattr(case.run, key)
            if asked and not kind.resumes:
                found = f'{asked:g} with participant {name!r} of kind "{kind.name}", which cannot resume'
                review.add(("run", key), found, "nothing, or participants that can resume", "remove it")


def _check_stages(case: Case, review: Review) -> None:
    makers: dict[str, str] = {}
    for name, stage in case.stages.items():
        output = str(Path(stage.settings.output))
        if output in makers:
            allowed = "a file that no other stage writes"
            review.add(("stages", name, "output"), shown(output), allowed, f"stage {makers[output]!r} writes it too")
        makers.setdefault(output, name)


def _check_sides(case: Case, name: str, interface: Interface, review: Review) -> bool:
    place: Place = ("interfaces", name, "sides")
    names = list(case.participants)
    strangers = [side for side in interface.sides if side not in names]
    for side in strangers:
        remedy = suggestion(side, names) or f"add [participants.{side}]"
        review.add((*place, side), f"no participant {shown(side)}", listed(names), remedy)
    if len(interface.sides) != 2:
        remedy = "give each of the two participants that meet here a table, if only an empty one"
        found = f"{len(interface.sides)}: {', '.join(interface.sides)}" if interface.sides else "none"
        review.add(place, f"{found}", "exactly two sides", remedy)
    return not strangers and len(interface.sides) == 2


def _check_exchange(case: Case, name: str, interface: Interface, kinds: Mapping[str, Kind], review: Review) -> None:
    place: Place = ("interfaces", name, "exchange")
    sides = list(interface.sides)
    if not interface.directions:
        foreign = [side for side in sides if case.participants[side].foreign]
        why = f"{foreign[0]!r} is foreign" if foreign else "no side's kind gives what the other's takes"
        example = f'exchange = [{{from = "{sides[0]}", to = "{sides[1]}", amounts = ["momentum"]}}]'
        review.add(place, "nothing", f"what goes which way, since {why}", example)
    seen: dict[str, str] = {}
    ways: set[tuple[str, str]] = set()
    for number, direction in enumerate(interface.directions):
        here: Place = (*place, number)
        if not _check_ends(here, direction, sides, review):
            continue
        way = (direction.sender, direction.receiver)
        if way in ways:
            found = f"a second table from {way[0]!r} to {way[1]!r}"
            review.add(here, found, "one table for each way", "list all that goes this way in one table")
        ways.add(way)
        for key, quantity in _quantities(direction):
            if _check_quantity((*here, key), key, quantity, review):
                _check_ability((*here, key), quantity, direction, interface, kinds, review)
                _check_once((*here, key), quantity, f"{direction.sender} to {direction.receiver}", seen, review)


def _check_filters(case: Case, name: str, interface: Interface, review: Review) -> None:
    """A repeated window has no one value to remember; and an interface's filter needs noise to work on."""
    place: Place = ("interfaces", name)
    if interface.filter is not None and not any(case.participants[side].noisy for side in interface.sides):
        remedy = "write it in the direction of `exchange` that it is for, or say noisy = true in [participants.NAME]"
        found = f'"{interface.filter.kind}", where neither {" nor ".join(map(repr, interface.sides))} is noisy'
        review.add((*place, "filter"), found, "a filter of what a noisy side gives", remedy)
    if not case.scheme.implicit:
        return
    own = (((*place, "exchange", number), d.filter) for number, d in enumerate(interface.directions))
    for where, filter in [(place, interface.filter)] if interface.filter else own:
        if filter is not None:
            found = f'"{filter.kind}" in scheme "{case.scheme.kind}", which repeats its windows'
            remedy = 'remove it, or use "serial-explicit" or "parallel-explicit"'
            allowed = "no filter: what was used must be what was given, or the iteration has nothing to converge to"
            review.add((*where, "filter"), found, allowed, remedy)


def _quantities(direction: Direction) -> Iterator[tuple[str, str]]:
    yield from (("amounts", quantity) for quantity in direction.amounts)
    yield from (("states", quantity) for quantity in direction.states)


def _check_ends(place: Place, direction: Direction, sides: list[str], review: Review) -> bool:
    for key, end in (("from", direction.sender), ("to", direction.receiver)):
        if end not in sides:
            review.add(
                (*place, key), shown(end), listed(sides), suggestion(end, sides) or "name a side of this interface"
            )
            return False
    if direction.sender == direction.receiver:
        review.add((*place, "to"), shown(direction.receiver), "the other side", "an exchange has two ends")
        return False
    if not direction.quantities:
        review.add(place, "no amounts and no states", "at least one quantity", 'e.g. amounts = ["momentum"]')
    return True


def _check_quantity(place: Place, key: str, quantity: str, review: Review) -> bool:
    allowed = AMOUNTS if key == "amounts" else STATES
    if quantity in allowed:
        return True
    if quantity in QUANTITIES:
        other = "states" if key == "amounts" else "amounts"
        remedy = f"list it under {other}: it is one of the {other}"
    else:
        remedy = suggestion(quantity, QUANTITIES)
    review.add(place, shown(quantity), listed(allowed), remedy)
    return False


def _check_ability(
    place: Place,
    quantity: str,
    direction: Direction,
    interface: Interface,
    kinds: Mapping[str, Kind],
    review: Review,
) -> None:
    for side, verb, number in ((direction.sender, "gives", 0), (direction.receiver, "takes", 1)):
        if side not in kinds:
            continue
        able = kinds[side].exchange_of(interface.sides[side])
        if quantity not in able[number]:
            who = f"{side!r} ({kinds[side].name}) {verb}"
            _add_inability(place, quantity, who, able[number], able[1 - number], review)
            return


def _add_inability(
    place: Place, quantity: str, who: str, able: tuple[str, ...], other_way: tuple[str, ...], review: Review
) -> None:
    remedy = "exchange it the other way" if quantity in other_way else "leave it out"
    review.add(place, shown(quantity), f"what {who}: {', '.join(able) or 'nothing'}", remedy)


def _check_once(place: Place, quantity: str, way: str, seen: dict[str, str], review: Review) -> None:
    """An amount crosses one way; a state may be told both ways, as a Robin condition wants it."""
    if quantity in seen and (quantity in AMOUNTS or seen[quantity] == way):
        twice = f"{shown(quantity)} goes from {way} and from {seen[quantity]}"
        allowed = "each amount once and one way, each state at most once each way"
        review.add(place, twice, allowed, "write an exchange that says which way it goes")
    seen.setdefault(quantity, way)


def _check_units(case: Case, review: Review) -> None:
    """Every number that crosses, and every time, must convert: plain Lennard-Jones units go with themselves only."""
    for name, participant in case.participants.items():
        if participant.unit_system.dimensionless == case.units.dimensionless:
            continue
        place: Place = ("units",) if case.units.dimensionless else ("participants", name, "units")
        review.add(
            place,
            f'"{participant.unit_system}" of participant {name!r} and "{case.units}" of the case',
            'units that convert to each other; "lj" without scales does not',
            'units = {system = "lj", sigma = "0.34 nm", epsilon = "0.996 kJ/mol", mass = "39.95 g/mol"}'
            + (", or lj everywhere" if participant.unit_system.dimensionless else ""),
        )


def _check_extents(case: Case, name: str, interface: Interface, kinds: Mapping[str, Kind], review: Review) -> None:
    """The two sides must lie in one plane; where amounts cross they must also cover the same part of it."""
    corners: list[Corners] = []
    for side, settings in interface.sides.items():
        if side not in kinds:
            return
        extent = kinds[side].extent(case.participants[side].solver, settings)
        scale = _length_factor(case, side, interface)
        if extent is None or scale is None:
            return
        lower, upper = ((x * scale, y * scale, z * scale) for x, y, z in extent)
        corners.append((lower, upper))
    amounts = any(direction.amounts for direction in interface.directions)
    complaint = compare_extents(corners[0], corners[1], covering=amounts)
    if complaint:
        first, second = interface.sides
        found = f"{first!r} at {_box(corners[0])}, {second!r} at {_box(corners[1])}: {complaint}"
        allowed = "sides that lie in one plane and cover the same part of it" if amounts else "sides that overlap"
        remedy = f"compare [interfaces.{name}.sides.{first}] with [interfaces.{name}.sides.{second}] and their solvers"
        review.add(("interfaces", name, "sides"), found, allowed, remedy)


def _length_factor(case: Case, side: str, interface: Interface) -> float | None:
    """Factor to the length unit of the interface's first side; None where the units do not convert."""
    source = case.participants[side].unit_system
    target: UnitSystem = case.participants[next(iter(interface.sides))].unit_system
    if source.dimensionless != target.dimensionless:
        return None
    return factor("[length]", source, target)


def compare_extents(first: Corners, second: Corners, covering: bool) -> str:
    """What keeps two boxes from being one interface, or an empty text; infinite corners fit everything."""
    size = max((abs(x) for box in (first, second) for corner in box for x in corner if math.isfinite(x)), default=1.0)
    same = _SAME * max(size, 1e-300)
    normals = [[axis for axis, lo, hi in zip("xyz", *box, strict=True) if hi - lo <= same] for box in (first, second)]
    if all(normals) and normals[0] != normals[1]:
        one, other = sorted(map(listed, normals))
        return f"one is flat along {one}, the other along {other}"
    for axis, (lo1, hi1, lo2, hi2) in zip("xyz", zip(*first, *second, strict=True), strict=True):
        flat = hi1 - lo1 <= same or hi2 - lo2 <= same
        overlap = min(hi1, hi2) - max(lo1, lo2)
        if flat and overlap < -same:
            return f"{-overlap:.6g} apart along {axis}"
        if not flat and overlap <= same:
            return f"they do not overlap along {axis}"
        finite = all(map(math.isfinite, (lo1, hi1, lo2, hi2)))
        if covering and not flat and finite and (abs(lo1 - lo2) > same or abs(hi1 - hi2) > same):
            return f"they cover different parts along {axis}, so amounts would be lost"
    return ""


def _box(corners: Corners) -> str:
    lower, upper = corners
    return " × ".join(f"[{lo:.6g}, {hi:.6g}]" if lo != hi else f"{lo:.6g}" for lo, hi in zip(lower, upper, strict=True))


def _check_everyone_meets(case: Case, review: Review) -> None:
    if len(case.participants) == 1:
        return
    for name in case.participants:
        if not case.interfaces_of(name):
            remedy = f"list {name!r} among the sides of an interface, or run it as a case of its own"
            review.add(("participants", name), "no interface", "a part in at least one interface", remedy)
