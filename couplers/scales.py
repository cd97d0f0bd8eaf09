"""What a kind can say, before a run, of a participant's own lengths and times, for ``suture advise``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FluidScales:
    """A fluid at the state that the case starts from, in the participant's units."""

    density: float
    temperature: float
    pressure: float
    stiffness: float
    """∂p/∂ρ at constant temperature."""
    sound_speed: float
    heat_capacity: float
    """At constant volume, per mass."""
    viscosity: float
    conductivity: float


@dataclass(frozen=True)
class Scales:
    """A participant's scales, in its own units; None where it cannot tell.

    What follows from a fluid and a length, sound and diffusion across it, is worked out from ``fluid``, or from the
    partner's where only that one has it.
    """

    length: float | None = None
    """Over which it must relax: its longest extent along which something varies."""
    finest: float | None = None
    """The shortest length that it resolves at an interface: a cell, a slab."""
    edges: tuple[float, ...] = ()
    """Of the volume in which a noisy participant averages: ``finest`` along the normal, and the whole cross-section."""
    step: float | None = None
    """Of its native integrator, where a window must be a whole number of them."""
    velocity: float = 0.0
    """The largest speed that its settings name."""
    fluid: FluidScales | None = None
    times: Mapping[str, float] = field(default_factory=dict)
    """Other times in which it relaxes, by what happens in them."""
    resolves: float | None = None
    """The shortest time in which a window must follow it, where that is not sound across ``finest``."""
