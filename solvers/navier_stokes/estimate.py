"""What can be said of a run from its settings alone, without MPI: its initial state and its step."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .closures import Fluid
from .settings import NavierStokesSettings

Array = NDArray[np.float64]


def centres_of(settings: NavierStokesSettings) -> tuple[Array, Array, Array]:
    """x, y and z of all cell centres, each (cells,)."""
    along = [
        low + h * (np.arange(n) + 0.5)
        for low, h, n in zip(settings.lower, settings.spacing(), settings.cells, strict=True)
    ]
    x, y, z = np.meshgrid(*along, indexing="ij")
    return x.ravel(), y.ravel(), z.ravel()


def initial_problem(settings: NavierStokesSettings, fluid: Fluid) -> tuple[str, str, str] | None:
    """Key, what was found and what is allowed, where the initial state does not fit the fluid; else None."""
    x, y, z = centres_of(settings)
    ranges = {"density": fluid.density_range, "temperature": fluid.temperature_range}
    for name, (low, high) in ranges.items():
        value = getattr(settings.initial, name)(x=x, y=y, z=z)
        bad = np.flatnonzero(~((low < value) & (value < high)))
        if len(bad):
            position = ", ".join(f"{axis[bad[0]]:g}" for axis in (x, y, z))
            return name, f"{value[bad[0]]:g} in the cell at ({position})", f"between {low:g} and {high:g}"
    for component in settings.initial.velocity:
        if not np.isfinite(component(x=x, y=y, z=z)).all():
            return "velocity", f"{component.source!r}, which is not finite everywhere", "finite velocities"
    return None


def longest_step(settings: NavierStokesSettings, fluid: Fluid) -> float:
    """The solver's ``max_dt`` in the initial state, bounded from the fastest and most diffusive cells."""
    x, y, z = centres_of(settings)
    initial, spacing = settings.initial, settings.spacing()
    density, temperature = initial.density(x=x, y=y, z=z), initial.temperature(x=x, y=y, z=z)
    sound = np.max(fluid.sound_speed(density, temperature))
    momentum = 4.0 / 3.0 * fluid.viscosity(density, temperature) + fluid.bulk_viscosity(density, temperature)
    heat = fluid.conductivity(density, temperature) / fluid.heat_capacity(density, temperature)
    diffusivity = np.max(np.maximum(momentum, heat) / density)
    rate = np.float64(0.0)
    for axis in settings.active_axes():
        wave = np.max(np.abs(initial.velocity[axis](x=x, y=y, z=z))) + sound
        rate += wave / spacing[axis] / math.sqrt(3.0) + 4.0 * diffusivity / spacing[axis] ** 2 / 2.51
    return float(settings.cfl / rate) if rate > 0.0 else math.inf
