"""``suture advise``: the scales of a case, whether it must be coupled at once, its window, and what noise demands.

All is worked out in SI, or in plain Lennard-Jones units, and told in the case's.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .advise_noise import Wish, on_noise
from .check import request_of
from .couplers.case import load_case, load_kinds
from .couplers.case_mistakes import Review
from .couplers.case_model import Case
from .couplers.scales import FluidScales, Scales
from .couplers.units import UnitSystem, si_scale

_APART = 100.0
"""Ratio of two sides' times from which on the quick one is steady in whatever state the slow one puts it."""
_ALIKE = 10.0
"""Ratio up to which neither is, and both may as well have one clock."""
_MOST_WINDOWS = 1e9
_TRIED = 1_000_000
"""Numbers of windows that are tried until one fits the time step."""
_DIMENSIONS = {
    "density": "[mass] / [length]**3",
    "temperature": "[temperature]",
    "pressure": "[mass] / [length] / [time]**2",
    "stiffness": "[length]**2 / [time]**2",
    "sound_speed": "[length] / [time]",
    "heat_capacity": "[length]**2 / [time]**2 / [temperature]",
    "viscosity": "[mass] / [length] / [time]",
    "conductivity": "[mass] * [length] / [time]**3 / [temperature]",
}
_MAY_VANISH = ("pressure", "viscosity", "conductivity")
Tree = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """One participant in common units; ``scales`` in its own time, all else in the case's."""

    name: str
    noisy: bool
    clock: float
    """Its own time that passes in a unit of the case's."""
    scales: Scales
    times: Mapping[str, float]
    """In which it relaxes, by what happens in them."""
    resolves: float | None
    """The shortest time in which a window must follow it."""

    @property
    def relaxes(self) -> float | None:
        """The longest of its times."""
        return max(self.times.values(), default=None)


def advise(path: Path, wish: Wish, as_json: bool = False) -> None:
    """Print what can be said of a case before it runs; ``CaseError`` where it is wrong."""
    case = load_case(path)
    tree = advice(case, wish)
    if as_json:
        print(json.dumps(tree, indent=1))
    else:
        from .advise_text import show

        show(tree)


def advice(case: Case, wish: Wish) -> Tree:
    """Everything that ``suture advise`` says, as plain tables; times and lengths in the case's units."""
    sides = sides_of(case)
    time = 1.0 if case.units.dimensionless else si_scale("[time]", case.units)
    length = 1.0 if case.units.dimensionless else si_scale("[length]", case.units)
    return {
        "case": str(case.file),
        "title": case.title,
        "units": str(case.units),
        "participants": {side.name: _participant(side, time, length) for side in sides.values()},
        "interfaces": {name: _interface(sides, list(i.sides), time) for name, i in case.interfaces.items()},
        "window": _window(case, sides, time),
        "noise": {s.name: on_noise(case, s, _partners(case, sides, s), wish) for s in sides.values() if s.noisy},
    }


def sides_of(case: Case) -> dict[str, Side]:
    """What every kind can tell; a side without a fluid of its own has its partner's."""
    review = Review(case.file)
    scales: dict[str, Scales] = {name: Scales() for name in case.participants}
    for name, kind in load_kinds(case).items():
        if kind.scales is not None:
            with suppress(ArithmeticError):  # a case may name numbers whose products no float can hold
                own = kind.scales(request_of(case, name, review))
                scales[name] = _sensible(in_common_units(own, case.participants[name].unit_system))
    return {name: _side(case, name, scales) for name in case.participants}


def _sensible(scales: Scales) -> Scales:
    """Without a fluid and without times that are no positive numbers: a case may name any."""
    fluid, times = scales.fluid, {what: time for what, time in scales.times.items() if 0.0 < time < math.inf}
    if fluid and not all(0.0 < vars(fluid)[key] < math.inf for key in _DIMENSIONS if key not in _MAY_VANISH):
        fluid = None
    return replace(scales, fluid=fluid, times=times)


def _side(case: Case, name: str, scales: Mapping[str, Scales]) -> Side:
    own = scales[name]
    partners = (scales[interface.partner(name)].fluid for interface in case.interfaces_of(name).values())
    fluid = own.fluid or next((fluid for fluid in partners if fluid and own.finest and not own.times), None)
    times = dict(own.times)
    if fluid and own.length:
        with suppress(ArithmeticError):
            times |= fluid_times(fluid, own.length)
    resolves = own.resolves
    if resolves is None and fluid and own.finest:
        resolves = own.finest / fluid.sound_speed
    own = Scales(**{**vars(own), "fluid": fluid})
    clock = case.participants[name].clock
    times = {what: time / clock for what, time in times.items()}
    return Side(name, bool(case.participants[name].noisy), clock, own, times, resolves and resolves / clock)


def fluid_times(fluid: FluidScales, length: float) -> dict[str, float]:
    """Sound across a length, and the slowest modes of momentum and heat between two walls, L² / (π² D)."""
    slow, diffusivity = length**2 / math.pi**2, heat_diffusivity(fluid)
    return {
        "sound": length / fluid.sound_speed,
        "momentum": slow * fluid.density / fluid.viscosity if fluid.viscosity else math.inf,
        "heat": slow / diffusivity if diffusivity else math.inf,
    }


def heat_diffusivity(fluid: FluidScales) -> float:
    """λ / (ρ c_p), with c_p / c_v = c² / (∂p/∂ρ)."""
    ratio = fluid.sound_speed**2 / fluid.stiffness
    return fluid.conductivity / (fluid.density * fluid.heat_capacity * ratio)


def in_common_units(scales: Scales, units: UnitSystem) -> Scales:
    """In SI; plain Lennard-Jones units stay as they are."""
    if units.dimensionless:
        return scales

    def convert(value: float | None, dimension: str) -> Any:
        return None if value is None else value * si_scale(dimension, units)

    fluid = scales.fluid and FluidScales(
        **{key: value * si_scale(_DIMENSIONS[key], units) for key, value in vars(scales.fluid).items()}
    )
    return Scales(
        length=convert(scales.length, "[length]"),
        finest=convert(scales.finest, "[length]"),
        edges=tuple(convert(edge, "[length]") for edge in scales.edges),
        step=convert(scales.step, "[time]"),
        velocity=convert(scales.velocity, "[length] / [time]"),
        fluid=fluid,
        times={name: convert(value, "[time]") for name, value in scales.times.items()},
        resolves=convert(scales.resolves, "[time]"),
    )


def _partners(case: Case, sides: Mapping[str, Side], side: Side) -> list[Side]:
    return [sides[interface.partner(side.name)] for interface in case.interfaces_of(side.name).values()]


def _participant(side: Side, time: float, length: float) -> Tree:
    return {
        "noisy": side.noisy,
        "length": side.scales.length and side.scales.length / length,
        "times": {name: value / time for name, value in side.times.items() if math.isfinite(value)},
        "resolves": side.resolves and side.resolves / time,
    }


def _by_pace(sides: Mapping[str, Side], names: list[str]) -> tuple[Side, Side]:
    """The quicker and the slower side."""
    quick, slow = sorted((sides[name] for name in names), key=lambda side: side.relaxes or 0.0)
    return quick, slow


def _interface(sides: Mapping[str, Side], names: list[str], time: float) -> Tree:
    one, other = _by_pace(sides, names)
    if not one.relaxes or not other.relaxes:
        silent = [side.name for side in (one, other) if not side.relaxes]
        return {"advice": "unknown", "ratio": None, "why": f"{' and '.join(silent)} cannot tell how slow it is"}
    ratio = other.relaxes / one.relaxes
    slower = f"{other.name} relaxes {ratio:.3g} times as slowly as {one.name}"
    slower += "" if one.clock == other.clock else ", by the clocks that the case gives them"
    if ratio <= _ALIKE:
        return {"advice": "concurrent", "ratio": ratio, "why": f"{slower}: neither is steady while the other changes"}
    clock = _clock(one, other, ratio, time)
    if ratio < _APART:
        return {"advice": "concurrent", "ratio": ratio, "why": slower, "clock": clock}
    why = f"{slower}: {one.name} is steady in whatever state {other.name} puts it; run it alone, state by state"
    return {"advice": "sequential", "ratio": ratio, "why": why, "clock": clock}


def _clock(quick: Side, slow: Side, ratio: float, time: float) -> Tree:
    """The clock with which the slow side relaxes as the quick one does, for a steady state; and the longest window."""
    clock = float(f"{slow.clock * ratio:.2g}")
    follow = [quick.resolves, slow.resolves and slow.resolves * slow.clock / clock]
    window = min((each / time for each in follow if each), default=None)
    return {"participant": slow.name, "clock": clock, "window": window}


def _window(case: Case, sides: Mapping[str, Side], time: float) -> Tree:
    """The longest window in which no side misses what the other one does, and the next that fits steps and end.

    A side that is always steady beside a slow partner need not be followed.
    """
    followed: dict[str, float] = {}
    for interface in case.interfaces.values():
        quick, slow = _by_pace(sides, list(interface.sides))
        apart = quick.relaxes and slow.relaxes and slow.relaxes / quick.relaxes >= _APART
        followed |= {s.name: s.resolves for s in ([slow] if apart else [quick, slow]) if s.resolves}
    now: Tree = {"now": case.time.window, "longest": None, "proposed": None, "because": None}
    if not followed:
        return now
    because = min(followed, key=lambda name: followed[name])
    longest = followed[because] / time
    step = max((s.scales.step / s.clock / time for s in sides.values() if s.scales.step), default=0.0)
    return now | {"longest": longest, "because": because, "proposed": fitting_window(case.time.end, longest, step)}


def fitting_window(end: float, longest: float, step: float) -> float | None:
    """The longest window of which ``end`` is a whole number, and which is one of ``step``; None where none is found."""
    if not end / longest < _MOST_WINDOWS:
        return None
    first = max(math.ceil(end / longest * (1.0 - 1e-9)), 1)
    if step == 0.0:
        return end / first
    for windows in itertools.islice(range(first, 4 * first + 1), _TRIED):
        window = end / windows
        if round(window / step) >= 1 and abs(window / step - round(window / step)) < 1e-9 * windows:
            return window
    return None
