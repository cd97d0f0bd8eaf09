"""Chains that the tests share."""

from __future__ import annotations

from typing import Any

import numpy as np

from suture.solvers.chain import ChainSettings
from suture.solvers.chain.potentials import LennardJones

LENNARD_JONES = {"kind": "lennard-jones"}
HARMONIC = {"kind": "harmonic"}
SCHEMES = [
    "atoms",
    "force-based",
    "energy-based",
    "quasi-nonlocal",
    "energy-blended",
    "force-blended",
    "ghost-force-corrected",
]
FORCES = ["force-based", "force-blended"]
"""The schemes without an energy."""
ENERGIES = [scheme for scheme in SCHEMES if scheme not in FORCES]
CONSISTENT = ["atoms", "force-based", "quasi-nonlocal", "force-blended"]
"""The schemes without ghost forces at any strain."""
SPACING = ((1 + 2.0**-12) / (1 + 2.0**-6)) ** (1 / 6)
"""Of Lennard-Jones' chain without stress: s - s² + (s/2⁶ - s²/2¹²) = 0 with s = r⁻⁶."""


def chain_settings(scheme: str, **changes: Any) -> ChainSettings:
    """Lennard-Jones in units of its own, a core in the middle of 121 sites; a blended scheme goes over 8 spacings."""
    tables: dict[str, Any] = {"sites": 121, "potential": LENNARD_JONES, "scheme": scheme, "step": 0.01}
    if scheme != "atoms":
        tables["core"] = [40, 80]
    else:
        changes = {key: value for key, value in changes.items() if key not in ("core", "element", "blending")}
    if scheme in ("energy-blended", "force-blended", "ghost-force-corrected"):
        tables["width"] = 8
    return ChainSettings.model_validate(tables | changes)


def second_tension(strain: float = 0.0) -> float:
    """φ₂' of the uniform chain of Lennard-Jones."""
    distance = np.array([2.0 * SPACING * (1.0 + strain)])
    return float(LennardJones(kind="lennard-jones").slope(2, distance)[0])
