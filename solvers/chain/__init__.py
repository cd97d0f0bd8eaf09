"""A chain of atoms next to linear finite elements: every way to join them, where all can be worked out by hand.

Atoms feel first and second neighbours; elements have the energy of Cauchy and Born of the same potential.
"""

from ..errors import SolverError
from .blending import blend, blend_slope
from .layout import held_nodes, lay_out
from .motion import Motion, chain
from .patch import patch_test
from .schemes import scheme
from .settings import BridgingSettings, ChainSettings
from .statics import equilibrium
from .waves import lumped_reflection, measure_reflection, start_packet

__all__ = [
    "BridgingSettings",
    "ChainSettings",
    "Motion",
    "SolverError",
    "blend",
    "blend_slope",
    "chain",
    "equilibrium",
    "held_nodes",
    "lay_out",
    "lumped_reflection",
    "measure_reflection",
    "patch_test",
    "scheme",
    "start_packet",
]
