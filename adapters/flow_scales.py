"""What a flow can say of its scales before a run; and a fluid at a state."""

from __future__ import annotations

import numpy as np

from ..couplers.kind import CheckRequest
from ..couplers.scales import FluidScales, Scales
from ..solvers.errors import SolverError
from ..solvers.navier_stokes.closures import Fluid, create_fluid
from ..solvers.navier_stokes.estimate import centres_of
from ..solvers.navier_stokes.settings import NavierStokesSettings

_STEP = 1e-3
"""Relative, of the central difference ∂p/∂ρ: exact for the polynomials of measured fluids."""


def fluid_at(fluid: Fluid, density: float, temperature: float) -> FluidScales:
    """A closure at one state."""
    rho, t = np.array([density]), np.array([temperature])

    def number(value: np.ndarray | float) -> float:
        return float(np.asarray(value).reshape(-1)[0])

    above, below = (number(fluid.pressure(rho * (1.0 + sign * _STEP), t)) for sign in (1.0, -1.0))
    return FluidScales(
        density=density,
        temperature=temperature,
        pressure=number(fluid.pressure(rho, t)),
        stiffness=(above - below) / (2.0 * _STEP * density),
        sound_speed=number(fluid.sound_speed(rho, t)),
        heat_capacity=number(fluid.heat_capacity(rho, t)),
        viscosity=number(fluid.viscosity(rho, t)),
        conductivity=number(fluid.conductivity(rho, t)),
    )


def flow_scales(request: CheckRequest) -> Scales:
    """Extents, cells, the fluid at the mean initial state, and the largest speed of walls and of the start."""
    settings: NavierStokesSettings = request.solver
    active, spacing = settings.active_axes(), settings.spacing()
    x, y, z = centres_of(settings)
    initial = settings.initial
    speeds = [float(np.max(np.abs(component(x=x, y=y, z=z)))) for component in initial.velocity]
    walls = [b.velocity for b in settings.boundaries.values() if b.kind == "wall"]
    try:
        fluid = fluid_at(
            create_fluid(settings.fluid, request.case),
            float(np.mean(initial.density(x=x, y=y, z=z))),
            float(np.mean(initial.temperature(x=x, y=y, z=z))),
        )
    except SolverError:  # a stage has not measured it yet
        fluid = None
    return Scales(
        length=max(settings.upper[axis] - settings.lower[axis] for axis in active),
        finest=min(spacing[axis] for axis in active),
        velocity=max([*speeds, *(float(np.linalg.norm(velocity)) for velocity in walls)]),
        fluid=fluid,
    )
