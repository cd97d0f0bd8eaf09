"""Finite elements by DOLFINx, usable alone: heat conduction and mechanics of bodies of any shape.

A plate with one hot side that loses heat to air on the other::

    from mpi4py import MPI
    from suture.solvers.fem import HeatSettings, heat_conduction

    settings = HeatSettings.model_validate({
        "mesh": {"kind": "box", "lower": [0, 0], "upper": [0.1, 0.02], "cells": [50, 10]},
        "order": 2, "conductivity": 40.0, "capacity": 3.5e6, "initial": 300.0, "step": 1.0,
        "boundaries": {
            "x-lower": {"kind": "temperature", "temperature": "300 + 100*tanh(t/10)"},
            "x-upper": {"kind": "convection", "coefficient": 25.0, "temperature": 293.0},
        },
    })
    plate = heat_conduction(settings, MPI.COMM_WORLD)
    while plate.time < 60.0:
        plate.advance(plate.max_dt)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SolverError
from .heat_settings import HeatSettings
from .solid_settings import SolidSettings
from .start import start

if TYPE_CHECKING:
    from mpi4py import MPI

    from .heat import HeatConduction
    from .solid import SolidMechanics

__all__ = ["HeatSettings", "SolidSettings", "SolverError", "heat_conduction", "solid_mechanics"]


def heat_conduction(settings: HeatSettings, comm: MPI.Comm, directory: Path = Path()) -> HeatConduction:
    """The solver of ``settings`` on the ranks of ``comm``; file names are relative to ``directory``. Collective.

    Raises ``SolverError`` where DOLFINx is missing, or mesh, boundaries and materials do not fit together.
    """
    start()
    from .heat import HeatConduction

    return HeatConduction(settings, comm, directory)


def solid_mechanics(settings: SolidSettings, comm: MPI.Comm, directory: Path = Path()) -> SolidMechanics:
    """The solver of ``settings`` on the ranks of ``comm``; file names are relative to ``directory``. Collective.

    Raises ``SolverError`` where DOLFINx is missing, or mesh, boundaries and materials do not fit together.
    """
    start()
    from .solid import SolidMechanics

    return SolidMechanics(settings, comm, directory)
