"""Conservative compressible Navier-Stokes equations in one, two or three dimensions, usable alone.

A column of gas between two walls, one of which moves::

    from mpi4py import MPI
    from suture.solvers.navier_stokes import NavierStokes, NavierStokesSettings

    settings = NavierStokesSettings.model_validate({
        "lower": [0, 0, 0], "upper": [1, 1, 1], "cells": [1, 1, 32],
        "boundaries": {
            "z-lower": {"kind": "wall", "velocity": [0.1, 0, 0], "temperature": 1.0},
            "z-upper": {"kind": "wall", "temperature": 1.0},
        },
        "fluid": {"kind": "ideal-gas", "gamma": 1.4, "gas_constant": 1.0, "viscosity": 0.1, "conductivity": 0.35},
        "initial": {"density": 1.0, "velocity": [0, 0, 0], "temperature": 1.0},
    })
    flow = NavierStokes(settings, MPI.COMM_WORLD)
    while flow.time < 10.0:
        flow.advance(flow.max_dt)
    flow.write_fields("output/couette")
"""

from ..errors import SolverError
from .closures import Fluid, IdealGas, Measured
from .fluid_file import FluidFile
from .settings import SIDES, NavierStokesSettings
from .solver import NavierStokes

__all__ = [
    "SIDES",
    "Fluid",
    "FluidFile",
    "IdealGas",
    "Measured",
    "NavierStokes",
    "NavierStokesSettings",
    "SolverError",
]
