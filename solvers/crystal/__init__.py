"""Crystals as elastic continua, from the potentials and files of LAMMPS: energy, stress, stiffness (Cauchy and Born).

Silicon that is sheared by one per cent, how its atoms shift, and its elastic constants::

    from pathlib import Path

    import numpy as np
    from suture.solvers.crystal import CrystalSettings

    silicon = CrystalSettings.model_validate({
        "structure": "diamond", "constant": 5.43095,
        "potential": {"kind": "stillinger-weber", "file": "Si.sw", "element": "Si"},
    }).create(Path())
    gradient = np.eye(3)
    gradient[0, 1] = 0.01
    state = silicon.at(gradient[None])
    print(state.energy, state.stress, state.shift, silicon.elastic_constants())
"""

from ..errors import SolverError
from .cauchy_born import CauchyBorn, ElasticConstants, Potential, State
from .embedded_atom import EmbeddedAtom, Tables
from .lennard_jones import LennardJones
from .settings import CrystalSettings
from .stillinger_weber import Parameters, StillingerWeber
from .structures import Structure, structure

__all__ = [
    "CauchyBorn",
    "CrystalSettings",
    "ElasticConstants",
    "EmbeddedAtom",
    "LennardJones",
    "Parameters",
    "Potential",
    "SolverError",
    "State",
    "StillingerWeber",
    "Structure",
    "Tables",
    "structure",
]
