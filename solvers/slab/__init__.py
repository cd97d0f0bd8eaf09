"""Transient heat conduction through a slab, in one dimension by finite volumes, usable alone.

A slab that is hot on one side and loses heat to air on the other::

    from suture.solvers.slab import Slab, SlabSettings

    settings = SlabSettings.model_validate({
        "lower": [0, 0, 0], "upper": [0.1, 1, 1], "cells": 50,
        "conductivity": 40.0, "capacity": 3.5e6, "initial": 300.0, "step": 1.0,
        "boundaries": {
            "lower": {"kind": "temperature", "temperature": "300 + 100*tanh(t/10)"},
            "upper": {"kind": "convection", "coefficient": 25.0, "temperature": 293.0},
        },
    })
    slab = Slab(settings)
    while slab.time < 600.0:
        slab.advance(slab.max_dt)
"""

from ..errors import SolverError
from .settings import ENDS, SlabSettings
from .solver import Slab

__all__ = ["ENDS", "Slab", "SlabSettings", "SolverError"]
