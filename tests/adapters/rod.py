"""A short rod of crystal between two baths for the tests."""

from __future__ import annotations

from pathlib import Path

from suture.adapters.interior import Interior
from suture.adapters.particle_interface import ParticleRegion
from suture.adapters.particle_region import ParticleRegionSettings
from suture.solvers.md.dynamics import MolecularDynamics
from suture.solvers.md.settings import MolecularDynamicsSettings

from .open_particles import Opened

SCRIPT = Path(__file__).parent / "particles" / "in.rod"
PLANES = {"below": 5.6, "above": 8.8}
LANGEVIN = {"kind": "langevin", "rate": 2.0}
ONLY_HEAT = {"velocity": None, "density": None, "pressure": None}
HOT, COLD = {"below": ONLY_HEAT | {"temperature": 0.5}}, {"above": ONLY_HEAT | {"temperature": 0.2}}
IMPOSED = HOT | COLD
"""Heat goes up."""


def rod(
    comm,
    output,
    window=0.1,
    planes=PLANES,
    thickness=1.6,
    settle=0,
    audit_every=1,
    impose=None,
    script=SCRIPT,
    **variables,
):
    """The rod with a plane or two, ready for ``prepare``."""
    walls = {name: {"group": name} for name in ("lower", "upper")}
    settings = MolecularDynamicsSettings(script=str(script), variables=variables, fluid="solid", walls=walls)
    solver = MolecularDynamics(settings, comm, script, Path(output), window)
    interior, regions = Interior(solver), {}
    for beyond, at in planes.items():
        side = ParticleRegionSettings(
            at=at,
            beyond=beyond,
            slabs=2,
            thickness=thickness,
            impose=impose or LANGEVIN,
            settle=settle,
            audit_every=audit_every,
        )
        regions[beyond] = ParticleRegion(solver, side, window, Path(output), interior=interior)
    return Opened(comm, solver, regions, window)
