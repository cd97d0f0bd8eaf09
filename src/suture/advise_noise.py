"""What the noise of particles demands: samples, averaging, members of an ensemble, or a larger cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .couplers.case_model import Case
from .couplers.scales import FluidScales, Scales
from .couplers.units import si_scale
from .solvers import fluctuations

if TYPE_CHECKING:
    from .advise import Side

_BOLTZMANN = 1.380649e-23
_QUASI_STEADY = 0.1
"""Share of the partner's relaxation time over which what it does is nearly steady, and may be averaged."""


@dataclass(frozen=True)
class Wish:
    """What the user wants to know, and how exactly; numbers in the case's units."""

    error: float = 0.01
    """Relative standard error: of the velocity to ``velocity``, of the others to themselves."""
    velocity: float | None = None
    """Default: the largest speed that the case names."""
    over: float | None = None
    """Time that may be averaged over. Default: a tenth of the time in which the partner relaxes."""


def on_noise(case: Case, side: Side, partners: Sequence[Side], wish: Wish) -> dict[str, Any]:
    """What a sample of one cell of a noisy side is worth, and three ways to the wanted error.

    ``why`` says what is missing where that cannot be told.
    """
    fluid, edges = side.scales.fluid, side.scales.edges
    if fluid is None or not edges:
        missing = "its fluid: add a stage that measures it" if fluid is None else "the volume that it averages in"
        return {"why": f"{side.name} does not tell {missing}"}
    plain = case.units.dimensionless
    units = {name: 1.0 if plain else si_scale(d, case.units) for name, d in _UNITS.items()}
    speed = _speed([side, *partners]) if wish.velocity is None else wish.velocity * units["velocity"]
    over = _averaging_time(case, partners, units["time"]) if wish.over is None else wish.over * units["time"]
    found = quantities(fluid, side.scales, 1.0 if plain else _BOLTZMANN, speed, wish.error)
    for quantity, tree in found.items():
        tree["correlation_time"] /= side.clock
        tree |= _ways(tree, over, math.prod(edges))
        for key, unit in (
            ("deviation", quantity),
            ("wanted", quantity),
            ("correlation_time", "time"),
            ("time", "time"),
        ):
            tree[key] /= units[unit]
        tree["volume"] /= units["length"] ** 3
    return {
        "error": wish.error,
        "velocity": speed / units["velocity"],
        "edges": [edge / units["length"] for edge in edges],
        "over": over / units["time"],
        "windows": max(int(over / units["time"] / case.time.window), 1),
        "filter": _longest_filter(case, [side, *partners], units["time"]),
        "quantities": found,
    }


def _ways(tree: dict[str, float], over: float, volume: float) -> dict[str, float]:
    """Of one quantity: the time of one run; the members, or the cell of one member, where ``over`` is averaged."""
    apart = 2.0 * tree["correlation_time"]
    independent = max(over / apart, 1.0)
    short = tree["samples"] / independent
    return {
        "time": tree["samples"] * apart,
        "independent": independent,
        "members": math.ceil(short),
        "volume": volume * short,
    }


def _longest_filter(case: Case, sides: Sequence[Side], time: float) -> int:
    """Windows of a moving window whose delay is no longer than what both sides must follow; 1 is no filter.

    Noise goes round the loop of both sides, and what comes back too late feeds what it should damp.
    """
    follow = min((side.resolves for side in sides if side.resolves), default=0.0)
    return 1 + int(2.0 * follow / time / case.time.window)


_UNITS = {
    "length": "[length]",
    "time": "[time]",
    "velocity": "[length] / [time]",
    "density": "[mass] / [length]**3",
    "temperature": "[temperature]",
    "pressure": "[mass] / [length] / [time]**2",
}


def quantities(
    fluid: FluidScales, scales: Scales, boltzmann: float, speed: float, error: float
) -> dict[str, dict[str, float]]:
    """Standard deviation of one sample of a cell, the error that is wanted, the samples, and their correlation time.

    Without a speed there is no velocity to compare with, and none is told.
    """
    deviations = _deviations(fluid, boltzmann * fluid.temperature, math.prod(scales.edges))
    times = _correlation_times(fluid, scales)
    sizes = {
        "velocity": speed,
        "density": fluid.density,
        "temperature": fluid.temperature,
        "pressure": abs(fluid.pressure),
    }
    return {
        name: {
            "deviation": deviations[name],
            "wanted": error * size,
            "samples": fluctuations.samples(deviations[name], error * size),
            "correlation_time": times[name],
        }
        for name, size in sizes.items()
        if size > 0.0
    }


def _deviations(fluid: FluidScales, energy: float, volume: float) -> dict[str, float]:
    """Of one sample of a volume; ``energy`` is kT."""
    ρ, t = fluid.density, fluid.temperature
    return {
        "velocity": fluctuations.velocity(energy, ρ, volume),
        "density": fluctuations.density(energy, ρ, fluid.stiffness, volume),
        "temperature": fluctuations.temperature(energy, t, ρ, fluid.heat_capacity, volume),
        "pressure": fluctuations.pressure(energy, ρ, fluid.sound_speed, volume),
    }


def _correlation_times(fluid: FluidScales, scales: Scales) -> dict[str, float]:
    """In a layer of the region: momentum and heat diffuse out of it, and sound leaves it, both ways, in d / 2c."""
    thickness = scales.finest or min(scales.edges)
    length = max(scales.length or 0.0, thickness)
    ratio = fluid.sound_speed**2 / fluid.stiffness
    sound = 0.5 * thickness / fluid.sound_speed
    shear = fluctuations.diffusion_time(fluid.viscosity / fluid.density, thickness, length)
    conducted = fluid.conductivity / (fluid.density * fluid.heat_capacity * ratio)
    heat = fluctuations.diffusion_time(conducted, thickness, length)
    # Of the density's variance 1/γ is sound, which passes, and the rest entropy, which diffuses.
    mixed = sound / ratio + heat * (1.0 - 1.0 / ratio)
    return {"velocity": shear, "density": mixed, "temperature": heat, "pressure": sound}


def _speed(sides: Sequence[Side]) -> float:
    return max(side.scales.velocity for side in sides)


def _averaging_time(case: Case, partners: Sequence[Side], time: float) -> float:
    """A tenth of the time in which the slowest partner relaxes, within the run; at least a window."""
    slowest = max((side.relaxes for side in partners if side.relaxes), default=case.time.end * time)
    return max(min(_QUASI_STEADY * slowest, case.time.end * time), case.time.window * time)
