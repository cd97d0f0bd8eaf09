"""A chain of atoms next to linear finite elements: every way to join them, where all can be worked out by hand.

Atoms feel first and second neighbours; elements have the energy of Cauchy and Born of the same potential. A packet of
waves that runs from atoms into elements of ten spacings::

    from suture.solvers.chain import ChainSettings, chain, start_packet

    settings = ChainSettings.model_validate({
        "sites": 1201, "core": [0, 600], "scheme": "force-blended", "width": 16, "element": 10,
        "potential": {"kind": "lennard-jones"}, "step": 0.02,
    })
    motion = chain(settings)
    start_packet(motion, last=600, centre=300.0, width=20.0, wave_number=0.4)
    motion.advance(40.0)
"""

from ..errors import SolverError
from .blending import blend, blend_slope
from .bridging import bridging_domain
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
    "bridging_domain",
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
